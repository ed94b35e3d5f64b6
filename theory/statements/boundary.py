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

For other captions and mixtures of the two prompts (S12, S17) the condition is linear in r^2 as well. Written at r =
1, let K be the covariance of image and caption and q the prompt, and N = K_21 q_1 + K_22 q_2; then

    r_c^2 = [N mu_inv (mu_spu^2 + v_spu) - v_inv mu_spu K_11 q_1] / [N mu_inv mu_spu^2 + v_inv mu_spu K_12 q_2].

Against logistic regression (S6) there is a curve of the same shape but no closed form. With m the margin of logistic
regression and r~ the agreement E[y a] under the weight sigmoid(-m), which is large on images that it gets wrong,

    logistic regression:      t = r~ mu_spu v_inv / (mu_inv v_spu)

(least squares has r v_spu / [(1 - r^2) mu_spu^2 + v_spu] in the place of r~). As r -> 0 and at r = 1 the two supervised
rules decide alike, so the linearised learner crosses logistic regression wherever it crosses least squares, 0 < r_c^2 <
1, and there at a ratio of its own. At the defaults of `python -m theory` it is 0.816 for the label prompt and 0.970 for
the class-mean prompt, against 0.720 and 0.908 for least squares.

All this is for equally frequent classes.

Source: derived here, docs/theory/boundary.md.
"""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.bisection import false_position
from theory.model import Caption, SpuriousModel
from theory.names import share_of
from theory.statements.captions import caption_covariance
from theory.statements.logistic import logistic_direction
from theory.statements.prompts import mixed_prompt
from workbench.errors import ParameterError

# Where the search for a crossing begins: at an agreement of 0 no rule leans, and all cross.
_LEAST_AGREEMENT = 1e-5


def spurious_reliance(direction: Float[Array, "2"]) -> Float[Array, ""]:
    """How much a rule leans on the spurious feature, t = w_spu / w_inv; infinite for a rule without the other."""
    return direction[1] / direction[0]


def critical_squared_agreement(model: SpuriousModel, prompt: str, caption: Caption | None = None) -> Float[Array, ""]:
    """The squared agreement r_c^2 above which the linearised learner is more robust than least squares.

    Below 0: more robust at every ratio above 1/2; 1 or more: at none. The model's own ratio is not read.

    Args:
        model: parameters of the synthetic model, with `mu_spu` above 0 and equally frequent classes.
        prompt: `label`, `class-mean` or `mixture:SHARE`.
        caption: what captions say, with `mention_inv` above 0; `latent` unless given.

    Raises:
        ParameterError: another prompt.
    """
    share = _share(prompt)
    caption = caption or Caption()
    always = dataclasses.replace(model, spurious_ratio=1.0)
    covariance = caption_covariance(always, caption)
    vector = mixed_prompt(always, share, caption)
    mu_inv, mu_spu = model.latent_mean
    v_inv, v_spu = model.image_variance
    spurious = covariance[1] @ vector * mu_inv
    constant = spurious * (mu_spu**2 + v_spu) - v_inv * mu_spu * covariance[0, 0] * vector[0]
    return constant / (spurious * mu_spu**2 + v_inv * mu_spu * covariance[0, 1] * vector[1])


def linearised_reliance(model: SpuriousModel, prompt: str, caption: Caption | None = None) -> Float[Array, ""]:
    """How much the linearised learner leans on the spurious feature, t, for an embedding of width 2 or more.

    Args:
        model: parameters of the synthetic model.
        prompt: `label`, `class-mean` or `mixture:SHARE`.
        caption: what captions say; `latent` unless given.

    Raises:
        ParameterError: another prompt.
    """
    caption = caption or Caption()
    return spurious_reliance(caption_covariance(model, caption) @ mixed_prompt(model, _share(prompt), caption))


def critical_ratio_against_logistic(
    model: SpuriousModel, prompt: str, caption: Caption | None = None
) -> Float[Array, ""]:
    """The ratio p_spu above which the linearised learner is more robust than logistic regression.

    NaN where there is none: the same learner is the more robust near 1/2 and at 1, as `critical_squared_agreement`
    outside (0, 1) says; or where the quadrature of logistic regression does not reach. One crossing is found, to 1e-9
    in double precision, and no model is known with more. The model's own ratio is not read.

    Args:
        model: parameters of the synthetic model, with `mu_spu` above 0 and equally frequent classes.
        prompt: `label`, `class-mean` or `mixture:SHARE`.
        caption: what captions say, with `mention_inv` above 0; `latent` unless given.

    Raises:
        ParameterError: another prompt.
    """

    def excess(ratio: Float[Array, ""]) -> Float[Array, ""]:
        """Reliance of the linearised learner less that of logistic regression: positive below the critical ratio."""
        at_ratio = dataclasses.replace(model, spurious_ratio=ratio)
        return linearised_reliance(at_ratio, prompt, caption) - spurious_reliance(logistic_direction(at_ratio))

    return crossing(excess)


def crossing(excess: Callable[[Float[Array, ""]], Float[Array, ""]]) -> Float[Array, ""]:
    """The ratio p_spu between 1/2 and 1 at which an excess of reliance, a function of the ratio, changes its sign.

    Args:
        excess: 0 at 1/2, where no rule leans.

    Returns:
        NaN where the excess has the same sign near 1/2 and at 1, or is not a number.
    """
    agreement = false_position(lambda agreement: excess(0.5 + 0.5 * agreement) / agreement, _LEAST_AGREEMENT, 1.0)
    return jnp.where(agreement < 1.0, 0.5 + 0.5 * agreement, jnp.nan)


def _share(prompt: str) -> float:
    share = share_of(prompt)
    if share is None:
        raise ParameterError("prompt", "a mixture of label and class mean, since the best never leans", repr(prompt))
    return share
