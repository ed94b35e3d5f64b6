"""Zero-shot repairs on arrays of embeddings: what papers propose against the background, from prompts and embeddings.

Each function takes arrays and returns arrays, for any number of classes and backgrounds. It is pure: it works under
`jax.jit`, `jax.vmap` and `jax.grad`, in single and in double precision. An embedding is a row. A class is predicted by
the largest inner product of the image's row with the rows of the classes' prompts, so the length of an image's row does
not matter, that of a prompt's does: CLIP's prompts are divided by theirs before and after (`to_unit_length`).

    on prompts             on images            on scores
    project, calibrate     reject, translate    perceive
    whiten, subtract, mix

What each of them does in the synthetic model is statement S30 (`theory/statements/repairs.py`). None reads a label, and
none has a constant that a label was used for; `translate` has one for each background, `shifts_of`, from unlabelled
images.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import Scalar


@jax.jit
def to_unit_length(rows: Float[Array, "rows width"]) -> Float[Array, "rows width"]:
    """Rows divided by their lengths; a row of zeros stays one."""
    lengths = jnp.linalg.norm(rows, axis=1, keepdims=True)
    return rows / jnp.where(lengths > 0, lengths, 1.0)


@jax.jit
def basis_of(rows: Float[Array, "rows width"]) -> Float[Array, "rank width"]:
    """Orthonormal rows that span the given ones, and rows of zeros for what depends on the others.

    A singular value below the largest one times the larger dimension times the machine's precision counts as 0, as in
    `numpy.linalg.matrix_rank`. rank is the smaller of rows and width; the number of rows that are not 0 is the rank.
    """
    _, singular, directions = jnp.linalg.svd(rows, full_matrices=False)
    smallest = singular[0] * max(rows.shape) * jnp.finfo(rows.dtype).eps
    return directions * jnp.asarray(singular > smallest, rows.dtype)[:, None]


@jax.jit
def project(
    prompts: Float[Array, "classes width"], backgrounds: Float[Array, "backgrounds width"]
) -> Float[Array, "classes width"]:
    """The prompts less their orthogonal projection on the span of background prompts: P_0 of Chuang et al., eq. (2).

    Source: arXiv 2302.00070. The span must be smaller than the embedding, or nothing is left.
    """
    basis = basis_of(backgrounds)
    return prompts - (prompts @ basis.T) @ basis


@jax.jit
def calibrate(
    prompts: Float[Array, "classes width"],
    backgrounds: Float[Array, "backgrounds width"],
    pairs: Float[Array, "classes both width"],
    strength: Scalar,
) -> Float[Array, "classes width"]:
    """Chuang et al.'s calibrated projection, P_0 (I + lambda / |S| sum_S (t_i - t_j)(t_i - t_j)^T)^(-1) times a prompt.

    S holds all pairs of prompts of the same class and different backgrounds. Their sum is not run through: over the n
    prompts of a class it is n times their scatter around their mean, and the mean over S twice the classes' mean
    covariance.

    Args:
        prompts: of the classes.
        backgrounds: prompts of backgrounds alone, which P_0 takes out.
        pairs: prompts of each class on each background, at least two backgrounds.
        strength: lambda, at least 0; the authors' programs take 1000 for Waterbirds.

    Source: arXiv 2302.00070, eq. (5).
    """
    centred = pairs - jnp.mean(pairs, axis=1, keepdims=True)
    rows = centred.reshape(-1, pairs.shape[2])
    mean_square = 2.0 * rows.T @ rows / (pairs.shape[0] * (pairs.shape[1] - 1))
    matrix = jnp.eye(pairs.shape[2], dtype=pairs.dtype) + strength * mean_square
    return project(jnp.linalg.solve(matrix, prompts.T).T, backgrounds)


@jax.jit
def reject(
    images: Float[Array, "images width"],
    harmful: Float[Array, "harmful width"],
    helpful: Float[Array, "helpful width"] | None = None,
) -> Float[Array, "images width"]:
    """RoboShot: images without their components along harmful insights and with twice those along helpful ones.

    The authors take the directions one by one and divide by the length after each. They are orthonormal, so that only
    the last division shows.

    Args:
        images: embeddings of images.
        harmful: differences of pairs of prompts that differ in the background alone.
        helpful: differences of pairs of prompts that differ in what tells the classes apart; none unless given.

    Source: Adila et al., arXiv 2309.04344, algorithm 1.
    """
    kept = project(images, harmful)
    if helpful is not None:
        basis = basis_of(helpful)
        kept = kept + (kept @ basis.T) @ basis
    return to_unit_length(kept)


def infer_backgrounds(
    images: Float[Array, "images width"], backgrounds: Float[Array, "backgrounds width"]
) -> Float[Array, "images backgrounds"]:
    """1 at the background whose prompt, divided by its length, scores highest for the image, and 0 elsewhere."""
    scores = images @ to_unit_length(backgrounds).T
    return jax.nn.one_hot(jnp.argmax(scores, axis=1), backgrounds.shape[0], dtype=images.dtype)


@jax.jit
def shifts_of(
    images: Float[Array, "images width"], backgrounds: Float[Array, "backgrounds width"]
) -> Float[Array, " backgrounds"]:
    """TIE's constants lambda_a: minus the mean component along a background's prompt, of images inferred to show it.

    0 for a background that no image is inferred to show. The images need no label, of class or of background; the
    authors take a training split, and divide images by their length before, as CLIP's are.

    Source: Lu, Chai and Wang, Mitigating Spurious Correlations in Zero-Shot Multimodal Models, ICLR 2025, as the
    authors' programs compute it (github.com/lu876/TIE).
    """
    shown = infer_backgrounds(images, backgrounds)
    components = images @ to_unit_length(backgrounds).T
    return -jnp.sum(shown * components, axis=0) / jnp.maximum(jnp.sum(shown, axis=0), 1.0)


@jax.jit
def translate(
    images: Float[Array, "images width"],
    backgrounds: Float[Array, "backgrounds width"],
    shifts: Float[Array, " backgrounds"],
) -> Float[Array, "images width"]:
    """TIE: each image moved along the prompt of the background that it is inferred to show, by lambda_a.

    Args:
        images: embeddings of images.
        backgrounds: prompts of backgrounds.
        shifts: lambda_a of each, as `shifts_of` gives them for these images or others.

    Source: Lu, Chai and Wang, Mitigating Spurious Correlations in Zero-Shot Multimodal Models, ICLR 2025 (TIE*, which
    infers the background; TIE is told it).
    """
    shown = infer_backgrounds(images, backgrounds)
    return images + (shown * shifts[None, :]) @ to_unit_length(backgrounds)


@jax.jit
def perceive(
    images: Float[Array, "images width"], pairs: Float[Array, "classes both width"], scale: Scalar = 1.0
) -> Float[Array, "images classes"]:
    """PerceptionCLIP: logarithms of sum_z p(y | x, z) p(z | x), a score for each class.

    With s the inner product of an image and the prompt of class y on background z, times `scale`, p(z | x) is
    proportional to sum_y e^s and p(y | x, z) = e^s / sum_y e^s. So sum_y e^s cancels, and what is left is the sum of
    e^s over z, divided by that over y and z: one matrix product, and an exponential for each prompt.

    Args:
        images: embeddings of images.
        pairs: prompts of each class on each background.
        scale: factor of the inner products, CLIP's trained temperature.

    Source: An et al., arXiv 2308.01313, algorithm 1 (ClassAttr).
    """
    classes, backgrounds, width = pairs.shape
    scores = scale * images @ pairs.reshape(-1, width).T
    of_class = jax.nn.logsumexp(scores.reshape(-1, classes, backgrounds), axis=2)
    return jax.nn.log_softmax(of_class, axis=1)


@jax.jit
def whiten(
    prompts: Float[Array, "classes width"], covariance: Float[Array, "width width"], power: Scalar = 0.5
) -> Float[Array, "classes width"]:
    """The prompts times a power of the covariance of captions' embeddings, C^(-power).

    The prompt of S17, from no groups: with power 1 on captions before the encoder, with 1/2 on their embeddings (S30).

    Args:
        prompts: of the classes.
        covariance: of the embeddings of captions or prompts, such as `sklearn.covariance.ledoit_wolf` shrinks it from a
            sample. What lies below the rounding of its largest eigenvalue counts as that: captions that never name the
            background leave it singular.
        power: at least 0; 0 changes nothing.
    """
    values, vectors = jnp.linalg.eigh(covariance)
    values = jnp.maximum(values, values[-1] * len(values) * jnp.finfo(values.dtype).eps)
    return ((prompts @ vectors) * values[None, :] ** -power) @ vectors.T


def subtract(
    prompts: Float[Array, "classes width"], backgrounds: Float[Array, "classes width"], weight: Scalar
) -> Float[Array, "classes width"]:
    """The prompts less `weight` times the prompt of the background that goes with each class."""
    return prompts - weight * backgrounds


def mix(
    prompts: Float[Array, "classes width"], others: Float[Array, "classes width"], share: Scalar
) -> Float[Array, "classes width"]:
    """Prompts that are `share` others, such as the mean caption of the class (S17), and the rest themselves."""
    return (1.0 - share) * prompts + share * others
