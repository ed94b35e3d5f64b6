"""What `summary.json` says."""

from collections.abc import Mapping, Sequence
from typing import Any

from published.tables import DIRECTORY, PublishedTables, read_published_tables
from realdata.evaluate.answers import Answers
from realdata.evaluate.candidates import ALL, TWENTY
from realdata.evaluate.config import EvaluationConfig
from realdata.evaluate.mistakes import mistakes
from realdata.evaluate.predictions import summary
from realdata.evaluate.prompts import OPENAI80, PAPER
from realdata.evaluate.standing import effective_robustness_content, reliance_content
from realdata.evaluate.work import Work
from realdata.models.registry import PREFIX, find_published
from realdata.photos.folders import GROUPS, warnings
from realdata.photos.published_counts import differences
from workbench import results
from workbench.errors import InputError

_LIBRARIES = ("jax", "flax", "numpy", "pillow", "tokenizers", "safetensors")
_PROMPTS = {PAPER: "simple", OPENAI80: "openai80"}  # in the tables' words


def summarise(
    work: Work, origin: Mapping[str, Any], found: Answers, lists: Mapping[int, Sequence[int]] | None, notes: list[str]
) -> dict[str, Any]:
    """All numbers of an evaluation, JSON-ready; accuracies in %.

    Args:
        work: what was asked about.
        origin: where the answers come from: `model`, `preprocessing`, the number of `candidates` and so on.
        found: the answers.
        lists: class index to candidates, where a photo was not classified among all.
        notes: what a person should know.

    Raises:
        InputError: not one photo of a group can be decoded.
    """
    predictions, config = found.predictions, work.config
    missing = set(GROUPS) - set(predictions.group)
    if missing:
        raise InputError(f"`data`: {work.root}: not one {' and not one '.join(sorted(missing))} photo can be read")
    number = origin["candidates"] if lists is None else max(map(len, lists.values()))
    setup = f"1v{number}"
    tables = read_published_tables(DIRECTORY)
    content = summary(predictions, work.classes.names)
    return {
        **origin,
        "setup": setup,
        "candidates_from": config.candidates_from or ("published" if lists is not None else None),
        "prompt": config.prompt if origin["reads_prompts"] else None,
        "templates": work.templates if origin["reads_prompts"] else None,
        "names": config.names,
        **content,
        "mistakes": mistakes(predictions, work.classes.names),
        "effective_robustness": effective_robustness_content(predictions, setup, tables),
        "reliance": reliance_content(predictions),
        "published": _published(config, setup, tables),
        "warnings": [*notes, *warnings(work.photos, work.classes), *differences(work.photos, tables.classes)],
        "unreadable": [{"path": path, "reason": reason} for path, reason in found.unreadable],
        "versions": results.versions(*_LIBRARIES),
    }


def summarise_uncurated(work: Work, found: Answers, notes: list[str]) -> dict[str, Any]:
    """What is said of photos that are of no group yet, JSON-ready; arguments as in `summarise`.

    Raises:
        InputError: not one photo can be read.
    """
    if found.predictions.empty:
        raise InputError(f"`data`: {work.root}: not one photo can be read")
    return {
        "photos": len(found.predictions),
        "accuracy_unbalanced": 100.0 * float(found.predictions.correct.mean()),
        "warnings": notes,
        "unreadable": [{"path": path, "reason": reason} for path, reason in found.unreadable],
    }


def _published(config: EvaluationConfig, setup: str, tables: PublishedTables) -> list[dict[str, Any]]:
    """What the paper's tables print for a model that is named as they name it, in this setting."""
    if config.model is None or not config.model.startswith(PREFIX) or setup not in (ALL, TWENTY):
        return []
    model, rows = find_published(config.model), tables.results
    prompt = _PROMPTS.get(config.prompt)
    same = (rows.family == model.family) & (rows.backbone == model.backbone) & (rows.pretrain == model.pretrain)
    same &= (rows.setup == setup) & (rows.averaging == "balanced") & rows.prompt.isin([prompt, "none"])
    columns = ["table", "checkpoint", "common", "counter", "drop"]
    return [dict(zip(columns, row, strict=True)) for row in rows.loc[same, columns].itertuples(index=False)]
