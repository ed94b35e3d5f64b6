"""S3, zero-shot direction: along which latent direction a contrastive learner classifies.

Statement. With G = W_I^T W_T the score of class y for image x is x^T G p_y. Prompts of opposite classes are
opposite, p_y = y D_T q, so the predicted class is the sign of x^T G D_T q. For the population minimiser of the
linearised loss this is the sign of <w, D_I^T x> with w = Lambda_h q / rho, Lambda_h the best rank-h
approximation of Lambda and q the latent prompt:

    label:       q = (1, 0)                                  the prompt names the class and nothing else
    class-mean:  q = (mu_inv, (2 p_spu - 1) mu_spu)          the mean of the class's captions, E[z | y = +1]

With h >= 2 and the label prompt, w is the first column of Lambda: its spurious weight is the covariance of the
two features, so it vanishes only at p_spu = 1/2 or mu_spu = 0.

Source: arXiv 2403.11497, section 6 and appendix D (its proof uses the label prompt, its definition gives the
class mean); derived here, docs/theory/zero_shot.md.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import Caption, SpuriousModel
from theory.names import PROMPTS
from theory.statements.captions import class_mean_caption
from theory.statements.linearized import linearized_minimiser
from theory.statements.population import latent_covariance


def latent_prompt(model: SpuriousModel, prompt: str, caption: Caption | None = None) -> Float[Array, "2"]:
    """Latent vector q of the prompt for class +1; the prompt's text is D_T q, and class -1 has -q.

    Args:
        model: parameters of the synthetic model.
        prompt: one of `PROMPTS`.
        caption: what captions say, hence what the class mean is; `latent` unless given.

    Raises:
        ValueError: a prompt that is not one of `PROMPTS`.
    """
    if prompt == "label":
        return jnp.array([1.0, 0.0])
    if prompt == "class-mean":
        return class_mean_caption(model, caption or Caption())
    raise ValueError(f"prompt must be one of {', '.join(PROMPTS)}, got {prompt!r}")


def zero_shot_direction(model: SpuriousModel, prompt: str, embed_dim: int = 2) -> Float[Array, "2"]:
    """Latent direction (w_inv, w_spu) of the linearised loss's zero-shot classifier, at rho = 1.

    Args:
        model: parameters of the synthetic model.
        prompt: one of `PROMPTS`.
        embed_dim: width of the embedding; from 2 on it makes no difference.

    Raises:
        ValueError: an unknown prompt, or `embed_dim` below 1.
    """
    return linearized_minimiser(latent_covariance(model), embed_dim) @ latent_prompt(model, prompt)
