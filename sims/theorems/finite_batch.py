"""S21, simulated: what linear encoders learn by InfoNCE on plain inner products from batches of several sizes."""

import sims
from sims.synthetic.evaluation import SAMPLED_GROUPS
from sims.theorems.evidence import Evidence, from_draws
from theory.model import SpuriousModel
from theory.names import PROMPTS

MODEL = SpuriousModel()
BATCHES = (4, 16, 64)
# With captions of the class alone both prompts are one.
CASES = {"latent": PROMPTS, "label-attribute": PROMPTS, "label": PROMPTS[:1]}
STEPS, DRAWS = 6400, 4


def panel_name(caption: str, prompt: str) -> str:
    """A panel: captions and prompt."""
    return f"{caption} captions, {prompt} prompt"


PANELS = {
    panel_name(caption, prompt): tuple(SAMPLED_GROUPS) for caption, prompts in CASES.items() for prompt in prompts
}


def simulate(seed: int) -> Evidence:
    """Train encoders of width 8 for 6400 steps, 4 times for each kind of captions and size of batch.

    A panel for each kind of captions and prompt, series to group: the share of fresh images classified rightly, over N.
    """
    evidence: Evidence = {}
    for caption, prompts in CASES.items():
        axes = {"batch_size": BATCHES, "steps": STEPS, "caption": caption}
        found = sims.sweep(MODEL, axes, objectives=("infonce_bilinear",), seeds=DRAWS, prompts=prompts, seed=seed)
        accuracies = found.outcome.accuracies.reshape(len(BATCHES), DRAWS, len(prompts), len(SAMPLED_GROUPS))
        for place, prompt in enumerate(prompts):
            evidence[panel_name(caption, prompt)] = {
                group: from_draws(BATCHES, accuracies[:, :, place, index].T)
                for index, group in enumerate(SAMPLED_GROUPS)
            }
    return evidence
