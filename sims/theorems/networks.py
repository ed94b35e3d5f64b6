"""S27, simulated: learners on a hidden layer of random features, and networks whose hidden layer is trained."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_pairs
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.hidden_layers import (
    embed,
    infonce,
    infonce_on_words,
    initial_encoder,
    initial_encoders,
    logistic,
    rightly_decided,
    train,
    zero_shot_margins,
)
from theory.model import Caption, Scalar, SpuriousModel
from theory.statements.prompts import mixed_prompt
from workbench.compilation import jit

# The noise of the defaults, in fewer dimensions.
MODEL = SpuriousModel(sigma_xi=float(np.sqrt(3 / 16)), image_dim=3, text_dim=3)
LENGTHS = (0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
WIDTHS = (16, 64, 256, 1024)
LENGTH = 1.0  # over the width
PAIRS, TEST_IMAGES, DRAWS = 5000, 2000, 6
# Kind of captions and the class mean's share in the prompt.
RULES = {
    "latent captions, label prompt": ("latent", 0.0),
    "latent captions, class-mean prompt": ("latent", 1.0),
    "label captions": ("label", 0.0),
}
COSINES, RELU = "random cosines", "random ReLUs without biases"
OVER_LENGTHS, OVER_WIDTHS, TRAINED = "over the length", "over the width", "trained hidden layers"

TRAINED_WIDTHS = (2, 8, 32)
# Of InfoNCE: captions, and the class mean's share in the prompt.
TRAINED_RULES = {
    "latent captions, label prompt": (Caption(), 0.0),
    "latent captions, class-mean prompt": (Caption(), 1.0),
    "label captions": (Caption("label"), 0.0),
    "label-attribute captions, half name the background": (Caption("label-attribute", 1.0, 0.5), 0.0),
}
LOGISTIC = "logistic regression"
BATCH, WORDS_BATCH, STEPS, TRAINED_DRAWS, TRAINED_TEST = 256, 512, 1500, 4, 20_000

PANELS = {
    OVER_LENGTHS: tuple(RULES),
    OVER_WIDTHS: (COSINES, RELU),
    TRAINED: (*TRAINED_RULES, LOGISTIC),
}


def random_features(
    key: Key[Array, ""], dim: int, width: int, length: Scalar, relu: bool
) -> Callable[[Float[Array, "size dim"]], Float[Array, "size width"]]:
    """A hidden layer, drawn once: ReLUs without biases, or cosines whose kernel is Gaussian.

    Args:
        key: of the layer's weights.
        dim: of an input.
        width: number of units.
        length: of the Gaussian kernel; not used by ReLUs.
        relu: whether the units are ReLUs.
    """
    weight_key, phase_key = jax.random.split(key)
    weights = jax.random.normal(weight_key, (dim, width))
    if relu:
        return lambda points: jax.nn.relu(points @ weights) / jnp.sqrt(width)
    phases = jax.random.uniform(phase_key, (1, width), maxval=2.0 * jnp.pi)
    return lambda points: jnp.cos(points @ weights / length + phases) * jnp.sqrt(2.0 / width)


def linearised_accuracy(
    key: Key[Array, ""], length: Scalar, caption: Caption, share: float, width: int, relu: bool
) -> Float[Array, ""]:
    """Conflicting accuracy of the linearised learner on random features, fitted to one sample in closed form (S1).

    Args:
        key: of all random numbers.
        length: of the Gaussian kernel.
        caption: what captions say.
        share: of the class mean in the prompt.
        width: of each hidden layer.
        relu: whether its units are ReLUs.
    """
    bases_key, image_key, text_key, sample_key, test_key = jax.random.split(key, 5)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    of_image = random_features(image_key, int(MODEL.image_dim), width, length, relu)
    of_text = random_features(text_key, int(MODEL.text_dim), width, length, relu)
    batch = sample_pairs(sample_key, MODEL, bases, caption, PAIRS)
    prompt = bases.text @ mixed_prompt(MODEL, share, caption)
    ends = of_text(jnp.stack([prompt, -prompt]))
    # The rule is the covariance of the two layers times the prompts' difference.
    said = of_text(batch.texts) @ (ends[0] - ends[1])
    rule = of_image(batch.images).T @ (said - jnp.mean(said))
    return rightly_decided(test_key, MODEL, bases, lambda images: of_image(images) @ rule, TEST_IMAGES)[1]


def trained_accuracies(key: Key[Array, ""], kind: str, width: int) -> Float[Array, " prompts"]:
    """Conflicting accuracies of networks with trained hidden layers, an entry for each prompt.

    Args:
        key: of all random numbers.
        kind: a name of `TRAINED_RULES`, or `LOGISTIC`; of latent captions both prompts are evaluated.
        width: of each hidden layer.
    """
    bases_key, weights_key, train_key, test_key = jax.random.split(key, 4)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    caption, _ = TRAINED_RULES.get(kind, (Caption("label"), 0.0))
    size = BATCH if caption.kind == "latent" else WORDS_BATCH
    sample = lambda key: sample_pairs(key, MODEL, bases, caption, size)  # noqa: E731
    test = functools.partial(rightly_decided, test_key, MODEL, bases, count=TRAINED_TEST)
    if kind == LOGISTIC:
        encoder = train(
            logistic, initial_encoder(weights_key, int(MODEL.image_dim), width, 1), sample, train_key, STEPS
        )
        return test(lambda images: embed(encoder, images)[:, 0])[1][None]
    loss = infonce if caption.kind == "latent" else functools.partial(infonce_on_words, text_basis=bases.text)
    encoders = train(loss, initial_encoders(weights_key, MODEL, (width, width)), sample, train_key, STEPS)
    shares = [share for of_caption, share in TRAINED_RULES.values() if of_caption == caption]
    prompts = [bases.text @ mixed_prompt(MODEL, share, caption) for share in shares]
    return jnp.stack([test(zero_shot_margins(encoders, prompt))[1] for prompt in prompts])


def simulate(seed: int) -> Evidence:
    """Fit the linearised loss to 5000 pairs on random features, 6 times each, and train networks, 4 times each.

    Panels, all of the accuracy on conflicting images: over the length of the Gaussian kernel, with 1024 random
    cosines; over the number of random features, with latent captions and the label prompt; and over the width of
    trained hidden layers, of InfoNCE on inner products and of logistic regression, after 1500 steps of Adam.
    """
    length_key, width_key, trained_key = jax.random.split(jax.random.key(seed), 3)

    def fitted(key: Key[Array, ""], lengths: tuple[float, ...], *of: Any) -> np.ndarray:
        # One after the other: the features of all at once would not fit in memory.
        keys = jax.random.split(key, (len(lengths), DRAWS))
        run = jit(
            lambda keys, lengths: jax.lax.map(
                lambda row: jax.lax.map(lambda key: linearised_accuracy(key, row[1], *of), row[0]), (keys, lengths)
            )
        )
        return np.asarray(run(keys, jnp.array(lengths))).T

    over_lengths = {
        name: from_draws(LENGTHS, fitted(length_key, LENGTHS, Caption(kind), share, max(WIDTHS), False))
        for name, (kind, share) in RULES.items()
    }
    over_widths = {
        name: from_draws(
            WIDTHS,
            np.concatenate([fitted(width_key, (LENGTH,), Caption(), 0.0, width, relu) for width in WIDTHS], axis=1),
        )
        for name, relu in ((COSINES, False), (RELU, True))
    }
    keys = jax.random.split(trained_key, TRAINED_DRAWS)
    # Both prompts of latent captions are of one training.
    trainings = {
        "latent captions, label prompt": list(TRAINED_RULES)[:2],
        **{name: [name] for name in (*list(TRAINED_RULES)[2:], LOGISTIC)},
    }
    trained = {}
    for kind, names in trainings.items():
        of_width = [
            np.asarray(jit(jax.vmap(functools.partial(trained_accuracies, kind=kind, width=width)))(keys))
            for width in TRAINED_WIDTHS
        ]
        accuracies = np.stack(of_width, axis=1)  # draws, widths, prompts
        for index, name in enumerate(names):
            trained[name] = from_draws(TRAINED_WIDTHS, accuracies[:, :, index])
    return {OVER_LENGTHS: over_lengths, OVER_WIDTHS: over_widths, TRAINED: trained}
