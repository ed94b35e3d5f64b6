"""What one CLIP gets right after each repair: on images, and as normal embeddings of the same moments predict.

The prediction assumes two things: that embeddings of a class on a background are normal, and that their mean and
covariance are those of the images from which they are measured. Measured on the images that the CLIP was trained on it
needs both; measured on the photos themselves it needs the first alone. Where the first prediction fails and the second
holds, photos are not like training images to the CLIP.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pretrained.checkpoint import Checkpoint
from sims.clip.embeddings import embed_images, embed_texts, scale_of
from sims.colored_digits.captioned import NAMES, PAIRING, PROMPT, Photo, counter_colour, held_out_photos, paint_bytes
from sims.colored_digits.digits import Digits, Split
from sims.colored_digits.painting import COLOURS
from theory.repair_rules import PLAIN, Prompts, Scores, rule_of
from theory.statements.repairs import constant_of
from workbench.conventions import GROUPS

# Where the moments of the predictions are measured.
MOMENTS = ("training", "photos")


WORST = "worst"  # the class on a background that is least often right, whichever it is
PLACES = (*GROUPS, WORST)


def by_place(shares: Float[np.ndarray, "*rows classes groups"]) -> Float[np.ndarray, "*rows places"]:
    """Means over the classes, and the least of all, in the order of `PLACES`."""
    return np.concatenate([shares.mean(axis=-2), shares.min(axis=(-2, -1))[..., None]], axis=-1)


class Shares(NamedTuple):
    """Of one CLIP, for the plain prompt and then each repair, each class, and each of `GROUPS`.

    Attributes:
        right: share of the photos that are right.
        gained: share that only the repair gets right.
        lost: share that only the plain prompt gets right.
        predicted: the share that normal embeddings predict, with the moments of training images and of the photos.
    """

    right: Float[np.ndarray, "repairs classes groups"]
    gained: Float[np.ndarray, "repairs classes groups"]
    lost: Float[np.ndarray, "repairs classes groups"]
    predicted: Float[np.ndarray, "moments repairs classes groups"]


def embed_prompts(checkpoint: Checkpoint, classes: int) -> Prompts:
    """The prompts of the digits, of the colours, and of digits on colours."""
    names, colours = NAMES[:classes], [colour.name for colour in COLOURS[:classes]]
    pairs = [PAIRING.format(name, colour) for name in names for colour in colours]
    embedded = embed_texts(checkpoint, [PROMPT.format(text) for text in (*names, *colours, *pairs)])
    of_pairs = embedded[2 * classes :].reshape(classes, classes, -1)
    return Prompts(embedded[:classes], embedded[classes : 2 * classes], of_pairs, scale_of(checkpoint))


def shares_of(checkpoint: Checkpoint, digits: Digits, classes: int, repairs: Sequence[str], draws: int) -> Shares:
    """Repair a CLIP and ask it of all test digits in both groups.

    Args:
        checkpoint: the CLIP.
        digits: to train and to test on.
        classes: how many digits, and colours.
        repairs: names of `theory.REPAIRS`.
        draws: normal embeddings for each class on a background.
    """
    prompts = embed_prompts(checkpoint, classes)
    photos = held_out_photos(digits.test, classes)
    rows = embed_images(checkpoint, _painted(digits.test, photos))
    places: dict[tuple[int, str], list[int]] = {(photo.class_index, photo.group): [] for photo in photos}
    for place, photo in enumerate(photos):
        places[photo.class_index, photo.group].append(place)
    labels = np.array([photo.class_index for photo in photos])
    names = (PLAIN, *repairs)
    # TIE's shifts are those of the photos, without labels, as in the evaluation of photos.
    right = np.stack([_answers(_rule(name, prompts, rows), rows) == labels for name in names])
    gained, lost = right & ~right[:1], ~right & right[:1]

    def of_groups(hits: Bool[np.ndarray, "repairs photos"]) -> Float[np.ndarray, "repairs classes groups"]:
        each = [[hits[:, places[label, group]].mean(axis=1) for group in GROUPS] for label in range(classes)]
        return np.moveaxis(np.array(each), 2, 0)

    groups = [
        {key: embed_images(checkpoint, images) for key, images in _training_images(digits.train, classes).items()},
        {key: rows[own] for key, own in places.items()},
    ]
    predicted = np.stack([_predict(names, prompts, moments, classes, draws) for moments in groups])
    return Shares(of_groups(right), of_groups(gained), of_groups(lost), predicted)


def _rule(name: str, prompts: Prompts, unlabelled: Float[np.ndarray, "images width"]) -> Scores:
    return rule_of(name, prompts, constant_of(name), unlabelled)


def _answers(rule: Scores, rows: Float[np.ndarray, "images width"]) -> np.ndarray:
    return np.asarray(rule(rows)).argmax(axis=1)


def _painted(digits: Split, photos: Sequence[Photo]) -> np.ndarray:
    shown, colours = (np.array([getattr(photo, name) for photo in photos]) for name in ("digit", "background"))
    return paint_bytes(digits.images[shown], colours)


def _training_images(digits: Split, classes: int) -> dict[tuple[int, str], np.ndarray]:
    """Every training digit on both of its class's backgrounds."""
    found = {}
    for label in range(classes):
        own = digits.images[digits.labels == label]
        for group, colour in zip(GROUPS, (label, counter_colour(label, classes)), strict=True):
            found[label, group] = paint_bytes(own, np.full(len(own), colour))
    return found


def _predict(
    names: Sequence[str],
    prompts: Prompts,
    moments: Mapping[tuple[int, str], Float[np.ndarray, "images width"]],
    classes: int,
    draws: int,
) -> Float[np.ndarray, "repairs classes groups"]:
    """Shares of normal embeddings that are right, drawn with the mean and covariance of each class in each group."""
    unlabelled = np.concatenate(list(moments.values()))
    rules = [_rule(name, prompts, unlabelled) for name in names]
    generator = np.random.default_rng(0)
    found = np.zeros((len(names), classes, len(GROUPS)))
    for (label, group), rows in moments.items():
        exact = np.asarray(rows, float)
        normal = generator.multivariate_normal(exact.mean(axis=0), np.cov(exact.T), draws, method="eigh")
        drawn = normal.astype(rows.dtype)
        found[:, label, GROUPS.index(group)] = [(_answers(rule, drawn) == label).mean() for rule in rules]
    return found
