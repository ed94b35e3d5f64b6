"""S20, simulated: linear encoders trained with CLIP's and SigLIP's own losses on batches of 64 pairs."""

import sims
from sims.synthetic.evaluation import SAMPLED_GROUPS
from sims.theorems.evidence import Evidence, from_draws
from theory.model import SpuriousModel
from theory.names import PROMPTS
from theory.statements.unit_length import LOSSES

MODEL = SpuriousModel()
RATIOS = (0.6, 0.7, 0.8, 0.9, 0.95)
BATCH, STEPS, DRAWS = 64, 6400, 4


def panel_name(loss: str, prompt: str) -> str:
    """Name of the panel of a loss and a prompt."""
    return f"{loss}, {prompt} prompt"


PANELS = {panel_name(loss, prompt): tuple(SAMPLED_GROUPS) for loss in LOSSES for prompt in PROMPTS}


def simulate(seed: int) -> Evidence:
    """Train encoders of width 8 for 6400 steps of 64 pairs, 4 times for each ratio and loss; test on fresh images.

    A panel for each loss and prompt, a series for each group: the share classified rightly, over the ratio.
    """
    axes = {"spurious_ratio": RATIOS, "batch_size": BATCH, "steps": STEPS}
    evidence: Evidence = {}
    for loss in LOSSES:
        found = sims.sweep(MODEL, axes, objectives=(loss,), seeds=DRAWS, seed=seed)
        accuracies = found.outcome.accuracies.reshape(len(RATIOS), DRAWS, len(PROMPTS), len(SAMPLED_GROUPS))
        for place, prompt in enumerate(PROMPTS):
            evidence[panel_name(loss, prompt)] = {
                group: from_draws(RATIOS, accuracies[:, :, place, index].T)
                for index, group in enumerate(SAMPLED_GROUPS)
            }
    return evidence
