"""What `python -m theory map` and `boundary` answer for many classes (S18, S23), as JSON-ready dictionaries."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.model import Caption, SpuriousModel
from theory.names import DIRECTIONS, GROUPS, PROMPTS
from theory.predictions import Prediction, compile_once
from theory.report import ALL_CAPTIONS, critical_ratio, number_or_none, verdict
from theory.statements.many_classes import class_accuracies, contrastive_direction
from theory.statements.softmax import (
    NODES,
    class_pairs,
    critic_of_class_pairs,
    critical_ratio_against_softmax,
    critical_squared_agreement,
    softmax_direction,
)
from theory.statements.zero_shot import latent_prompt
from workbench.errors import ParameterError

# The sigmoid loss is not derived for many classes.
CLASS_LEARNERS = ("linearized", *DIRECTIONS)
_NONE = "no finite optimum, or one too sharp to be computed to six digits"


def _check(model: SpuriousModel, prompts: Sequence[str]) -> None:
    if model.class_prior != 0.5:
        raise ParameterError("class_prior", "0.5 for many classes", model.class_prior)
    for prompt in prompts:
        if prompt not in PROMPTS:
            raise ParameterError("prompt", f"one of {', '.join(PROMPTS)} for many classes", repr(prompt))


def class_verdict_map(
    model: SpuriousModel,
    pairs: int,
    shared_size: float,
    prompts: Sequence[str] = PROMPTS,
    captions: Sequence[Caption] = ALL_CAPTIONS,
    learners: Sequence[str] = CLASS_LEARNERS,
) -> dict[str, Any]:
    """`theory.report.verdict_map` for many classes: against softmax regression, and with `pairs` and `shared_size`.

    Args:
        model: parameters of the synthetic model.
        pairs: m, the number of pairs of classes.
        shared_size: alpha, the mean size of an invariant feature in images of other classes.
        prompts: among `PROMPTS`.
        captions: what captions say.
        learners: among `CLASS_LEARNERS`; others are left out.

    Raises:
        ParameterError: a number outside its domain, unequal classes, another prompt, or no learner that is known.
    """
    _check(model, prompts)
    known = [learner for learner in CLASS_LEARNERS if learner in learners]
    if not known:
        raise ParameterError("learner", f"among {', '.join(CLASS_LEARNERS)} for many classes", ", ".join(learners))

    def row(learner: str, rule: Float[Array, "2"], caption: str | None = None, prompt: str | None = None) -> Prediction:
        if not np.isfinite(rule).all():
            return Prediction(learner, caption, prompt, None, None, _NONE)
        found = np.asarray(compile_once(class_accuracies)(model, rule, float(pairs), float(shared_size)))
        accuracy = dict(zip(GROUPS, found.tolist(), strict=True)) if np.isfinite(found).all() else None
        note = None if accuracy else "undecided: what was learned says nothing of what the prompt names"
        return Prediction(learner, caption, prompt, np.asarray(rule).tolist(), accuracy, note)

    with jax.enable_x64(True):
        reference = row("softmax", compile_once(softmax_direction)(model, float(pairs), float(shared_size)))
        rows = []
        for caption in captions:
            for learner in known:
                critic = None
                if learner != "linearized":
                    # What has one shape is compiled once: outside, the mentions are numbers.
                    seen = class_pairs(model, float(pairs), float(shared_size), caption)
                    share, exact = jnp.asarray(DIRECTIONS[learner]), caption.kind != "latent"
                    critic = compile_once(critic_of_class_pairs, 3, 4, long=True)(
                        seen, float(pairs), share, NODES, exact
                    )
                for prompt in prompts:
                    if critic is None:
                        rule = contrastive_direction(model, pairs, shared_size, prompt, caption)
                    else:
                        rule = critic @ latent_prompt(model, prompt, caption)
                    rows.append(row(learner, rule, caption.kind, prompt))
    return {
        "model": dataclasses.asdict(model),
        "pairs": pairs,
        "shared_size": shared_size,
        "mention_inv": captions[0].mention_inv,
        "mention_spu": captions[0].mention_spu,
        "reference": dataclasses.asdict(reference),
        "group": "conflicting",
        "map": [verdict(entry, reference) for entry in rows],
    }


def class_boundary(
    model: SpuriousModel,
    pairs: int,
    shared_size: float,
    prompts: Sequence[str] = PROMPTS,
    captions: Sequence[Caption] = (Caption(),),
) -> dict[str, Any]:
    """`theory.report.boundary` for many classes: where the linearised learner leans less than the supervised ones.

    With `critical_ratio_against_softmax` in place of the ratio against logistic regression, and `leans_less` in place
    of `more_robust`: which of two learners is right more often is known for alpha up to `mu_inv` only (S18).

    Raises:
        ParameterError: a number outside its domain, unequal classes, captions that never name the class, or another
            prompt.
    """
    _check(model, prompts)
    rows = []
    for caption in captions:
        if caption.mention_inv == 0:
            raise ParameterError("mention_inv", "above 0 for the boundary", caption.mention_inv)
        for prompt in prompts:
            squared = against_softmax = None
            if model.mu_spu > 0:
                with jax.enable_x64(True):
                    place = (model, float(pairs), float(shared_size), prompt, caption)
                    squared = float(critical_squared_agreement(*place))
                    against = compile_once(critical_ratio_against_softmax, 3, 4, long=True)
                    against_softmax = number_or_none(np.asarray(against(*place)))
            where, critical = critical_ratio(squared)
            entry = {"learner": "linearized", "caption": caption.kind, "prompt": prompt, "critical_ratio": critical}
            rows.append(entry | {"critical_ratio_against_softmax": against_softmax, "leans_less": where})
    parameters = dataclasses.asdict(model)
    del parameters["spurious_ratio"]
    sizes = {"pairs": pairs, "shared_size": shared_size}
    return {"model": parameters, **sizes, "reference": "least_squares", "boundaries": rows}
