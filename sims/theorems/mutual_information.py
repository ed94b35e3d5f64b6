"""S13, simulated: pointwise mutual information, counted."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_pairs
from sims.theorems.evidence import Evidence, Points
from theory.model import SpuriousModel
from theory.statements.captions import Caption
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.37, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=1.7, image_dim=5, text_dim=5)
IMAGES = 2_000_000
# Images near the segment u_inv = 0.5, in windows along u_spu; small enough that the PMI moves little inside one.
INVARIANT, WINDOW = 0.5, 0.3
CENTRES = tuple(np.linspace(-2.5, 2.5, 11).tolist())
CAPTION_SET = {"label": Caption("label"), "label-attribute": Caption("label-attribute")}
# What a caption says, as its place in the text's plane.
SAYINGS = {
    "label": {"class +1": (1.0, 0.0), "class -1": (-1.0, 0.0)},
    "label-attribute": {
        "+1 on background +1": (1.0, 1.0),
        "+1 on background -1": (1.0, -1.0),
        "-1 on background +1": (-1.0, 1.0),
        "-1 on background -1": (-1.0, -1.0),
    },
}


def _count(key: Key[Array, ""], kind: str) -> tuple[Float[Array, "windows sayings"], Float[Array, " sayings"]]:
    """How many images of a window carry each caption, and how many of all images do."""
    bases_key, pairs_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))

    def part(key: Key[Array, ""]) -> tuple[Float[Array, "windows sayings"], Float[Array, " sayings"]]:
        batch = sample_pairs(key, MODEL, bases, CAPTION_SET[kind], IMAGES // 20)
        images, texts = batch.images @ bases.image, batch.texts @ bases.text
        near = jnp.abs(images[:, 0] - INVARIANT) < WINDOW / 2
        inside = near[:, None] & (jnp.abs(images[:, 1, None] - jnp.array(CENTRES)[None, :]) < WINDOW / 2)
        said = [jnp.all(jnp.abs(texts - jnp.array(t)[None, :]) < 0.5, axis=1) for t in SAYINGS[kind].values()]
        says = jnp.where(jnp.stack(said, axis=1), 1.0, 0.0)
        return jnp.where(inside, 1.0, 0.0).T @ says, jnp.sum(says, axis=0)

    joint, captions = jax.lax.map(part, jax.random.split(pairs_key, 20))
    return jnp.sum(joint, axis=0), jnp.sum(captions, axis=0)


def simulate(seed: int) -> Evidence:
    """Count how often each caption belongs to images that look alike, among two million.

    Panel to kind of caption, series to what it says: log P(window, caption) / (P(window) P(caption)) over u_spu; its
    standard error is the delta method's for the caption's share of the window.
    """
    evidence: Evidence = {}
    for kind, key in zip(SAYINGS, jax.random.split(jax.random.key(seed), len(SAYINGS)), strict=True):
        joint, captions = (np.asarray(part, float) for part in jit(_count, static_argnums=1)(key, kind))
        window = joint.sum(axis=1)
        series = {}
        for i, name in enumerate(SAYINGS[kind]):
            # Windows that hold the caption often enough for a logarithm to be nearly normal.
            seen = joint[:, i] >= 10
            share = joint[seen, i] / window[seen]
            error = np.sqrt((1.0 - share) / joint[seen, i])
            series[name] = Points(np.array(CENTRES)[seen], np.log(share / (captions[i] / IMAGES)), error)
        evidence[kind] = series
    return evidence
