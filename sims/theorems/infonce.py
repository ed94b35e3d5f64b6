"""S14, simulated: what InfoNCE and each of its directions learn from batches, for each kind of caption."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sims.theorems.bilinear import Plane, fit_infonce, fit_to_sample
from sims.theorems.evidence import Evidence, from_draws
from theory.model import Scalar, SpuriousModel
from theory.statements.captions import CAPTIONS, Caption
from theory.statements.infonce import DIRECTIONS
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=7)
RATIOS = (0.5, 0.65, 0.8, 0.9, 0.95)
BATCH, DRAWS = 512, 12
# Captions of label and attribute that mention the background in half of the cases: between the other two kinds.
MENTION = {"latent": 1.0, "label": 1.0, "label-attribute": 0.5}
ENTRIES = {"label prompt: weight on the invariant feature": (0, 0), "label prompt: weight on the spurious one": (1, 0)}


def caption_of(kind: str) -> Caption:
    """The captions of a panel."""
    return Caption(kind, mention_spu=MENTION[kind])


def panel_name(kind: str, entry: str) -> str:
    """A panel: captions, and an entry of the critic."""
    return f"{kind} captions, {entry}"


def _critics(key: Key[Array, ""], ratio: Scalar, kind: str) -> Float[Array, "directions 2 2"]:
    """Each objective's critic of the same sample."""
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)

    def of_direction(weight: Scalar) -> Float[Array, "2 2"]:
        def fit(images: Plane, texts: Plane) -> Float[Array, "2 2"]:
            return fit_infonce(images, texts, weight)

        return fit_to_sample(key, model, caption_of(kind), fit, BATCH)

    return jax.lax.map(of_direction, jnp.array(list(DIRECTIONS.values())))


def simulate(seed: int) -> Evidence:
    """Fit bilinear critics to batches of 512 pairs, 12 times for each ratio and kind of caption.

    A panel for each kind of caption and entry of B's first column, the label prompt's rule; series to objective.
    """
    evidence: Evidence = {}
    for kind, key in zip(CAPTIONS, jax.random.split(jax.random.key(seed), len(CAPTIONS)), strict=True):
        keys = jax.random.split(key, (DRAWS, len(RATIOS)))

        def of_draw(keys: Key[Array, " ratios"], kind: str = kind) -> Float[Array, "ratios directions 2 2"]:
            return jax.lax.map(lambda case: _critics(case[0], case[1], kind), (keys, jnp.array(RATIOS)))

        critics = jit(lambda keys, of_draw=of_draw: jax.lax.map(of_draw, keys))(keys)
        for entry, (row, column) in ENTRIES.items():
            evidence[panel_name(kind, entry)] = {
                name: from_draws(RATIOS, critics[:, :, i, row, column]) for i, name in enumerate(DIRECTIONS)
            }
    return evidence
