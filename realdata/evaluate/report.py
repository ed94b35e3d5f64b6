"""An evaluation's files and what is printed of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from realdata.evaluate import contact_sheet, figure, table
from realdata.evaluate.answers import Answers
from realdata.evaluate.work import Work
from workbench import results, terminal
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
        "predictions.csv": found.predictions.to_csv(index=False, lineterminator="\n"),
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
