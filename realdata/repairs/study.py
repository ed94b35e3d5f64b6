"""All repairs of one model on one data set: photos embedded once, every rule on the same embeddings."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from realdata.evaluate.candidates import read_templates
from realdata.evaluate.scoring import Answers
from realdata.evaluate.work import Work
from realdata.models.model import EmbeddingModel, Model
from realdata.repairs.answers import Choice, Timed, answers_of
from realdata.repairs.backgrounds import check_span, read_backgrounds
from realdata.repairs.comparison import summary_of
from realdata.repairs.config import BASELINES, CLASSES, ENSEMBLES, RepairConfig
from realdata.repairs.embeddings import Embedded, embed_photos
from realdata.repairs.probes import train_probe
from realdata.repairs.rules import embed_all_prompts, tried_constants
from realdata.repairs.tuning import check_disjoint, parts_of, read_held_out, score_of
from theory.names import CONSTANT_NAMES
from theory.repair_rules import PLAIN, Prompts, rule_of
from workbench import terminal
from workbench.conventions import GROUPS
from workbench.errors import InputError


class Repaired(NamedTuple):
    """The answers of every rule.

    Attributes:
        each: rule to answers, first `plain`.
        content: what `summary.json` says of the repairs.
        notes: notes for the user.
    """

    each: Mapping[str, Answers]
    content: dict[str, Any]
    notes: list[str]

    def to_frame(self) -> pd.DataFrame:
        """A row for each photo: `path`, `class_index`, `group`, `background`, and each rule's answer by name."""
        plain = self.each[PLAIN].predictions[["path", "class_index", "group", "background"]]
        return plain.assign(**{name: found.predictions.predicted_index for name, found in self.each.items()})


def repair_photos(work: Work, model: Model, allowed: Mapping[int, Bool[np.ndarray, " candidates"]]) -> Repaired:
    """Answer all photos with the plain prompt and with every repair.

    Args:
        work: the evaluation's inputs.
        model: the model.
        allowed: class index to a mask of its photos' candidates.

    Raises:
        InputError: the model gives no embeddings; the backgrounds do not fit; a constant would be chosen on reported
            photos; or `openai80` is asked for without OpenCLIP.
        RunError: an embedding or score is not finite.
        KeyboardInterrupt: the run was stopped; finished pieces stay.
    """
    config, name = work.config.repairs, work.config.model
    assert config is not None and name is not None
    if not isinstance(model, EmbeddingModel):
        raise InputError(
            f"`repair`: needs the embeddings of a CLIP or SigLIP that runs in JAX or by OpenCLIP, and {name} gives "
            "scores"
        )
    names = work.classes.names
    templates = {name: read_templates(name, "repair") for name in config.repair if name in ENSEMBLES}
    backgrounds = read_backgrounds(config.backgrounds, work.data.photos, names)
    data = {"reported": work.data}
    if config.tune_on not in (None, CLASSES):
        data["held out"] = read_held_out(work.config, work.classes, work.data, config.tune_on)
    prompts = embed_all_prompts(model, list(names.values()), backgrounds, config.pairing, work.templates)
    ensembles = {
        name: model.embed_names(list(names.values()), texts)[model.firsts] for name, texts in templates.items()
    }
    notes = check_span(config.repair, prompts.backgrounds, backgrounds)
    width = prompts.classes.shape[1]
    embedded = {which: embed_photos(work.config, of, name, model, width, work.unfinished) for which, of in data.items()}
    reported, held_out = embedded["reported"], embedded.get("held out")
    in_groups = work.config.metadata is not None
    missing = set() if in_groups else set(GROUPS) - {photo.group for photo in reported.photos}
    if missing or not reported.photos:
        raise InputError(
            f"`data`: {work.data.root}: no {' and no '.join(sorted(missing)) or 'single'} photo can be read"
        )
    if held_out is not None:
        check_disjoint(held_out, reported)
    choice = Choice(list(names), allowed, model.firsts)
    study = _Study(config, prompts, ensembles, choice, reported, held_out, in_groups)
    with terminal.progress() as display:
        bar = display.add_task("repairs", total=len(config.repair) + 1, status="")
        found: dict[str, Timed] = {}
        constants: dict[str, Any] = {}
        for rule in (PLAIN, *config.repair):
            found[rule], constants[rule] = study.answers(rule)
            display.advance(bar)
    each = {rule: timed.answers for rule, timed in found.items()}
    content = {
        "backgrounds": backgrounds,
        "pairing": config.pairing,
        "tuned_on": config.tune_on,
        "constants": {rule: chosen for rule, chosen in constants.items() if chosen is not None},
        "photos_a_second": {"embedding": reported.rate, **{rule: timed.rate for rule, timed in found.items()}},
        "each": summary_of({rule: answers.predictions for rule, answers in each.items()}, work.data, in_groups),
    }
    return Repaired(each, content, notes)


@dataclasses.dataclass(frozen=True)
class _Study:
    config: RepairConfig
    prompts: Prompts
    ensembles: Mapping[str, Float[np.ndarray, "candidates width"]]
    choice: Choice
    reported: Embedded
    held_out: Embedded | None
    in_groups: bool

    def answers(self, name: str) -> tuple[Timed, Any]:
        """The answers of a rule to the reported photos, and its constant: one, or one for each part of the classes."""
        if name in BASELINES:
            assert self.held_out is not None
            rule = train_probe(name, self.held_out, self.reported, self.choice.candidates)
            return answers_of(name, rule, self.reported, self.choice), None
        if name not in CONSTANT_NAMES:
            return self._with(name, self.config, self.reported), None
        tried = tried_constants(name, self.config)
        if self.config.tune_on == CLASSES:
            return self._by_class(name, [(each.constant(name), each) for each in tried])
        best = tried[0]
        if self.held_out is not None:
            scored = [self._score(self._with(name, each, self.held_out)) for each in tried]
            best = tried[int(np.argmax(scored))]  # the first of the best, so that the configured one wins a tie
        return self._with(name, best, self.reported), best.constant(name)

    def _with(self, name: str, config: RepairConfig, embedded: Embedded) -> Timed:
        unlabelled = self.reported if self.held_out is None else self.held_out
        if name in ENSEMBLES:
            rule = rule_of(PLAIN, self.prompts._replace(classes=self.ensembles[name]), 0.0, unlabelled.rows)
        else:
            rule = rule_of(name, self.prompts, config.constant(name), unlabelled.rows)
        return answers_of(name, rule, embedded, self._choice(embedded))

    def _choice(self, embedded: Embedded) -> Choice:
        """The candidates of the photos held out, whose classes may be others, are all."""
        if embedded is self.reported:
            return self.choice
        every = {photo.class_index: np.ones(len(self.choice.candidates), bool) for photo in embedded.photos}
        return self.choice._replace(allowed={**every, **self.choice.allowed})

    def _score(self, timed: Timed) -> float:
        return score_of(timed.answers.predictions, self.in_groups)

    def _by_class(self, name: str, tried: Sequence[tuple[float, RepairConfig]]) -> tuple[Timed, list[float]]:
        """Each part of the classes with the constant that is best on the other parts."""
        found = [self._with(name, config, self.reported) for _, config in tried]
        frames = [timed.answers.predictions for timed in found]
        parts = parts_of(frames[0].class_index.to_numpy())
        joined, chosen = frames[0].copy(), []
        for part in parts:
            own = frames[0].class_index.isin(part)
            best = int(np.argmax([score_of(frame[~own], self.in_groups) for frame in frames]))
            joined.loc[own] = frames[best].loc[own]
            chosen.append(tried[best][0])
        return Timed(found[0].answers._replace(predictions=joined), found[0].rate), chosen
