"""S21, finite batches: InfoNCE's best bilinear critic for batches of N pairs, and how fast its limit is reached.

Statement. S14's optimum is the limit of N -> infinity. For every N the expected loss of a batch is convex in G and has
a minimiser G = D_I B_N D_T^T. The log of a sum is the mean of a maximum, E log sum_j e^s_j = E max_j (s_j + Gumbel_j)
- gamma, gamma = 0.5772..., so that with b = B^T u for an image u in the plane the half image to text is, exactly, for
all kinds of captions,

    -E[s(u, t)] - gamma - E_u { y_0 + int_y0^inf psi(y) phi(y)^(N - 1) dy },    y_0 -> -infinity,

    phi(y) = E_t' exp(-e^(y + <b, t'>)),    psi(y) = E_(t | u) exp(-e^(y + <b, t>)),

t' the caption of another pair; text to image is the same with the roles exchanged. phi and psi are transforms of moment
generating functions, which are closed forms: over the line Re q = -0.4,

    1 - phi(y) = -1 / (2 pi i) int Gamma(q) e^(-q y) E e^(-q <b, t'>) dq.

How fast. Let lambda be the largest eigenvalue of V B W B^T at the limit's optimum B, V and W the variances of image and
caption, over the captions' components. The mean over u of Var(e^s | u) / E[e^s | u]^2 is finite for lambda < 1/2 only.
There

    B_N = B + C / N + o(1 / N),    C = -H^(-1) grad l,    l = E[e^s(u, t) / M(u)] - E[M_2(u) / M(u)^2] / 2 - 1/2

for each half, M(u) = E_t' e^<b, t'> and M_2(u) = E_t' e^(2 <b, t'>), H the limit's Hessian. The first part is the own
caption's: taken for one of N independent ones it would be missing. For lambda > 1/2 the distance is of order

    N^-e,    e^2 + e = 1 / lambda,

up to factors that change slower than any power. With `label` and `label-attribute` captions lambda = 0. With `latent`
captions lambda = 0.488 at the defaults: there 1 / N is the rate, and no approximation for any batch that is in use.

Batches of two are logistic regression on differences, E softplus(s(u, t') - s(u, t)).

Method. Newton's iteration on a coarse quadrature over the plane, then one step on a fine one, which a shifted one has
to confirm. There is no finite optimum where captions tell images apart without error.

Assumed: batches of fresh, independent pairs; an embedding of width 2 or more.

Source: the log of a sum as a maximum is Gumbel's; derived here, docs/theory/finite_batch.md.
"""

import functools
from numbers import Real
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.mixtures import Mixture, Pairs, pairs_of, tilted
from theory.model import Caption, Scalar, SpuriousModel
from theory.newton import Local, descend
from theory.statements import infonce
from theory.statements.infonce import agreed
from theory.statements.siglip import moment_exponent


class Rule(NamedTuple):
    """The quadratures: over the plane, along y, and along the line of the Mellin transform.

    Attributes:
        reach: radius of the disc of nodes in the plane, in deviations.
        step: of the nodes there.
        spacing: of the places y.
        places: their number.
        frequencies: nodes along the line.
    """

    reach: float
    step: float
    spacing: float
    places: int
    frequencies: int


# The integrand along y is analytic for |Im y| < pi / 2: a spacing h leaves an error of e^(-pi^2 / h), 1e-9 for the fine
# rule and 1e-7 for the other, which serves to come near.
FINE, COARSE = Rule(6.5, 0.42, 0.47, 128, 224), Rule(5.5, 0.65, 0.6, 96, 170)
# Real part of the Mellin transform's line, and its period: it sees e^y up to e^(+-100), to e^-40.
_LINE, _PERIOD = -0.4, 100.0
# The first place y is so far below -log of the sum's mean that less than e^-18 is lost.
_BELOW = 18.0
_CHUNK = 64  # nodes of the plane at once
# How near the coarse rule's optimum is found, and how far it may be off, as shares of it: one step of Newton's then
# leaves the square.
_COARSE, _NEAR = 1e-5, 5e-4
_LEFT_OUT = 1e-7
# Reach and step of the nodes for the first correction, in units of what is integrated; the widest that they are.
_WIDE, _WIDEST = (6.5, 0.06), 8.0


class BatchPairs(NamedTuple):
    """Pairs in the signal's plane as a mixture of Gaussians, and what an image or a caption is compared with.

    Attributes:
        own_images, own_captions: the two of a pair, component by component.
        shared: their covariance within a component, coordinate by coordinate.
        images, captions: those of other pairs.
        joint_moment, flat: as in `theory.mixtures.Pairs`.
    """

    own_images: Mixture
    own_captions: Mixture
    shared: Float[Array, "own 2"]
    images: Mixture
    captions: Mixture
    joint_moment: Float[Array, "2 2"]
    flat: Float[Array, "4 4"]


def batch_pairs(model: SpuriousModel, caption: Caption) -> BatchPairs:
    """Pairs of the model: a component for each group and each choice of what is mentioned that can occur.

    Numbers, as against arrays, say which cannot, and that classes are equally frequent. Then (u, t) and (-u, -t) are
    equally likely, and y = +1 is enough for the own pairs.
    """
    pairs = pairs_of(model, caption)
    masks = caption.choices
    by_symmetry = isinstance(model.class_prior, Real) and float(model.class_prior) == 0.5
    groups = np.repeat(np.arange(2 if by_symmetry else 4), len(masks))
    own = Mixture(*(part[: len(groups)] for part in pairs.captions))
    weights = own.weights * (2.0 if by_symmetry else 1.0)
    shared = jnp.asarray(np.tile(masks, (len(groups) // len(masks), 1)), float) * model.latent_sigma[None, :] ** 2
    return BatchPairs(
        Mixture(weights, pairs.images.means[groups], pairs.images.variances[groups]),
        own._replace(weights=weights),
        shared if caption.kind == "latent" else jnp.zeros_like(shared),
        pairs.images,
        pairs.captions,
        pairs.joint_moment,
        pairs.flat,
    )


class _Rows(NamedTuple):
    """Nodes of one of a pair, and the Gaussian that the other one is, given it; a row a node."""

    points: Float[Array, "rows 2"]
    means: Float[Array, "rows 2"]
    variances: Float[Array, "rows 2"]
    weights: Float[Array, " rows"]


def _rows(
    outer: Mixture, own: Mixture, shared: Float[Array, "own 2"], deviates: Float[Array, "nodes 2"], chance: Array
) -> _Rows:
    known = outer.variances > 0
    variances = jnp.where(known, outer.variances, 1.0)
    offset = jnp.where(known, jnp.sqrt(variances), 0.0)[:, None, :] * deviates[None]
    slope = jnp.where(known, shared / variances, 0.0)
    rest = (own.variances - slope * shared)[:, None, :]
    rows = _Rows(
        outer.means[:, None, :] + offset,
        own.means[:, None, :] + slope[:, None, :] * offset,
        jnp.broadcast_to(rest, offset.shape),
        outer.weights[:, None] * chance[None, :],
    )
    return _Rows(*(part.reshape(-1, *part.shape[2:]) for part in rows))


def _disc(reach: float, step: float, shift: float | Float[Array, ""]) -> tuple[Array, Array]:
    """Standard deviates on a square lattice within a disc, and their weights."""
    axis = np.arange(-int(reach / step), int(reach / step) + 1)
    lattice = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=2).reshape(-1, 2)
    inside = lattice[np.sum(lattice**2, axis=1) <= (reach / step) ** 2]
    deviates = step * (jnp.asarray(inside, float) + shift)
    density = jnp.exp(-0.5 * jnp.sum(deviates**2, axis=1))
    return deviates, density / jnp.sum(density)


class _Line(NamedTuple):
    """Nodes q = c + i w of the Mellin transform of 1 - exp(-e^y), their powers, and what each adds at the places."""

    frequencies: Float[Array, " q"]
    powers: tuple[Float[Array, "powers q"], Float[Array, "powers q"]]
    real: Float[Array, "q places"]
    imaginary: Float[Array, "q places"]


def _line(rule: Rule, shift: float | Float[Array, ""]) -> _Line:
    frequency = 2.0 * np.pi / _PERIOD

    def nodes(shift: float) -> _Line:
        from scipy.special import loggamma  # here: it takes a fifth of the import of all of `theory`

        exponents = _LINE + 1j * frequency * (np.arange(rule.frequencies) + shift)
        powers = exponents[None, :] ** np.arange(5)[:, None]
        factors = -frequency / np.pi * np.exp(loggamma(exponents))
        factors[0] *= 1.0 if shift else 0.5  # the other half of the line is the conjugate of this one
        factors = factors[:, None] * np.exp(-exponents[:, None] * rule.spacing * np.arange(rule.places))
        parts = exponents.imag, powers.real, powers.imag, factors.real, factors.imag
        frequencies, *both, real, imaginary = (jnp.asarray(part, float) for part in parts)
        return _Line(frequencies, (both[0], both[1]), real, imaginary)

    return jax.tree.map(lambda own, shifted: jnp.where(shift > 0, shifted, own), nodes(0.0), nodes(0.5))


class _Missing(NamedTuple):
    """1 - E exp(-e^(y + <b, t>)) for two laws of t, of other pairs and of the own, with its derivatives in b."""

    value: Float[Array, "2 rows places"]
    gradient: Float[Array, "2 2 rows places"]
    hessian: Float[Array, "2 3 rows places"] | None


def _missing(
    weights: Float[Array, "2 k"],
    means: Float[Array, "rows k 2"],
    variances: Float[Array, "rows k 2"],
    vector: Float[Array, "rows 2"],
    start: Float[Array, " rows"],
    line: _Line,
    curved: bool,
) -> _Missing:
    along = variances * vector[:, None, :]
    score = (jnp.sum(means * vector[:, None, :], axis=2) + start[:, None])[:, :, None]
    spread = jnp.sum(along * vector[:, None, :], axis=2)[:, :, None]
    frequencies = line.frequencies[None, None, :]
    size = jnp.exp(0.5 * spread * (_LINE**2 - frequencies**2) - score * _LINE)
    phase = (spread * _LINE - score) * frequencies
    real, imaginary = size * jnp.cos(phase), size * jnp.sin(phase)
    (n, m), (a, c), (v, w) = (jnp.moveaxis(part, 2, 0) for part in (means, along, variances))
    by_power = [[jnp.ones_like(n)], [-n, -m], [a, c]]
    if curved:
        by_power[2] += [n * n + v, n * m, m * m + w]
        by_power += [[-2.0 * n * a, -n * c - m * a, -2.0 * m * c], [a * a, a * c, c * c]]
    real_sums, imaginary_sums = [], []  # by power: rows, laws, factors, frequencies
    for factors, *both in zip(by_power, *line.powers, strict=False):
        cosine, sine = (part[None, None, None, :] for part in both)
        weighted = weights[None, :, None, :] * jnp.stack(factors, axis=1)[:, None]
        flat = weighted.reshape(len(n), -1, n.shape[1])
        cosines, sines = ((flat @ part).reshape(*weighted.shape[:3], -1) for part in (real, imaginary))
        real_sums.append(cosines * cosine - sines * sine)
        imaginary_sums.append(cosines * sine + sines * cosine)

    def added(sums: list[Array]) -> Array:
        value, slope, second, *more = sums
        parts = [value, slope + second[:, :, :2]] + ([second[:, :, 2:] + sum(more)] if curved else [])
        return jnp.concatenate(parts, axis=2)

    # Along the line last, which takes longest.
    summed = added(real_sums) @ line.real - added(imaginary_sums) @ line.imaginary
    summed = jnp.moveaxis(summed, 0, 2)
    hessian = summed[:, 3:] if curved else None
    return _Missing(summed[:, 0], summed[:, 1:3], hessian)


def _half(
    rows: _Rows,
    inner: Mixture,
    critic: Float[Array, "2 2"],
    others: Float[Array, ""],
    rule: Rule,
    shift: float | Float[Array, ""],
    curved: bool,
) -> tuple[Array, ...]:
    """E log (e^s(o, own) + sum over others of e^s(o, i)), with its derivatives in the critic, and what is left out."""
    size = rows.weights.shape[0]
    chunk = min(_CHUNK, size)
    # Rows of weight 0 fill the last chunk.
    padded = [jnp.pad(part, [(0, -size % chunk)] + [(0, 0)] * (part.ndim - 1)) for part in rows]
    line = _line(rule, shift)
    # The last component is the own one.
    laws = jnp.stack([jnp.append(inner.weights, 0.0), jnp.zeros(len(inner.weights) + 1).at[-1].set(1.0)])

    @jax.checkpoint
    def of_chunk(row: _Rows) -> tuple[Array, ...]:
        vector = row.points @ critic
        means, variances = (
            jnp.concatenate([jnp.broadcast_to(part[None], (chunk, *part.shape)), own[:, None]], axis=1)
            for part, own in ((inner.means, row.means), (inner.variances, row.variances))
        )
        log_means = jnp.sum(means * vector[:, None] + 0.5 * variances * vector[:, None] ** 2, axis=2)
        most = jnp.maximum(jnp.max(log_means[:, :-1], axis=1) + jnp.log(others), log_means[:, -1])
        start = jax.lax.stop_gradient(-most - _BELOW)
        value, gradient, hessian = _missing(laws, means, variances, vector, start, line, curved)
        log_kept = jnp.log1p(-jnp.minimum(value[0], 1.0 - jnp.finfo(value.dtype).epsneg))
        power, inverse = jnp.exp(others * log_kept)[None], jnp.exp(-log_kept)[None]
        survival = (1.0 - value[1]) * power[0]
        mean = -np.euler_gamma - start - rule.spacing * (jnp.sum(survival, axis=1) - survival[:, 0] / 2.0)
        first, slope = gradient[1] * power, gradient[0] * inverse
        d_mean = rule.spacing * jnp.sum(first + others * survival[None] * slope, axis=2)
        found = (
            jnp.sum(row.weights * mean),
            jnp.einsum("r,ri,jr->ij", row.weights, row.points, d_mean),
            jnp.sum(row.weights * survival[:, -1]),
        )
        if hessian is None:
            return found
        left, right = np.array([0, 0, 1]), np.array([0, 1, 1])
        rest = hessian[0] * inverse - (others - 1.0) * slope[left] * slope[right]
        mixed = first[left] * slope[right] + first[right] * slope[left]
        dd_mean = rule.spacing * jnp.sum(hessian[1] * power + others * (survival[None] * rest - mixed), axis=2)
        whole = dd_mean[np.array([[0, 1], [1, 2]])]
        return (*found, jnp.einsum("r,ri,rk,jlr->ijkl", row.weights, row.points, row.points, whole))

    chunks = _Rows(*(part.reshape(-1, chunk, *part.shape[1:]) for part in padded))
    return jax.tree.map(lambda part: jnp.sum(part, axis=0), jax.lax.map(of_chunk, chunks))


def finite_batch_objective(
    pairs: BatchPairs,
    image_to_text: Scalar,
    critic: Float[Array, "2 2"],
    batch_size: Scalar,
    rule: Rule = FINE,
    shift: float | Float[Array, ""] = 0.0,
    curved: bool = True,
) -> tuple[Local, Float[Array, ""]]:
    """The expected loss of a batch of N pairs less log N, at B = `critic`, in its entries row by row.

    Args:
        pairs: of `batch_pairs`.
        image_to_text: weight of the direction image to text, in [0, 1]; the other has the rest.
        critic: B, shape (2, 2).
        batch_size: N, at least 2; it need not be whole.
        rule: the quadratures.
        shift: of all their nodes, as a share of the steps: 0 or 1/2.
        curved: whether the Hessian is computed; else it is `pairs.flat`.

    Returns:
        Value, gradient (4,) and Hessian (4, 4); and what the places y leave out, which ought to be 0.
    """
    others = jnp.asarray(batch_size, float) - 1.0
    plane = _disc(rule.reach, rule.step, shift)
    over_images = _rows(pairs.own_images, pairs.own_captions, pairs.shared, *plane)
    over_captions = _rows(pairs.own_captions, pairs.own_images, pairs.shared, *plane)
    one = _half(over_images, pairs.captions, critic, others, rule, shift, curved)
    two = _half(over_captions, pairs.images, critic.T, others, rule, shift, curved)
    other = 1.0 - image_to_text
    value = image_to_text * one[0] + other * two[0] - jnp.log(others + 1.0) - jnp.sum(critic * pairs.joint_moment)
    gradient = image_to_text * one[1] + other * two[1].T - pairs.joint_moment
    hessian = pairs.flat
    if curved:
        summed = image_to_text * one[3] + other * jnp.transpose(two[3], (1, 0, 3, 2))
        hessian = summed.reshape(4, 4) + pairs.flat
    return Local(value, gradient.reshape(4), hessian), one[2] + two[2]


def finite_batch_critic(
    model: SpuriousModel, caption: Caption, batch_size: Scalar, image_to_text: Scalar = 0.5
) -> Float[Array, "2 2"]:
    """The matrix B of the best bilinear critic for batches of N pairs, shape (2, 2), to six digits.

    NaN where there is no finite optimum, or one too sharp for the quadratures.

    Args:
        model: parameters of the synthetic model.
        caption: what the captions say.
        batch_size: N, at least 2; it need not be whole.
        image_to_text: weight of the direction image to text: 1/2 is CLIP's loss, 1 or 0 one direction alone.
    """
    return critic_of_pairs(batch_pairs(model, caption), batch_size, image_to_text)


@jax.jit
def critic_of_pairs(pairs: BatchPairs, batch_size: Scalar, image_to_text: Scalar) -> Float[Array, "2 2"]:
    """The same for any such pairs; see `finite_batch_objective`."""

    def coarse(entries: Float[Array, "4"]) -> Local:
        return finite_batch_objective(pairs, image_to_text, entries.reshape(2, 2), batch_size, COARSE)[0]

    place, hessian = descend(coarse, jnp.zeros(4), _COARSE)

    def newton(shift: Float[Array, ""]) -> tuple[Float[Array, "4"], Float[Array, ""]]:
        local, left_out = finite_batch_objective(
            pairs, image_to_text, place.reshape(2, 2), batch_size, FINE, shift, curved=False
        )
        return -jnp.linalg.solve(hessian, local.gradient), left_out

    steps, left_out = jax.vmap(newton)(jnp.array([0.0, 0.5]))
    found = agreed(place + steps[0], place + steps[1])
    near = jnp.linalg.norm(steps[0]) <= _NEAR * jnp.linalg.norm(place)
    bound = max(_LEFT_OUT, 100.0 * float(jnp.finfo(found.dtype).eps))  # rounding leaves more in single precision
    return jnp.where(near & jnp.all(left_out < bound), found, jnp.nan).reshape(2, 2)


def convergence_exponent(model: SpuriousModel, caption: Caption) -> Float[Array, ""]:
    """e: the optimum for batches of N is N^-e away from the limit's, but for slower factors; 1, or less.

    Args:
        model: parameters of the synthetic model.
        caption: what the captions say.

    Returns:
        1 where lambda is at most 1/2, else the positive root of e^2 + e = 1 / lambda.
    """
    pairs = pairs_of(model, caption)
    inverse = moment_exponent(pairs, infonce.critic_of_pairs(pairs, 0.5)) ** 2
    return jnp.minimum(1.0, jnp.sqrt(0.25 + inverse) - 0.5)


def first_correction(model: SpuriousModel, caption: Caption, image_to_text: Scalar = 0.5) -> Float[Array, "2 2"]:
    """C of B_N = B + C / N + o(1 / N), shape (2, 2); NaN where the moments that it needs are infinite, or nearly.

    Args:
        model: parameters of the synthetic model.
        caption: what the captions say.
        image_to_text: weight of the direction image to text.
    """
    pairs, batch = pairs_of(model, caption), batch_pairs(model, caption)
    limit = infonce.critic_of_pairs(pairs, image_to_text)
    hessian = _hessian_of_the_limit(pairs, image_to_text, limit)
    scale = jax.lax.stop_gradient(1.0 / jnp.sqrt(1.0 - 2.0 / moment_exponent(pairs, limit) ** 2))
    both = _first_slopes(batch, image_to_text, limit, scale, jnp.array([0.0, 0.5]))
    own, shifted = -jnp.linalg.solve(hessian, both.reshape(2, 4).T).T
    return jnp.where(scale < _WIDEST, agreed(own, shifted), jnp.nan).reshape(2, 2)


@jax.jit
def _hessian_of_the_limit(pairs: Pairs, image_to_text: Scalar, critic: Float[Array, "2 2"]) -> Float[Array, "4 4"]:
    return infonce.infonce_objective(pairs, image_to_text, critic).hessian


@jax.jit
@functools.partial(jax.vmap, in_axes=(None, None, None, None, 0))
@functools.partial(jax.grad, argnums=2)
def _first_slopes(
    pairs: BatchPairs, image_to_text: Scalar, critic: Float[Array, "2 2"], scale: Float[Array, ""], shift: Array
) -> Float[Array, ""]:
    """For each shift the gradient of l: N times what a batch of N adds to the limit's loss, to first order."""
    lattice, _ = _disc(*_WIDE, shift)
    deviates = scale * lattice
    log_chance = -0.5 * jnp.sum(deviates**2, axis=1) + 2.0 * jnp.log(scale * _WIDE[1]) - np.log(2.0 * np.pi)

    def half(outer: Mixture, own: Mixture, inner: Mixture, critic: Array) -> Array:
        rows = _rows(outer, own, pairs.shared, deviates, jnp.ones_like(log_chance))
        vector = rows.points @ critic
        log_mean = tilted(inner, vector).log_mgf
        log_own = jnp.sum(rows.means * vector + 0.5 * rows.variances * vector**2, axis=1) - log_mean
        log_square = tilted(inner, 2.0 * vector).log_mgf - 2.0 * log_mean
        tiled = jnp.tile(log_chance, len(outer.weights))
        return jnp.sum(rows.weights * (jnp.exp(tiled + log_own) - 0.5 * jnp.exp(tiled + log_square)))

    over_images = half(pairs.own_images, pairs.own_captions, pairs.captions, critic)
    over_captions = half(pairs.own_captions, pairs.own_images, pairs.images, critic.T)
    return image_to_text * over_images + (1.0 - image_to_text) * over_captions - 0.5
