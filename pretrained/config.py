"""The sizes of a CLIP or SigLIP and of its towers."""

import dataclasses

from workbench.errors import InputError

ACTIVATIONS = ("gelu", "quick_gelu", "gelu_pytorch_tanh")
POOLINGS = ("argmax", "eos", "last")


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """The sizes of a transformer.

    Attributes:
        width: of a token.
        layers: number of blocks.
        heads: of the attention; divides the width.
        hidden: width of a block's hidden layer.
        activation: `gelu`; `quick_gelu`, x sigmoid(1.702 x), with which OpenAI trained; or `gelu_pytorch_tanh`, the
            approximation with a tanh, with which SigLIP was.
        norm_epsilon: added to variances in layer norms.

    Raises:
        InputError: sizes that do not fit together, or another activation.
    """

    width: int
    layers: int
    heads: int
    hidden: int
    activation: str = "quick_gelu"
    norm_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("width", "layers", "heads", "hidden"):
            if getattr(self, name) < 1:
                raise InputError(f"a transformer's {name} must be at least 1, got {getattr(self, name)}")
        if self.width % self.heads:
            raise InputError(f"a transformer's width must be a multiple of its {self.heads} heads, got {self.width}")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"the activation must be among {', '.join(ACTIVATIONS)}, got {self.activation}")


@dataclasses.dataclass(frozen=True)
class VisionConfig:
    """The image tower: a vision transformer.

    Attributes:
        transformer: its blocks.
        image_size: side of a picture, in pixels.
        patch_size: side of a patch; what is left over at the right and below is not looked at.

    Raises:
        InputError: a picture smaller than a patch.
    """

    transformer: TransformerConfig
    image_size: int
    patch_size: int

    def __post_init__(self) -> None:
        if not 1 <= self.patch_size <= self.image_size:
            raise InputError(
                f"a picture's side must be at least a patch's, got {self.image_size} and {self.patch_size}"
            )

    @property
    def grid(self) -> int:
        """Number of patches along a side."""
        return self.image_size // self.patch_size

    @property
    def patches(self) -> int:
        """Number of patches of a picture."""
        return self.grid**2


@dataclasses.dataclass(frozen=True)
class TextConfig:
    """The text tower.

    Attributes:
        transformer: its blocks.
        vocabulary: number of tokens that there are.
        context: number of tokens of a text, padding included.
        pooling: which token's place holds a text's embedding: `argmax`, the highest one's (OpenAI's and OpenCLIP's);
            `eos`, the first end token's; `last`, the last one's.
        end_token: that every text ends with.
        causal: whether a token sees no later one.
        projection_bias: whether the linear map to the embedding has one.

    Raises:
        InputError: another pooling.
    """

    transformer: TransformerConfig
    vocabulary: int
    context: int
    pooling: str
    end_token: int
    causal: bool = True
    projection_bias: bool = False

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise InputError(f"the text pooling must be among {', '.join(POOLINGS)}, got {self.pooling}")


@dataclasses.dataclass(frozen=True)
class CLIPConfig:
    """A CLIP: both towers, and the width of the embedding that they share."""

    vision: VisionConfig
    text: TextConfig
    embed_dim: int


@dataclasses.dataclass(frozen=True)
class SigLIPConfig:
    """A SigLIP: both towers; the image tower's width is the embedding's."""

    vision: VisionConfig
    text: TextConfig

    @property
    def embed_dim(self) -> int:
        """Width of the embedding."""
        return self.vision.transformer.width
