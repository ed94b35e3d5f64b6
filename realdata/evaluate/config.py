"""The configuration of an evaluation, and what follows from it: photos, classes and templates."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from realdata.evaluate.candidates import ALL, EVERY, PAPER, TWENTY
from realdata.models.registry import Loading
from realdata.photos.class_names import IMAGENET, ClassNames
from realdata.photos.decoding import processor_count
from realdata.photos.folders import Photo
from realdata.photos.masking import FILLS
from workbench.errors import InputError, ParameterError


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """Which model, on which photos, asked how.

    Attributes:
        data: folder of class folders, as CounterAnimal's.
        model: a folder with a checkpoint, a Hugging Face id, or another name that `realdata.models.registry` knows.
        scores: or a file with the scores of a model that was run elsewhere.
        names: the candidates' names: `imagenet`, `openai`, or a file.
        classes: table of folders and class indices, for other class folders.
        setup: among which candidates a photo is classified: `1v1000`, ImageNet's 1,000; `1v20`, the 20 published for
            its class; `all`, however many names there are. Unless given, all names, which must be 1,000 if they are
            about as many.
        candidates_from: `1v20` with the 20 names that this model finds most similar to a class's photos.
        prompt: what is said of a candidate, `{}` for its name; a file of such lines, or `openai80`.
        uncurated: whether the photos lie in folders class/background and are of no group yet.
        mask: folder of masks, one for each photo, whose dark parts are taken out of it.
        fill: what stands there instead: `grey`, `blur` or `mean`.
        strict: whether a photo that cannot be read ends the run.
        loading: how the model is loaded.
        batch_size: photos at a time; the model's own unless given.
        workers: processes that decode photos; 0 decodes in the main one.

    Raises:
        ParameterError: not one of `model` and `scores`.
        InputError: `candidates_from` with `scores`, or with all candidates; or `mask` with `scores`.
    """

    data: Path
    model: str | None = None
    scores: Path | None = None
    names: str = IMAGENET
    classes: Path | None = None
    setup: str | None = None
    candidates_from: str | None = None
    prompt: str = PAPER
    uncurated: bool = False
    mask: Path | None = None
    fill: str = FILLS[0]
    strict: bool = False
    loading: Loading = dataclasses.field(default_factory=Loading)
    batch_size: int | None = None
    workers: int = dataclasses.field(default_factory=processor_count)

    def __post_init__(self) -> None:
        if (self.model is None) == (self.scores is None):
            raise ParameterError("model", "given, or `scores` and not both", self.model)
        if self.setup not in (None, ALL, TWENTY, EVERY):
            raise ParameterError("setup", f"{ALL}, {TWENTY} or {EVERY}", self.setup)
        if self.fill not in FILLS:
            raise ParameterError("fill", f"among {', '.join(FILLS)}", self.fill)
        if self.mask is not None and self.scores is not None:
            raise InputError("`mask`: changes photos before a model sees them, and cannot go with `scores`")
        if self.candidates_from is not None and (self.setup in (ALL, EVERY) or self.scores is not None):
            other = f"`setup` {self.setup}" if self.scores is None else "`scores`"
            raise InputError(
                f"`candidates_from`: makes the candidates of {TWENTY} with `model`, and cannot go with {other}"
            )


class Work(NamedTuple):
    """The inputs of an evaluation, as read.

    Attributes:
        config: its configuration.
        classes: the candidates' names, and other names of classes.
        templates: the prompts' templates.
        root: the folder of the class folders, where the photos' paths start.
        photos: all photos.
        unfinished: the folder for the pieces of an unfinished run.
    """

    config: EvaluationConfig
    classes: ClassNames
    templates: list[str]
    root: Path
    photos: list[Photo]
    unfinished: Path
