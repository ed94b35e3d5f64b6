"""The result of `sims.repairs digits`: accuracies after each repair, their changes, and what predicted them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit

from sims.contrastive.comparison import AGREEMENT_LEVEL
from sims.repairs.digits.config import DigitsRepairConfig
from sims.repairs.digits.shares import MOMENTS, PLACES, Shares, by_place
from theory.repair_rules import PLAIN
from workbench import results
from workbench.conventions import GROUPS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# What a table that is right everywhere says: which of the two assumptions fails (`sims.repairs.digits.shares`).
AGREES, OTHER_IMAGES, NOT_NORMAL = "yes", "photos are other images", "not normal"


@dataclasses.dataclass(frozen=True)
class DigitsRow:
    """One kind of captions and one repair, over all CLIPs.

    Attributes:
        mention_spu: probability that a caption names the background.
        repair: its name, or `plain`.
        accuracy: mean over the CLIPs, by `PLACES`, in [0, 1]; of a group, the mean over the classes.
        stderr: its standard error, from the spread of the CLIPs.
        change: of the accuracy against the plain prompt, paired by CLIP.
        change_stderr: its standard error, from the spread of the CLIPs.
        predicted: the change that normal embeddings predict, by `MOMENTS` and then by `PLACES`.
        agrees: for each of `GROUPS`, `AGREES`, or which assumption fails; not given for `plain`. The least of a few
            shares is lower by chance than that of their expectations, so that the worst is not judged.
    """

    mention_spu: float
    repair: str
    accuracy: dict[str, float]
    stderr: dict[str, float]
    change: dict[str, float]
    change_stderr: dict[str, float]
    predicted: dict[str, dict[str, float]]
    agrees: dict[str, str] | None


@dataclasses.dataclass(frozen=True)
class DigitsRepairResult:
    """What `sims.repairs digits` found.

    Attributes:
        config: what was run.
        digits: which digits, with how many to train and to test on.
        shares: probability that a caption names the background, to shares with a leading axis for the CLIPs.
        evaluated: what an evaluation of an export's photos found beside the same CLIP, if one was given.
        seconds: what took how long in this run, to which CLIPs that were kept add nothing.
        versions: of Python and the packages; and the device.
    """

    config: DigitsRepairConfig
    digits: dict[str, Any]
    shares: Mapping[float, Shares]
    evaluated: dict[str, Any] | None
    seconds: dict[str, float]
    versions: dict[str, str]

    @property
    def rows(self) -> list[DigitsRow]:
        """A row for each kind of captions and each repair, first the plain prompt."""
        photos = self.digits["test"] / self.config.design.classes
        comparisons = len(self.shares) * len(self.config.repair) * len(GROUPS)
        names = (PLAIN, *self.config.repair)
        return [
            _row(mention, name, place, shares, photos, comparisons)
            for mention, shares in self.shares.items()
            for place, name in enumerate(names)
        ]

    def to_frame(self) -> "pd.DataFrame":
        """A table with a row for each kind of captions, repair and place, and one number in each cell.

        Columns: `mention_spu`, `repair`, `place`, `accuracy`, `stderr`, `change`, `change_stderr`,
        `predicted_training`, `predicted_photos`, `agrees`.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "mention_spu": row.mention_spu,
                "repair": row.repair,
                "place": place,
                **{name: getattr(row, name)[place] for name in ("accuracy", "stderr", "change", "change_stderr")},
                **{f"predicted_{moments}": row.predicted[moments][place] for moments in MOMENTS},
                "agrees": (row.agrees or {}).get(place),
            }
            for row in self.rows
            for place in PLACES
        )

    def plot(self) -> "Figure":
        """The program's figure."""
        from sims.repairs.digits.figure import draw

        return draw(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The content of `result.json`."""
        fields = dataclasses.asdict(self.config)
        del fields["digits"], fields["evaluated"]
        return {
            "config": fields.pop("design") | fields,
            "digits": self.digits,
            "results": [dataclasses.asdict(row) for row in self.rows],
            "evaluated": self.evaluated,
            "seconds": self.seconds,
            "versions": self.versions,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The content of `arrays.npz`: as `mention0.5.right`, with axes for CLIPs, repairs, classes and groups."""
        return {
            f"mention{mention:g}.{name}": array
            for mention, shares in self.shares.items()
            for name, array in shares._asdict().items()
        }

    def save(self, directory: Path) -> None:
        """Write arrays.npz, figure.png, result.json and table.md, each beside its place and then renamed.

        Raises:
            InputError: the directory or a file cannot be written.
        """
        content = self.to_dict()
        files: dict[str, str | bytes] = {
            "arrays.npz": results.to_npz(self.arrays()),
            "figure.png": results.to_png(self.plot()),
            "result.json": results.to_json(content),
            "table.md": markdown(content),
        }
        results.write_files(directory, files)


def _named(values: np.ndarray) -> dict[str, float]:
    return dict(zip(PLACES, values.tolist(), strict=True))


def _row(mention: float, name: str, place: int, shares: Shares, photos: float, comparisons: int) -> DigitsRow:
    accuracy = by_place(shares.right[:, place])
    change = accuracy - by_place(shares.right[:, 0])
    predicted = by_place(shares.predicted[:, :, place]) - by_place(shares.predicted[:, :, 0])
    agrees = None
    if name != PLAIN:
        # Photos are the same for every CLIP, so that more CLIPs do not average out what is due to these photos.
        gained, lost = shares.gained[:, place], shares.lost[:, place]
        of_class = (gained + lost - (gained - lost) ** 2).mean(axis=0) / photos
        of_photos = of_class.sum(axis=0) / of_class.shape[0] ** 2
        apart = change[:, None, : len(GROUPS)] - predicted[:, :, : len(GROUPS)]
        agrees = {group: _verdict(apart[:, :, at], of_photos[at], comparisons) for at, group in enumerate(GROUPS)}
    return DigitsRow(
        mention,
        name,
        _named(accuracy.mean(axis=0)),
        _named(_error(accuracy)),
        _named(change.mean(axis=0)),
        _named(_error(change)),
        {moments: _named(values) for moments, values in zip(MOMENTS, predicted.mean(axis=0), strict=True)},
        agrees,
    )


def _error(values: np.ndarray) -> np.ndarray:
    return values.std(axis=0, ddof=1) / np.sqrt(len(values))


def _verdict(apart: np.ndarray, of_photos: float, comparisons: int) -> str:
    """Whether the distance from the prediction is a chance of CLIPs and photos; Welch's degrees of freedom.

    Args:
        apart: change less predicted change, shape (CLIPs, moments).
        of_photos: variance of a change that the photos cause.
        comparisons: that the table makes with each kind of moments.
    """
    of_clips = apart.var(axis=0, ddof=1) / len(apart)
    total = of_clips + of_photos
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(of_clips > 0, total**2 * (len(apart) - 1) / of_clips**2, np.inf)
    critical = stdtrit(np.minimum(freedom, 1e6), 1 - AGREEMENT_LEVEL / (2 * comparisons))
    close = np.abs(apart.mean(axis=0)) <= critical * np.sqrt(total)
    from_training, from_photos = (bool(close[MOMENTS.index(name)]) for name in MOMENTS)
    return NOT_NORMAL if not from_photos else AGREES if from_training else OTHER_IMAGES


def markdown(content: Mapping[str, Any]) -> str:
    """The tables of a page, in points.

    The first has changes, simulated ± standard error, in brackets predicted from training images and from photos. The
    second has those of one CLIP: predicted in the same two ways, simulated, and evaluated with its interval.

    Args:
        content: as `result.json` holds it.
    """
    mentions = content["config"]["mention_spu"]
    rows = {(row["mention_spu"], row["repair"]): row for row in content["results"]}
    lines = ["| captions name the background | repair | " + " | ".join(PLACES) + " |", "|---|---|" + "---|" * 3]
    for mention in mentions:
        said = {0.0: "never", 1.0: "always"}.get(mention, f"{mention:.0%}")
        for repair in (PLAIN, *content["config"]["repair"]):
            row = rows[mention, repair]
            cells = [_plain_cell(row, place) if repair == PLAIN else _cell(row, place) for place in PLACES]
            lines.append(f"| {said} | {repair} | " + " | ".join(cells) + " |")
    if content["evaluated"]:
        heads = [f"{group}: {what}" for group in GROUPS for what in ("predicted", "simulated", "evaluated")]
        lines += ["", "| repair | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
        for row in content["evaluated"]["results"]:
            cells = [cell for group in GROUPS for cell in _loop_cells(row[group])]
            lines.append(f"| {row['repair']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _loop_cells(found: Mapping[str, Any]) -> list[str]:
    low, high = (100 * end for end in found["interval"])
    predicted = ", ".join(f"{100 * found['predicted'][moments]:+.1f}" for moments in MOMENTS)
    return [predicted, f"{100 * found['simulated']:+.1f}", f"{100 * found['change']:+.1f} [{low:+.1f}, {high:+.1f}]"]


def _plain_cell(row: Mapping[str, Any], place: str) -> str:
    return f"{100 * row['accuracy'][place]:.1f} ± {100 * row['stderr'][place]:.1f} %"


def _cell(row: Mapping[str, Any], place: str) -> str:
    predicted = ", ".join(f"{100 * row['predicted'][moments][place]:+.1f}" for moments in MOMENTS)
    verdict = row["agrees"].get(place, AGREES)
    mark = {AGREES: "", OTHER_IMAGES: " *", NOT_NORMAL: " **"}[verdict]
    return f"{100 * row['change'][place]:+.1f} ± {100 * row['change_stderr'][place]:.1f} ({predicted}){mark}"
