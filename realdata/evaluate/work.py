"""What an evaluation asks about."""

from pathlib import Path
from typing import NamedTuple

from realdata.evaluate.config import EvaluationConfig
from realdata.photos.class_names import ClassNames
from realdata.photos.folders import Photo


class Work(NamedTuple):
    """What an evaluation asks about.

    Attributes:
        config: what it is asked to do.
        classes: that there are.
        templates: of the prompts.
        root: the folder that the photos' paths start from.
        photos: all of them.
        unfinished: the folder for what an unfinished run has done.
    """

    config: EvaluationConfig
    classes: ClassNames
    templates: list[str]
    root: Path
    photos: list[Photo]
    unfinished: Path
