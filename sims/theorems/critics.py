"""S13 to S15, simulated: pointwise mutual information, and the bilinear critics fitted to it by contrastive losses.

S13 counts the pointwise mutual information of image and caption. S14 and S15 fit the critics of InfoNCE and of the
sigmoid loss to samples, in the plane of the signal, by Newton's method.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_pairs
from sims.theorems.evidence import Evidence, Points, from_draws
from theory.model import CAPTIONS, Caption, Scalar, SpuriousModel
from theory.names import DIRECTIONS
from theory.newton import Local, descend
from workbench.compilation import jit

# Added to the Hessian: captions that never name the background do not determine two entries, which then stay at 0. It
# changes the steps, but not the minimum.
_FLAT = 1e-3

Plane: TypeAlias = Float[Array, "size 2"]
Fit: TypeAlias = Callable[[Plane, Plane], Float[Array, "2 2"]]


def _mean_product(images: Plane, texts: Plane) -> Float[Array, "2 2"]:
    return images.T @ texts / images.shape[0]


def _direction(images: Plane, texts: Plane, critic: Float[Array, "2 2"]) -> Local:
    """Of one direction's loss: the mean over images of log mean_t' e^s(x, t') minus the mean of s over pairs."""
    size = images.shape[0]
    scores = (images @ critic) @ texts.T
    shares = jax.nn.softmax(scores, axis=1)
    mean = shares @ texts
    squares = (texts[:, :, None] * texts[:, None, :]).reshape(size, 4)
    covariance = (shares @ squares).reshape(size, 2, 2) - mean[:, :, None] * mean[:, None, :]
    matched = _mean_product(images, texts)
    value = jnp.mean(jax.nn.logsumexp(scores, axis=1)) - jnp.sum(matched * critic)
    gradient = images.T @ mean / size - matched
    hessian = jnp.einsum("ni,nk,njl->ijkl", images, images, covariance) / size
    return Local(value, gradient.reshape(4), hessian.reshape(4, 4) + _FLAT * jnp.eye(4))


def fit_infonce(
    images: Plane, texts: Plane, image_to_text: Scalar, matched: Float[Array, "2 2"] | None = None
) -> Float[Array, "2 2"]:
    """The matrix B of the critic u^T B t that minimises the InfoNCE loss, with the whole sample as one batch.

    Args:
        images: u = D_I^T x, shape (size, 2).
        texts: t = D_T^T (text), shape (size, 2).
        image_to_text: weight of the direction image to text; the other direction's weight is 1 minus this.
        matched: mean of u t^T over what is taken as right pairs, shape (2, 2); the pairs themselves unless given.
    """
    moved = jnp.zeros(4) if matched is None else (_mean_product(images, texts) - matched).reshape(4)

    def objective(entries: Float[Array, "4"]) -> Local:
        critic = entries.reshape(2, 2)
        one, other = _direction(images, texts, critic), _direction(texts, images, critic.T)
        turned = jnp.array([0, 2, 1, 3])  # the entries of B in those of its transpose
        other = Local(other.value, other.gradient[turned], other.hessian[turned][:, turned])
        both = jax.tree.map(lambda a, b: image_to_text * a + (1.0 - image_to_text) * b, one, other)
        return Local(both.value + moved @ entries, both.gradient + moved, both.hessian)

    return descend(objective, jnp.zeros(4)).place.reshape(2, 2)


def fit_siglip(images: Plane, texts: Plane) -> Float[Array, "2 2"]:
    """The matrix B that minimises the sigmoid loss's limit for many negatives, over all pairs; arguments as above."""
    size = images.shape[0]
    matched = _mean_product(images, texts).reshape(4)
    products = (texts[:, :, None] * texts[:, None, :]).reshape(size, 4)

    def objective(entries: Float[Array, "4"]) -> Local:
        critic = entries.reshape(2, 2)
        scores = (images @ critic) @ texts.T
        shares = jax.nn.softmax(scores.reshape(-1)).reshape(size, size)
        mean = (images.T @ shares @ texts).reshape(4)
        second = jnp.einsum("ni,nk,njl->ijkl", images, images, (shares @ products).reshape(size, 2, 2)).reshape(4, 4)
        value = jax.nn.logsumexp(scores) - matched @ entries
        hessian = second - mean[:, None] * mean[None, :] + _FLAT * jnp.eye(4)
        return Local(value, mean - matched, hessian)

    return descend(objective, jnp.zeros(4)).place.reshape(2, 2)


def fit_to_sample(
    key: Key[Array, ""], model: SpuriousModel, caption: Caption, fit: Fit, size: int
) -> Float[Array, "2 2"]:
    """Fit B to `size` fresh pairs as one batch; its relative distance from the limit is of order 1 / size."""
    bases_key, sample_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(model.image_dim), int(model.text_dim))
    batch = sample_pairs(sample_key, model, bases, caption, size)
    return fit(batch.images @ bases.image, batch.texts @ bases.text)


PMI_MODEL = SpuriousModel(
    mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=5
)
PMI_IMAGES = 2_000_000
# Images near the segment u_inv = 0.5, in windows along u_spu; small enough that the PMI moves little inside one.
INVARIANT, WINDOW = 0.5, 0.3
CENTRES = tuple(np.linspace(-2.5, 2.5, 11).tolist())
CAPTION_SET = {"label": Caption("label"), "label-attribute": Caption("label-attribute")}
# What each caption says, and its point in the text's plane.
SAYINGS = {
    "label": {"class +1": (1.0, 0.0), "class -1": (-1.0, 0.0)},
    "label-attribute": {
        "+1 on background +1": (1.0, 1.0),
        "+1 on background -1": (1.0, -1.0),
        "-1 on background +1": (-1.0, 1.0),
        "-1 on background -1": (-1.0, -1.0),
    },
}
MUTUAL_INFORMATION_PANELS = {kind: tuple(sayings) for kind, sayings in SAYINGS.items()}


def _count(key: Key[Array, ""], kind: str) -> tuple[Float[Array, "windows sayings"], Float[Array, " sayings"]]:
    """How many images of a window have each caption, and how many of all images have it."""
    bases_key, pairs_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(PMI_MODEL.image_dim), int(PMI_MODEL.text_dim))

    def part(key: Key[Array, ""]) -> tuple[Float[Array, "windows sayings"], Float[Array, " sayings"]]:
        batch = sample_pairs(key, PMI_MODEL, bases, CAPTION_SET[kind], PMI_IMAGES // 20)
        images, texts = batch.images @ bases.image, batch.texts @ bases.text
        near = jnp.abs(images[:, 0] - INVARIANT) < WINDOW / 2
        inside = near[:, None] & (jnp.abs(images[:, 1, None] - jnp.array(CENTRES)[None, :]) < WINDOW / 2)
        said = [jnp.all(jnp.abs(texts - jnp.array(t)[None, :]) < 0.5, axis=1) for t in SAYINGS[kind].values()]
        says = jnp.where(jnp.stack(said, axis=1), 1.0, 0.0)
        return jnp.where(inside, 1.0, 0.0).T @ says, jnp.sum(says, axis=0)

    joint, captions = jax.lax.map(part, jax.random.split(pairs_key, 20))
    return jnp.sum(joint, axis=0), jnp.sum(captions, axis=0)


def simulate_mutual_information(seed: int) -> Evidence:
    """Count how often each caption belongs to images that look alike, among two million.

    A panel for each kind of caption, a series for each caption: log P(window, caption) / (P(window) P(caption)) over
    u_spu. Its standard error is the delta method's, for the caption's share in the window.
    """
    evidence: Evidence = {}
    for kind, key in zip(SAYINGS, jax.random.split(jax.random.key(seed), len(SAYINGS)), strict=True):
        joint, captions = (np.asarray(part, float) for part in jit(_count, static_argnums=1)(key, kind))
        window = joint.sum(axis=1)
        series = {}
        for i, name in enumerate(SAYINGS[kind]):
            # Windows with enough captions for the logarithm to be nearly normal.
            seen = joint[:, i] >= 10
            share = joint[seen, i] / window[seen]
            error = np.sqrt((1.0 - share) / joint[seen, i])
            series[name] = Points(np.array(CENTRES)[seen], np.log(share / (captions[i] / PMI_IMAGES)), error)
        evidence[kind] = series
    return evidence


MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=7)
RATIOS = (0.5, 0.65, 0.8, 0.9, 0.95)
BATCH, DRAWS = 512, 12  # in S14 and S15
# Captions that mention the background in half of the cases: between the other two kinds.
MENTION = {"latent": 1.0, "label": 1.0, "label-attribute": 0.5}
ENTRIES = {"label prompt: weight on the invariant feature": (0, 0), "label prompt: weight on the spurious one": (1, 0)}


def caption_of(kind: str) -> Caption:
    """The captions of a kind, for both statements."""
    return Caption(kind, mention_spu=MENTION[kind])


def panel_name(kind: str, entry: str) -> str:
    """Name of the panel of an entry of the critic, for this kind of captions."""
    return f"{kind} captions, {entry}"


INFONCE_PANELS = {panel_name(kind, entry): tuple(DIRECTIONS) for kind in CAPTIONS for entry in ENTRIES}


def _infonce_critics(key: Key[Array, ""], ratio: Scalar, kind: str) -> Float[Array, "directions 2 2"]:
    """The critic of each objective, fitted to the same sample."""
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)

    def of_direction(weight: Scalar) -> Float[Array, "2 2"]:
        def fit(images: Plane, texts: Plane) -> Float[Array, "2 2"]:
            return fit_infonce(images, texts, weight)

        return fit_to_sample(key, model, caption_of(kind), fit, BATCH)

    return jax.lax.map(of_direction, jnp.array(list(DIRECTIONS.values())))


def simulate_infonce(seed: int) -> Evidence:
    """Fit bilinear critics to batches of 512 pairs, 12 times for each ratio and kind of caption.

    A panel for each kind of caption and entry of B's first column, the label prompt's rule; a series per objective.
    """
    evidence: Evidence = {}
    for kind, key in zip(CAPTIONS, jax.random.split(jax.random.key(seed), len(CAPTIONS)), strict=True):
        keys = jax.random.split(key, (DRAWS, len(RATIOS)))

        def of_draw(keys: Key[Array, " ratios"], kind: str = kind) -> Float[Array, "ratios directions 2 2"]:
            return jax.lax.map(lambda case: _infonce_critics(case[0], case[1], kind), (keys, jnp.array(RATIOS)))

        critics = jit(lambda keys, of_draw=of_draw: jax.lax.map(of_draw, keys))(keys)
        for entry, (row, column) in ENTRIES.items():
            evidence[panel_name(kind, entry)] = {
                name: from_draws(RATIOS, critics[:, :, i, row, column]) for i, name in enumerate(DIRECTIONS)
            }
    return evidence


# Left out: with `latent` captions, e^s at the optimum has infinite variance at the largest ratios and nearly so at the
# others, so samples estimate its mean badly.
SIGLIP_KINDS = ("label", "label-attribute")
SIGLIP_PANELS = {panel_name(kind, entry): ("siglip",) for kind in SIGLIP_KINDS for entry in ENTRIES}


def _siglip_critics(key: Key[Array, ""], ratio: Scalar) -> Float[Array, "kinds 2 2"]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    return jnp.stack([fit_to_sample(key, model, caption_of(kind), fit_siglip, BATCH) for kind in SIGLIP_KINDS])


def simulate_siglip(seed: int) -> Evidence:
    """Fit bilinear critics to the 512 x 512 pairs of 512 images and captions, 12 times for each ratio and caption.

    A panel for each kind of caption and entry of B's first column, the label prompt's rule.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS)))

    def of_draw(keys: Key[Array, " ratios"]) -> Float[Array, "ratios kinds 2 2"]:
        return jax.lax.map(lambda case: _siglip_critics(*case), (keys, jnp.array(RATIOS)))

    critics = jit(lambda keys: jax.lax.map(of_draw, keys))(keys)
    return {
        panel_name(kind, entry): {"siglip": from_draws(RATIOS, critics[:, :, i, row, column])}
        for i, kind in enumerate(SIGLIP_KINDS)
        for entry, (row, column) in ENTRIES.items()
    }
