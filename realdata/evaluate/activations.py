"""The activation that a checkpoint was trained with: what its name says, and what photos show.

A CLIP that was trained with QuickGELU and runs with GELU, or the other way round, gives plausible answers. It is right
less often, and its highest similarities are smaller.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from realdata.models.registry import trained_activation
from realdata.names import PREFIX
from workbench.conventions import GROUPS


def compare_activations(answers: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Compare a checkpoint's answers with each activation.

    Args:
        answers: activation to predictions, a row for each photo; first the activation that the evaluation uses.

    Returns:
        `used`; `fits`, the activation with both the higher accuracy and the higher mean top similarity, or None if
        there is no such one; and `each`, by activation: `accuracy_unbalanced` of all `photos` and of each group in %,
        and `mean_top_similarity`, the mean over photos of the highest cosine similarity.
    """
    each = {}
    for activation, predictions in answers.items():
        each[activation] = {
            "photos": len(predictions),
            "accuracy_unbalanced": 100.0 * float(predictions.correct.mean()),
            **{
                f"{group}_accuracy_unbalanced": 100.0 * float(predictions.correct[predictions.group == group].mean())
                for group in GROUPS
                if (predictions.group == group).any()
            },
            "mean_top_similarity": float(predictions.score.mean()),
        }
    best = {
        activation
        for activation, row in each.items()
        if all(
            row["accuracy_unbalanced"] > other["accuracy_unbalanced"]
            and row["mean_top_similarity"] > other["mean_top_similarity"]
            for name, other in each.items()
            if name != activation
        )
    }
    return {"used": next(iter(each)), "fits": next(iter(best), None), "each": each}


def comparison_note(content: Mapping[str, Any]) -> str:
    """The result of `compare_activations` as a sentence."""
    numbers = "; ".join(
        f"{name}: {row['accuracy_unbalanced']:.2f}% of photos right, mean top similarity "
        f"{row['mean_top_similarity']:.4f}"
        for name, row in content["each"].items()
    )
    used, fits = content["used"], content["fits"]
    if fits is None:
        return f"activations: neither fits better by both measures ({numbers}); the results are with {used}"
    if fits == used:
        return f"activations: {fits} fits, and the results are with it ({numbers})"
    return f"activations: {fits} fits, but the results are with {used} ({numbers}); run again with --activation {fits}"


def activation_notes(model: str, description: Mapping[str, Any]) -> list[str]:
    """A note if a checkpoint's name or weights say that it was trained with another activation than it runs with.

    Args:
        model: the value of `--model`.
        description: the model's description.
    """
    known, tower, by = trained_activation(model), description.get("text_tower"), "its name and published/hub_ids.csv"
    if known is None and (same := description.get("known_weights")):
        known, by = trained_activation(same), f"its weights, which are those of {same}"
    if model.startswith(PREFIX) or known is None or tower is None or tower["activation"] == known:
        return []
    source = "--activation" if "activation" in description["overridden"] else "its configuration"
    return [
        f"{model} was trained with {known}, by {by}, and runs with {tower['activation']}, by {source}: the numbers are "
        f"plausible and wrong; --activation {known} sets it right, --activation both compares"
    ]
