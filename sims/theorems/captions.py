"""S12, simulated: the linearised learner trained on captions that mention the background more or less often."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_pairs
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.zero_shot import MODEL, fit_zero_shot
from theory.model import Scalar
from theory.statements.boundary import spurious_reliance
from theory.statements.captions import CAPTIONS, Caption
from theory.statements.zero_shot import PROMPTS
from workbench.compilation import jit

MENTIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PAIRS, DRAWS = 4000, 30


def _reliances(key: Key[Array, ""], mention: Scalar) -> Float[Array, "captions prompts"]:
    bases_key, batch_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    rows = []
    for kind in CAPTIONS:
        batch = sample_pairs(batch_key, MODEL, bases, Caption(kind, mention_spu=mention), PAIRS)
        rules = [bases.image.T @ fit_zero_shot(bases, batch, prompt) for prompt in PROMPTS]
        rows.append(jnp.stack([spurious_reliance(rule) for rule in rules]))
    return jnp.stack(rows)


def simulate(seed: int) -> Evidence:
    """Fit the linearised learner to 4000 pairs, 30 times for every kind of caption and every `mention_spu`.

    Panel to prompt, series to caption: w_spu / w_inv over the probability that a caption mentions the background.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(MENTIONS)))
    reliances = jit(jax.vmap(jax.vmap(_reliances), in_axes=(0, None)))(keys, jnp.array(MENTIONS))
    return {
        prompt: {kind: from_draws(MENTIONS, reliances[:, :, i, j]) for i, kind in enumerate(CAPTIONS)}
        for j, prompt in enumerate(PROMPTS)
    }
