"""S18, many classes: shared features make the linearised loss lean less on the spurious one, and InfoNCE not.

Statement. There are m pairs of classes (c, b), c in 1..m and b = -1 or +1, all equally frequent. The latent has m
invariant coordinates u_k and m spurious ones s_k. The class's own are u_c ~ N(mu_inv b, sigma_inv^2) and s_c ~
N(mu_spu a, sigma_spu^2), a = b with probability p_spu. The others belong to other classes and may appear all the same:
u_k ~ N(alpha e_k, sigma_inv^2), e_k = +-1 evenly and independently; the others' s_k ~ N(0, sigma_spu^2), an assumption.
Image and text are D z + xi as in Definition 6.1, D with 2 m orthonormal columns (`image_dim` >= 2 m); the embedding has
width 2 m or more. With r = 2 p_spu - 1, tau^2 = sigma_xi^2 / d_I and g = (mention_spu / mention_inv)^2, let

    N_inv = sigma_inv^2 + (1 - 1/m) alpha^2,    N_spu = sigma_spu^2 + (1 - r^2) mu_spu^2 / m,

the mean variances of u_k and s_k within a class. Every learner scores class (c, b) by b (w_inv u_c + w_spu s_c), and
its reliance on the spurious feature, t = w_spu / w_inv, is r mu_spu / mu_inv times

    least squares, one-hot targets:         (N_inv + tau^2) / (N_spu + tau^2)
    linearised, latent, label prompt:       mu_inv^2 / (mu_inv^2 + m N_inv)
    linearised, latent, class-mean prompt:  (B + g N_spu) / (B + N_inv),  B = (mu_inv^2 + g r^2 mu_spu^2) / m
    linearised, label captions:             1, with either prompt.

(linearised: the linearised loss; captions as in S12). So alpha makes least squares lean more, and the linearised
learner less unless its captions name the class alone. It enters as variance within a class and in no other way: this is
S8 with N_inv for sigma_inv^2. For r, mu_spu > 0 the linearised learner leans less than least squares if and only if
N_inv > n_c, where

    latent captions:    (n_c + B) (n_c + tau^2) = (B + g N_spu) (N_spu + tau^2), the positive root; label prompt: g = 0
    label captions, and latent ones with the class mean at g = 1:    n_c = N_spu.

That is alpha^2 > (n_c - sigma_inv^2) m / (m - 1).

InfoNCE on inner products (S14), G = D_I (B x I_m) D_T^T, divides by the captions' covariance as well. To second order
in B its minimiser is Sigma_u^(-1) K Sigma_t^(-1), the moments of one pair's coordinates in image and caption. With
`latent` captions that mention all, P their covariance and nu^2 = sigma_xi^2 / d_T, it is the inverse of
Q = P + (tau^2 + nu^2) I + tau^2 nu^2 P^(-1), so that its reliance is

    label prompt:         -Q_12 / Q_22;  without noise -r mu_inv mu_spu / (mu_spu^2 + m sigma_spu^2), free of alpha
    class-mean prompt:    without noise r mu_spu / mu_inv times N_inv / N_spu, that of least squares: alpha raises it.

Accuracy of a rule w, with delta = (w_inv mu_inv +- w_spu mu_spu) / s (aligned +, conflicting -), theta = alpha
|w_inv| / s, s^2 = w_inv^2 (sigma_inv^2 + tau^2) + w_spu^2 (sigma_spu^2 + tau^2), phi and Phi the normal's:

    accuracy = integral over h > 0 of phi(h - delta) [Phi(h - theta) - Phi(-h - theta)]^(m - 1) dh.

For one alpha, and reliances t >= 0, less reliance is more accuracy on conflicting images up to the reliance that
`nested_up_to` gives: for all t if alpha <= mu_inv, so in particular if the less reliant rule's conflicting margin
mu_inv - t mu_spu is at least alpha; beyond, it need not be. Alpha itself costs accuracy at every reliance: that it
lowers the linearised learner's reliance does not mean that it raises its accuracy. m = 1 is S3, S4, S5 and S8.

Source: derived here, docs/theory/many_classes.md; sharing after Xue et al. (arXiv 2310.04971).
"""

import dataclasses
from numbers import Real

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from theory.model import Caption, Scalar, SpuriousModel
from theory.statements.captions import caption_covariance
from theory.statements.group_accuracy import in_all_groups
from theory.statements.zero_shot import latent_prompt
from workbench.errors import ParameterError

# Gauss-Legendre rules on panels one standard deviation wide, over 9 deviations on each side of the mean: outside lies
# less than 1e-18, and 20 nodes a panel are exact to rounding for thousands of classes (the power of F is steep, not
# rough: it rises over about a third of a deviation at m = 1000).
_REACH = 9.0
_PANELS = 18
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(20)
# Places and weights on the unit interval.
_PLACES = ((np.arange(_PANELS)[:, None] + (_POINTS[None, :] + 1.0) / 2.0) / _PANELS).ravel()
_SHARES = np.tile(_WEIGHTS / 2.0 / _PANELS, _PANELS)


def check_classes(pairs: Scalar, shared_size: Scalar) -> None:
    """Check the number of pairs and alpha; arrays pass, as in `SpuriousModel`.

    Raises:
        ParameterError: a number outside its domain.
    """
    if isinstance(pairs, Real) and (pairs != int(pairs) or pairs < 1):
        raise ParameterError("pairs", "a whole number of at least 1", pairs)
    if isinstance(shared_size, Real) and not 0 <= float(shared_size) < float("inf"):
        raise ParameterError("shared_size", "finite and at least 0", shared_size)


def pair_covariance(model: SpuriousModel, pairs: Scalar, shared_size: Scalar) -> Float[Array, "2 2"]:
    """Covariance [[A, rho], [rho, S]] of one pair's two latent coordinates over all classes, shape (2, 2).

    Coordinates of different pairs are uncorrelated. `class_prior` is not read: all classes are equally frequent.

    Args:
        model: parameters of the synthetic model.
        pairs: m, the number of pairs of classes; at least 1.
        shared_size: alpha, the mean size of an invariant feature in images of other classes; at least 0.

    Raises:
        ParameterError: a number outside its domain.
    """
    check_classes(pairs, shared_size)
    inv, spu = model.latent_mean**2 / pairs + model.latent_sigma**2
    off_diagonal = model.agreement * model.latent_mean[0] * model.latent_mean[1] / pairs
    inv = inv + (1.0 - 1.0 / pairs) * shared_size**2
    return jnp.stack([jnp.stack([inv, off_diagonal]), jnp.stack([off_diagonal, spu])])


def within_class_variance(model: SpuriousModel, pairs: Scalar, shared_size: Scalar) -> Float[Array, "2"]:
    """Mean variances (N_inv, N_spu) of one pair's two latent coordinates within a class; arguments as above."""
    covariance = pair_covariance(model, pairs, shared_size)
    return jnp.diagonal(covariance) - latent_prompt(model, "class-mean") ** 2 / pairs


def contrastive_direction(
    model: SpuriousModel, pairs: Scalar, shared_size: Scalar, prompt: str, caption: Caption | None = None
) -> Float[Array, "2"]:
    """Weights (w_inv, w_spu) of the linearised loss's zero-shot classifier on the class's own two coordinates.

    Args:
        model: parameters of the synthetic model.
        pairs: m, the number of pairs of classes.
        shared_size: alpha, the mean size of an invariant feature in images of other classes.
        prompt: `label` (b e_c) or `class-mean`.
        caption: what captions say; `latent`, and all of it, unless given.

    Raises:
        ParameterError: a number outside its domain.
        ValueError: another prompt.
    """
    caption = caption or Caption()
    vector = latent_prompt(model, prompt, caption)
    if caption.kind == "latent":
        return pair_covariance(model, pairs, shared_size) @ (caption.mentions * vector)
    check_classes(pairs, shared_size)
    return caption_covariance(dataclasses.replace(model, class_prior=0.5), caption) @ vector / pairs


def least_squares_direction(model: SpuriousModel, pairs: Scalar, shared_size: Scalar) -> Float[Array, "2"]:
    """Weights (w_inv, w_spu) of least squares on one-hot targets, times 2 m; arguments as above."""
    second_moment = pair_covariance(model, pairs, shared_size) + model.image_noise_variance * jnp.eye(2)
    return jnp.linalg.solve(second_moment, latent_prompt(model, "class-mean"))


def second_order_direction(
    model: SpuriousModel, pairs: Scalar, shared_size: Scalar, prompt: str, caption: Caption | None = None
) -> Float[Array, "2"]:
    """Weights (w_inv, w_spu) of InfoNCE's zero-shot classifier to second order, which is exact for small weights.

    Sigma_u^(-1) K Sigma_t^+ q, with the second moments of one pair's two coordinates in image and caption, K between
    them and q the prompt. Source: derived here, docs/theory/many_classes.md. Arguments and errors as in
    `contrastive_direction`.
    """
    caption = caption or Caption()
    vector, mentions = latent_prompt(model, prompt, caption), caption.mentions
    covariance = pair_covariance(model, pairs, shared_size)
    images = covariance + model.image_noise_variance * jnp.eye(2)
    if caption.kind == "latent":
        said, noise, joint = covariance, model.text_noise_variance, covariance * mentions[None, :]
    else:
        even = dataclasses.replace(model, class_prior=0.5)
        agreement = jnp.asarray(model.agreement, float)
        said = (jnp.eye(2) + agreement * jnp.array([[0.0, 1.0], [1.0, 0.0]])) / pairs
        noise, joint = 0.0, caption_covariance(even, caption) / pairs
    # A mention is 0 or 1, so its square is itself.
    texts = said * mentions[:, None] * mentions[None, :] + jnp.diag(jnp.diagonal(said) * mentions * (1.0 - mentions))
    return jnp.linalg.solve(images, joint @ jnp.linalg.pinv(texts + noise * jnp.eye(2)) @ vector)


def nested_up_to(model: SpuriousModel, shared_size: Scalar) -> Float[Array, ""]:
    """The reliance up to which less reliance is more accuracy on conflicting images, for rules with w_inv > 0.

    mu_spu v_inv / (v_spu (alpha - mu_inv)) with the images' variances v; infinite for alpha <= mu_inv. Of two rules
    with reliances in [0, this] the less reliant one gets right whatever the more reliant one does, for every number of
    classes. Source: derived here, docs/theory/many_classes.md.

    Args:
        model: parameters of the synthetic model.
        shared_size: alpha, the mean size of an invariant feature in images of other classes.

    Raises:
        ParameterError: a number outside its domain.
    """
    check_classes(1, shared_size)
    invariant, spurious = model.image_variance
    excess = spurious * (shared_size - model.mu_inv)
    return jnp.where(excess > 0, model.mu_spu * invariant / jnp.where(excess > 0, excess, 1.0), jnp.inf)


def critical_squared_size(
    model: SpuriousModel, pairs: Scalar, prompt: str, caption: Caption | None = None
) -> Float[Array, ""]:
    """The alpha^2 above which the linearised learner leans less on the spurious feature than least squares.

    Below 0: at every alpha. For one pair nothing is shared: minus infinity (leans less) or infinity (does not).

    Args:
        model: parameters of the synthetic model, with `mu_spu` above 0 and `spurious_ratio` above 1/2.
        pairs: m, the number of pairs of classes.
        prompt: `label` or `class-mean`.
        caption: what captions say, with `mention_inv` above 0; `latent` unless given.

    Raises:
        ParameterError: a number outside its domain.
        ValueError: another prompt.
    """
    caption = caption or Caption()
    _, spurious = within_class_variance(model, pairs, 0.0)
    noise = jnp.asarray(model.image_noise_variance, float)
    # The class mean's emphasis of the spurious feature; the label prompt, and captions without it, have none.
    latent_prompt(model, prompt, caption)  # refuses other prompts
    mentions = caption.mentions
    emphasis = (mentions[1] / mentions[0]) ** 2 if prompt == "class-mean" else jnp.zeros(())
    if caption.kind == "latent":
        signal = (model.mu_inv**2 + emphasis * (model.agreement * model.mu_spu) ** 2) / pairs
        root = jnp.sqrt((signal - noise) ** 2 + 4.0 * (signal + emphasis * spurious) * (spurious + noise))
        bound = 2.0 * spurious * (signal + emphasis * (spurious + noise)) / (signal + noise + root)
    else:
        factor = (1.0 + emphasis) / (1.0 + emphasis * model.agreement**2)
        bound = factor * (spurious + noise) - noise
    return (bound - model.sigma_inv**2) / (1.0 - 1.0 / jnp.asarray(pairs, float))


def class_accuracies(
    model: SpuriousModel, direction: Float[Array, "2"], pairs: Scalar, shared_size: Scalar
) -> Float[Array, "4"]:
    """Accuracies in the order of `GROUPS` of the choice among 2 m classes by b (w_inv u_c + w_spu s_c).

    Args:
        model: parameters of the synthetic model.
        direction: (w_inv, w_spu), shape (2,); its length does not matter.
        pairs: m, the number of pairs of classes.
        shared_size: alpha, the mean size of an invariant feature in images of other classes.

    Returns:
        Shape (4,), each in [0, 1]; NaN for a zero direction, which decides nothing. Without any noise a rule is right
        or wrong, and a tie is shared evenly.

    Raises:
        ParameterError: a number outside its domain.
    """
    check_classes(pairs, shared_size)
    return _class_accuracies(model, direction, jnp.asarray(pairs, float), shared_size)


@jax.jit
def _class_accuracies(
    model: SpuriousModel, direction: Float[Array, "2"], pairs: Float[Array, ""], shared_size: Scalar
) -> Float[Array, "4"]:
    weighted = direction * model.latent_mean
    margins = jnp.stack([weighted[0] + weighted[1], weighted[0] - weighted[1]])
    rival = jnp.abs(shared_size * direction[0])
    variance = jnp.sum(direction**2 * model.image_variance)
    noisy = variance > 0
    # The inner `where` keeps the unused branch's gradient finite.
    deviation = jnp.sqrt(jnp.where(noisy, variance, 1.0))
    accuracy = jax.vmap(lambda margin: _choice(margin / deviation, rival / deviation, pairs))(margins)
    ahead = margins - jnp.where(pairs > 1, rival, 0.0)
    tie = jnp.where((pairs > 1) & (rival > 0), 1.0 / pairs, 0.5 / pairs)
    certain = jnp.where(ahead > 0, 1.0, jnp.where(ahead < 0, 0.0, tie))
    accuracy = jnp.where(noisy, accuracy, certain)
    aligned, conflicting = jnp.where(jnp.sum(direction**2) > 0, accuracy, jnp.nan)
    return in_all_groups(model, aligned, conflicting)


def _choice(margin: Float[Array, ""], rival: Float[Array, ""], pairs: Float[Array, ""]) -> Float[Array, ""]:
    """P(h > 0 and h > |h_k| for m - 1 rivals): h ~ N(margin, 1), h_k ~ N(+-rival, 1), all independent."""
    start, end = (jnp.maximum(jax.lax.stop_gradient(margin) + reach, 0.0) for reach in (-_REACH, _REACH))
    places = start + (end - start) * jnp.asarray(_PLACES, margin.dtype)
    density = jnp.exp(-0.5 * (places - margin) ** 2) / jnp.sqrt(2.0 * jnp.pi)
    beats_one = ndtr(places - rival) - ndtr(-places - rival)
    # At least the smallest number, so that the logarithm has a gradient.
    log_beats_one = jnp.log(jnp.maximum(beats_one, jnp.finfo(margin.dtype).tiny))
    beats_all = jnp.exp((pairs - 1.0) * log_beats_one)
    return (end - start) * jnp.sum(jnp.asarray(_SHARES, margin.dtype) * density * beats_all)
