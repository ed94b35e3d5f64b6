"""The settings in which the published tables ask the same question: who measured, on what, with which models."""

import dataclasses
from collections.abc import Iterable, Iterator

import pandas as pd

from published.tables import PublishedTables
from realdata.claims.model_facts import architecture

# The model whose accuracies selected the photos, in any of its checkpoints (PAPER: CLIP-LAION400M-ViT/B/32).
SELECTOR = {"backbone": "ViT/B/32", "pretrain": "LAION400M"}

# What the replication's own files do not say; see published/README.md.
_REPLICATION = {"prompt": "simple", "averaging": "balanced"}


@dataclasses.dataclass(frozen=True)
class Setting:
    """One group of CLIPs measured in one way.

    Attributes:
        source: `paper` or `replication`.
        tables: the paper's table of the CLIPs, and that of the ImageNet models measured in the same way, if any.
        setup: `1v1000` or `1v20`.
        prompt: `simple` or `openai80`.
        averaging: `balanced` or `unbalanced`.
        selector: `included`, `excluded` or `family excluded`: the model that selected the photos; its family are the
            CLIPs with its data or its architecture.
        clips: a row for each CLIP.
        imagenet: a row for each ImageNet model; empty where none were measured in the same way.
        values: `as printed` or `corrected` by the audit.
    """

    source: str
    tables: tuple[str, ...]
    setup: str
    prompt: str
    averaging: str
    selector: str
    clips: pd.DataFrame
    imagenet: pd.DataFrame
    values: str = "as printed"

    @property
    def file(self) -> str:
        """The file that the accuracies are from."""
        return {"paper": "results.csv", "replication": "replication_results.csv"}.get(self.source, "--with")

    @property
    def clip_tables(self) -> tuple[str, ...]:
        """Those of `tables` that hold the CLIPs."""
        return self.tables if self.imagenet.empty else self.tables[:1] if self.source == "paper" else ()

    def describe(self) -> dict[str, str]:
        """The setting in the words of the tables' own columns."""
        return {key: getattr(self, key) for key in ("setup", "prompt", "averaging", "selector")}


def settings(tables: PublishedTables, values: str = "as printed") -> Iterator[Setting]:
    """All settings of both sources, in the order of the tables, each with and without the selecting model.

    A table whose CLIPs all stand in an earlier table with the same accuracies adds nothing and is left out.

    Args:
        tables: the published ones.
        values: whether they are `as printed` or `corrected`.
    """
    seen: set[tuple[object, ...]] = set()
    for source, results in (("paper", tables.results), ("replication", _replication(tables.replication))):
        for keys, group in results.groupby(["table", "setup", "prompt", "averaging"], sort=False):
            table, setup, prompt, averaging = (str(key) for key in keys)
            clips = group[group["family"] == "clip"]
            rows = {
                (source, *row) for row in clips[["backbone", "pretrain", "common", "counter"]].itertuples(index=False)
            }
            if rows <= seen:
                continue
            seen |= rows
            imagenet = results[
                (results["family"] == "imagenet") & (results["setup"] == setup) & (results["averaging"] == averaging)
            ]
            selecting = is_selector(clips)
            names = tuple(dict.fromkeys([table, *imagenet["table"]])) if source == "paper" else ()
            yield Setting(source, names, setup, prompt, averaging, "included", clips, imagenet, values)
            if selecting.any():
                yield Setting(source, names, setup, prompt, averaging, "excluded", clips[~selecting], imagenet, values)


def without_family(setting: Setting) -> Setting:
    """The setting without the CLIPs that share the selecting model's data or its architecture."""
    related = setting.clips["pretrain"].eq(SELECTOR["pretrain"])
    related |= setting.clips["backbone"].map(architecture).eq(architecture(SELECTOR["backbone"]))
    return dataclasses.replace(setting, selector="family excluded", clips=setting.clips[~related])


def is_repeated(setting: Setting, offered: Iterable[Setting]) -> bool:
    """Whether an earlier table of the same source has the same setting, as Table 9 with several checkpoints does."""
    first = next(
        other for other in offered if other.source == setting.source and other.describe() == setting.describe()
    )
    return first is not setting


def is_selector(clips: pd.DataFrame) -> pd.Series:
    """For each row, whether it is the model that selected the photos."""
    return (clips[list(SELECTOR)] == pd.Series(SELECTOR)).all(axis=1)


def _replication(results: pd.DataFrame) -> pd.DataFrame:
    return results.assign(table="replication", checkpoint="", **_REPLICATION)
