"""S18, simulated: the linearised loss and least squares fitted to samples of many classes."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from sims.theorems.evidence import Evidence, from_counts, from_draws
from theory.model import Scalar, SpuriousModel
from workbench.compilation import jit

PAIRS = (1, 2, 4, 8)
SHARED_SIZES = (0.0, 1.2)
# The image dimension suits the largest number of pairs; with fewer pairs, the other directions hold only noise.
_ROOM = max(PAIRS)
MODEL = SpuriousModel(
    spurious_ratio=0.85,
    mu_inv=2.1,
    mu_spu=1.2,
    sigma_inv=0.7,
    sigma_spu=0.55,
    image_dim=2 * _ROOM,
    text_dim=2 * _ROOM,
)
LEARNERS = (
    "linearised loss, label prompt",
    "linearised loss, class-mean prompt",
    "linearised loss, captions name the class",
    "least squares",
)
TRAINING, TEST, DRAWS = 20_000, 4_000, 10


class Classes(NamedTuple):
    """Latent features of images, a row for each, and their classes (c, b); features of unused pairs are 0."""

    latents: Float[Array, "size features"]
    pair: Int[Array, " size"]
    sign: Float[Array, " size"]


def accuracy_panel(shared_size: float) -> str:
    """Name of the panel of accuracies on conflicting images."""
    return f"accuracy, alpha {shared_size:g}"


def reliance_panel(shared_size: float) -> str:
    """Name of the panel of reliances, t = w_spu / w_inv."""
    return f"reliance, alpha {shared_size:g}"


PANELS = {panel(size): LEARNERS for size in SHARED_SIZES for panel in (accuracy_panel, reliance_panel)}


def sample_classes(
    key: Key[Array, ""],
    model: SpuriousModel,
    pairs: Scalar,
    shared_size: Scalar,
    size: int,
    ratio: Scalar | Float[Array, " size"],
) -> Classes:
    """Draw the latent features of `size` images, invariant ones first; P(a = b) = `ratio`, for all or for each."""
    even_key, noise_key = jax.random.split(key)
    even = jax.random.uniform(even_key, (3 + _ROOM, size))
    pair = jnp.floor(even[0] * pairs).astype(int)
    sign = jnp.where(even[1] < 0.5, 1.0, -1.0)
    attribute = jnp.where(even[2] < ratio, sign, -sign)
    own = jax.nn.one_hot(pair, _ROOM)
    others = shared_size * jnp.where(even[3:].T < 0.5, 1.0, -1.0)
    invariant = jnp.where(own > 0, model.mu_inv * sign[:, None], others)
    means = jnp.stack([invariant, model.mu_spu * own * attribute[:, None]])
    noise = jax.random.normal(noise_key, (2, size, _ROOM)) * model.latent_sigma[:, None, None]
    latents = jnp.where(_is_used(pairs)[None, None, :], means + noise, 0.0)
    return Classes(jnp.concatenate([latents[0], latents[1]], axis=1), pair, sign)


def _is_used(pairs: Scalar) -> Bool[Array, " room"]:
    return jnp.arange(_ROOM) < pairs


def _rules_of_both_signs(rules: Float[Array, "dim room"]) -> Float[Array, "with_intercept classes"]:
    """Rules of all classes, (c, +1) first, from those of the classes (c, +1); the last row holds intercepts of 0."""
    return jnp.pad(jnp.concatenate([rules, -rules], axis=1), ((0, 1), (0, 0)))


def _append_constant(images: Float[Array, "size dim"]) -> Float[Array, "size with_intercept"]:
    return jnp.pad(images, ((0, 0), (0, 1)), constant_values=1.0)


def _fit(
    images: Float[Array, "size dim"],
    batch: Classes,
    text_noise: Float[Array, "size dim"],
    bases: Float[Array, "2 dim dim"],
) -> Float[Array, "learners with_intercept classes"]:
    """Each learner's rules, a column per class, fitted to one sample; the linearised ones use the model's prompts."""
    named = jax.nn.one_hot(batch.pair, _ROOM)
    label_prompts, spurious_prompts = bases[1][:, :_ROOM], bases[1][:, _ROOM:]
    mean_prompts = MODEL.mu_inv * label_prompts + MODEL.agreement * MODEL.mu_spu * spurious_prompts
    texts = batch.latents @ bases[1].T + text_noise
    label_texts = (named * batch.sign[:, None]) @ label_prompts.T + text_noise
    centred = images - jnp.mean(images, axis=0, keepdims=True)
    inputs = _append_constant(images)
    targets = jnp.concatenate([jnp.where((batch.sign == sign)[:, None], named, 0.0) for sign in (1.0, -1.0)], axis=1)
    return jnp.stack(
        [
            _rules_of_both_signs(centred.T @ (texts @ label_prompts)),
            _rules_of_both_signs(centred.T @ (texts @ mean_prompts)),
            _rules_of_both_signs(centred.T @ (label_texts @ label_prompts)),
            jnp.linalg.solve(inputs.T @ inputs, inputs.T @ targets),
        ]
    )


def _measure(
    key: Key[Array, ""], bases: Float[Array, "2 dim dim"], pairs: Scalar, shared_size: Scalar
) -> tuple[Int[Array, " learners"], Float[Array, " learners"]]:
    """How many of `TEST` conflicting images each learner gets right, and its mean reliance over the classes."""
    latent_key, noise_key = jax.random.split(key)
    # Training and test images come from one draw, which compiles once; the last `TEST` are conflicting.
    size = TRAINING + TEST
    ratio = jnp.where(jnp.arange(size) < TRAINING, MODEL.spurious_ratio, 0.0)
    sample = sample_classes(latent_key, MODEL, pairs, shared_size, size, ratio)
    noise = jax.random.normal(noise_key, (2, size, 2 * _ROOM)) * (MODEL.sigma_xi / jnp.sqrt(2.0 * _ROOM))
    images = sample.latents @ bases[0].T + noise[0]
    training = Classes(*(part[:TRAINING] for part in sample))
    rules = _fit(images[:TRAINING], training, noise[1, :TRAINING], bases)
    used = jnp.tile(_is_used(pairs), 2)
    scores = jnp.einsum("ni,lic->lnc", _append_constant(images[TRAINING:]), rules)
    chosen = jnp.argmax(jnp.where(used[None, None, :], scores, -jnp.inf), axis=2)
    truth = (sample.pair + jnp.where(sample.sign > 0, 0, _ROOM))[TRAINING:]
    right = jnp.sum(chosen == truth[None, :], axis=1)
    # Each class's weights on its own two features; those of (c, -1) with the opposite sign.
    latent = jnp.einsum("if,lic->lfc", bases[0], rules[:, :-1])
    weights = latent.reshape(len(LEARNERS), 2, _ROOM, 2, _ROOM)
    own = jnp.einsum("lfcsc,c->lfs", weights, _is_used(pairs).astype(weights.dtype))
    total = own[:, :, 0] - own[:, :, 1]
    return right, total[:, 1] / total[:, 0]


def simulate(seed: int) -> Evidence:
    """Fit four learners to 20,000 images with captions, 10 times for each number of pairs and alpha, and test them.

    Panels: accuracy on 40,000 conflicting images, and the fitted reliance t = w_spu / w_inv, at each alpha. Series:
    `LEARNERS`, over the number of pairs of classes. With one pair alpha has no effect. Errors of accuracies include
    only the test images; fitting to a sample costs least squares about 0.003 more with 16 classes.
    """
    basis_key, draw_key = jax.random.split(jax.random.key(seed))
    columns = np.asarray(jax.random.normal(basis_key, (2, 2 * _ROOM, 2 * _ROOM)))
    bases = jnp.asarray(np.linalg.qr(columns)[0])  # orthonormal columns, for images and for texts
    places = [(size, pairs) for size in SHARED_SIZES for pairs in PAIRS]
    keys = jax.random.split(draw_key, len(places) * DRAWS)
    sizes, pairs = (jnp.repeat(jnp.array(values), DRAWS) for values in zip(*places, strict=True))
    run = jit(lambda *places: jax.lax.map(lambda place: _measure(place[0], bases, *place[1:]), places))
    right, reliance = (np.asarray(part) for part in run(keys, pairs, sizes))
    shape = (len(SHARED_SIZES), len(PAIRS), DRAWS, len(LEARNERS))
    right, reliance = right.reshape(shape), reliance.reshape(shape)
    evidence: Evidence = {}
    x = np.array(PAIRS, float)
    for i, size in enumerate(SHARED_SIZES):
        evidence[accuracy_panel(size)] = {
            name: from_counts(x, right[i, :, :, j].sum(axis=1), TEST * DRAWS) for j, name in enumerate(LEARNERS)
        }
        evidence[reliance_panel(size)] = {
            name: from_draws(x, reliance[i, :, :, j].T) for j, name in enumerate(LEARNERS)
        }
    return evidence
