"""What an evaluation asks about."""

import argparse
from pathlib import Path
from typing import NamedTuple

from realdata.photos.class_names import ClassNames
from realdata.photos.folders import Photo


class Work(NamedTuple):
    """What an evaluation asks about.

    Attributes:
        options: of the command line.
        classes: that there are.
        templates: of the prompts.
        root: the folder that the photos' paths start from.
        photos: all of them.
    """

    options: argparse.Namespace
    classes: ClassNames
    templates: list[str]
    root: Path
    photos: list[Photo]
