"""The public names of `theory`."""

from theory.learners import contrastive_critic
from theory.model import CAPTIONS, Caption, SpuriousModel
from theory.names import GROUPS, LEARNERS, PROBES, PROMPTS, REPAIRS
from theory.predictions import GroupAccuracies, Prediction, Predictions, accuracy, predict
from theory.repaired import repair
from theory.statements.bayes import bayes_accuracies
from theory.statements.boundary import critical_squared_agreement, spurious_reliance
from theory.statements.captions import caption_covariance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import infonce_critic
from theory.statements.least_squares import least_squares_direction
from theory.statements.linearized import linearized_minimiser, truncate_rank
from theory.statements.logistic import logistic_direction
from theory.statements.mutual_information import pointwise_mutual_information
from theory.statements.population import cross_covariance, latent_covariance
from theory.statements.prompts import best_prompt, best_share, mixed_prompt
from theory.statements.regularisation import regularised_logistic_direction
from theory.statements.siglip import siglip_critic
from theory.statements.theorem62 import Theorem62, theorem62
from theory.statements.zero_shot import latent_prompt, zero_shot_direction

__all__ = [
    "CAPTIONS",
    "GROUPS",
    "LEARNERS",
    "PROBES",
    "PROMPTS",
    "REPAIRS",
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
    "repair",
    "siglip_critic",
    "spurious_reliance",
    "theorem62",
    "truncate_rank",
    "zero_shot_direction",
]
