"""The backgrounds that repairs take away: their names, and what their prompts must fulfil."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from published.directory import DIRECTORY
from published.tables import read_table
from realdata.photos.class_names import read_words
from realdata.photos.folders import Photo
from workbench.errors import InputError

_OF_SPAN = ("projection", "calibrated", "roboshot")  # they take the span of the backgrounds' prompts away


def read_backgrounds(given: str | None, photos: Sequence[Photo], names: Mapping[int, str]) -> list[str]:
    """The names of the backgrounds.

    Args:
        given: names separated by commas, or a file; None for CounterAnimal's 45 x 2 (`published/classes.csv`, each name
            once) if the photos' backgrounds are among them, and for the photos' own otherwise.
        photos: the photos.
        names: class index to name.

    Raises:
        InputError: there are fewer than two, one occurs twice, or one is the name of a class.
    """
    if given is not None:
        found = read_words(given, "backgrounds")
    else:
        shown = {photo.background for photo in photos}
        columns = ("common_background", "counter_background")
        table = read_table(DIRECTORY / "classes.csv", dict.fromkeys(columns))
        published = set(table[list(columns)].to_numpy().ravel())
        found = sorted(published if shown <= published else shown)
    if len(found) < 2:
        raise InputError(f"`backgrounds`: a repair tells backgrounds apart and needs 2 names, got {', '.join(found)}")
    classes = {_plain(name): index for index, name in names.items()}
    for name in found:
        if _plain(name) in classes:
            raise InputError(
                f"`backgrounds`: {name!r} is also the name of the class {classes[_plain(name)]}, which a repair would "
                "take away"
            )
    return found


def _plain(name: str) -> str:
    return " ".join(name.lower().split())


def check_span(
    repairs: Sequence[str], prompts: Float[np.ndarray, "backgrounds width"], names: Sequence[str]
) -> list[str]:
    """Check that the backgrounds' prompts differ, and that a projection off them leaves something.

    Args:
        repairs: the repairs.
        prompts: a row for each background.
        names: the backgrounds.

    Returns:
        A note if what is taken away is over half of the embedding.

    Raises:
        InputError: all prompts are the same, or their span is the whole embedding.
    """
    width = prompts.shape[1]
    if np.linalg.matrix_rank(prompts[1:] - prompts[:1]) == 0:
        raise InputError(
            f"`backgrounds`: the prompts of {names[0]!r} and all others are the same to this model, and span nothing"
        )
    rank = int(np.linalg.matrix_rank(prompts))
    taking = [name for name in repairs if name in _OF_SPAN]
    if taking and rank >= width:
        raise InputError(
            f"`backgrounds`: {len(names)} prompts span all {width} dimensions of the embedding, and {taking[0]} would "
            f"leave nothing; give fewer than {width} backgrounds"
        )
    if taking and 2 * rank > width:
        return [f"the backgrounds' prompts span {rank} of {width} dimensions, which {', '.join(taking)} take away"]
    return []
