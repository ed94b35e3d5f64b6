"""What an evaluation reads before it begins: photos, classes and templates."""

from pathlib import Path
from typing import NamedTuple

from realdata.evaluate.config import EvaluationConfig
from realdata.photos.class_names import ClassNames
from realdata.photos.folders import DataSet


class Work(NamedTuple):
    """The inputs of an evaluation, as read.

    Attributes:
        config: its configuration.
        classes: the candidates' names, and other names of classes.
        templates: the prompts' templates.
        data: the photos with their classes and groups.
        unfinished: the folder for the pieces of an unfinished run.
    """

    config: EvaluationConfig
    classes: ClassNames
    templates: list[str]
    data: DataSet
    unfinished: Path
