"""S29, simulated: captions sub-sampled by how often they occur, learners of curated pairs, noise, and sample size."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.names import CURATIONS
from sims.synthetic.sampler import Batch, sample_bases, sample_batch, sample_pairs
from sims.theorems.critics import fit_infonce
from sims.theorems.evidence import Evidence, Points, from_draws
from theory.model import Caption, Scalar, SpuriousModel
from theory.statements.boundary import spurious_reliance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.population import latent_covariance
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=5)
MENTIONS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
AGREEMENT, RELIANCE = "agreement after curation", "reliance, label prompt"
DROP, ACCURACY = "drop", "accuracy of a sample's rule"
# Concepts, and tau over the mass of the rarest concept: below 1, as a sample may hold fewer than are expected of it.
RULES = {
    "whole captions, balanced": ("captions", 0.7),
    "whole captions, cap 4 times the rarest": ("captions", 4.0),
    "single words, balanced": ("words", 0.7),
}
LEARNERS = ("linearized", "infonce_bilinear")
LEARNED = tuple(f"{learner}, {curation}" for learner in LEARNERS for curation in CURATIONS)
# The score's noise in one direction of the image, on which the drop depends.
NOISES = (0.0, 0.5, 1.0, 2.0)
DROP_MODELS = {"weak background": SpuriousModel(mu_inv=2.0, mu_spu=1.0, sigma_inv=0.8), "defaults": SpuriousModel()}
SIZES = (60, 120, 240, 480)
MISMATCHES = {"captions match": 0.0, "a third does not": 1.0 / 3.0}
SCALE_AND_CURATION_PANELS = {
    AGREEMENT: tuple(RULES),
    RELIANCE: LEARNED,
    DROP: tuple(DROP_MODELS),
    ACCURACY: tuple(MISMATCHES),
}
_POOL, _POOLS = 40_000, 6
_BATCH, _DRAWS = 512, 12
_IMAGES, _IMAGE_DRAWS = 20_000, 12
_SAMPLES = 1000


def sub_sample(captions: np.ndarray, concepts: str, most: float, rng: np.random.Generator) -> np.ndarray:
    """Which captions of a pool are kept, by counts in the pool, as MetaCLIP's curation does it.

    Args:
        captions: what each one says, -1, 0 (nothing) or 1 of the class and of the background, shape (size, 2).
        concepts: `captions`, or `words`.
        most: how many captions of a concept are kept, about.
        rng: of the sub-sampling.

    Returns:
        True where the caption is kept, shape (size,).
    """
    names = [captions] if concepts == "captions" else [captions[:, :1], captions[:, 1:]]
    kept = np.zeros(len(captions), bool)
    for name in names:
        _, place, counts = np.unique(name, axis=0, return_inverse=True, return_counts=True)
        chance = most / counts[place.reshape(-1)]
        kept |= np.any(name != 0, axis=1) & (rng.random(len(captions)) < chance)
    return kept


def rarest(concepts: str, mention: float, ratio: float) -> float:
    """The share of captions with the rarest concept, if all name the class and `mention` of them the background."""
    return mention / 2 if concepts == "words" else min(mention * (1 - ratio), 1 - mention) / 2


def _pool(key: Key[Array, ""], mention: Scalar) -> Batch:
    bases_key, pairs_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_pairs(pairs_key, MODEL, bases, Caption("label-attribute", 1.0, mention), _POOL)
    return batch._replace(texts=batch.texts @ bases.text)


def _simulate_agreement(key: Key[Array, ""], seed: int) -> dict[str, Points]:
    rng, pool = np.random.default_rng(seed), jit(_pool)
    found: dict[str, np.ndarray] = {name: np.empty((_POOLS, len(MENTIONS))) for name in RULES}
    for draw, column in np.ndindex(_POOLS, len(MENTIONS)):
        batch = pool(jax.random.fold_in(key, draw * len(MENTIONS) + column), jnp.asarray(MENTIONS[column]))
        said = np.rint(np.asarray(batch.texts)).astype(int)
        agrees = np.asarray(batch.labels * batch.attributes)
        for name, (concepts, cap) in RULES.items():
            most = cap * _POOL * rarest(concepts, MENTIONS[column], float(MODEL.spurious_ratio))
            found[name][draw, column] = agrees[sub_sample(said, concepts, most, rng)].mean()
    return {name: from_draws(MENTIONS, values) for name, values in found.items()}


def _learned(key: Key[Array, ""], mention: Scalar) -> Float[Array, " learners"]:
    """Reliances of each learner with each curation, by the sampler's own curated pairs."""
    caption, found = Caption("label-attribute", 1.0, mention), []
    for curation in CURATIONS:
        bases_key, pairs_key = jax.random.split(key)
        bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
        batch = sample_pairs(pairs_key, MODEL, bases, caption, _BATCH, curation=curation)
        images, texts = batch.images @ bases.image, batch.texts @ bases.text
        centred = images - jnp.mean(images, axis=0, keepdims=True)
        critics = centred.T @ texts, fit_infonce(images, texts, 0.5)
        found.append(jnp.stack([spurious_reliance(critic[:, 0]) for critic in critics]))
    return jnp.stack(found, axis=1).reshape(-1)


def _simulate_reliance(key: Key[Array, ""]) -> dict[str, Points]:
    keys = jax.random.split(key, (_DRAWS, len(MENTIONS)))

    def of_draw(keys: Key[Array, " mentions"]) -> Float[Array, "mentions learners"]:
        return jax.lax.map(lambda case: _learned(*case), (keys, jnp.array(MENTIONS)))

    found = np.asarray(jit(lambda keys: jax.lax.map(of_draw, keys))(keys), float)
    return {name: from_draws(MENTIONS, found[:, :, place]) for place, name in enumerate(LEARNED)}


def _drop(key: Key[Array, ""], model: SpuriousModel) -> Float[Array, ""]:
    """The drop of the rule that one sample gives the linearised loss, on fresh images."""
    bases_key, train_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(model.image_dim), int(model.text_dim))
    batch = sample_batch(train_key, model, bases, _IMAGES)
    rule = bases.image @ (bases.image.T @ (batch.images.T @ (batch.texts @ bases.text[:, 0])))
    groups = jnp.repeat(jnp.array([1.0, 0.0]), _IMAGES // 2)
    test = sample_batch(test_key, model, bases, _IMAGES, groups)
    right = jnp.where(test.labels * (test.images @ rule) > 0, 1.0, 0.0).reshape(2, -1)
    return jnp.mean(right[0]) - jnp.mean(right[1])


def _simulate_drop(key: Key[Array, ""]) -> dict[str, Points]:
    found = {}
    for name, model in DROP_MODELS.items():

        def over_noises(key: Key[Array, ""], model: SpuriousModel = model) -> Float[Array, " noises"]:
            def of_noise(noise: Scalar) -> Float[Array, ""]:
                return _drop(key, dataclasses.replace(model, sigma_xi=noise * jnp.sqrt(float(model.image_dim))))

            return jax.lax.map(of_noise, jnp.array(NOISES))

        key = jax.random.fold_in(key, 1)
        draws = jit(lambda keys, of=over_noises: jax.lax.map(of, keys))(jax.random.split(key, _IMAGE_DRAWS))
        found[name] = from_draws(NOISES, draws)
    return found


def sampled_accuracy(key: Key[Array, ""], model: SpuriousModel, size: int, mismatched: Scalar) -> Float[Array, ""]:
    """Accuracy on conflicting images of the label prompt's rule of `size` pairs, some with another image's caption.

    Exact for the rule, and less its part of first order in the rule's error, whose mean is 0 and which varies most.
    """
    bases_key, pairs_key, other_key, mix_key = jax.random.split(key, 4)
    bases = sample_bases(bases_key, int(model.image_dim), int(model.text_dim))
    batch, other = (sample_batch(each, model, bases, size) for each in (pairs_key, other_key))
    scores, of_others = (each.texts @ bases.text[:, 0] for each in (batch, other))
    scores = jnp.where(jax.random.uniform(mix_key, (size,)) < mismatched, of_others, scores)
    rule = (batch.images - jnp.mean(batch.images, axis=0, keepdims=True)).T @ scores / (size - 1)
    within = bases.image.T @ rule
    outside = jnp.linalg.norm(rule - bases.image @ within)
    learned = (1.0 - mismatched) * latent_covariance(model)[:, 0]
    slope = jax.grad(lambda weights: group_accuracies(model, weights)[1])(learned)
    return group_accuracies(model, within, outside)[1] - slope @ (within - learned)


def _simulate_accuracy(key: Key[Array, ""]) -> dict[str, Points]:
    shares = jnp.array(list(MISMATCHES.values()))
    columns = []
    for size in SIZES:

        def accuracies(key: Key[Array, ""], size: int = size) -> Float[Array, " shares"]:
            return jax.lax.map(lambda share: sampled_accuracy(key, MODEL, size, share), shares)

        keys = jax.random.split(jax.random.fold_in(key, size), _SAMPLES)
        columns.append(np.asarray(jit(lambda keys, of=accuracies: jax.lax.map(of, keys))(keys)))
    draws = np.stack(columns, axis=2)
    return {name: from_draws(SIZES, draws[:, place]) for place, name in enumerate(MISMATCHES)}


def simulate_scale_and_curation(seed: int) -> Evidence:
    """Sub-sample pools of 40,000 captions, fit critics to 512 pairs, and the linearised loss to 60 to 20,000.

    Panel `agreement after curation`: E[y a] of what is kept, over the share of captions that mention the background.
    `reliance, label prompt`: of learners with and without the sampler's curation. `drop`: over the image's noise in
    each direction. `accuracy of a sample's rule`: on conflicting images, over the number of pairs.
    """
    keys = jax.random.split(jax.random.key(seed), 4)
    return {
        AGREEMENT: _simulate_agreement(keys[0], seed),
        RELIANCE: _simulate_reliance(keys[1]),
        DROP: _simulate_drop(keys[2]),
        ACCURACY: _simulate_accuracy(keys[3]),
    }
