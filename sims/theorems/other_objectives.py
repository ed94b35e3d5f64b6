"""S26, simulated: SupCon's bilinear critic and nCLIP's clusters, fitted to samples in the plane of the signal.

Both are measured by the accuracy of their zero-shot rule on conflicting images, over the spurious ratio.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from sims.objectives.nclip import cluster_loss
from sims.synthetic.sampler import Batch, sample_bases, sample_pairs
from sims.theorems.critics import Plane, fit_infonce
from sims.theorems.evidence import Evidence, from_draws
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import PROMPTS
from theory.statements.group_accuracy import group_accuracies
from theory.statements.zero_shot import latent_prompt
from workbench.compilation import jit

MODEL = SpuriousModel()
RATIOS = (0.5, 0.65, 0.8, 0.9, 0.95)
PAIRS, DRAWS = 512, 12  # a sample of SupCon is one batch
# nCLIP: a fresh batch a step, from small weights.
CLUSTER_PAIRS, CLUSTER_DRAWS, STEPS, LEARNING_RATE, START = 256, 6, 500, 0.15, 0.01
SUPCON, NCLIP = "SupCon", "nCLIP"
# Name to how many clusters, captions and prompt.
CLUSTERINGS = {
    "2 clusters, latent captions": (2, "latent", "label"),
    "2 clusters, label captions": (2, "label", "label"),
    "8 clusters, latent captions, label prompt": (8, "latent", "label"),
    "8 clusters, latent captions, class-mean prompt": (8, "latent", "class-mean"),
}
PANELS = {SUPCON: tuple(f"{prompt} prompt" for prompt in PROMPTS), NCLIP: tuple(CLUSTERINGS)}


def fit_supcon(images: Plane, texts: Plane, labels: Float[Array, " size"]) -> Float[Array, "2 2"]:
    """B of the critic u^T B t that minimises SupCon's loss of one batch that is the whole sample.

    Args:
        images: u = D_I^T x, shape (size, 2).
        texts: t = D_T^T (text), shape (size, 2).
        labels: -1 or 1, shape (size,).
    """
    members = [jnp.where(labels == sign, 1.0, 0.0) for sign in (-1.0, 1.0)]
    sums = [jnp.outer(own @ images, own @ texts) / jnp.maximum(jnp.sum(own), 1.0) for own in members]
    return fit_infonce(images, texts, 0.5, (sums[0] + sums[1]) / images.shape[0])


def train_clusters(
    key: Key[Array, ""], model: SpuriousModel, caption: Caption, clusters: int
) -> tuple[Float[Array, "2 clusters"], Float[Array, "2 clusters"]]:
    """Weights of images and of captions after Adam on nCLIP's loss of fresh batches, from small random ones.

    Args:
        key: random key.
        model: parameters of the synthetic model.
        caption: what the captions say.
        clusters: K.
    """
    start_key, bases_key, data_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(model.image_dim), int(model.text_dim))
    weights = START * jax.random.normal(start_key, (2, 2, clusters))
    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, STEPS))

    def loss(weights: Float[Array, "2 2 clusters"], batch: Batch) -> Float[Array, ""]:
        return cluster_loss(batch.images @ bases.image @ weights[0], batch.texts @ bases.text @ weights[1])

    def step(index: Int[Array, ""] | int, state: tuple[Array, optax.OptState]) -> tuple[Array, optax.OptState]:
        weights, moments = state
        batch = sample_pairs(jax.random.fold_in(data_key, index), model, bases, caption, CLUSTER_PAIRS)
        updates, moments = optimiser.update(jax.grad(loss)(weights, batch), moments)
        return weights + jnp.asarray(updates), moments

    weights, _ = jax.lax.fori_loop(0, STEPS, step, (weights, optimiser.init(weights)))
    centred = weights - jnp.mean(weights, axis=2, keepdims=True)
    return centred[0], centred[1]


def _conflicting(model: SpuriousModel, critic: Float[Array, "2 2"], caption: Caption) -> Float[Array, " prompts"]:
    prompts = [latent_prompt(model, prompt, caption) for prompt in PROMPTS]
    return 100.0 * jnp.stack([group_accuracies(model, critic @ prompt)[1] for prompt in prompts])


def _supcon(key: Key[Array, ""], ratio: Scalar) -> Float[Array, " prompts"]:
    model, caption = dataclasses.replace(MODEL, spurious_ratio=ratio), Caption()
    bases_key, sample_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_pairs(sample_key, model, bases, caption, PAIRS)
    return _conflicting(model, fit_supcon(batch.images @ bases.image, batch.texts @ bases.text, batch.labels), caption)


def _clusters(key: Key[Array, ""], ratio: Scalar, clusters: int, kind: str) -> Float[Array, " prompts"]:
    model, caption = dataclasses.replace(MODEL, spurious_ratio=ratio), Caption(kind)
    images, captions = train_clusters(key, model, caption, clusters)
    return _conflicting(model, images @ captions.T, caption)


def simulate(seed: int) -> Evidence:
    """Fit SupCon to batches of 512 pairs, 12 times a ratio; train nCLIP for 500 steps, 6 times a ratio.

    A panel for each; series to the accuracy on conflicting images in %.
    """
    keys = jax.random.split(jax.random.key(seed), 4)
    ratios = jnp.array(RATIOS)

    def over_ratios(one: Callable[..., Array], key: Key[Array, ""], draws: int) -> np.ndarray:
        rows = jax.random.split(key, (draws, len(RATIOS)))
        return np.asarray(jit(lambda rows: jax.lax.map(lambda row: jax.vmap(one)(row, ratios), rows))(rows), float)

    supcon = over_ratios(_supcon, keys[0], DRAWS)
    evidence: Evidence = {SUPCON: {}, NCLIP: {}}
    for place, name in enumerate(PANELS[SUPCON]):
        evidence[SUPCON][name] = from_draws(RATIOS, supcon[:, :, place])
    trained = {
        (clusters, kind): over_ratios(lambda k, r, c=clusters, of=kind: _clusters(k, r, c, of), key, CLUSTER_DRAWS)
        for (clusters, kind), key in zip(((2, "latent"), (2, "label"), (8, "latent")), keys[1:], strict=True)
    }
    for name, (clusters, kind, prompt) in CLUSTERINGS.items():
        evidence[NCLIP][name] = from_draws(RATIOS, trained[clusters, kind][:, :, PROMPTS.index(prompt)])
    return evidence
