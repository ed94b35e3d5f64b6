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

import dataclasses
import itertools
from numbers import Real

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.model import Scalar, SpuriousModel
from theory.statements.population import latent_covariance
from workbench.errors import ParameterError
from workbench.parameters import SHARE, check, parameter

CAPTIONS = ("latent", "label", "label-attribute")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Caption:
    """What a caption says of the image. A JAX pytree; `kind` is static.

    Attributes:
        kind: one of `CAPTIONS`.
        mention_inv: probability that the caption mentions the invariant feature (or the class); in [0, 1].
        mention_spu: probability that it mentions the spurious feature (or the attribute); in [0, 1]. A `label` caption
            never does, whatever this says.

    Raises:
        ParameterError: another kind, or a number that is no probability.
    """

    kind: str = dataclasses.field(default="latent", metadata={"static": True})
    mention_inv: Scalar = parameter(1.0, SHARE, "probability that a caption mentions the class or invariant feature")
    mention_spu: Scalar = parameter(1.0, SHARE, "probability that a caption mentions the background")

    def __post_init__(self) -> None:
        if self.kind not in CAPTIONS:
            raise ParameterError("caption", f"one of {', '.join(CAPTIONS)}", repr(self.kind))
        check(self)

    @property
    def mentions(self) -> Float[Array, "2"]:
        """The probabilities that each of the two entries is mentioned."""
        spurious = 0.0 if self.kind == "label" else self.mention_spu
        return jnp.stack([jnp.asarray(self.mention_inv, float), jnp.asarray(spurious, float)])

    @property
    def choices(self) -> np.ndarray:
        """What a caption can mention, 0 or 1 for each entry, shape (choices, 2).

        All four choices, or fewer where a probability is known to be 0 or 1: not traced.
        """
        shares = (self.mention_inv, 0.0 if self.kind == "label" else self.mention_spu)
        choices = [[float(share)] if isinstance(share, Real) and share in (0, 1) else [1.0, 0.0] for share in shares]
        return np.array(list(itertools.product(*choices)))


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
