"""How large an effect must be to be seen with the data there are, and how much more data would show a smaller one.

For each effect of `realdata.claims.asked_effects`, variance components are fitted to its models: what a data set's
models share, what an architecture's do, and what is each model's own (`realdata.statistics.components`). The line's
models have the last two. Data are then drawn from the fitted model without an effect, on the design as it is or with
more of something, and each draw gets the test that decides, by the way to cluster that says less. An effect d is seen
if (estimate + d) / error exceeds Student's quantile: the error does not depend on d. So one set of draws gives the
least effect that is seen in 80% of them.

More of what:

- `models`: each model several times, of the same data and the same architecture;
- `data sets`: each data set several times, with the same architectures;
- `data sets and architectures`: everything several times, the ImageNet models too;
- `photos`: what photos explain at most of what models have of their own, and all that they share, gets smaller.

Effects are distances from the claim's bound. What the line's models of several test sets share is not in the model: the
halves of C9 on other test sets are not asked.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student_t

from realdata.claims.asked_effects import Asked
from realdata.claims.c9_contrast import HERE
from realdata.claims.hypothesis import is_estimable_without_any
from realdata.statistics.components import fit_components
from realdata.statistics.few_clusters import Part, adjust
from workbench.conventions import LEVEL

POWER = 0.8
TIMES = (1, 2, 4, 8)
MORE = ("models", "data sets", "data sets and architectures", "photos")
DRAWS = 1000
_DATA = "pre-training data"
_RENEWED = {"data sets": (_DATA,), "data sets and architectures": (_DATA, "architecture")}

_Clusters = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Detectable:
    """The least effect that is seen.

    Attributes:
        claim: that speaks of it.
        question: what is asked.
        unit: of the effect.
        more: what there is more of.
        times: how many times as much as now.
        models: how many there are then.
        data_sets: how many there are then, those made as one counted once.
        effect: the least distance from the claim's bound that is seen with a power of 80% at 5%; None where an effect
            rests on a single cluster, so that there can be no answer.
        observed: the distance that was found.
        power: to see that one.
    """

    claim: str
    question: str
    unit: str
    more: str
    times: int
    models: int
    data_sets: int
    effect: float | None
    observed: float
    power: float


class Fitted(NamedTuple):
    """Variances of a question's models and of its lines' models, by what they belong to."""

    own: dict[str, float]
    lines: list[dict[str, float]]


def fit(asked: Asked) -> Fitted:
    """Fit the variance components of a question."""
    own, *lines = next(iter(asked.by_way.values())).parts
    return Fitted(
        fit_components(own.values, own.design, asked.clusters).variances,
        [fit_components(line.values, line.design, {"architecture": line.labels}).variances for line in lines],
    )


def can_be_asked(asked: Asked) -> bool:
    """Whether the model of the errors fits a question: it has one bound, and at most one line."""
    return len(asked.hypothesis.claimed) == 1 and (asked.claim != "C9" or asked.question == HERE)


def study(asked: Iterable[Asked], draws: int = DRAWS) -> Iterator[Detectable]:
    """The least effect of each question that can be asked, with the data there are and with more of everything.

    Args:
        asked: the questions.
        draws: of each simulation.
    """
    for question in asked:
        if can_be_asked(question):
            fitted = fit(question)
            now = detectable(question, fitted, draws=draws)
            for more in MORE:
                yield dataclasses.replace(now, more=more)
                for times in TIMES[1:]:
                    yield detectable(question, fitted, more, times, draws)


def detectable(
    asked: Asked, fitted: Fitted, more: str = "models", times: int = 1, draws: int = DRAWS, seed: int = 0
) -> Detectable:
    """The least effect that a question's test sees.

    Args:
        asked: a question that can be asked.
        fitted: its variances.
        more: what there is more of, one of `MORE`.
        times: how many times as much as now.
        draws: of the simulation.
        seed: of its draws.
    """
    errors = next(iter(asked.by_way.values()))
    own, *lines = errors.parts
    variances = dict(fitted.own)
    shared = errors.shared
    if more == "photos":
        variances["model"] = max(variances["model"] - (1 - 1 / times) * float(np.mean(errors.photos)), 0.0)
        shared /= times
    design, clusters = enlarge(own.design, asked.clusters, _RENEWED.get(more, ()), 1 if more == "photos" else times)
    generator = np.random.default_rng(seed)
    noise = _draw(generator, draws, clusters, variances)
    estimates = np.sqrt(shared) * generator.normal(size=draws)
    of_lines: list[tuple[np.ndarray, float]] = [(np.full(draws, shared), np.inf)]
    for line, spread in zip(lines, fitted.lines, strict=True):
        grown = _enlarge_line(line, times if more == "data sets and architectures" else 1)
        drawn = _draw(generator, draws, {"architecture": grown.labels}, spread)
        estimates += drawn @ grown.weights
        of_lines.append(_squares(grown, drawn))
    contrast = np.eye(design.shape[1])[-1]
    parts = {way: Part(noise[0], design, labels, contrast) for way, labels in clusters.items()}
    ends = [_end([_squares(part, noise), *of_lines]) for part in parts.values()]
    end = np.max(ends, axis=0)
    estimates += noise @ next(iter(parts.values())).weights
    ((bound, direction),) = asked.hypothesis.claimed
    observed = abs(errors.effect - bound)
    decidable = all(is_estimable_without_any(design, labels) for labels in clusters.values())
    return Detectable(
        asked.claim,
        asked.question,
        asked.hypothesis.unit,
        more,
        times,
        len(design),
        int(clusters[_DATA].max()) + 1,
        float(np.quantile(end - direction * estimates, POWER)) if decidable else None,
        observed,
        float(np.mean(observed + direction * estimates > end)) if decidable else 0.0,
    )


def enlarge(
    design: Float[np.ndarray, "models terms"], clusters: Mapping[str, np.ndarray], renewed: tuple[str, ...], times: int
) -> tuple[Float[np.ndarray, "more more_terms"], _Clusters]:
    """Copies of a design, each with new clusters of some ways.

    Args:
        design: the terms' columns; all but the last are intercepts, each of one cluster.
        clusters: ways to cluster.
        renewed: ways whose clusters are others in every copy; intercepts that belong to such a way's clusters, too.
        times: how many copies.
    """
    intercepts = design[:, :-1]
    fresh = any(_belong(intercepts, clusters[way]) for way in renewed)
    block = np.kron(np.eye(times), intercepts) if fresh else np.tile(intercepts, (times, 1))
    copies = np.repeat(np.arange(times), len(design))
    labels = {
        way: np.tile(old, times) + (copies * (old.max() + 1) if way in renewed else 0) for way, old in clusters.items()
    }
    return np.column_stack([block, np.tile(design[:, -1], times)]), labels


def _belong(intercepts: np.ndarray, labels: np.ndarray) -> bool:
    return all(len(set(labels[column > 0].tolist())) == 1 for column in intercepts.T)


def _enlarge_line(line: Part, times: int) -> Part:
    labels = np.concatenate([line.labels + copy * (line.labels.max() + 1) for copy in range(times)])
    return Part(np.tile(line.values, times), np.tile(line.design, (times, 1)), labels, line.contrast)


def _draw(
    generator: np.random.Generator, draws: int, clusters: Mapping[str, np.ndarray], variances: Mapping[str, float]
) -> Float[np.ndarray, "draws models"]:
    models = len(next(iter(clusters.values())))
    drawn = np.sqrt(variances["model"]) * generator.normal(size=(draws, models))
    for way, labels in clusters.items():
        drawn += np.sqrt(variances[way]) * generator.normal(size=(draws, int(labels.max()) + 1))[:, labels]
    return drawn


def _squares(part: Part, drawn: Float[np.ndarray, "draws models"]) -> tuple[Float[np.ndarray, " draws"], float]:
    """CR2's variance of a part in each draw, and its degrees of freedom."""
    scores, freedom = adjust(part)
    return np.sum((drawn @ scores) ** 2, axis=1), freedom


def _end(variances: list[tuple[np.ndarray, float]]) -> Float[np.ndarray, " draws"]:
    """How far an estimate must be from a bound, in each draw."""
    total = sum(variance for variance, _ in variances)
    below = sum(variance**2 / freedom for variance, freedom in variances)
    return student_t.ppf(1 - LEVEL / 2, total**2 / below) * np.sqrt(total)
