"""Closed forms: what each objective learns in the synthetic model, derived from its definition.

One statement a file. Nothing here reads a file, draws a random number or makes a plot. The closed forms work on JAX
arrays, so they can be jitted, vmapped over parameters and differentiated. `accuracy` is the one to start with: a
learner's accuracy in each group; `predict` and the reports gather all learners at one point as plain numbers.
"""

from theory.bayes import bayes_accuracies
from theory.boundary import critical_squared_agreement, spurious_reliance
from theory.captions import CAPTIONS, Caption, caption_covariance
from theory.group_accuracy import GROUPS, group_accuracies
from theory.infonce import infonce_critic
from theory.learners import LEARNERS, contrastive_critic
from theory.least_squares import least_squares_direction
from theory.linearized import linearized_minimiser, truncate_rank
from theory.logistic import logistic_direction
from theory.model import SpuriousModel
from theory.mutual_information import pointwise_mutual_information
from theory.population import cross_covariance, latent_covariance
from theory.predictions import GroupAccuracies, Prediction, Predictions, accuracy, predict
from theory.prompts import best_prompt, best_share, mixed_prompt
from theory.regularisation import regularised_logistic_direction
from theory.siglip import siglip_critic
from theory.theorem62 import Theorem62, theorem62
from theory.zero_shot import PROMPTS, latent_prompt, zero_shot_direction

__all__ = [
    "CAPTIONS",
    "GROUPS",
    "LEARNERS",
    "PROMPTS",
    "Caption",
    "GroupAccuracies",
    "Prediction",
    "Predictions",
    "SpuriousModel",
    "Theorem62",
    "accuracy",
    "bayes_accuracies",
    "best_prompt",
    "best_share",
    "caption_covariance",
    "contrastive_critic",
    "critical_squared_agreement",
    "cross_covariance",
    "group_accuracies",
    "infonce_critic",
    "latent_covariance",
    "latent_prompt",
    "least_squares_direction",
    "linearized_minimiser",
    "logistic_direction",
    "mixed_prompt",
    "pointwise_mutual_information",
    "predict",
    "regularised_logistic_direction",
    "siglip_critic",
    "spurious_reliance",
    "theorem62",
    "truncate_rank",
    "zero_shot_direction",
]
