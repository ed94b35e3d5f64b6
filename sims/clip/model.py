"""A CLIP small enough to train here, with a tokenizer of its own, in every respect one of `pretrained`."""

from collections.abc import Sequence

from flax import nnx
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from pretrained.checkpoint import Checkpoint
from pretrained.clip import CLIP
from pretrained.config import CLIPConfig, TextConfig, TransformerConfig, VisionConfig
from pretrained.preprocessing import Preprocessing
from pretrained.tokenizer import TextTokenizer

_START, _END = "<|startoftext|>", "<|endoftext|>"
_CONTEXT = 24
_VOCABULARY = 512
_WIDTH, _LAYERS, _HEADS = 32, 2, 4
_GRID = 4  # patches along a side


def tiny_clip(image_size: int, captions: Sequence[str], seed: int) -> Checkpoint:
    """An untrained CLIP for square images of that side, a multiple of 4, and for texts like the given ones."""
    tokenizer = byte_pairs(captions)
    tower = TransformerConfig(_WIDTH, _LAYERS, _HEADS, 4 * _WIDTH)
    end: int = tokenizer.token_to_id(_END)  # type: ignore[assignment]
    config = CLIPConfig(
        VisionConfig(tower, image_size, image_size // _GRID),
        TextConfig(tower, tokenizer.get_vocab_size(), _CONTEXT, "eos", end),
        _WIDTH,
    )
    half = (0.5, 0.5, 0.5)
    return Checkpoint(
        CLIP(config, rngs=nnx.Rngs(seed)),
        config,
        Preprocessing(image_size, image_size, "bicubic", half, half),
        TextTokenizer(tokenizer, _CONTEXT, end, end),
    )


def byte_pairs(captions: Sequence[str]) -> Tokenizer:
    """Byte pairs as CLIP's: lower case, every byte known, learned from the captions."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=[_START, _END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(captions, trainer)
    ids = [(token, tokenizer.token_to_id(token)) for token in (_START, _END)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{_START} $A {_END}", special_tokens=ids)
    return tokenizer
