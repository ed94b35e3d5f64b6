"""Models that were evaluated here, as settings in which the claims can be asked."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from published.tables import PublishedTables
from realdata.claims.added_models import AddedModel
from realdata.claims.settings import Setting
from realdata.photos.folders import GROUPS


def added_settings(models: Sequence[AddedModel], tables: PublishedTables, family: str) -> Iterator[Setting]:
    """A setting for each setup, prompt and averaging in which models of a family were evaluated.

    Args:
        models: those evaluated.
        tables: whose ImageNet models, where measured in the same way, are the baseline together with those evaluated.
        family: of the models that the setting has as its CLIPs, `clip` or `lvlm`.
    """
    results = tables.results
    asked = dict.fromkeys((model.setup, model.prompt) for model in models if model.family == family)
    for setup, prompt in asked:
        for averaging in ("balanced", "unbalanced"):
            rows = _rows([model for model in models if model.setup == setup], averaging)
            published = results[
                (results["family"] == "imagenet") & (results["setup"] == setup) & (results["averaging"] == averaging)
            ]
            imagenet = pd.concat([published, rows[rows["family"] == "imagenet"]], ignore_index=True)
            chosen = rows[(rows["family"] == family) & (rows["prompt"] == prompt)]
            used = tuple(dict.fromkeys(published["table"]))
            yield Setting("added", used, setup, prompt, averaging, "included", chosen, imagenet if used else published)


def not_asked(models: Sequence[AddedModel], tables: PublishedTables) -> list[dict[str, str]]:
    """What could not be asked of evaluated models, with the `reason`; `question` begins with the model's name."""
    setups = set(tables.results.loc[tables.results["family"] == "imagenet", "setup"])
    found = []
    for model in models:
        if model.family == "imagenet":
            reason = "it is no CLIP, but joins the line that CLIPs of its setup are compared with"
            found.append({"claim": "C1 to C6", "question": model.name, "reason": reason})
        elif model.family == "other":
            reason = "its kind is not known, as with --scores; its drop and effective robustness stand in summary.json"
            found.append({"claim": "C1 to C6", "question": model.name, "reason": reason})
        elif model.family == "clip" and model.setup not in setups:
            reason = f"no ImageNet models are published for {model.setup}"
            found.append({"claim": "C2", "question": f"{model.name}, effective robustness", "reason": reason})
    return found


def _rows(models: Sequence[AddedModel], averaging: str) -> pd.DataFrame:
    """The columns of `results.csv`, and the standard errors of both accuracies in points."""
    rows = []
    for model in models:
        values: dict[str, str | float] = {
            "table": "",
            "setup": model.setup,
            "prompt": model.prompt,
            "averaging": averaging,
            "family": model.family,
            "backbone": model.backbone,
            "pretrain": model.pretrain,
            "checkpoint": "" if model.pretrain else str(model.folder),
        }
        for group, accuracy in zip(GROUPS, model.accuracies[averaging], strict=True):
            values[group] = accuracy
            values[f"{group}_stderr"] = _error(model.classes, group, averaging)
        rows.append(values)
    return pd.DataFrame(rows)


def _error(classes: pd.DataFrame, group: str, averaging: str) -> float:
    """From photos drawn class by class; 0 and 100% are taken as half a photo away."""
    there = classes[classes[f"{group}_photos"] > 0]
    photos = there[f"{group}_photos"].to_numpy()
    shares = np.clip(there[group].to_numpy() / 100, 0.5 / photos, 1 - 0.5 / photos)
    weights = np.full(len(photos), 1 / len(photos)) if averaging == "balanced" else photos / photos.sum()
    return float(100 * np.sqrt(np.sum(weights**2 * shares * (1 - shares) / photos)))
