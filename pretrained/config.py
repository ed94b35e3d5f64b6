"""The sizes of a CLIP and of its towers."""

import dataclasses

from workbench.errors import InputError

ACTIVATIONS = ("gelu", "quick_gelu")


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """The sizes of a transformer.

    Attributes:
        width: of a token.
        layers: number of blocks.
        heads: of the attention; divides the width.
        hidden: width of a block's hidden layer.
        activation: `gelu` or `quick_gelu`, x sigmoid(1.702 x), with which OpenAI trained.
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
        patch_size: side of a patch; divides the picture's.
    """

    transformer: TransformerConfig
    image_size: int
    patch_size: int

    def __post_init__(self) -> None:
        if self.patch_size < 1 or self.image_size < self.patch_size or self.image_size % self.patch_size:
            raise InputError(
                f"a picture's side must be a multiple of a patch's, got {self.image_size} and {self.patch_size}"
            )

    @property
    def patches(self) -> int:
        """Number of patches of a picture."""
        return (self.image_size // self.patch_size) ** 2


@dataclasses.dataclass(frozen=True)
class TextConfig:
    """The text tower.

    Attributes:
        transformer: its blocks.
        vocabulary: number of tokens that there are.
        context: number of tokens of a text, padding included.
        end_token: the token whose first place holds a text's embedding; None for the place of the highest token.
    """

    transformer: TransformerConfig
    vocabulary: int
    context: int
    end_token: int | None


@dataclasses.dataclass(frozen=True)
class CLIPConfig:
    """A CLIP: both towers, and the width of the embedding that they share."""

    vision: VisionConfig
    text: TextConfig
    embed_dim: int
