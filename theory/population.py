"""S2, population limit: the cross-covariance of image and text that the linearised loss sees.

Statement. In the model of Definition 6.1, E[x_I x_T^T] - E[x_I] E[x_T]^T = D_I Lambda D_T^T with

    Lambda = [[mu_inv^2 + sigma_inv^2,            (2 p_spu - 1) mu_inv mu_spu],
              [(2 p_spu - 1) mu_inv mu_spu,       mu_spu^2 + sigma_spu^2     ]],

for every `image_dim`, `text_dim` and `sigma_xi`: the noises of the two modalities are independent and drop out.
The unbiased cross-covariance of n pairs converges to it at the rate n^(-1/2).

Source: derived here, docs/theory/population.md. Lemma D.3 of arXiv 2403.11497 prints another matrix; see
`theory.theorem62`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import SpuriousModel


def latent_covariance(model: SpuriousModel) -> Float[Array, "2 2"]:
    """Covariance Lambda of the latent z = (z_inv, z_spu), shape (2, 2)."""
    mean = model.latent_mean
    off_diagonal = model.agreement * mean[0] * mean[1]
    diagonal = mean**2 + model.latent_sigma**2
    return jnp.stack([jnp.stack([diagonal[0], off_diagonal]), jnp.stack([off_diagonal, diagonal[1]])])


def cross_covariance(
    model: SpuriousModel, image_basis: Float[Array, "image_dim 2"], text_basis: Float[Array, "text_dim 2"]
) -> Float[Array, "image_dim text_dim"]:
    """Population cross-covariance D_I Lambda D_T^T of images and texts."""
    return image_basis @ latent_covariance(model) @ text_basis.T
