"""How near two ImageNet classes are in WordNet: the size of the smallest group that holds both.

`published/wordnet_parents.csv` has the hypernyms of the 1,000 classes and of all that stand above them. A group is a
synset; its size is the number of ImageNet classes at or below it. Finches are a group of 5 classes, aquatic birds (with
swans and geese) of 24, birds of 59. Sizes are used, and not steps through the tree, since WordNet has many steps among
dogs and few among tools. Two classes are near if some group of at most `NEAR` classes holds both: a swan and a goose
are, an ostrich and a hen are not.
"""

import functools

import numpy as np
import pandas as pd
from jaxtyping import Int

from published.directory import DIRECTORY
from published.tables import read_table

NEAR = 25  # classes of 1,000
_CLASSES = 1000


def are_imagenet(names: dict[int, str]) -> bool:
    """Whether candidates are the 1,000 ImageNet classes, by their indices."""
    return set(names) == set(range(_CLASSES))


def group_sizes(
    first: Int[np.ndarray, " first"], second: Int[np.ndarray, " second"]
) -> Int[np.ndarray, "first second"]:
    """The size of the smallest group that holds both classes of each pair.

    Args:
        first: ImageNet indices.
        second: likewise.
    """
    above, sizes = _groups()
    found = np.full((len(first), len(second)), _CLASSES)
    for row, index in enumerate(first):
        held = np.where(above[second] & above[index], sizes, _CLASSES)
        found[row] = held.min(axis=1)
    return found


@functools.cache
def _groups() -> tuple[np.ndarray, np.ndarray]:
    """Which synsets each class lies at or below, shape (classes, synsets), and how many classes lie below each."""
    edges = read_table(DIRECTORY / "wordnet_parents.csv", {"synset": None, "parent": None})
    parents: dict[str, list[str]] = {}
    for synset, parent in zip(edges["synset"], edges["parent"], strict=True):
        parents.setdefault(synset, []).append(parent)
    classes = read_table(DIRECTORY / "imagenet_classes.csv", {"index": (0, _CLASSES - 1), "wnid": None})
    places = {synset: place for place, synset in enumerate(pd.unique(edges[["synset", "parent"]].to_numpy().ravel()))}
    above = np.zeros((_CLASSES, len(places)), bool)
    for index, synset in zip(classes["index"].astype(int), classes["wnid"], strict=True):
        waiting = [synset]
        while waiting:
            one = waiting.pop()
            if not above[index, places[one]]:
                above[index, places[one]] = True
                waiting += parents.get(one, [])
    return above, above.sum(axis=0)
