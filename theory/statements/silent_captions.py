"""S24, silent captions: how many captions must name the background for InfoNCE to be as robust as logistic regression.

Statement. Let a share q = `mention_spu` of the captions name the background, and all of them the class. Of two linear
rules with t >= 0 the one that leans less is the more robust (S8), so a loss with a bilinear critic (S14, S15) turns
from less to more robust than logistic regression, in reliance and in conflicting accuracy alike, at one share q*. At
the defaults, label prompt, `label-attribute` captions:

    linear text encoder, linear images       InfoNCE 0.373, text to image 0.417, sigmoid loss 0.374
                                             image to text: more robust at every q > 0; at q = 0 it is the regression
    free text encoder, linear images         none: less robust at every share
    any function of image and caption        none: less robust at every share, the Bayes classifier of S10

With `latent` captions and the label prompt all of them are more robust at every share. With the class-mean prompt the
order is reversed: the more captions name the background, the less robust (docs/theory/silent_captions.md has q*).

A free text encoder gives each of the six captions (y, 0) and (y, a) a vector of its own, s = <u, h(t)>. The loss is
convex and does not change with the sign of image and caption, so h(-t) = -h(t): next to y and m a, m = 1 if the
background is named, a third feature m y is all that an encoder linear in the caption lacks, and the prompt (1, 0) is
classified along h(1, 0), which is learned from silent captions alone. In the half text to image each caption has its
own term of the loss, so

    text to image:   h(1, 0) is, at every share q < 1, the rule of captions that name the class alone (S14).

In the half image to text h(1, 0) goes to half of logistic regression as q -> 0, and leans more for larger q.

Any function. By S13 a prompt that is a caption, (1, 0) for q < 1, has the Bayes classifier as its rule, at every
share. The mean of the embeddings of a class's captions, the class-mean prompt of such a critic, has

    mu_inv u_inv / v_inv + (1 - q) artanh(r tanh beta) + q r beta,     beta = mu_spu u_spu / v_spu,

which does not saturate. With `latent` captions a prompt is a caption everywhere, and the rule is S13's.

Source: derived here, docs/theory/silent_captions.md.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.bisection import false_position
from theory.decision_curve import curve_accuracies
from theory.learners import contrastive_critic
from theory.mixtures import image_mixture, nodes, tilted
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import CONTRASTIVE, PROMPTS, share_of
from theory.newton import Local, descend, polish
from theory.statements.bayes import half_log_odds
from theory.statements.boundary import spurious_reliance
from theory.statements.group_accuracy import group_accuracies
from theory.statements.infonce import agreed
from theory.statements.logistic import logistic_direction
from theory.statements.networks import kernel_score
from theory.statements.prompts import mixed_prompt
from theory.statements.zero_shot import latent_prompt
from workbench.errors import ParameterError

UNRESTRICTED = "unrestricted"
# Shares beyond these are not looked at. With no caption that names the background image to text is logistic regression;
# where all do, its critic is too sharp for a small quadrature.
LEAST_SHARE, LARGEST_SHARE = 0.01, 0.99
# Nodes on each axis of InfoNCE's quadrature.
_NODES = 65


def critical_share(model: SpuriousModel, learner: str, kind: str, prompt: str, count: int = _NODES) -> Float[Array, ""]:
    """The share of captions that name the background at which a learner is as robust as logistic regression.

    Args:
        model: parameters of the synthetic model, with equally frequent classes; its `mu_spu` is positive.
        learner: one of `theory.learners.CONTRASTIVE`, or `unrestricted`.
        kind: of captions, `latent` or `label-attribute`; all of them name the class.
        prompt: `label`, `class-mean` or `mixture:SHARE`; the first two for `unrestricted`.
        count: nodes on each axis of InfoNCE's quadrature.

    Returns:
        Between `LEAST_SHARE` and `LARGEST_SHARE`, or 1 for `unrestricted`; NaN where the same of the two is the more
        robust at both ends, or an optimum is not resolved. One crossing is found.

    Raises:
        ParameterError: another learner, kind or prompt.
    """
    if learner not in (*CONTRASTIVE, UNRESTRICTED):
        raise ParameterError("learner", f"one of {', '.join((*CONTRASTIVE, UNRESTRICTED))}", repr(learner))
    if kind not in ("latent", "label-attribute"):
        raise ParameterError("caption", "latent or label-attribute, which can name the background", repr(kind))
    share = share_of(prompt)
    if share is None:
        raise ParameterError("prompt", "a mixture of label and class mean", repr(prompt))
    supervised = logistic_direction(model)

    def excess(mention: Float[Array, ""]) -> Float[Array, ""]:
        """Positive where the learner is less robust: reliance of linear rules, conflicting accuracy of the other."""
        caption = Caption(kind, 1.0, mention)
        if learner == UNRESTRICTED:
            accuracies = unrestricted_accuracies(model, caption, prompt)
            return group_accuracies(model, supervised)[1] - accuracies[1]
        critic = contrastive_critic(learner, model, caption, count=count)
        return spurious_reliance(critic @ mixed_prompt(model, share, caption)) - spurious_reliance(supervised)

    return false_position(excess, LEAST_SHARE, 1.0 if learner == UNRESTRICTED else LARGEST_SHARE)


def linearised_critical_share(model: SpuriousModel, kind: str) -> Float[Array, ""]:
    """The same for the linearised loss and the class-mean prompt, in closed form given logistic regression's t.

    (q*)^2 = (t I - t_0 mu_inv^2) / (t_0 S - t r^2 mu_spu^2) for `latent` captions and (t - t_0) / (t_0 - t r^2) for
    `label-attribute`, with t_0 = r mu_spu / mu_inv, I = mu_inv^2 + sigma_inv^2 and S = mu_spu^2 + sigma_spu^2 (S12).

    Args:
        model: parameters of the synthetic model, with equally frequent classes.
        kind: `latent` or `label-attribute`.

    Returns:
        NaN where the square is not positive; above 1 where no share is large enough.
    """
    reliance = spurious_reliance(logistic_direction(model))
    mean, second = model.latent_mean, model.latent_mean**2 + model.latent_sigma**2
    first = model.agreement * mean[1] / mean[0]
    if kind == "latent":
        above = reliance * second[0] - first * mean[0] ** 2
        below = first * second[1] - reliance * (model.agreement * mean[1]) ** 2
    else:
        above, below = reliance - first, first - reliance * model.agreement**2
    square = above / below
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), jnp.nan)


def unrestricted_accuracies(model: SpuriousModel, caption: Caption, prompt: str) -> Float[Array, "4"]:
    """Accuracies in the order of `GROUPS` of the critic that may be any function, shape (4,).

    Args:
        model: parameters of the synthetic model, with equally frequent classes; images have spread in both coordinates.
        caption: what captions say; all of them must name the class. Where `label-attribute` captions always name the
            background, the label prompt is no caption and the critic is open there: the limit of few silent ones.
        prompt: `label` or `class-mean`: with `latent` captions the caption at this place, otherwise the mean embedding
            of the class's captions.

    Raises:
        ParameterError: another prompt.
    """
    if prompt not in PROMPTS:
        raise ParameterError("prompt", "label or class-mean for a critic that may be any function", repr(prompt))
    if caption.kind == "latent":
        place = latent_prompt(model, prompt, caption)
        return curve_accuracies(model, lambda images: kernel_score(model, caption, place, images, 0.0, 0.0))
    named = caption.mentions[1] if prompt == "class-mean" else jnp.zeros(())
    slope = model.agreement * model.latent_mean[1] / model.image_variance[1]

    def score(images: Float[Array, "size 2"]) -> Float[Array, " size"]:
        background = half_log_odds(model, images * jnp.array([[0.0, 1.0]]))
        return half_log_odds(model, images) + named * (slope * images[:, 1] - background)

    return curve_accuracies(model, score)


# The captions with y = +1 that a free text encoder has vectors for; those with y = -1 have the opposite ones.
SAYINGS = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, -1.0]])


@functools.partial(jax.jit, static_argnames="count")
def free_text_rules(
    model: SpuriousModel, mention_spu: Scalar, image_to_text: Scalar = 0.5, count: int = _NODES
) -> Float[Array, "3 2"]:
    """InfoNCE's best h(t) for `label-attribute` captions, linear in the image and free in the caption, shape (3, 2).

    Args:
        model: parameters of the synthetic model, with equally frequent classes.
        mention_spu: q, above 0 and below 1: the share of captions that name the background; all name the class.
        image_to_text: weight of the direction image to text; 1/2 is CLIP's loss.
        count: nodes on each axis of the quadrature.

    Returns:
        h at `SAYINGS`: the first row is the label prompt's rule. NaN where the quadrature does not resolve it.
    """
    images, ratio = image_mixture(model), jnp.asarray(model.spurious_ratio, float)
    mention = jnp.asarray(mention_spu, float)
    # Of the captions with y = +1, each as likely as its opposite.
    shares = jnp.stack([1.0 - mention, mention * ratio, mention * (1.0 - ratio)])
    attribute = jnp.stack([2.0 * ratio - 1.0, jnp.ones(()), -jnp.ones(())])
    expected = model.latent_mean[None, :] * jnp.stack([jnp.ones(3), attribute], axis=1)

    both_signs = jnp.concatenate([jnp.eye(3), -jnp.eye(3)])

    def objective(entries: Float[Array, "6"], shift: Float[Array, ""]) -> Local:
        rules = entries.reshape(3, 2)
        places, weights = nodes(images, count, shift)
        scores = places @ (both_signs @ rules).T
        log_sums = jax.nn.logsumexp(scores, axis=1, b=jnp.tile(shares, 2)[None, :] / 2.0)
        likely = jnp.tile(shares, 2)[None, :] / 2.0 * jnp.exp(scores - log_sums[:, None])
        signed = likely @ both_signs
        over_captions = tilted(images, rules)

        def in_rows(array: Array) -> Array:
            # A sum of sums: of one long sum single precision would keep four digits.
            return jnp.sum(jnp.sum(array.reshape(-1, count, *array.shape[1:]), axis=1), axis=0)

        weighted = weights[:, None] * places
        over_images = in_rows(signed[:, :, None] * weighted[:, None, :])
        # Each caption and its opposite are one vector's, so that their squares are the same.
        spread = (likely @ both_signs**2)[:, :, None] * jnp.eye(3)[None] - signed[:, :, None] * signed[:, None, :]
        curvature = in_rows(jnp.einsum("nkl,ni,nj->nkilj", spread, weighted, places).reshape(-1, 36)).reshape(
            3, 2, 3, 2
        )
        of_captions = jnp.einsum("k,kl,kij->kilj", shares, jnp.eye(3), over_captions.covariance)
        other = 1.0 - image_to_text
        value = image_to_text * in_rows(weights * log_sums) + other * (shares @ over_captions.log_mgf)
        gradient = image_to_text * over_images + other * shares[:, None] * over_captions.mean
        hessian = image_to_text * curvature + other * of_captions
        matched = shares[:, None] * expected
        return Local(value - jnp.sum(matched * rules), (gradient - matched).reshape(6), hessian.reshape(6, 6))

    end = descend(lambda entries: objective(entries, jnp.zeros(())), jnp.zeros(6))
    own, shifted = jax.vmap(lambda shift: objective(end.place, shift).gradient)(jnp.array([0.0, 0.5]))
    return agreed(polish(own, end), polish(shifted, end)).reshape(3, 2)
