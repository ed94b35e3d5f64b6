"""S17, prompts: mixtures of the label and the class mean, and the prompt that is best for the worse group.

Statement. Let a contrastive learner have the critic x^T D_I B D_T^T t, with B = K / rho for the linearised loss. A
prompt q makes the rule w = B q, so with an invertible B every rule in the signal's plane is some prompt's.

The best prompt for the worse group. A rule's accuracies are Phi((w_inv mu_inv +- w_spu mu_spu) / s) with s^2 =
w_inv^2 v_inv + w_spu^2 v_spu; a spurious weight of either sign lowers the smaller margin and raises s. So the best
rule is w = (1, 0), its accuracy is Phi(mu_inv / v_inv^(1/2)) in both groups, and the prompt is q = B^(-1) (1, 0). For
the linearised loss and `latent` captions that is (mu_spu^2 + sigma_spu^2, -r mu_inv mu_spu), up to a factor: the
class without the background that goes with it.

Mixtures. For q = (1 - share) (1, 0) + share E[t | y = +1], the share that removes the background is

    share* = B_21 / (B_21 (1 - c_inv) - B_22 c_spu),     (c_inv, c_spu) = E[t | y = +1].

For the linearised loss and `latent` captions that is -mu_inv / (mu_spu^2 + sigma_spu^2 - mu_inv (1 - mu_inv)), the
same for every p_spu, and negative unless mu_spu is small and mu_inv below 1: of the mixtures in between, 0 <= share
<= 1, the label prompt is the best for the worse group. InfoNCE's critic has B_21 < 0 there, its label prompt
over-corrects, and its best share lies inside.

What it takes to know. Not the groups of any image: the caption's second moments are enough for the linearised loss,
since q solves E[t t^T] q ~ (1, 0) (text noise subtracted, captions centred); but one must know the direction of text
that names the class alone, and that the critic is the population's. With `label` captions no prompt helps: B has one
column.

Source: derived here, docs/theory/prompts.md.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import Caption, Scalar, SpuriousModel
from theory.statements.captions import class_mean_caption


def mixed_prompt(model: SpuriousModel, share: Scalar, caption: Caption | None = None) -> Float[Array, "2"]:
    """Latent prompt of class +1 that is `share` class mean and the rest label, shape (2,).

    Args:
        model: parameters of the synthetic model.
        share: of the class mean; 0 is the label prompt, 1 the class mean, beyond them an extrapolation.
        caption: what captions say, hence what the class mean is; `latent` unless given.
    """
    return (1.0 - share) * jnp.array([1.0, 0.0]) + share * class_mean_caption(model, caption or Caption())


def best_prompt(critic: Float[Array, "2 2"]) -> Float[Array, "2"]:
    """The prompt that is best for the worse group, of unit length, shape (2,); not finite if B is singular."""
    prompt = jnp.linalg.solve(critic, jnp.array([1.0, 0.0]))
    return prompt / jnp.linalg.norm(prompt)


def best_share(model: SpuriousModel, critic: Float[Array, "2 2"], caption: Caption | None = None) -> Float[Array, ""]:
    """The share of the class mean at which the rule has no spurious weight; not finite if there is none."""
    mean = class_mean_caption(model, caption or Caption())
    return critic[1, 0] / (critic[1, 0] * (1.0 - mean[0]) - critic[1, 1] * mean[1])
