"""S19, simulated: accuracies of rules that lean on the background more or less and are noisier or less so."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_batch
from sims.theorems.evidence import Evidence, Points
from sims.theorems.group_accuracy import GROUP_RATIOS
from theory.model import Scalar, SpuriousModel
from theory.statements.accuracy_on_the_line import probit
from workbench.compilation import jit

MODEL = SpuriousModel(mu_inv=1.4, mu_spu=1.0, sigma_inv=0.8, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=2)
RELIANCES = (0.0, 0.3, 0.6, 1.0, 1.6)
FURTHER_VARIANCES = (0.0, 0.6, 2.0, 8.0)  # of independent noise in a rule's score: less of it is a better model
IMAGES = 4000
PROBITS = "probits"


def series_name(reliance: float) -> str:
    """The rules of one reliance."""
    return f"t = {reliance:g}"


def _shares(key: Key[Array, ""], reliance: Scalar, variance: Scalar) -> Float[Array, "2"]:
    bases_key, *group_keys = jax.random.split(key, 3)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    rule = bases.image @ jnp.stack([jnp.ones(()), reliance])
    shares = []
    for group_key, ratio in zip(group_keys, GROUP_RATIOS.values(), strict=True):
        batch_key, noise_key = jax.random.split(group_key)
        batch = sample_batch(batch_key, MODEL, bases, IMAGES, ratio)
        score = batch.images @ rule + jnp.sqrt(variance) * jax.random.normal(noise_key, (IMAGES,))
        shares.append(jnp.mean(jnp.where(score * batch.labels > 0, 1.0, 0.0)))
    return jnp.stack(shares)


def simulate(seed: int) -> Evidence:
    """Measure rules on 4000 images of each group: five reliances t, four amounts of further noise in the score.

    Panel `probits`, series to reliance: the probit on conflicting images (mean, error) over that on aligned ones.
    """
    keys = jax.random.split(jax.random.key(seed), (len(RELIANCES), len(FURTHER_VARIANCES)))
    over_noise = jax.vmap(_shares, in_axes=(0, None, 0))
    shares = jit(jax.vmap(over_noise, in_axes=(0, 0, None)))(keys, jnp.array(RELIANCES), jnp.array(FURTHER_VARIANCES))
    series = {}
    for i, reliance in enumerate(RELIANCES):
        aligned, conflicting = (probit(shares[i, :, group], jnp.asarray(float(IMAGES))) for group in (0, 1))
        parts = (aligned.value, conflicting.value, conflicting.standard_error)
        series[series_name(reliance)] = Points(*(np.asarray(part, float) for part in parts))
    return {PROBITS: series}
