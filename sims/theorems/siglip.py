"""S15, simulated: what the sigmoid loss with many negatives learns from samples."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.theorems.bilinear import fit_siglip, fit_to_sample
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.infonce import ENTRIES, MODEL, RATIOS, caption_of, panel_name
from theory.model import Scalar
from workbench.compilation import jit

# With `latent` captions the mean of e^s over pairs has, at the optimum, no variance at the largest ratios and barely
# one at the others, so samples tell too little of it.
KINDS = ("label", "label-attribute")
PAIRS, DRAWS = 512, 12


def _critics(key: Key[Array, ""], ratio: Scalar) -> Float[Array, "kinds 2 2"]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    return jnp.stack([fit_to_sample(key, model, caption_of(kind), fit_siglip, PAIRS) for kind in KINDS])


def simulate(seed: int) -> Evidence:
    """Fit bilinear critics to the 512 x 512 pairs of 512 images and captions, 12 times for each ratio and caption.

    A panel for each kind of caption and entry of B's first column, the label prompt's rule.
    """
    keys = jax.random.split(jax.random.key(seed), (DRAWS, len(RATIOS)))

    def of_draw(keys: Key[Array, " ratios"]) -> Float[Array, "ratios kinds 2 2"]:
        return jax.lax.map(lambda case: _critics(*case), (keys, jnp.array(RATIOS)))

    critics = jit(lambda keys: jax.lax.map(of_draw, keys))(keys)
    return {
        panel_name(kind, entry): {"siglip": from_draws(RATIOS, critics[:, :, i, row, column])}
        for i, kind in enumerate(KINDS)
        for entry, (row, column) in ENTRIES.items()
    }
