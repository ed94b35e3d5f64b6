"""A curation: the photos that the paper's rule selects, their drop, and how much of it is due to the selection."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from realdata.curate.config import CurationConfig
from realdata.curate.held_out import HALF, SHARE, HeldOut, hold_out, steps
from realdata.curate.selection import Cells, Chance, Choice, chance, choose, count, mean_over_kept
from realdata.photos.class_names import read_class_names, read_mapping
from realdata.photos.labelled import read_labelled
from workbench import results
from workbench.conventions import GROUPS
from workbench.errors import InputError

_FEW = 10  # with fewer photos, one of them changes the accuracy by over 10 points


class Curation(NamedTuple):
    """The result of a curation.

    Attributes:
        content: the content of `curation.json`: all numbers except those of single photos; accuracies in %.
        selection: a row for each class.
        photos: a row for each photo of the kept classes, with its `group`.
    """

    content: dict[str, Any]
    selection: pd.DataFrame
    photos: pd.DataFrame


def curate_predictions(
    predictions: Path,
    root: Path | None,
    names: str,
    mapping: Path | None,
    config: CurationConfig,
    advance: Callable[[int], object] = lambda done: None,
) -> Curation:
    """Read a table of predictions, select among its photos, and analyse the selection's drop.

    Args:
        predictions: the table, for `realdata.photos.labelled.read_labelled`.
        root: folder of photos, if the table does not give their classes and backgrounds.
        names: the classes' names, for `realdata.photos.class_names.read_class_names`.
        mapping: file with the index of each class folder, for other names.
        config: the settings.
        advance: called with the number of finished splits and permutations.

    Raises:
        InputError: a file is wrong, or no class has two backgrounds with enough photos.
    """
    classes = read_class_names(names)
    photos, notes = read_labelled(predictions, root, classes, None if mapping is None else read_mapping(mapping))
    content, selection, kept = curate(photos, classes.names, config, advance)
    if selection.naive_drop.isna().all():
        raise InputError(f"{predictions}: no class has two backgrounds with at least {config.min_photos} photos each")
    content = {
        "predictions": str(predictions),
        "photos_from": None if root is None else str(root),
        "names": names,
        **content,
        "notes": [*notes, *content["notes"]],
        "versions": results.versions("numpy", "scipy", "pandas", "statsmodels", "matplotlib"),
    }
    return Curation(content, selection, kept)


def count_steps(config: CurationConfig) -> int:
    """Count the splits and permutations of a curation, for a progress display."""
    return 2 * steps(config.splits) + config.permutations


def curate(
    photos: pd.DataFrame,
    names: dict[int, str],
    config: CurationConfig,
    advance: Callable[[int], object] = lambda done: None,
) -> Curation:
    """Select photos, and analyse the selection's drop.

    Args:
        photos: a row for each photo, with `path`, `class_index`, `background` and `correct` (0 or 1).
        names: class index to name.
        config: the settings.
        advance: called with the number of finished splits and permutations.
    """
    cells = count(photos, config.min_photos)
    choice = choose(cells.right, cells.photos, config.threshold)
    # A stream of random numbers for each part, so that more draws in one do not change the others.
    streams = [np.random.default_rng((config.seed, part)) for part in range(3)]
    corrected, halves = (
        hold_out(cells, config.threshold, share, stream, config.splits, advance)
        for share, stream in zip((SHARE, HALF), streams[:2], strict=True)
    )
    by_chance = chance(cells, config.threshold, streams[2], config.permutations, advance)
    selection = _selection(cells, choice, corrected, halves, by_chance, names, config)
    naive = _number(mean_over_kept(choice.drop, choice.kept))
    content = {
        "parameters": dataclasses.asdict(config),
        "photos": len(photos),
        "classes_kept": int(choice.kept.sum()),
        "naive_drop": naive,
        "corrected": _estimate(corrected, SHARE),
        "split_half": _estimate(halves, HALF),
        "from_the_choice": None if naive is None or corrected.drop is None else naive - corrected.drop.value,
        "chance": {"drop": _number(by_chance.drop), "p_value": _number(by_chance.p_value)},
        "classes": selection.astype(object).where(selection.notna(), None).to_dict("records"),
        "notes": _notes(photos, cells, selection, config),
    }
    return Curation(content, selection, _select_photos(photos, selection))


def _selection(
    cells: Cells,
    choice: Choice,
    corrected: HeldOut,
    halves: HeldOut,
    by_chance: Chance,
    names: dict[int, str],
    config: CurationConfig,
) -> pd.DataFrame:
    number = (cells.photos > 0).sum(axis=1)
    paired = choice.common != choice.counter
    columns: dict[str, Any] = {
        "class_index": cells.classes,
        "label": [names.get(index, str(index)) for index in cells.classes],
        "backgrounds": number,
    }
    rows = np.arange(len(cells.classes))
    for group, place in (("common", choice.common), ("counter", choice.counter)):
        photos, right = cells.photos[rows, place], cells.right[rows, place]
        columns |= {
            f"{group}_background": [
                known[at] if there else None for known, at, there in zip(cells.backgrounds, place, paired, strict=True)
            ],
            f"{group}_accuracy": np.where(paired, 100.0 * right / np.maximum(photos, 1), np.nan),
            f"{group}_photos": pd.array(np.where(paired, photos, 0), dtype="Int64"),
        }
    columns |= {
        "naive_drop": np.where(number > 1, choice.drop, np.nan),
        "corrected_drop": corrected.classes,
        "corrected_low": corrected.intervals[:, 0],
        "corrected_high": corrected.intervals[:, 1],
        "split_half_drop": halves.classes,
        "chance_drop": by_chance.classes,
        "p_value": by_chance.p_values,
    }
    tested = number > 1
    for name, method in (("p_holm", "holm"), ("p_fdr", "fdr_bh")):
        columns[name] = np.full(len(number), np.nan)
        if tested.any():
            columns[name][tested] = multipletests(by_chance.p_values[tested], method=method)[1]
    columns["kept"] = choice.kept
    columns["why_not"] = [
        None
        if kept
        else f"no background of {config.min_photos} photos"
        if not backgrounds
        else "one background"
        if backgrounds == 1
        else f"at most {config.threshold:g} points apart"
        for kept, backgrounds in zip(choice.kept, number, strict=True)
    ]
    return pd.DataFrame(columns)


def _estimate(found: HeldOut, share: float) -> dict[str, Any]:
    drop = found.drop
    return {
        "share_that_chooses": share,
        "drop": drop and drop.value,
        "interval": drop and list(drop.over_photos),
        "interval_over_classes": drop and list(drop.over_classes),
    }


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _select_photos(photos: pd.DataFrame, selection: pd.DataFrame) -> pd.DataFrame:
    kept = selection[selection.kept]
    pairs = pd.concat(
        kept[["class_index", f"{group}_background"]].set_axis(["class_index", "background"], axis=1).assign(group=group)
        for group in GROUPS
    )
    return photos.merge(pairs, on=["class_index", "background"])[["path", "class_index", "group", "background"]]


def _notes(photos: pd.DataFrame, cells: Cells, selection: pd.DataFrame, config: CurationConfig) -> list[str]:
    notes = []
    all_backgrounds = len(photos[["class_index", "background"]].drop_duplicates())
    if left_out := all_backgrounds - sum(map(len, cells.backgrounds)):
        notes.append(f"{left_out} backgrounds of classes have fewer than {config.min_photos} photos and are left out")
    kept = selection[selection.kept]
    few = kept[(kept.common_photos < _FEW) | (kept.counter_photos < _FEW)]
    if len(few):
        notes.append(
            f"{len(few)} of the classes kept have fewer than {_FEW} photos in a group; the first: {few.label.iloc[0]}"
        )
    return notes
