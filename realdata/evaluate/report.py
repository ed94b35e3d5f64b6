"""An evaluation's files and what is printed of it."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from realdata.evaluate import contact_sheet, figure, table
from realdata.evaluate.answers import Answers
from realdata.evaluate.work import Work
from realdata.photos.class_names import IMAGENET
from workbench import results, terminal
from workbench.errors import InputError
from workbench.figures import to_png


def report(
    work: Work,
    content: Mapping[str, Any],
    found: Answers,
    lists: Mapping[int, Sequence[int]] | None,
) -> None:
    """Write and print an evaluation.

    Args:
        work: what was asked about.
        content: of `summary.json`.
        found: the answers.
        lists: class index to candidates, best first, where a photo was not classified among all.
    """
    files: dict[str, str | bytes] = {
        "predictions.csv": _as_csv(found),
        "evaluation.png": to_png(figure.draw(content)),
    }
    sheet = contact_sheet.draw(found.predictions, content, work.root, work.classes.names)
    if sheet is not None:
        files["flips.png"] = to_png(sheet)
    if lists is not None:
        rows = [f"{owner},{rank},{each}" for owner, best in lists.items() for rank, each in enumerate(best, 1)]
        files["candidates.csv"] = "\n".join(["imagenet_index,rank,candidate_index", *rows]) + "\n"
    files["summary.json"] = results.to_json(content)  # the last one: where it is, all are
    results.write_files(work.options.out, files)
    if not results.emit_json(content, work.options.json):
        table.show(content)
        terminal.output().print(f"Written to {work.options.out}: {', '.join(files)}", soft_wrap=True)


def report_uncurated(work: Work, found: Answers, notes: list[str]) -> None:
    """Write and print the predictions of photos that are of no group yet.

    Args:
        work: what was asked about.
        found: the answers.
        notes: what a person should know.

    Raises:
        InputError: not one photo can be read.
    """
    if found.predictions.empty:
        raise InputError(f"--data: {work.root}: not one photo can be read")
    content = {
        "photos": len(found.predictions),
        "accuracy_unbalanced": 100.0 * float(found.predictions.correct.mean()),
        "warnings": notes,
        "unreadable": [{"path": path, "reason": reason} for path, reason in found.unreadable],
    }
    results.write_files(work.options.out, {"predictions.csv": _as_csv(found)})
    if not results.emit_json(content, work.options.json):
        console = terminal.output()
        console.print(f"{content['accuracy_unbalanced']:.2f}% of {content['photos']} photos are right.")
        table.show_left_out(content)
        place = work.options.out / "predictions.csv"
        names = "" if work.options.names == IMAGENET else f" --names {shlex.quote(work.options.names)}"
        following = f"python -m realdata.curate --predictions {shlex.quote(str(place))}{names}"
        console.print(f"Written: {place}. Next: {following}", soft_wrap=True)


def _as_csv(found: Answers) -> str:
    return found.predictions.to_csv(index=False, lineterminator="\n")
