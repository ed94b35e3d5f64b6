"""S29, scale and curation: what model size, data size and curated captions change in what the model learns.

Statement, for claims C3 to C5 of arXiv 2403.11497. z_A and z_C are a rule's margins in deviations of its score on
aligned and conflicting images (S4), the drop is Phi(z_A) - Phi(z_C), and r = 2 p_spu - 1.

Size (C3). A larger tower adds less noise nu = sigma_xi^2 / d_I to the image, or has a wider embedding. From width 2 on
the width changes nothing in the limit (S1, S14). The linearised loss's rule does not depend on nu, so z_A and z_C grow
by one factor: models of all sizes lie on S19's ray. Their drop shrinks with the noise exactly where

    z_C phi(z_C) > z_A phi(z_A),

and never where z_C <= 0: there less noise makes conflicting images wrong more often. Least squares divides by the
image's variances; its reliance falls with the noise exactly where sigma_inv^2 < sigma_spu^2 + (1 - r^2) mu_spu^2.

Data (C4). More pairs of the same distribution change nothing in the limit. The linearised learner of n pairs is right
less often by c / n in each group, to leading order,

    c = -tr(S H) / 2 + z phi(z) R nu / (2 s^2),    R = (d_I - 2) nu E<t, q>^2,    S = Cov(u <t, q>),

with H the Hessian in w of the group's accuracy at w = Lambda q, and s^2 the score's variance: the sample turns the
rule within the signal's plane, and adds a part outside it (S9).

Filtered data (C5): captions that match. Let a share e of the pairs have the caption of another image. The linearised
loss then learns (1 - e) Lambda: nothing changes in the limit, and (1 - e)^2 n pairs that match are worth about n of
these. InfoNCE's half image to text on `label` captions is logistic regression on labels of which e / 2 are wrong; its
rule goes from S6 at e = 0 to least squares at e -> 1, as its weights vanish. So captions that match better make that
half lean less on the background wherever logistic regression leans less than least squares.

Filtered data: balanced concepts. Curation counts how often each concept occurs and keeps a caption of a concept that
has the mass N with probability min(1, tau / N). If a caption has several concepts it is kept as soon as one of them
keeps it. Let every caption name the class, the share m name the background too, classes be equally frequent, and A =
m p_spu / 2, C = m (1 - p_spu) / 2, B = (1 - m) / 2 be the masses of a class with its usual background, with the other
one, and with none. The agreement of label and background in the data that the encoder sees becomes

    single words as concepts:        r' = r, for every tau;
    whole captions as concepts:      r' = (A' - C' + r B') / (A' + B' + C'),    X' = min(X, tau).

Balanced, which is tau = min(A, B, C): r' = r / 3 for every m between 0 and 1 (p_spu < 1), from 3 min(m (1 - p_spu),
1 - m) of the pairs; r' = 0 at m = 1, and r' = r at m = 0. So balancing lowers the correlation exactly where captions
that name class and background together are concepts, and tau < A: not by single words, not if captions are silent
about the background, and not for backgrounds that are mentioned too rarely to reach tau. What stays is the correlation
within silent captions, which nothing in the caption shows. It is not r' = (1 - m) r, as if balancing left the number
of silent captions as it was.

On these data supervised learners are those at the ratio (1 + r') / 2, and the linearised loss with the label prompt
leans by r' mu_spu / mu_inv on `label-attribute` captions: r' / r of what it did. InfoNCE is S14's optimum on them.

Source: the curation is that of Xu et al. (MetaCLIP, arXiv 2309.16671); derived here, docs/theory/scale_and_curation.md.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from theory.mixtures import (
    ATTRIBUTES,
    LABELS,
    MENTIONS,
    Pairs,
    caption_mixture,
    image_mixture,
    null_projector,
)
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import DIRECTIONS
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import NODES, critic_of_pairs
from theory.statements.population import latent_covariance


def _incidence(concepts: str) -> np.ndarray:
    """Which concepts (rows) each of the 16 kinds of captions (columns: group, then mentions) has."""
    named = MENTIONS[None, :, :] * np.stack([LABELS, ATTRIBUTES], axis=1)[:, None, :]
    said = named.reshape(16, 2)  # -1, 0 for what is not mentioned, or 1
    if concepts == "words":
        return np.stack([said[:, feature] == sign for feature in (0, 1) for sign in (1.0, -1.0)]).astype(float)
    whole = np.unique(said[np.any(said != 0.0, axis=1)], axis=0)
    return np.array([np.all(said == caption, axis=1) for caption in whole], float)


CONCEPTS = {name: _incidence(name) for name in ("captions", "words")}


class Curated(NamedTuple):
    """What curation leaves.

    Attributes:
        weights: probabilities of the groups (rows, in the order of `theory.mixtures`) and of what captions mention
            (columns, in that of its `MENTIONS`), shape (4, 4).
        kept: share of the pairs that are kept.
    """

    weights: Float[Array, "4 4"]
    kept: Float[Array, ""]

    @property
    def agreement(self) -> Float[Array, ""]:
        """E[y a] of the pairs that are kept: r'."""
        return jnp.sum(self.weights * jnp.asarray(LABELS * ATTRIBUTES, float)[:, None])


@functools.partial(jax.jit, static_argnames="concepts")
def curate(model: SpuriousModel, caption: Caption, concepts: str = "captions", cap: Scalar = 1.0) -> Curated:
    """Curate the model's pairs, so that no concept has more than `cap` times the mass of the rarest that occurs.

    A caption that mentions nothing has no concept and is not kept.

    Args:
        model: parameters of the synthetic model.
        caption: what captions mention.
        concepts: `captions`, all that a caption says is one concept; or `words`, the class and the background are one
            each.
        cap: tau over the mass of the rarest concept, above 0; 1 or less balances all of them.

    Raises:
        ValueError: other concepts.
    """
    if concepts not in CONCEPTS:
        raise ValueError(f"concepts must be one of {', '.join(CONCEPTS)}, got {concepts!r}")
    before = caption_mixture(model, caption, MENTIONS).weights
    has = jnp.asarray(CONCEPTS[concepts], float)
    mass = has @ before
    occurs = mass > 0
    threshold = cap * jnp.min(jnp.where(occurs, mass, jnp.inf))
    chance = jnp.minimum(1.0, threshold / jnp.where(occurs, mass, 1.0))
    after = before * (1.0 - jnp.prod(1.0 - has * chance[:, None], axis=0))
    kept = jnp.sum(after)
    return Curated((after / kept).reshape(4, 4), kept)


@jax.jit
def curated_pairs(model: SpuriousModel, caption: Caption, curated: Curated) -> Pairs:
    """Images and captions of the pairs that are kept, in the signal's plane."""
    images = image_mixture(model)._replace(weights=jnp.sum(curated.weights, axis=1))
    captions = caption_mixture(model, caption, MENTIONS)._replace(weights=curated.weights.reshape(16))
    of_groups = jnp.einsum("gm,gi,gmj->ij", curated.weights, images.means, captions.means.reshape(4, 4, 2))
    mentions = jnp.sum(curated.weights, axis=0) @ jnp.asarray(MENTIONS, float)
    shared = model.latent_sigma**2 * mentions if caption.kind == "latent" else jnp.zeros(2)
    flat = jnp.kron(null_projector(images), jnp.eye(2)) + jnp.kron(jnp.eye(2), null_projector(captions))
    return Pairs(images, captions, of_groups + jnp.diag(shared), flat)


def mismatched_pairs(pairs: Pairs, share: Scalar) -> Pairs:
    """The same images and captions, of which `share` (in [0, 1]) are put together at random."""
    means = [mixture.weights @ mixture.means for mixture in (pairs.images, pairs.captions)]
    alone = means[0][:, None] * means[1][None, :]
    return pairs._replace(joint_moment=(1.0 - share) * pairs.joint_moment + share * alone)


def curated_critic(learner: str, pairs: Pairs, exact_captions: bool = False, count: int = NODES) -> Float[Array, "2 2"]:
    """The matrix B of a contrastive learner's critic on such pairs, at rho = 1.

    Args:
        learner: `linearized`, or a name of `theory.statements.infonce.DIRECTIONS`.
        pairs: images and captions in the signal's plane.
        exact_captions: whether captions have no spread.
        count: nodes on each axis of InfoNCE's quadrature.

    Raises:
        ValueError: another learner.
    """
    if learner == "linearized":
        return pairs.joint_moment - mismatched_pairs(pairs, 1.0).joint_moment
    if learner not in DIRECTIONS:
        raise ValueError(f"learner must be one of linearized, {', '.join(DIRECTIONS)}, got {learner!r}")
    return critic_of_pairs(pairs, DIRECTIONS[learner], count, exact_captions)


def drop_slope(model: SpuriousModel, direction: Float[Array, "2"]) -> Float[Array, ""]:
    """How fast the drop of a fixed rule grows with the logarithm of its score's deviation: z_C phi(z_C) - z_A phi(z_A).

    Positive where less noise makes the drop smaller.

    Args:
        model: parameters of the synthetic model.
        direction: latent weights of the rule, shape (2,).
    """
    mean = direction * model.latent_mean
    deviation = jnp.sqrt(jnp.sum(direction**2 * model.image_variance))
    aligned, conflicting = (mean[0] + sign * mean[1] for sign in (1.0, -1.0))
    slopes = [margin / deviation * norm.pdf(margin / deviation) for margin in (conflicting, aligned)]
    return slopes[0] - slopes[1]


def noise_excess(model: SpuriousModel) -> Float[Array, ""]:
    """sigma_spu^2 + (1 - r^2) mu_spu^2 - sigma_inv^2: least squares leans less with less noise where it is positive."""
    agreement = jnp.asarray(model.agreement, float)
    spread = model.latent_sigma**2
    return spread[1] + (1.0 - agreement**2) * model.latent_mean[1] ** 2 - spread[0]


def sample_deficit(model: SpuriousModel, prompt: Float[Array, "2"], mismatched: Scalar = 0.0) -> Float[Array, "2"]:
    """What a sample costs both groups, aligned and conflicting: c, where n pairs make c / n fewer images right.

    To leading order in 1 / n, for `latent` captions that mention everything, equally frequent classes, and an
    embedding as wide as the data.

    Args:
        model: parameters of the synthetic model.
        prompt: latent prompt q, held fixed, shape (2,).
        mismatched: share of the pairs with the caption of another image; below 1.
    """
    matched = 1.0 - mismatched
    covariance, noise = latent_covariance(model), jnp.asarray(model.image_noise_variance, float)
    direction = covariance @ prompt
    mean, spread = model.latent_mean, model.latent_sigma**2
    score_variance = jnp.sum(prompt**2 * (spread + model.text_noise_variance))  # of <t, q> in a group
    along = spread * prompt  # its covariance with u in a group
    within = jnp.diag(model.image_variance)
    product = jnp.zeros((2, 2))  # E u u^T <t, q>^2
    for sign, weight in ((1.0, model.spurious_ratio), (-1.0, 1.0 - model.spurious_ratio)):
        centre = mean * jnp.array([1.0, sign])
        score = centre @ prompt
        turned = centre[:, None] * along[None, :]
        product = product + weight * (
            (centre[:, None] * centre[None, :] + within) * (score**2 + score_variance)
            + 2.0 * score * (turned + turned.T)
            + 2.0 * along[:, None] * along[None, :]
        )
    score_square = prompt @ covariance @ prompt + jnp.sum(prompt**2) * model.text_noise_variance
    apart = (covariance + noise * jnp.eye(2)) * score_square
    learned = matched * direction
    sampled = matched * product + mismatched * apart - learned[:, None] * learned[None, :]

    def accuracies(weights: Float[Array, "2"]) -> Float[Array, "2"]:
        return group_accuracies(model, weights)[:2]

    turning = -0.5 * jnp.einsum("gij,ij->g", jax.hessian(accuracies)(learned), sampled)
    variance = jnp.sum(learned**2 * model.image_variance)
    margins = jnp.stack([1.0, -1.0]) * learned[1] * mean[1] + learned[0] * mean[0]
    levels = margins / jnp.sqrt(variance)
    outside = (model.image_dim - 2.0) * noise * score_square
    return turning + levels * norm.pdf(levels) * outside * noise / (2.0 * variance)
