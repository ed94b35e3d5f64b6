"""S23, simulated: softmax regression and InfoNCE fitted to samples of many classes."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.many_classes import sample_classes
from theory.model import Scalar, SpuriousModel
from workbench.compilation import jit

PAIRS = 4
SHARED_SIZES = (0.0, 0.5, 1.0, 1.5, 2.0)
MODEL = SpuriousModel()
SOFTMAX = "softmax regression"
PROMPTS = ("label", "class-mean")
TRAINING, BATCH, DRAWS = 20_000, 1_500, 8
# Shortened Newton steps suffice: both losses are convex, and their minima are close to the start.
_STEPS, _SHARE = 14, 0.8
# Added to the curvature: a part that all classes share changes no decision, and the loss is flat along it.
_FLAT = 1e-4


def infonce_name(prompt: str) -> str:
    """Name of the series of InfoNCE on inner products with this prompt."""
    return f"InfoNCE on inner products, {prompt} prompt"


PANELS = {"supervised": (SOFTMAX,), "contrastive": tuple(map(infonce_name, PROMPTS))}


def _softmax_reliance(
    images: Float[Array, "size 2 pairs"], pair: Array, sign: Float[Array, " size"]
) -> Float[Array, ""]:
    """The mean reliance over the classes of 2 m rules with intercepts, fitted without the theory's symmetry."""
    inputs = jnp.pad(images.reshape(images.shape[0], -1), ((0, 0), (0, 1)), constant_values=1.0)
    named = jax.nn.one_hot(pair + jnp.where(sign > 0, 0, PAIRS), 2 * PAIRS)
    size, width, classes = inputs.shape[0], inputs.shape[1], 2 * PAIRS

    def step(_: Int[Array, ""] | int, rules: Float[Array, "classes width"]) -> Float[Array, "classes width"]:
        shares = jax.nn.softmax(inputs @ rules.T, axis=1)
        gradient = (shares - named).T @ inputs / size
        weighted = (shares[:, :, None] * inputs[:, None, :]).reshape(size, -1)
        own = jnp.einsum("nc,ni,nj->cij", shares, inputs, inputs) / size
        blocks = jnp.einsum("cij,cd->cidj", own, jnp.eye(classes)).reshape(classes * width, -1)
        hessian = blocks - weighted.T @ weighted / size + _FLAT * jnp.eye(classes * width)
        return rules - _SHARE * jnp.linalg.solve(hessian, gradient.reshape(-1)).reshape(rules.shape)

    rules = jax.lax.fori_loop(0, _STEPS, step, jnp.zeros((classes, width)))
    weights = rules[:, :-1].reshape(2, PAIRS, 2, PAIRS)
    own = jnp.einsum("scfc->sf", weights)
    total = own[0] - own[1]
    return total[1] / total[0]


def _infonce_reliances(images: Float[Array, "size 2 pairs"], texts: Float[Array, "size 2 pairs"]) -> Float[Array, "2"]:
    """Reliances of InfoNCE on one batch with both prompts, from the best critic of the theory's form B x I_m."""

    def loss(critic: Float[Array, "2 2"]) -> Float[Array, ""]:
        moved = jnp.einsum("nik,ij->njk", images, critic).reshape(images.shape[0], -1)
        scores = moved @ texts.reshape(texts.shape[0], -1).T
        both = jax.nn.logsumexp(scores, axis=1) + jax.nn.logsumexp(scores, axis=0)
        return jnp.mean(both / 2.0 - jnp.diagonal(scores))

    def step(_: Int[Array, ""] | int, critic: Float[Array, "2 2"]) -> Float[Array, "2 2"]:
        hessian = jax.hessian(loss)(critic).reshape(4, 4)
        return critic - _SHARE * jnp.linalg.solve(hessian, jax.grad(loss)(critic).reshape(4)).reshape(2, 2)

    critic = jax.lax.fori_loop(0, _STEPS, step, jnp.zeros((2, 2)))
    prompts = jnp.array([[1.0, 0.0], [MODEL.mu_inv, MODEL.agreement * MODEL.mu_spu]])
    rules = prompts @ critic.T
    return rules[:, 1] / rules[:, 0]


def fit(key: Key[Array, ""], shared_size: Scalar) -> Float[Array, "3"]:
    """Reliances fitted to one sample: softmax regression's, and InfoNCE's with each prompt on a part of the sample."""
    latent_key, noise_key = jax.random.split(key)
    drawn = sample_classes(latent_key, MODEL, PAIRS, shared_size, TRAINING, MODEL.spurious_ratio)
    latents = drawn.latents.reshape(TRAINING, 2, -1)[:, :, :PAIRS]
    # One scale for images and texts, since both have the same dimension and so the same noise.
    noise = jax.random.normal(noise_key, (2, *latents.shape)) * jnp.sqrt(MODEL.image_noise_variance)
    images, texts = latents + noise[0], latents[:BATCH] + noise[1, :BATCH]
    supervised = _softmax_reliance(images, drawn.pair, drawn.sign)
    return jnp.concatenate([supervised[None], _infonce_reliances(images[:BATCH], texts)])


def simulate(seed: int) -> Evidence:
    """Fit softmax regression to 20,000 images and InfoNCE to batches of 1500, 8 times for each alpha, at m = 4.

    Panels: `supervised` and `contrastive`, the reliance w_spu / w_inv over alpha. Softmax regression is fitted without
    the theory's symmetry. A finite batch's relative distance from InfoNCE's limit is of order 1 / 1500.
    """
    places = [size for size in SHARED_SIZES for _ in range(DRAWS)]
    keys = jax.random.split(jax.random.key(seed), len(places))
    found = jit(lambda *places: jax.lax.map(lambda place: fit(*place), places))(keys, jnp.array(places))
    found = np.asarray(found).reshape(len(SHARED_SIZES), DRAWS, 3)
    supervised, *contrastive = (from_draws(SHARED_SIZES, found[:, :, index].T) for index in range(3))
    names = map(infonce_name, PROMPTS)
    return {"supervised": {SOFTMAX: supervised}, "contrastive": dict(zip(names, contrastive, strict=True))}
