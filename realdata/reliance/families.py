"""The families of models in the published tables, with the probits of their accuracies."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Bool
from scipy.stats import norm

from published.tables import PublishedTables
from realdata.claims.settings import Setting, settings
from realdata.statistics.photo_error import proportions, standard_errors
from theory.statements.accuracy_on_the_line import Estimate
from workbench.conventions import GROUPS


@dataclasses.dataclass(frozen=True)
class Family:
    """The models of one family in one setting.

    Attributes:
        family: `clip` or `imagenet`.
        setting: the setting; for ImageNet models, the first of several with their table.
        tables: the paper's tables with these models.
        described: the setting in the words of the tables' columns; prompt and selector are `none` for ImageNet models.
        models: a row for each model.
        common: probits of the accuracies on common photos, arrays of shape (models,).
        counter: probits of the accuracies on counter photos, arrays of shape (models,).
    """

    family: str
    setting: Setting
    tables: tuple[str, ...]
    described: dict[str, str]
    models: pd.DataFrame
    common: Estimate
    counter: Estimate

    @property
    def key(self) -> tuple[str, ...]:
        """The key that distinguishes this family from others."""
        return (self.family, self.setting.source, *self.tables, *self.described.values())

    def has_learned(self, candidates: int) -> Bool[np.ndarray, " models"]:
        """Whether each model is right on common photos more than twice as often as a guesser among the candidates."""
        return (self.models["common"] > 200 / candidates).to_numpy()

    def select(self, kept: Bool[np.ndarray, " models"]) -> "Family":
        """Keep some of its models."""
        return dataclasses.replace(
            self,
            models=self.models[kept],
            common=estimate(*(np.asarray(part)[kept] for part in self.common)),
            counter=estimate(*(np.asarray(part)[kept] for part in self.counter)),
        )


def pair_families(tables: PublishedTables) -> list[tuple[Setting, Family, Family]]:
    """Pair the CLIPs of every setting with its ImageNet models, if there are any."""
    found = []
    # One table of ImageNet models belongs to several settings, which differ in properties of CLIPs only.
    shared: dict[tuple[str, ...], Family] = {}
    for setting in settings(tables):
        described = setting.describe()
        clips = _family("clip", setting, setting.tables[:1], described, setting.clips, tables)
        of_imagenet = described | {"prompt": "none", "selector": "none"}
        key = (setting.source, *setting.tables[1:], *of_imagenet.values())
        if key not in shared:
            own = setting.tables[1:]
            shared[key] = _family("imagenet", setting, own, of_imagenet, setting.imagenet, tables)
        found.append((setting, clips, shared[key]))
    return found


def _family(
    name: str,
    setting: Setting,
    own: tuple[str, ...],
    described: dict[str, str],
    models: pd.DataFrame,
    tables: PublishedTables,
) -> Family:
    return Family(name, setting, own, described, models, *probits(models, setting.averaging, tables.classes))


def probits(frame: pd.DataFrame, averaging: str, classes: pd.DataFrame) -> tuple[Estimate, Estimate]:
    """Probits of the models' accuracies on common and on counter photos, arrays of shape (models,).

    Args:
        frame: a row for each model, with `common` and `counter` in %.
        averaging: `balanced` or `unbalanced`.
        classes: a row for each class, with its numbers of photos.
    """
    found = []
    for group in GROUPS:
        photos = classes[f"{group}_photos"].to_numpy()
        shares = proportions(frame[group].to_numpy(), photos)
        values = norm.ppf(shares)
        errors = standard_errors(shares, photos, averaging) / norm.pdf(values)
        found.append(estimate(values, errors))
    return found[0], found[1]


def estimate(values: np.ndarray, errors: np.ndarray) -> Estimate:
    """An estimate in double precision."""
    with jax.enable_x64(True):
        return Estimate(jnp.asarray(values), jnp.asarray(errors))
