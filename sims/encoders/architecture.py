"""The encoders by name (`sims/names.py`), where a new one is added; and which a model has, with their sizes."""

import dataclasses
import math
from typing import Any

import jax
from flax import nnx

from sims.encoders.encoder import Encoder, Initializer, Linear, default_dtype, square
from sims.encoders.networks import CNN, MLP, ViT
from sims.names import IMAGE_ENCODERS, TEXT_ENCODERS
from workbench.errors import ParameterError

NETWORKS: dict[str, Any] = {"linear": Linear, "mlp": MLP, "cnn": CNN, "vit": ViT}
SPATIAL_ENCODERS = ("cnn", "vit")  # read an image as an image


_LEAST_SIDE = 4  # of an image


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The encoders of a model.

    Attributes:
        image_dim: dimension of an image.
        text_dim: dimension of a text.
        embed_dim: width of the embedding.
        image_encoder: a name of `IMAGE_ENCODERS`.
        text_encoder: a name of `TEXT_ENCODERS`.
        image: height, width and channels of an image; a square of one channel unless given.

    Raises:
        ParameterError: an encoder that is not known, or an image whose shape it cannot read.
    """

    image_dim: int
    text_dim: int
    embed_dim: int
    image_encoder: str = "linear"
    text_encoder: str = "linear"
    shape: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        for name, table in (("image_encoder", IMAGE_ENCODERS), ("text_encoder", TEXT_ENCODERS)):
            if getattr(self, name) not in table:
                raise ParameterError(name, f"among {', '.join(table)}", getattr(self, name))
        if self.image_encoder in SPATIAL_ENCODERS:
            height, width, _ = self.image_shape
            if height % _LEAST_SIDE or width % _LEAST_SIDE:
                raise ParameterError("image_dim", self._requirement, self.image_dim)

    @property
    def _requirement(self) -> str:
        return (
            f"the square of a multiple of {_LEAST_SIDE} for the `image_encoder` {self.image_encoder}, such as 64 or 144"
        )

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape that the image encoder reads."""
        if self.image_encoder not in SPATIAL_ENCODERS:
            return (self.image_dim,)
        if self.shape is not None:
            return self.shape
        if math.isqrt(self.image_dim) ** 2 != self.image_dim:
            raise ParameterError("image_dim", self._requirement, self.image_dim)
        return square(self.image_dim)

    @property
    def linear(self) -> bool:
        """Whether both encoders are linear, as in the theory."""
        return self.image_encoder == self.text_encoder == "linear"

    def encode_images(self, width: int, rngs: nnx.Rngs, head_init: Initializer | None = None) -> Encoder:
        """A new image encoder with that many outputs."""
        options = {} if head_init is None else {"head_init": head_init}
        return NETWORKS[self.image_encoder](self.image_shape, width, rngs=rngs, **options)

    def floats_per_image(self) -> int:
        """How many numbers the image encoder makes on its way from one image to its embedding, this not counted."""
        encoder = nnx.eval_shape(lambda: self.encode_images(self.embed_dim, nnx.Rngs(0)))
        graph, weights = nnx.split(encoder)
        image = jax.ShapeDtypeStruct((1, self.image_dim), default_dtype())
        program = jax.make_jaxpr(lambda weights, image: nnx.merge(graph, weights)(image))(weights, image)
        return sum(math.prod(found.aval.shape) for step in program.eqns for found in step.outvars) - self.embed_dim

    def encode_texts(self, rngs: nnx.Rngs) -> Encoder:
        """A new text encoder."""
        return NETWORKS[self.text_encoder]((self.text_dim,), self.embed_dim, rngs=rngs)
