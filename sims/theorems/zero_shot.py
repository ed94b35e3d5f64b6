"""S3, S12 and S17, simulated: zero-shot rules learned from samples, for several captions and prompts.

S3 measures how much the rules of both prompts rely on the spurious feature. S12 varies how often captions mention the
background. S17 mixes the two prompts.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Bases, Batch, sample_bases, sample_batch, sample_pairs
from sims.theorems.critics import fit_infonce
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.group_accuracy import right_decisions
from theory.model import CAPTIONS, Caption, Scalar, SpuriousModel
from theory.names import PROMPTS
from theory.statements.boundary import spurious_reliance
from theory.statements.linearized import linearized_minimiser
from theory.statements.prompts import mixed_prompt
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.1, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=7)
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
WIDTHS = (2, 1)
ZERO_SHOT_PANELS = {f"width {width}": tuple(PROMPTS) for width in WIDTHS}
PAIRS, DRAWS = 4000, 30  # in S3 and S12


def fit_zero_shot(bases: Bases, batch: Batch, prompt: str, embed_dim: int = 2) -> Float[Array, " image_dim"]:
    """The zero-shot rule v of the linearised loss's minimiser on a sample; the sign of <v, x> decides.

    Args:
        bases: the sample's bases; the label prompt is the first axis of the text's basis.
        batch: the sample.
        prompt: `label`; or `class-mean`, half the difference of the two classes' mean captions in the sample.
        embed_dim: width of the embedding.

    Raises:
        ValueError: another prompt.
    """
    if prompt == "label":
        text = bases.text[:, 0]
    elif prompt == "class-mean":
        of_class = [jnp.where(batch.labels == label, 1.0, 0.0) for label in (1.0, -1.0)]
        means = [share @ batch.texts / jnp.sum(share) for share in of_class]
        text = (means[0] - means[1]) / 2.0
    else:
        raise ValueError(f"prompt must be one of {', '.join(PROMPTS)}, got {prompt!r}")
    images, texts = (values - jnp.mean(values, axis=0, keepdims=True) for values in (batch.images, batch.texts))
    return linearized_minimiser(images.T @ texts / (images.shape[0] - 1), embed_dim) @ text


def _reliances(key: Key[Array, ""], ratio: Scalar) -> Float[Array, "widths prompts"]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    batch = sample_batch(batch_key, model, bases, PAIRS)
    return jnp.stack(
        [
            jnp.stack(
                [spurious_reliance(bases.image.T @ fit_zero_shot(bases, batch, prompt, width)) for prompt in PROMPTS]
            )
            for width in WIDTHS
        ]
    )


def simulate_zero_shot(seed: int) -> Evidence:
    """Fit the linearised learner to 4000 pairs, 30 times at every ratio, for embeddings of width 2 and 1.

    A panel for each width, a series for each prompt: the rule's spurious weight over its invariant weight.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS)))
    reliances = jit(jax.vmap(jax.vmap(_reliances), in_axes=(0, None)))(keys, jnp.array(RATIOS))
    return {
        f"width {width}": {prompt: from_draws(RATIOS, reliances[:, :, i, j]) for j, prompt in enumerate(PROMPTS)}
        for i, width in enumerate(WIDTHS)
    }


MENTIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
CAPTIONS_PANELS = {prompt: tuple(CAPTIONS) for prompt in PROMPTS}


def _caption_reliances(key: Key[Array, ""], mention: Scalar) -> Float[Array, "captions prompts"]:
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    rows = []
    for kind in CAPTIONS:
        batch = sample_pairs(batch_key, MODEL, bases, Caption(kind, mention_spu=mention), PAIRS)
        rules = [bases.image.T @ fit_zero_shot(bases, batch, prompt) for prompt in PROMPTS]
        rows.append(jnp.stack([spurious_reliance(rule) for rule in rules]))
    return jnp.stack(rows)


def simulate_captions(seed: int) -> Evidence:
    """Fit the linearised learner to 4000 pairs, 30 times for every kind of caption and every `mention_spu`.

    A panel for each prompt, a series for each kind of caption: w_spu / w_inv over the probability that a caption
    mentions the background.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(MENTIONS)))
    reliances = jit(jax.vmap(jax.vmap(_caption_reliances), in_axes=(0, None)))(keys, jnp.array(MENTIONS))
    return {
        prompt: {kind: from_draws(MENTIONS, reliances[:, :, i, j]) for i, kind in enumerate(CAPTIONS)}
        for j, prompt in enumerate(PROMPTS)
    }


PROMPTS_MODEL = SpuriousModel(
    mu_inv=0.9, mu_spu=1.1, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=7
)
SHARES = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
LEARNERS = ("linearized", "infonce_bilinear")
PROMPTS_PAIRS, TEST_IMAGES, PROMPTS_DRAWS = 512, 1000, 24
WORST = "worse group"
PROMPTS_PANELS = {WORST: LEARNERS}


def _accuracies(key: Key[Array, ""]) -> Float[Array, "learners shares"]:
    """Accuracy in the worse group of each learner with each prompt."""
    bases_key, batch_key, test_key = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(PROMPTS_MODEL.image_dim), int(PROMPTS_MODEL.text_dim))
    batch = sample_batch(batch_key, PROMPTS_MODEL, bases, PROMPTS_PAIRS)
    images, texts = batch.images @ bases.image, batch.texts @ bases.text
    centred = images - jnp.mean(images, axis=0)[None, :]
    critics = centred.T @ texts / PROMPTS_PAIRS, fit_infonce(images, texts, 0.5)
    prompts = jax.vmap(lambda share: mixed_prompt(PROMPTS_MODEL, share))(jnp.array(SHARES))
    return jnp.stack([_worst(test_key, bases, prompts @ critic.T) for critic in critics])


def _worst(key: Key[Array, ""], bases: Bases, rules: Float[Array, "shares 2"]) -> Float[Array, " shares"]:
    right = jax.lax.map(lambda rule: right_decisions(key, PROMPTS_MODEL, bases, bases.image @ rule, TEST_IMAGES), rules)
    return jnp.min(right, axis=1) / TEST_IMAGES


def simulate_prompts(seed: int) -> Evidence:
    """Fit both losses to 512 pairs, 24 times, and classify 1000 fresh images of each group with every prompt.

    Panel `worse group`, a series for each learner: the smaller accuracy of the two groups over the class mean's share.
    """
    accuracies = jit(lambda keys: jax.lax.map(_accuracies, keys))(jax.random.split(jax.random.key(seed), PROMPTS_DRAWS))
    return {WORST: {name: from_draws(SHARES, accuracies[:, i]) for i, name in enumerate(LEARNERS)}}
