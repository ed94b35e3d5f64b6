"""S12, captions: what the text says decides what the linearised loss learns, and how far it leans on the background.

Statement. Let u = D_I^T x be the image in the signal's plane and t the caption there (text D_T t + noise), each of its
two entries mentioned with its own probability, independently of all else, and 0 where it is not mentioned:

    latent            t = (m_inv z_inv, m_spu z_spu)    the caption shares the latent (Definition 6.1)
    label             t = (m_inv y,     0)              it says the class and nothing else
    label-attribute   t = (m_inv y,     m_spu a)        it says the class, and the background

with P(m_inv = 1) = `mention_inv`, P(m_spu = 1) = `mention_spu`. The linearised loss learns K = Cov(u, t) in place of
Lambda. For equally frequent classes, r = 2 p_spu - 1 and M = diag(mention_inv, mention_spu),

    latent            K = Lambda M
    label             K = [[mu_inv, 0], [r mu_spu, 0]] M
    label-attribute   K = [[mu_inv, r mu_inv], [r mu_spu, mu_spu]] M

and the class-mean prompt is E[t | y = +1]. So with the label prompt the linearised learner's rule does not depend on
how often captions mention the background; with the class-mean prompt its reliance on the background grows with
`mention_spu`. With label captions its reliance is r mu_spu / mu_inv for every prompt: the difference of the class
means, the rule of the most strongly regularised supervised learner (S11).

Source: captions that mention features at random are the rich captions of Xue et al. (arXiv 2310.04971); derived here,
docs/theory/captions.md.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import Caption, SpuriousModel
from theory.statements.population import latent_covariance


@jax.jit
def caption_covariance(model: SpuriousModel, caption: Caption) -> Float[Array, "2 2"]:
    """Covariance K of the image's features (rows) and the caption's (columns), shape (2, 2)."""
    if caption.kind == "latent":
        return latent_covariance(model) * caption.mentions[None, :]
    label_variance = jnp.asarray(1.0 - model.label_mean**2, float)
    attribute_variance = jnp.asarray(1.0 - (model.agreement * model.label_mean) ** 2, float)
    shared = model.agreement * label_variance
    signs = jnp.stack([jnp.stack([label_variance, shared]), jnp.stack([shared, attribute_variance])])
    return model.latent_mean[:, None] * signs * caption.mentions[None, :]


def class_mean_caption(model: SpuriousModel, caption: Caption) -> Float[Array, "2"]:
    """Mean caption of class +1, E[t | y = +1], shape (2,); that of class -1 is its opposite."""
    agreement = jnp.stack([jnp.asarray(1.0, float), jnp.asarray(model.agreement, float)])
    sizes = model.latent_mean if caption.kind == "latent" else jnp.ones(2)
    return caption.mentions * agreement * sizes
