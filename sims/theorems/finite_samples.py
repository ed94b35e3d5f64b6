"""S22, simulated: how much what n pairs teach varies, and how often intervals from one sample hold the limit.

InfoNCE's bilinear critic and the linearised one are fitted to samples in the plane of the signal. A sample's
intervals use its own covariance: of the score of a U-statistic, or of the rows of the batch alone.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_pairs
from sims.theorems.critics import Plane, fit_infonce
from sims.theorems.evidence import Evidence, Points, from_counts
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import PROMPTS
from theory.statements.finite_samples import accuracy_deviation, rule_covariance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import infonce_critic
from theory.statements.zero_shot import latent_prompt
from workbench.compilation import jit
from workbench.conventions import Z95

# With less spread and more noise than the defaults, so that no rare pair carries the variance.
MODEL = SpuriousModel(sigma_inv=0.8, sigma_spu=0.5, sigma_xi=1.7, image_dim=5, text_dim=5)
CAPTION = Caption()
RATIOS = (0.5, 0.65, 0.8, 0.9, 0.95)
PAIRS, DRAWS = 256, 100  # of deviations
SIZES, SAMPLES = (50, 100, 200, 400), 200  # of coverage
DEVIATION, COVERAGE = "deviation", "coverage"
LOSSES = ("InfoNCE", "linearised")
SCORES = ("whole score", "rows alone")


def series_name(loss: str, prompt: str) -> str:
    """Name of the series of a loss and prompt."""
    return f"{loss}, {prompt}"


PANELS = {
    DEVIATION: tuple(series_name(loss, prompt) for loss in LOSSES for prompt in PROMPTS),
    COVERAGE: tuple(f"{score}, {prompt}" for score in SCORES for prompt in PROMPTS),
}


def sample_covariances(
    images: Plane, texts: Plane, critic: Float[Array, "2 2"]
) -> tuple[Float[Array, "4 4"], Float[Array, "4 4"]]:
    """Estimates from one sample of the limit of n Cov(B_n) of InfoNCE: of the whole score, and of the rows alone.

    Args:
        images: u, shape (size, 2).
        texts: t, shape (size, 2).
        critic: B_n, which was fitted to them.
    """
    size = images.shape[0]
    scores = (images @ critic) @ texts.T
    by_image, by_text = jax.nn.softmax(scores, axis=1), jax.nn.softmax(scores, axis=0)
    caption_mean, image_mean = by_image @ texts, by_text.T @ images

    def outer(left: Plane, right: Plane) -> Float[Array, "size 4"]:
        return (left[:, :, None] * right[:, None, :]).reshape(size, 4)

    own = (outer(images, caption_mean) + outer(image_mean, texts)) / 2.0 - outer(images, texts)
    added = outer(by_image.T @ images, texts) - by_image.T @ outer(images, caption_mean)
    pushed = outer(images, by_text @ texts) - by_text @ outer(image_mean, texts)

    def curvature(places: Plane, shares: Float[Array, "size size"], others: Plane) -> Float[Array, "2 2 2 2"]:
        mean = shares @ others
        second = (shares @ outer(others, others)).reshape(size, 2, 2) - mean[:, :, None] * mean[:, None, :]
        return jnp.einsum("ni,nk,njl->ijkl", places, places, second) / size

    of_images, of_texts = curvature(images, by_image, texts), curvature(texts, by_text.T, images)
    inverse = jnp.linalg.inv(((of_images + jnp.transpose(of_texts, (1, 0, 3, 2))) / 2.0).reshape(4, 4))
    whole, rows = (inverse @ jnp.cov(part.T) @ inverse for part in (own + (added + pushed) / 2.0, own))
    return whole, rows


def _sample(key: Key[Array, ""], model: SpuriousModel, size: int) -> tuple[Plane, Plane]:
    bases_key, pairs_key = jax.random.split(key)
    bases = sample_bases(bases_key, int(model.image_dim), int(model.text_dim))
    batch = sample_pairs(pairs_key, model, bases, CAPTION, size)
    return batch.images @ bases.image, batch.texts @ bases.text


def _conflicting(model: SpuriousModel, critic: Float[Array, "2 2"]) -> Float[Array, " prompts"]:
    rules = [critic @ latent_prompt(model, prompt) for prompt in PROMPTS]
    return 100.0 * jnp.stack([group_accuracies(model, rule)[1] for rule in rules])


def _accuracies(key: Key[Array, ""], ratio: Scalar) -> Float[Array, " series"]:
    model = dataclasses.replace(MODEL, spurious_ratio=ratio)
    images, texts = _sample(key, model, PAIRS)
    covariance = (images - jnp.mean(images, axis=0)[None]).T @ texts / (PAIRS - 1)
    return jnp.concatenate([_conflicting(model, critic) for critic in (fit_infonce(images, texts, 0.5), covariance)])


def _covers(key: Key[Array, ""], limit: Float[Array, "2 2"], size: int) -> Float[Array, " series"]:
    images, texts = _sample(key, MODEL, size)
    critic = fit_infonce(images, texts, 0.5)
    off = jnp.abs(_conflicting(MODEL, critic) - _conflicting(MODEL, limit))
    covered = []
    for covariance in sample_covariances(images, texts, critic):
        for place, prompt in enumerate(PROMPTS):
            q = latent_prompt(MODEL, prompt)
            deviation = accuracy_deviation(MODEL, critic @ q, rule_covariance(covariance, q))[1]
            covered.append(off[place] < 100.0 * Z95 * deviation / jnp.sqrt(float(size)))
    return jnp.where(jnp.stack(covered), 1.0, 0.0)


def simulate(seed: int) -> Evidence:
    """Fit to 256 pairs 100 times a ratio, and to 50 to 400 pairs 200 times each.

    Panel `deviation`: n^(1/2) times the standard deviation of the accuracy on conflicting images, in points, over
    p_spu. Panel `coverage`: share of the samples whose 95% interval holds the limit's accuracy, over n, at p_spu = 0.9.
    """
    keys = jax.random.split(jax.random.key(seed), 1 + len(SIZES))
    rows = jax.random.split(keys[0], (DRAWS, len(RATIOS)))
    fit = jit(lambda rows: jax.lax.map(lambda row: jax.vmap(_accuracies)(row, jnp.array(RATIOS)), rows))
    draws = np.sqrt(PAIRS) * np.asarray(fit(rows), float)
    deviations = draws.std(axis=0, ddof=1)
    evidence: Evidence = {
        DEVIATION: {
            name: Points(np.array(RATIOS), deviations[:, i], deviations[:, i] / np.sqrt(2.0 * (DRAWS - 1)))
            for i, name in enumerate(PANELS[DEVIATION])
        }
    }
    limit = infonce_critic(MODEL, CAPTION)
    counts = []
    for size, key in zip(SIZES, keys[1:], strict=True):
        covers = functools.partial(_covers, limit=limit, size=size)
        count = jit(functools.partial(jax.lax.map, covers, batch_size=10))
        counts.append(np.asarray(count(jax.random.split(key, SAMPLES)), float).sum(axis=0))
    evidence[COVERAGE] = {
        name: from_counts(SIZES, np.array(counts)[:, i], SAMPLES) for i, name in enumerate(PANELS[COVERAGE])
    }
    return evidence
