"""S8, the boundary: when the linearised contrastive learner is more robust than least squares.

Statement. Let t = w_spu / w_inv be how much a rule leans on the spurious feature. For t >= 0 the accuracy on
`conflicting` falls strictly with t, so of two learners the one with the smaller t is the more robust. With
r = 2 p_spu - 1, v_inv = sigma_inv^2 + sigma_xi^2 / d_I and v_spu = sigma_spu^2 + sigma_xi^2 / d_I, and an embedding of
width 2 or more,

    least squares:            t = r mu_spu v_inv / (mu_inv [(1 - r^2) mu_spu^2 + v_spu])
    linearised, label:        t = r mu_spu mu_inv / (mu_inv^2 + sigma_inv^2)
    linearised, class-mean:   t = r mu_spu (mu_inv^2 + mu_spu^2 + sigma_spu^2)
                                  / (mu_inv [mu_inv^2 + sigma_inv^2 + r^2 mu_spu^2])

For mu_spu > 0 and r > 0 the linearised learner is more robust than least squares if and only if the spurious feature
varies less within a class than a bound that grows with the invariant feature's variance there:

    V_spu < V_inv                                                              class-mean prompt
    V_spu < V_inv [1 + (V_inv + sigma_xi^2 / d_I) / mu_inv^2]                  label prompt

    V_spu = Var(z_spu | y) = (1 - r^2) mu_spu^2 + sigma_spu^2,    V_inv = Var(z_inv | y) = sigma_inv^2.

V_spu falls as r grows, so this is a critical ratio: r^2 > r_c^2. A large variance of the invariant feature in a class
is the condition under which Xue et al. (arXiv 2310.04971) find contrastive training more robust. As p_spu -> 1 the
class-mean condition becomes sigma_spu < sigma_inv, which Theorem 6.2 of arXiv 2403.11497 assumes: in its own limit the
linearised learner is more robust than least squares, with either prompt.

Source: derived here, docs/theory/boundary.md.
"""

from jaxtyping import Array, Float

from theory.model import SpuriousModel
from theory.zero_shot import PROMPTS


def spurious_reliance(direction: Float[Array, "2"]) -> Float[Array, ""]:
    """How much a rule leans on the spurious feature, t = w_spu / w_inv; infinite for a rule without the other."""
    return direction[1] / direction[0]


def critical_squared_agreement(model: SpuriousModel, prompt: str) -> Float[Array, ""]:
    """The squared agreement r_c^2 above which the linearised learner is more robust than least squares.

    Below 0: more robust at every ratio above 1/2; 1 or more: at none. The model's own ratio is not read.

    Args:
        model: parameters of the synthetic model, with `mu_spu` above 0.
        prompt: `label` or `class-mean`.

    Raises:
        ValueError: another prompt.
    """
    spurious_mean = model.latent_mean[1] ** 2
    invariant, spurious = model.latent_sigma**2
    if prompt == "label":
        bound = invariant * (1.0 + (invariant + model.image_noise_variance) / model.latent_mean[0] ** 2)
    elif prompt == "class-mean":
        bound = invariant
    else:
        raise ValueError(f"prompt must be one of {', '.join(PROMPTS)}, got {prompt!r}")
    # Where (1 - r^2) mu_spu^2 + sigma_spu^2 equals the bound.
    return 1.0 - (bound - spurious) / spurious_mean
