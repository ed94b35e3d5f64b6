"""S27, networks: which conclusions stand if encoders have a hidden layer of random features instead of being linear.

Statement. Let each encoder be linear in features of a hidden layer that is drawn at random and kept, g(x) = W phi(x),
of infinite width, with the kernel k(x, x') = <phi(x), phi(x')> of images and another of captions. The linearised loss
is the one of S1 on features, so that opposite prompts q and -q make the rule

    sign E[k_I(x, x') (k_T(t', q) - k_T(t', -q))]        over pairs (x', t') that belong together,

for equally frequent classes, with k_I(x, x') - k_I(x, -x') and so on in their place: the odd parts decide.

ReLU without biases. The odd part of its kernel is linear, k(x, x') - k(x, -x') = <x, x'> / 2 for weights of mean
square 1. So the rule is that of linear encoders, and S2 to S4, S7, S8, S12 and S17 stand as they are. So do S5, S6 and
S11: a supervised learner on such features is linear, for any convex loss. InfoNCE's rule is linear in the image too.

Gaussian kernel, k = exp(-|x - x'|^2 / (2 length^2)), of random cosines. The rule is that of S13, of a critic that may
be any function, in a model whose images and captions carry more noise: of variance length^2 in every direction. With u
= D_I^T x and p the density of the pairs with that noise added,

    score(u) = (log p(u, q) - log p(u, -q)) / 2.

As the lengths grow it becomes the rule of linear encoders (S3, S12); as they vanish, S13's. With `label` captions, and
with `label-attribute` captions and the label prompt however often the background is named, it is the Bayes classifier
of S10 for v + length^2 in the place of v:

    mu_inv u_inv / (v_inv + length^2) + artanh(r tanh(mu_spu u_spu / (v_spu + length^2))).

Kernel ridge regression of the label with a strong penalty is the same rule, and with a weak one, as the supervised
cross-entropy of any function, the Bayes classifier. So with captions of the class alone both kinds of learners are one.

Method. Accuracies by `theory.decision_curve`, a one-dimensional quadrature over a bisection. The score rises with u_inv
for the label prompt and for the class mean of captions that mention the class always (docs/theory/networks.md).

Assumed: infinite data, equally frequent classes. Trained hidden layers and finite widths are simulated.

Source: random cosines are Rahimi and Recht (2007), the kernel of ReLU is Cho and Saul (2009); derived here,
docs/theory/networks.md.
"""

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from theory.decision_curve import curve_accuracies
from theory.mixtures import joint_mixture
from theory.model import Caption, Scalar, SpuriousModel
from theory.names import share_of
from theory.statements.prompts import mixed_prompt
from workbench.errors import ParameterError


def kernel_score(
    model: SpuriousModel,
    caption: Caption,
    prompt: Float[Array, "2"],
    images: Float[Array, "size 2"],
    image_length: Scalar,
    caption_length: Scalar,
) -> Float[Array, " size"]:
    """Half the log ratio of the blurred densities at the prompts q and -q; its sign is the linearised learner's rule.

    Args:
        model: parameters of the synthetic model, with equally frequent classes.
        caption: what captions say.
        prompt: q in the text's plane, shape (2,).
        images: u = D_I^T x, shape (size, 2).
        image_length: of the Gaussian kernel of images; 0 is the limit of a critic that may be any function.
        caption_length: of that of captions; positive, or, with `latent` captions and noise, 0.
    """
    pairs = joint_mixture(model, caption)
    said, shared = pairs.captions, pairs.covariances
    caption_variances = said.variances + caption_length**2
    slope = shared / caption_variances
    deviation = jnp.sqrt(model.image_variance[None, :] + image_length**2 - slope * shared)

    def log_density(caption_point: Float[Array, "2"]) -> Float[Array, " size"]:
        away = caption_point[None, :] - said.means
        of_caption = jnp.sum(norm.logpdf(away, scale=jnp.sqrt(caption_variances)), axis=1)
        expected = pairs.images.means + slope * away
        of_image = jnp.sum(norm.logpdf(images[:, None, :], expected[None], deviation[None]), axis=2)
        total = of_image + of_caption[None, :]
        return logsumexp(total, axis=1, b=jnp.broadcast_to(said.weights[None, :], total.shape))

    return 0.5 * (log_density(prompt) - log_density(-prompt))


def kernel_accuracies(
    model: SpuriousModel, caption: Caption, prompt: str, image_length: Scalar, caption_length: Scalar
) -> Float[Array, "4"]:
    """Accuracies of the linearised learner on random cosines in the order of `GROUPS`, shape (4,).

    Args:
        model: parameters of the synthetic model, with equally frequent classes and both coordinates of an image spread.
        caption: what captions say.
        prompt: `label`, `class-mean` or `mixture:SHARE`.
        image_length: as in `kernel_score`.
        caption_length: as in `kernel_score`.

    Raises:
        ParameterError: another prompt.
    """
    share = share_of(prompt)
    if share is None:
        raise ParameterError("prompt", "a mixture of label and class mean for a network", repr(prompt))
    vector = mixed_prompt(model, share, caption)

    def score(images: Float[Array, "size 2"]) -> Float[Array, " size"]:
        return kernel_score(model, caption, vector, images, image_length, caption_length)

    return curve_accuracies(model, score)


@jax.jit
def relu_kernel(
    points: Float[Array, "size dim"], others: Float[Array, "others dim"], bias: Scalar = 0.0
) -> Float[Array, "size others"]:
    """E[relu(<w, x> + b) relu(<w, x'> + b)] for standard normal w and b ~ N(0, bias^2), the arc-cosine kernel.

    Args:
        points: x, a row a point.
        others: x'.
        bias: deviation of the biases; without them the odd part of the kernel is <x, x'> / 4.
    """
    lengths = jnp.sqrt(jnp.sum(points**2, axis=1) + bias**2)
    others_lengths = jnp.sqrt(jnp.sum(others**2, axis=1) + bias**2)
    sizes = lengths[:, None] * others_lengths[None, :]
    cosine = jnp.clip((points @ others.T + bias**2) / sizes, -1.0, 1.0)
    angle = jnp.arccos(cosine)
    return sizes * (jnp.sqrt(1.0 - cosine**2) + (jnp.pi - angle) * cosine) / (2.0 * jnp.pi)
