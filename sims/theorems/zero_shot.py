"""S3, simulated: how much zero-shot rules that are learned from samples lean on the spurious feature."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import Bases, Batch, sample_bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from theory.model import Scalar, SpuriousModel
from theory.statements.boundary import spurious_reliance
from theory.statements.linearized import linearized_minimiser
from theory.statements.zero_shot import PROMPTS
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.1, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=7)
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
WIDTHS = (2, 1)
PAIRS, DRAWS = 4000, 30


def fit_zero_shot(bases: Bases, batch: Batch, prompt: str, embed_dim: int = 2) -> Float[Array, " image_dim"]:
    """The zero-shot rule v, which decides by the sign of <v, x>, of the linearised loss's minimiser on a sample.

    Args:
        bases: of the sample; the label prompt is the first axis of the text's.
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


def simulate(seed: int) -> Evidence:
    """Fit the linearised learner to 4000 pairs, 30 times at every ratio, for embeddings of width 2 and 1.

    Panel to width, series to prompt: the rule's weight on the spurious feature over that on the invariant one.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS)))
    reliances = jit(jax.vmap(jax.vmap(_reliances), in_axes=(0, None)))(keys, jnp.array(RATIOS))
    return {
        f"width {width}": {prompt: from_draws(RATIOS, reliances[:, :, i, j]) for j, prompt in enumerate(PROMPTS)}
        for i, width in enumerate(WIDTHS)
    }
