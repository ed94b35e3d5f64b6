"""Closed forms: what each objective learns in the synthetic model, derived from its definition.

One statement a file. Nothing here reads a file, draws a random number or makes a plot. The closed forms work on JAX
arrays, so they can be jitted, vmapped over parameters and differentiated; `predict` and the reports gather them at one
point as plain numbers.
"""

from theory.boundary import critical_squared_agreement, spurious_reliance
from theory.group_accuracy import GROUPS, group_accuracies
from theory.least_squares import least_squares_direction
from theory.linearized import linearized_minimiser, truncate_rank
from theory.logistic import logistic_direction
from theory.model import SpuriousModel
from theory.population import cross_covariance, latent_covariance
from theory.predictions import Prediction, predict
from theory.theorem62 import Theorem62, theorem62
from theory.zero_shot import PROMPTS, latent_prompt, zero_shot_direction

__all__ = [
    "GROUPS",
    "PROMPTS",
    "Prediction",
    "SpuriousModel",
    "Theorem62",
    "critical_squared_agreement",
    "cross_covariance",
    "group_accuracies",
    "latent_covariance",
    "latent_prompt",
    "least_squares_direction",
    "linearized_minimiser",
    "logistic_direction",
    "predict",
    "spurious_reliance",
    "theorem62",
    "truncate_rank",
    "zero_shot_direction",
]
