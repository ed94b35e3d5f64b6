"""The configuration of an evaluation, and what follows from it: photos, classes and templates."""

import dataclasses
from pathlib import Path

from realdata.models.loading import Loading
from realdata.names import ALL, EVERY, FILLS, IMAGENET, OPENAI80, PAPER, TWENTY
from realdata.photos.decoding import processor_count
from realdata.photos.options import Metadata
from realdata.repairs.config import RepairConfig
from workbench import program
from workbench.errors import InputError, ParameterError
from workbench.parameters import FLAG, check, optional, parameter, path, text, whole_number, word

AUTO = "auto"


def _batch_size(text: str) -> int | None:
    return None if text == AUTO else program.whole_number(1)(text)


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """Which model on which photos, among which candidates, with which prompts.

    Attributes:
        data: folder of class folders, as CounterAnimal's; or, with `metadata`, the folder of its photos.
        model: a folder with a checkpoint, a Hugging Face id, or another name that `realdata.models.registry` knows.
        scores: in place of a model, a file with the scores of one that was run elsewhere.
        names: the candidates' names: `imagenet`, `openai`, or a file.
        classes: table of folders and class indices, for other class folders.
        setup: the candidates of a photo: `1v1000`, ImageNet's 1,000; `1v20`, the 20 published for its class; `all`,
            all names. By default all names, which must be 1,000 if there are nearly as many.
        candidates_from: `1v20` with the 20 names that this model finds most similar to a class's photos.
        prompt: a template, `{}` for a candidate's name; a file of templates, or `openai80`.
        uncurated: whether the photos lie in folders class/background and have no groups yet.
        mask: folder of masks, one for each photo, whose dark parts are replaced.
        fill: the replacement: `grey`, `blur` or `mean`.
        strict: whether a photo that cannot be read ends the run.
        batch_size: photos in a batch; by default the model's own number.
        workers: processes that decode photos; with 0, the main one does.
        loading: data type, tokenizer and overrides of the model.
        metadata: a table with the photos' classes, attributes and splits, in place of class folders.
        repairs: repairs to try beside the plain prompt.

    Raises:
        ParameterError: a value outside its domain, or not just one of `model` and `scores`.
        InputError: `candidates_from` with `scores` or with all candidates; `mask` with `scores`; or `metadata` with
            `uncurated`, or without names of its own; `repair` with `scores`, `uncurated` or both activations.
    """

    data: Path
    model: str | None = None
    scores: Path | None = None
    names: str = IMAGENET
    classes: Path | None = None
    setup: str | None = parameter(
        None,
        optional(word((ALL, TWENTY, EVERY))),
        f"among which candidates: {ALL}, ImageNet's 1,000 (default); {TWENTY}, the 20 published for each class; "
        f"{EVERY}, all names, however many; without it, names that are far from 1,000 are all taken too",
    )
    candidates_from: str | None = parameter(
        None,
        optional(text("MODEL")),
        f"{TWENTY} with the 20 names that this model finds most similar to a class's photos, in place of the "
        "published ones",
    )
    prompt: str = parameter(
        PAPER,
        text("TEXT"),
        "template of the prompts, {} for a candidate's name; or a file with a template on each line, or "
        f"{OPENAI80}, OpenAI's 80 from an installed open_clip_torch; of several, the mean embedding counts",
    )
    uncurated: bool = parameter(
        False,
        FLAG,
        "the photos lie in folders class/background and have no groups yet: write predictions.csv alone, for "
        "realdata.curate",
    )
    mask: Path | None = parameter(
        None,
        optional(path("DIR")),
        "take the background away: a folder with a PNG for each photo, at the photo's own path, whose light pixels "
        "are kept",
    )
    fill: str = parameter(
        FILLS[0], word(FILLS), "in the background's place: grey, the blurred photo, or the background's mean colour"
    )
    strict: bool = parameter(False, FLAG, "end at a photo that cannot be read, instead of leaving it out")
    batch_size: int | None = parameter(
        None,
        optional(whole_number(1)._replace(parse=_batch_size)),
        f"photos in a batch; {AUTO}: the model's choice",
    )
    workers: int = parameter(
        processor_count(), whole_number(0), "processes that decode photos; 0 decodes in the main one"
    )
    loading: Loading = dataclasses.field(default_factory=Loading)
    metadata: Metadata | None = None
    repairs: RepairConfig | None = None

    def __post_init__(self) -> None:
        if (self.model is None) == (self.scores is None):
            raise ParameterError("model", "given, or `scores` and not both", self.model)
        check(self)
        if self.metadata is not None and self.uncurated:
            raise InputError("`uncurated`: photos without groups, and cannot go with `metadata`, which gives groups")
        if self.metadata is not None and self.names == IMAGENET:
            raise InputError(
                "`names`: `metadata` needs the names of its own classes, as landbird,waterbird, or a file of names"
            )
        if self.repairs is not None:
            both = self.loading.both_activations
            for other, given in (
                ("scores", self.scores is not None),
                ("uncurated", self.uncurated),
                ("activation", both),
            ):
                if given:
                    raise InputError(
                        f"`repair`: compares groups on one model's embeddings, and cannot go with `{other}`"
                    )
        if self.mask is not None and self.scores is not None:
            raise InputError("`mask`: changes photos before a model sees them, and cannot go with `scores`")
        if self.candidates_from is not None and (self.setup in (ALL, EVERY) or self.scores is not None):
            other = f"`setup` {self.setup}" if self.scores is None else "`scores`"
            raise InputError(
                f"`candidates_from`: makes the candidates of {TWENTY} with `model`, and cannot go with {other}"
            )
