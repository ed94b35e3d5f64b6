"""The models that are trained: pairs of encoders for the contrastive objectives, a classifier for supervision."""

from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from sims.encoders import Architecture


@runtime_checkable
class Classifier(Protocol):
    """What evaluation asks of a trained model."""

    def class_scores(
        self, images: Float[Array, "size image_dim"], prompts: Float[Array, "classes text_dim"]
    ) -> Float[Array, "size classes"]:
        """One score for each image and class; the highest decides."""
        ...


class DualEncoder(nnx.Module):
    """Image and text encoders g_I and g_T; classification is zero-shot, by the best-scoring prompt.

    Args:
        architecture: the encoders.
        rngs: source of the initial weights.
    """

    def __init__(self, architecture: Architecture, *, rngs: nnx.Rngs):
        self.image_encoder = architecture.encode_images(architecture.embed_dim, rngs)
        self.text_encoder = architecture.encode_texts(rngs)

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
        architecture: the encoders.
        scale: initial factor; trained on a logarithmic scale.
        rngs: source of the initial weights.
    """

    def __init__(self, architecture: Architecture, scale: float, *, rngs: nnx.Rngs):
        super().__init__(architecture, rngs=rngs)
        self.log_scale = nnx.Param(jnp.log(jnp.asarray(scale, float)))

    def embed_images(self, images: Float[Array, "size image_dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of images, of unit length."""
        return _unit_length(super().embed_images(images))

    def embed_texts(self, texts: Float[Array, "size text_dim"]) -> Float[Array, "size embed_dim"]:
        """Embeddings of texts, of unit length."""
        return _unit_length(super().embed_texts(texts))


def _unit_length(embeddings: Float[Array, "size embed_dim"]) -> Float[Array, "size embed_dim"]:
    return embeddings / jnp.linalg.norm(embeddings, axis=1, keepdims=True)


class BinaryClassifier(nnx.Module):
    """An image encoder with one output, whose last layer starts at 0; no intercept: the two classes are symmetric.

    Args:
        architecture: its image encoder is used.
        rngs: source of the initial weights.
    """

    def __init__(self, architecture: Architecture, *, rngs: nnx.Rngs):
        self.image_encoder = architecture.encode_images(1, rngs, nnx.initializers.zeros)

    def margins(self, images: Float[Array, "size image_dim"]) -> Float[Array, " size"]:
        """Output for class +1."""
        return self.image_encoder(images)[:, 0]

    def class_scores(
        self, images: Float[Array, "size image_dim"], prompts: Float[Array, "classes text_dim"]
    ) -> Float[Array, "size classes"]:
        """Scores for the classes (-1, +1); the prompts are not read."""
        margins = self.margins(images)
        return jnp.stack([-margins, margins], axis=1)
