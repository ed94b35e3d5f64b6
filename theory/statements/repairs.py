"""S30, repairs: what zero-shot repairs do to a contrastive learner's rule, from prompts alone.

Statement. Let the critic be x^T D_I B D_T^T t = <W_I x, W_T t>, Q the part of W_T^T W_T in the signal's plane, and
W_T q, W_T b the prompts of the class and of the background, q = (1, 0) and b = (0, 1); those of class y on background a
are y q + a b. Linear repairs make the rule w = B (1, -beta), with a weight beta of the background that is taken out:

    projection, RoboShot          beta = Q_12 / Q_22
    calibrated projection         the same, for every lambda, with prompts of unit length or not
    PerceptionCLIP                beta = 0;  of unit length (L_+ - L_-) / (L_+ + L_-),  L_+-^2 = Q_11 +- 2 Q_12 + Q_22
    subtraction                   beta;      of unit length beta (Q_11 / Q_22)^(1/2)
    mixture                       beta = -share c_spu / (1 - share (1 - c_inv)),  (c_inv, c_spu) = E[t | y = +1]
    whitened, of power s          (1, -beta) ~ Q^(-1/2) (Q^(1/2) C Q^(1/2))^(-s) Q^(1/2) (1, 0),  C = Cov(t)

With det B, B_11 and B_22 positive, and while B_11 > beta B_12, the reliance falls with beta and is 0 at B_21 / B_22. If
the plain rule leans on the background, B_21 > 0, a repair helps the worse group if and only if

    0 < beta < 2 B_11 B_21 / (B_11 B_22 + B_12 B_21).

If it leans against it every beta > 0 harms the worse group. TIE subtracts the mean length of what a projection
subtracts, with the sign of the background that it infers: with g = B b / Q_22^(1/2) its decision is the sign of

    <w, u> - m Q_12 / Q_22^(1/2) sign <g, u>,      m = E|<g, u>|,  w = B (1, 0),

two half-spaces, whose accuracies are probabilities of a bivariate normal.

Losses on inner products leave Q open: W_T -> A W_T and W_I -> A^(-T) W_I change no score. Gradient flow from small
weights keeps W_I W_I^T = W_T W_T^T (balanced), and then Q = (B^T B)^(1/2). Balanced encoders with a symmetric positive
B have Q = B: projection is then the best prompt of S17, exactly.

Source: the repairs are those of arXiv 2302.00070, 2309.04344, 2308.01313 and of Lu, Chai and Wang (ICLR 2025), as
theory/repairs.py has them; derived here, docs/theory/repairs.md.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from theory.mixtures import caption_mixture, second_moment
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import REPAIRS
from theory.statements.captions import class_mean_caption
from theory.statements.group_accuracy import in_all_groups

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)  # twelve digits for correlations up to 0.99


def balanced_gram(critic: Float[Array, "2 2"]) -> Float[Array, "2 2"]:
    """Q of balanced encoders, (B^T B)^(1/2), shape (2, 2)."""
    square = critic.T @ critic
    root = jnp.abs(critic[0, 0] * critic[1, 1] - critic[0, 1] * critic[1, 0])
    return (square + root * jnp.eye(2)) / jnp.sqrt(jnp.trace(square) + 2.0 * root)


def caption_moments(model: SpuriousModel, caption: Caption) -> Float[Array, "2 2"]:
    """C = Cov(t), the covariance of captions in the signal's plane with the text's noise, shape (2, 2)."""
    mixture = caption_mixture(model, caption)
    mean = mixture.weights @ mixture.means
    return second_moment(mixture) - mean[:, None] * mean[None, :]


def pair_lengths(gram: Float[Array, "2 2"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """L_+ and L_-, the lengths of the prompts of a class on its own background and on the other."""
    same, crossed = gram[0, 0] + gram[1, 1], 2.0 * gram[0, 1]
    return jnp.sqrt(same + crossed), jnp.sqrt(same - crossed)


def repaired_prompt(
    model: SpuriousModel,
    gram: Float[Array, "2 2"],
    repair: str,
    constant: Scalar,
    caption: Caption,
    unit_length: bool = False,
) -> Float[Array, "2"]:
    """The latent prompt (1, -beta) of a linear repair, up to a positive factor, shape (2,); B times it is the rule.

    Args:
        model: parameters of the synthetic model.
        gram: Q; not finite results where the background's prompt is mapped to 0 and the repair needs it.
        repair: one of `REPAIRS` but `tie`.
        constant: the repair's, if it has one.
        caption: what captions say, hence what the class mean and C are.
        unit_length: whether prompts are divided by their length before they are repaired, as CLIP's are.

    Raises:
        ValueError: another repair.
    """
    lengths = jnp.sqrt(jnp.diag(gram)) if unit_length else jnp.ones(2)
    one = jnp.ones(())
    if repair in ("projection", "roboshot", "calibrated"):
        return jnp.stack([one, -gram[0, 1] / gram[1, 1]])
    if repair == "perception":
        own, other = pair_lengths(gram)
        return jnp.stack([one, -(own - other) / (own + other) if unit_length else jnp.zeros(())])
    if repair == "subtract":
        return jnp.stack([one, -constant * lengths[0] / lengths[1]])
    if repair == "mixture":
        mean = class_mean_caption(model, caption)
        length = jnp.sqrt(mean @ gram @ mean) if unit_length else one
        return (1.0 - constant) * jnp.stack([one, jnp.zeros(())]) / lengths[0] + constant * mean / length
    if repair == "whitened":
        return _whitened(gram, caption_moments(model, caption), constant)
    raise ValueError(f"repair must be one of {', '.join(name for name in REPAIRS if name != 'tie')}, got {repair!r}")


def _whitened(gram: Float[Array, "2 2"], moments: Float[Array, "2 2"], power: Scalar) -> Float[Array, "2"]:
    """Q^(-1/2) (Q^(1/2) C Q^(1/2))^(-s) Q^(1/2) (1, 0), of length 1 in its first entry's sign."""
    root = _root(gram)
    values, vectors = jnp.linalg.eigh(root @ moments @ root)
    # Relative to the largest, so that no power leaves the range of single precision.
    powers = (values / values[1]) ** -power
    prompt = jnp.linalg.solve(root, vectors @ (powers * (vectors.T @ root[:, 0])))
    return prompt / jnp.linalg.norm(prompt)


def _root(matrix: Float[Array, "2 2"]) -> Float[Array, "2 2"]:
    """The positive root of a positive matrix."""
    root = jnp.sqrt(jnp.linalg.det(matrix))
    return (matrix + root * jnp.eye(2)) / jnp.sqrt(jnp.trace(matrix) + 2.0 * root)


def best_weight(critic: Float[Array, "2 2"]) -> Float[Array, ""]:
    """The weight beta that removes the reliance, B_21 / B_22; not finite if the text says nothing of the background."""
    return critic[1, 0] / critic[1, 1]


def largest_helpful_weight(critic: Float[Array, "2 2"]) -> Float[Array, ""]:
    """Below it, and above 0, a weight helps the worse group of a rule that leans on the background: B_21 > 0."""
    lean = critic[0, 0] * critic[1, 0]
    return 2.0 * lean / (critic[0, 0] * critic[1, 1] + critic[0, 1] * critic[1, 0])


def reliance_slope(critic: Float[Array, "2 2"], weight: Scalar) -> Float[Array, ""]:
    """How the reliance w_spu / w_inv changes with beta: -det B / (B_11 - beta B_12)^2."""
    return -jnp.linalg.det(critic) / (critic[0, 0] - weight * critic[0, 1]) ** 2


def _both_above(first: Float[Array, ""], second: Float[Array, ""], correlation: Float[Array, ""]) -> Float[Array, ""]:
    """P(X > first, Y > second) of standard normal X and Y: Plackett's identity, integrated over the angle."""
    end = jnp.arcsin(correlation)
    angles = end * (jnp.asarray(_NODES, end.dtype) + 1.0) / 2.0
    sine, square = jnp.sin(angles), jnp.cos(angles) ** 2
    exponent = -(first**2 + second**2 - 2.0 * first * second * sine) / (2.0 * square)
    integral = end / 2.0 * jnp.sum(jnp.asarray(_WEIGHTS, end.dtype) * jnp.exp(exponent))
    return ndtr(-first) * ndtr(-second) + integral / (2.0 * jnp.pi)


def mean_length(model: SpuriousModel, background: Float[Array, "2"]) -> Float[Array, ""]:
    """M = E|<g, u>| over images as in training: TIE's constant, with its sign turned."""
    deviation = jnp.sqrt(jnp.sum(background**2 * model.image_variance))
    total = jnp.zeros(())
    for sign, share in ((1.0, model.spurious_ratio), (-1.0, 1.0 - model.spurious_ratio)):
        mean = background[0] * model.mu_inv + sign * background[1] * model.mu_spu
        scaled = mean / deviation
        total = total + share * (2.0 * deviation * norm.pdf(scaled) + mean * (2.0 * ndtr(scaled) - 1.0))
    return total


@jax.jit
def tie_accuracies(model: SpuriousModel, critic: Float[Array, "2 2"], gram: Float[Array, "2 2"]) -> Float[Array, "4"]:
    """Accuracies of TIE's rule in the order of `GROUPS`, of plain inner products, with its constant from training.

    Args:
        model: parameters of the synthetic model.
        critic: B, of rank 2.
        gram: Q.
    """
    rule, background = critic[:, 0], critic[:, 1] / jnp.sqrt(gram[1, 1])
    shift = mean_length(model, background) * gram[0, 1] / jnp.sqrt(gram[1, 1])
    variance = model.image_variance
    deviations = [jnp.sqrt(jnp.sum(each**2 * variance)) for each in (rule, background)]
    correlation = jnp.sum(rule * background * variance) / (deviations[0] * deviations[1])
    found = []
    for sign in (1.0, -1.0):
        means = model.latent_mean * jnp.array([1.0, sign])
        own, place = jnp.sum(rule * means), jnp.sum(background * means) / deviations[1]
        shown = _both_above((shift - own) / deviations[0], -place, correlation)
        other = _both_above((-shift - own) / deviations[0], place, -correlation)
        found.append(shown + other)
    return in_all_groups(model, found[0], found[1])


def constant_of(repair: str, constant: Any = None) -> Any:
    """The constant that a repair is made with: the one given, or its own; 0 for a repair that has none."""
    own = REPAIRS.get(repair)
    return (0.0 if own is None else own) if constant is None else constant
