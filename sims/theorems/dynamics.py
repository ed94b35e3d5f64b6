"""S16, simulated: gradient descent from small weights, on the linearised loss and on InfoNCE."""

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from sims.synthetic.sampler import Bases, sample_batch
from sims.theorems.evidence import Evidence, from_draws
from theory.model import SpuriousModel
from theory.names import PROMPTS
from theory.statements.boundary import spurious_reliance
from theory.statements.zero_shot import latent_prompt
from workbench.compilation import jit

Weights: TypeAlias = Float[Array, "both embed"]

MODEL = SpuriousModel(mu_inv=0.9, mu_spu=1.1, sigma_inv=1.21, sigma_spu=0.64, sigma_xi=0.8, image_dim=5, text_dim=7)
EMBED_DIM, START, RHO = 3, 1e-3, 1.0  # START: standard deviation of the initial weights' factor
RATE, EVERY = 0.01, 25
STEPS = 900  # on the linearised loss, with fresh batches
BATCH, DRAWS = 256, 16
INFONCE_STEPS, SAMPLE = 350, 400  # on InfoNCE, with one batch that is the whole sample
SIZE, RELIANCE, LEAVING = "singular values", "reliance", "InfoNCE leaves"
MODES = ("first", "second")
PANELS = {SIZE: MODES, RELIANCE: tuple(PROMPTS), LEAVING: ("infonce",)}


class Setting(NamedTuple):
    """What all runs share: the bases, and balanced initial weights Z_0 = [W_I^T; W_T^T]."""

    bases: Bases
    start: Float[Array, "both embed"]


def setting() -> Setting:
    """The setting, the same for every seed, so that the closed form is one line; in it W_I W_I^T = W_T W_T^T.

    NumPy draws it, since training in single precision and the figure in double precision need the same numbers.
    """
    rng = np.random.default_rng(16)
    factor = START * rng.normal(size=(EMBED_DIM, EMBED_DIM))
    dims = int(MODEL.image_dim), int(MODEL.text_dim)
    bases = Bases(*(jnp.asarray(np.linalg.qr(rng.normal(size=(dim, 2)))[0]) for dim in dims))
    frames = [np.linalg.qr(rng.normal(size=(dim, EMBED_DIM)))[0] for dim in dims]
    return Setting(bases, jnp.asarray(np.concatenate([frame @ factor for frame in frames])))


def _descend(weights: Weights, gradient: Float[Array, "image_dim text_dim"]) -> Weights:
    """One step of gradient descent, given the loss's gradient with respect to the product W_I^T W_T."""
    image, text = weights[: gradient.shape[0]], weights[gradient.shape[0] :]
    return weights - RATE * jnp.concatenate([gradient @ text, gradient.T @ image])


def _sample_centred(
    key: Key[Array, ""], bases: Bases, size: int
) -> tuple[Float[Array, "size image_dim"], Float[Array, "size text_dim"]]:
    batch = sample_batch(key, MODEL, bases, size)
    return batch.images - jnp.mean(batch.images, axis=0)[None, :], batch.texts - jnp.mean(batch.texts, axis=0)[None, :]


def _phases(key: Key[Array, ""]) -> tuple[Float[Array, "points modes"], Float[Array, "points prompts"]]:
    """Singular values and reliances along stochastic gradient descent on the linearised loss."""
    bases, start = setting()
    dim = int(MODEL.image_dim)

    def step(weights: Weights, index: Int[Array, ""]) -> tuple[Weights, None]:
        images, texts = _sample_centred(jax.random.fold_in(key, index), bases, BATCH)
        return _descend(weights, RHO * weights[:dim] @ weights[dim:].T - images.T @ texts / (BATCH - 1)), None

    def segment(weights: Weights, index: Int[Array, ""]) -> tuple[Weights, tuple[Array, Array]]:
        weights, _ = jax.lax.scan(step, weights, index * EVERY + jnp.arange(EVERY))
        product = bases.image.T @ weights[:dim] @ weights[dim:].T @ bases.text
        rules = [product @ latent_prompt(MODEL, prompt) for prompt in PROMPTS]
        reliances = jnp.stack([spurious_reliance(rule) for rule in rules])
        return weights, (jnp.linalg.svd(product, compute_uv=False), reliances)

    return jax.lax.scan(segment, start, jnp.arange(STEPS // EVERY))[1]


def _distance_share(key: Key[Array, ""]) -> Float[Array, " points"]:
    """The distance of gradient descent on InfoNCE from the same steps on its linear term, over z_0 e^(c_1 t)."""
    bases, start = setting()
    dim = int(MODEL.image_dim)
    images, texts = _sample_centred(key, bases, SAMPLE)
    linear = -images.T @ texts / SAMPLE
    top = jnp.linalg.norm(linear, ord=2)

    def step(both: tuple[Weights, Weights], _: Int[Array, ""]) -> tuple[tuple[Weights, Weights], None]:
        flow, infonce = both
        scores = (images @ infonce[:dim]) @ (texts @ infonce[dim:]).T
        shares = (jax.nn.softmax(scores, axis=1) + jax.nn.softmax(scores, axis=0)) / (2.0 * SAMPLE)
        return (_descend(flow, linear), _descend(infonce, linear + images.T @ shares @ texts)), None

    def segment(both: tuple[Weights, Weights], index: Int[Array, ""]) -> tuple[tuple[Weights, Weights], Array]:
        both, _ = jax.lax.scan(step, both, jnp.arange(EVERY))
        grown = jnp.linalg.norm(start) * jnp.exp(top * (index + 1.0) * EVERY * RATE)
        return both, jnp.linalg.norm(both[1] - both[0]) / grown

    return jax.lax.scan(segment, (start, start), jnp.arange(INFONCE_STEPS // EVERY))[1]


def _times(steps: int) -> Float[np.ndarray, " points"]:
    return np.arange(1, steps // EVERY + 1) * (EVERY * RATE)


def simulate(seed: int) -> Evidence:
    """Run gradient descent from one small start, 16 times: on fresh batches of 256, and for InfoNCE on 400 pairs.

    Panels, over time (steps times learning rate): the product's two singular values in the signal's plane; each
    prompt's reliance; and the distance of InfoNCE's weights from the linear flow, as a share of z_0 e^(c_1 t).
    """
    phase_key, leaving_key = jax.random.split(jax.random.key(seed))
    sizes, reliances = jit(jax.vmap(_phases))(jax.random.split(phase_key, DRAWS))
    shares = jit(jax.vmap(_distance_share))(jax.random.split(leaving_key, DRAWS))
    times = _times(STEPS)
    return {
        SIZE: {mode: from_draws(times, sizes[:, :, i]) for i, mode in enumerate(MODES)},
        RELIANCE: {prompt: from_draws(times, reliances[:, :, i]) for i, prompt in enumerate(PROMPTS)},
        LEAVING: {"infonce": from_draws(_times(INFONCE_STEPS), shares)},
    }
