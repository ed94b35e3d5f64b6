"""S2, population limit: the cross-covariance of image and text that the linearised loss sees.

Statement. In the model of Definition 6.1, E[x_I x_T^T] - E[x_I] E[x_T]^T = D_I Lambda D_T^T with

    Lambda = [[mu_inv^2 + sigma_inv^2,            (2 p_spu - 1) mu_inv mu_spu],
              [(2 p_spu - 1) mu_inv mu_spu,       mu_spu^2 + sigma_spu^2     ]]

if the classes are equally frequent. With e = E[y] the covariance is centred, and e^2 of mu_inv^2 and of the
off-diagonal and (2 p_spu - 1)^2 e^2 of mu_spu^2 are lost: the rarer one class, the less the means of the classes
count beside the variances within them. All this holds for every `image_dim`, `text_dim` and `sigma_xi`: the noises of
the two modalities are independent and drop out. The unbiased cross-covariance of n pairs converges to it at the rate
n^(-1/2).

Source: derived here, docs/theory/population.md. Lemma D.3 of arXiv 2403.11497 prints another matrix; see
`theory.statements.theorem62`.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import SpuriousModel


@jax.jit
def latent_covariance(model: SpuriousModel) -> Float[Array, "2 2"]:
    """Covariance Lambda of the latent z = (z_inv, z_spu), shape (2, 2)."""
    mean = model.latent_mean
    label_variance = 1.0 - model.label_mean**2
    attribute_variance = 1.0 - (model.agreement * model.label_mean) ** 2
    off_diagonal = model.agreement * mean[0] * mean[1] * label_variance
    shares = jnp.stack([jnp.asarray(label_variance, float), jnp.asarray(attribute_variance, float)])
    diagonal = mean**2 * shares + model.latent_sigma**2
    return jnp.stack([jnp.stack([diagonal[0], off_diagonal]), jnp.stack([off_diagonal, diagonal[1]])])


def cross_covariance(
    model: SpuriousModel, image_basis: Float[Array, "image_dim 2"], text_basis: Float[Array, "text_dim 2"]
) -> Float[Array, "image_dim text_dim"]:
    """Population cross-covariance D_I Lambda D_T^T of images and texts."""
    return image_basis @ latent_covariance(model) @ text_basis.T
