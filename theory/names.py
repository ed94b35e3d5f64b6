"""The words by which learners, prompts, groups and repairs are called, which command lines know before JAX is imported.

What they mean stands where they are used: a learner's in `theory/learners.py`, a repair's in
`theory/statements/repairs.py`.
"""

import math

from workbench.errors import ParameterError

# Weight of the direction image to text; the other has the rest.
DIRECTIONS = {"infonce_bilinear": 0.5, "infonce_image_to_text": 1.0, "infonce_text_to_image": 0.0}
# All that learn from pairs of image and text; nCLIP's optimum is known for an embedding of `NCLIP_WIDTH` alone.
CONTRASTIVE = ("linearized", *DIRECTIONS, "siglip", "supcon_bilinear", "nclip")
NCLIP_WIDTH = 2
# Whose optimum is known for infinite batches only.
INFINITE_ONLY = ("siglip", "supcon_bilinear", "nclip")
SUPERVISED = ("least_squares", "logistic", "bayes")
LEARNERS = CONTRASTIVE + SUPERVISED
# nCLIP's embeddings are clusters, not a map of text that prompts could be taken out of.
REPAIRED = tuple(learner for learner in CONTRASTIVE if learner != "nclip")
# What the map shows unless told otherwise; with `label` captions there is no background prompt to take out.
MAP_LEARNERS = ("linearized", "infonce_bilinear", "siglip")
MAP_CAPTIONS = ("latent", "label-attribute")

# The two groups, then the two mixtures: at the training ratio, and at ratio 1/2.
GROUPS = ("aligned", "conflicting", "in_distribution", "uniform")

PROMPTS = ("label", "class-mean")
# The names of prompts, for messages.
PROMPT_NAMES = "label, class-mean, mixture:SHARE with a share of the class mean from 0 to 1, best"

# Repairs by name, each with its constant unless told otherwise; None has none.
REPAIRS: dict[str, float | None] = {
    "projection": None,
    "calibrated": 1000.0,  # lambda; of the authors' program for Waterbirds
    "roboshot": None,
    "tie": None,
    "perception": None,
    "whitened": 0.5,  # power
    "subtract": 0.5,  # beta
    "mixture": 0.5,  # share of the class mean
}
# The parameter that holds the constant of a repair, for those that have one.
CONSTANT_NAMES = {"calibrated": "strength", "whitened": "power", "subtract": "weight", "mixture": "share"}
# Baselines that read labels: of the class, and of the group.
PROBES = ("probe", "balanced_probe")


def share_of(prompt: str) -> float | None:
    """The class mean's share in a prompt of this name; None for `best`, which is no mixture of the two.

    Raises:
        ParameterError: no prompt has this name.
    """
    shares = {"label": 0.0, "class-mean": 1.0, "best": None}
    if prompt in shares:
        return shares[prompt]
    kind, _, share = prompt.partition(":")
    try:
        value = float(share)
    except ValueError:
        value = math.nan
    if kind != "mixture" or not 0.0 <= value <= 1.0:
        raise ParameterError("prompt", f"one of {PROMPT_NAMES}", repr(prompt))
    return value
