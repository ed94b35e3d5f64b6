"""S5, least squares: the linear regression of the label on the image.

Statement. The minimiser of E[(<v, x> - y)^2] over v lies in the signal's plane, v = D_I w, with

    w = (Lambda + sigma_xi^2 / d_I * I)^(-1) (mu_inv, (2 p_spu - 1) mu_spu),

unique unless the matrix is singular: without image noise, where sigma_spu = 0 and mu_spu = 0 (a feature that is always
0), or sigma_inv = sigma_spu = 0 and p_spu = 1 (two features that are one). The optimal
intercept is 0 because y is symmetric.

Source: derived here, docs/theory/supervised.md.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import SpuriousModel
from theory.statements.population import latent_covariance
from theory.statements.zero_shot import latent_prompt


@jax.jit
def least_squares_direction(model: SpuriousModel) -> Float[Array, "2"]:
    """Latent weights (w_inv, w_spu) of the population least-squares classifier; not finite if not unique."""
    balanced = dataclasses.replace(model, class_prior=0.5)
    second_moment = latent_covariance(balanced) + model.image_noise_variance * jnp.eye(2)
    return jnp.linalg.solve(second_moment, latent_prompt(model, "class-mean"))
