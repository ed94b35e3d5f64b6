"""The models that are trained: linear encoders for the contrastive objectives, a linear classifier for supervision."""

from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float


@runtime_checkable
class Classifier(Protocol):
    """What evaluation asks of a trained model."""

    def class_scores(
        self, images: Float[Array, "size image_dim"], prompts: Float[Array, "classes text_dim"]
    ) -> Float[Array, "size classes"]:
        """One score for each image and class; the highest decides."""
        ...


class DualEncoder(nnx.Module):
    """Linear image and text encoders g_M(x) = W_M x; classification is zero-shot, by the best-scoring prompt.

    Args:
        image_dim: dimension of an image.
        text_dim: dimension of a text.
        embed_dim: width of the embedding.
        rngs: source of the initial weights.
    """

    def __init__(self, image_dim: int, text_dim: int, embed_dim: int, *, rngs: nnx.Rngs):
        self.image_encoder = nnx.Linear(image_dim, embed_dim, use_bias=False, param_dtype=_precision(), rngs=rngs)
        self.text_encoder = nnx.Linear(text_dim, embed_dim, use_bias=False, param_dtype=_precision(), rngs=rngs)

    def embed_images(self, images: Float[Array, "size image_dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of images."""
        return self.image_encoder(images)

    def embed_texts(self, texts: Float[Array, "size text_dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of texts."""
        return self.text_encoder(texts)

    def similarities(
        self, images: Float[Array, "size image_dim"], texts: Float[Array, "others text_dim"]
    ) -> Float[Array, "size others"]:
        """Inner products s_ij = <g_I(x_i), g_T(x_j)> of the embeddings."""
        return self.embed_images(images) @ self.embed_texts(texts).T

    def class_scores(
        self, images: Float[Array, "size image_dim"], prompts: Float[Array, "classes text_dim"]
    ) -> Float[Array, "size classes"]:
        """Zero-shot scores: the similarity of each image with each class's prompt."""
        return self.similarities(images, prompts)


class CosineDualEncoder(DualEncoder):
    """A dual encoder with embeddings of unit length, as CLIP's, and a trained factor for their similarities.

    Args:
        image_dim: dimension of an image.
        text_dim: dimension of a text.
        embed_dim: width of the embedding.
        scale: initial factor; trained on a logarithmic scale.
        rngs: source of the initial weights.
    """

    def __init__(self, image_dim: int, text_dim: int, embed_dim: int, scale: float, *, rngs: nnx.Rngs):
        super().__init__(image_dim, text_dim, embed_dim, rngs=rngs)
        self.log_scale = nnx.Param(jnp.log(jnp.asarray(scale, float)))

    def embed_images(self, images: Float[Array, "size image_dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of images, of unit length."""
        return _unit_length(super().embed_images(images))

    def embed_texts(self, texts: Float[Array, "size text_dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of texts, of unit length."""
        return _unit_length(super().embed_texts(texts))


def _precision() -> jnp.dtype:
    """The session's default: single precision, or double where JAX is set to it."""
    return jnp.dtype(jnp.result_type(float))


def _unit_length(embeddings: Float[Array, "size embed_dim"]) -> Float[Array, "size embed_dim"]:
    return embeddings / jnp.linalg.norm(embeddings, axis=1, keepdims=True)


class LinearClassifier(nnx.Module):
    """A linear classifier on images, started at 0; no intercept, since the two classes are symmetric.

    Args:
        image_dim: dimension of an image.
        rngs: flax asks for it, though nothing here is random.
    """

    def __init__(self, image_dim: int, *, rngs: nnx.Rngs):
        self.linear = nnx.Linear(
            image_dim, 1, use_bias=False, param_dtype=_precision(), rngs=rngs, kernel_init=nnx.initializers.zeros
        )

    def margins(self, images: Float[Array, "size image_dim"]) -> Float[Array, " size"]:
        """Output for class +1."""
        return self.linear(images)[:, 0]

    def class_scores(
        self, images: Float[Array, "size image_dim"], prompts: Float[Array, "classes text_dim"]
    ) -> Float[Array, "size classes"]:
        """Scores for the classes (-1, +1); the prompts are not read."""
        margins = self.margins(images)
        return jnp.stack([-margins, margins], axis=1)
