"""S24, simulated: InfoNCE on captions of which a share names the background, with text encoders of growing capacity."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sims.synthetic.sampler import sample_bases, sample_pairs
from sims.theorems.evidence import Evidence, from_draws
from sims.theorems.hidden_layers import (
    infonce_on_words,
    initial_encoders,
    rightly_decided,
    train,
    zero_shot_margins,
)
from theory.model import Caption, Scalar, SpuriousModel
from workbench.compilation import jit

# The noise of the defaults, in fewer dimensions.
MODEL = SpuriousModel(sigma_xi=float(np.sqrt(5 / 16)), image_dim=5, text_dim=5)
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
WIDTHS = (1, 2, 4, 16)
HIDDEN = 16
# Hidden units of the image's and of the text's encoder, 0 for a linear one.
ENCODERS = {
    "linear text encoder, linear images": (0, 0),
    "two-layer text encoder, linear images": (0, HIDDEN),
    "two-layer encoders": (HIDDEN, HIDDEN),
}
OVER_SHARES, OVER_WIDTHS = "conflicting accuracy over the share", "conflicting accuracy over the width"
WIDTH_SERIES, WIDTH_SHARE = "two-layer text encoder", 0.5
PANELS = {OVER_SHARES: tuple(ENCODERS), OVER_WIDTHS: (WIDTH_SERIES,)}
BATCH, STEPS, DRAWS, TEST_IMAGES = 512, 1500, 4, 20_000


def conflicting_accuracy(key: Key[Array, ""], share: Scalar, hidden: tuple[int, int]) -> Float[Array, ""]:
    """Train once, and test the label prompt on fresh conflicting images.

    Args:
        key: of all random numbers.
        share: of the captions that name the background; all name the class.
        hidden: units of the image's and of the text's hidden layer, 0 for a linear encoder.
    """
    bases_key, weights_key, train_key, test_key = jax.random.split(key, 4)
    bases = sample_bases(bases_key, int(MODEL.image_dim), int(MODEL.text_dim))
    caption = Caption("label-attribute", 1.0, share)
    start = initial_encoders(weights_key, MODEL, hidden)
    loss = functools.partial(infonce_on_words, text_basis=bases.text)
    encoders = train(loss, start, lambda key: sample_pairs(key, MODEL, bases, caption, BATCH), train_key, STEPS)
    margins = zero_shot_margins(encoders, bases.text[:, 0])
    return rightly_decided(test_key, MODEL, bases, margins, TEST_IMAGES)[1]


def simulate(seed: int) -> Evidence:
    """Train on 1500 batches of 512 pairs, 4 times each, and test the label prompt on 20,000 conflicting images.

    Panels: accuracy over the share of captions that name the background, for each of `ENCODERS`; and, at a share of
    one half and with linear images, over the number of hidden units of the text's encoder.
    """
    share_key, width_key = jax.random.split(jax.random.key(seed))

    def accuracies(keys: Key[Array, "draws places"], shares: tuple[float, ...], hidden: tuple[int, int]) -> np.ndarray:
        of_draw = jax.vmap(lambda key, share: conflicting_accuracy(key, share, hidden))
        # The same draws for all encoders.
        return np.asarray(jit(jax.vmap(of_draw, in_axes=(0, None)))(keys, jnp.array(shares)))

    keys = jax.random.split(share_key, (DRAWS, len(SHARES)))
    over_shares = {name: from_draws(SHARES, accuracies(keys, SHARES, hidden)) for name, hidden in ENCODERS.items()}
    keys = jax.random.split(width_key, (DRAWS, 1))
    columns = [accuracies(keys, (WIDTH_SHARE,), (0, width)) for width in WIDTHS]
    over_widths = from_draws(WIDTHS, np.concatenate(columns, axis=1))
    return {OVER_SHARES: over_shares, OVER_WIDTHS: {WIDTH_SERIES: over_widths}}
