"""S11, regularised logistic regression: from the difference of the class means to the largest margin.

Statement. Let w minimise E[log(1 + exp(-y <v, x>))] + (penalty / 2) ||v||^2 over v = D_I w. It exists and is unique for
every positive penalty.

As the penalty grows, w shrinks to E[y u] / (2 penalty), so its direction tends to (mu_inv, r mu_spu), the difference
of the class means: the rule of the linearised contrastive learner with `label` captions (S12). Its reliance on the
background, r mu_spu / mu_inv, does not see the variances.

As the penalty vanishes, w tends to the unregularised optimum of S6 where that is finite. Where the classes are
separable its length has no limit but its direction does, that of the largest margin:

    (1, 0)                   sigma_inv = 0 and no image noise: the background is ignored, unless
    (mu_inv, mu_spu)         sigma_spu = 0 as well, and p_spu = 1: both features always agree
    (0, 1)                   sigma_inv > 0, sigma_spu = 0, no image noise, p_spu = 1, mu_spu > 0: the background alone

and where the spurious feature is always 0, (1, 0) since the penalty prefers it. The limit is approached slowly. Where
one feature separates the classes alone and the other varies, its weight grows as log(1 / penalty) over its mean and the
other's tends to a constant b*, so that the angle between direction and limit falls as 1 / log(1 / penalty):

    (1, 0):  b* sigma_spu^2 = mu_spu tanh(log(p_spu / (1 - p_spu)) / 2 - b* mu_spu)
    (0, 1):  b* = mu_inv / sigma_inv^2

So the same loss is perfectly robust or wholly spurious according to which feature separates the classes, and no small
penalty changes that.

Source: the limit of the largest margin is due to Rosset, Zhu and Hastie (2004) for finite samples; for the population,
and how fast, derived here, docs/theory/regularisation.md.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.bisection import bisect
from theory.model import Scalar, SpuriousModel
from theory.newton import Local, minimise
from theory.statements.logistic import logistic_direction, logistic_risk
from theory.statements.zero_shot import latent_prompt

# Of an interval, down to double precision.
_HALVINGS = 54


@jax.jit
def regularised_logistic_direction(model: SpuriousModel, penalty: Scalar) -> Float[Array, "2"]:
    """Latent weights (w_inv, w_spu) of logistic regression with an L2 penalty, by quadrature.

    Args:
        model: parameters of the synthetic model; at least one feature must have some spread, noise included.
        penalty: weight of half the squared length, positive.

    Returns:
        Shape (2,); infinite where the margin's deviation leaves the quadrature's reach (`theory.statements.logistic`).
    """

    def objective(direction: Float[Array, "2"]) -> Local:
        risk = logistic_risk(model, direction)
        return Local(
            risk.value + 0.5 * penalty * jnp.sum(direction**2),
            risk.gradient + penalty * direction,
            risk.hessian + penalty * jnp.eye(2),
        )

    mean = latent_prompt(model, "class-mean")
    start = mean / (model.image_variance + model.latent_mean**2 + 2.0 * penalty)
    return minimise(objective, start)


def strongly_regularised_direction(model: SpuriousModel) -> Float[Array, "2"]:
    """Unit vector along which the optimum lies as the penalty grows, shape (2,)."""
    mean = latent_prompt(model, "class-mean")
    return mean / jnp.linalg.norm(mean)


def weakly_regularised_direction(model: SpuriousModel) -> Float[Array, "2"]:
    """Unit vector along which the optimum lies as the penalty vanishes, shape (2,)."""
    invariant_alone, spurious_alone = jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])
    spread = model.image_variance
    always = jnp.asarray(model.spurious_ratio, float) >= 1.0
    informative = model.latent_mean[1] > 0
    optimum = logistic_direction(model)
    finite = optimum / jnp.linalg.norm(optimum)
    both = model.latent_mean / jnp.linalg.norm(model.latent_mean)
    separable_by_both = jnp.where((spread[1] == 0) & always, both, invariant_alone)
    separated = jnp.where((spread[1] == 0) & always & informative, spurious_alone, finite)
    without_background = (spread[1] == 0) & ~informative
    return jnp.where(spread[0] == 0, separable_by_both, jnp.where(without_background, invariant_alone, separated))


def weight_beside_separation(model: SpuriousModel) -> Float[Array, ""]:
    """b*: what the spurious weight tends to as the penalty vanishes where the invariant feature separates the classes.

    Args:
        model: parameters of the synthetic model, with sigma_inv = 0 and no image noise, and mu_spu above 0; if
            sigma_spu = 0 too, with p_spu below 1, else the limit is that of both features.
    """
    spread, mean = model.latent_sigma[1] ** 2, model.latent_mean[1]
    ratio = jnp.asarray(model.spurious_ratio, float)
    evidence = 0.5 * (jnp.log(ratio) - jnp.log1p(-ratio))

    # Two bounds on b*: where the tanh is 0, and the value at p_spu = 1.
    highest = jnp.minimum(evidence / mean, mean / spread)
    return bisect(lambda b: mean * jnp.tanh(evidence - b * mean) - b * spread, 0.0, highest, _HALVINGS)
