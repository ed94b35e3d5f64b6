"""CLIP's tokenizer from its two older files: vocab.json, and merges.txt in the order in which pairs are joined."""

from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from workbench.errors import InputError

FILES = ("vocab.json", "merges.txt")
_START, _END = "<|startoftext|>", "<|endoftext|>"
# Its words: marks, English contractions, runs of letters, single digits, runs of anything else but spaces.
_WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def byte_pairs(folder: Path) -> Tokenizer:
    """The tokenizer of a folder that holds both files.

    Raises:
        InputError: they cannot be read, or lack the marks of a text's start and end.
    """
    vocabulary, merges = (folder / name for name in FILES)
    try:
        model = models.BPE.from_file(
            str(vocabulary), str(merges), unk_token=_END, continuing_subword_prefix="", end_of_word_suffix="</w>"
        )
    except Exception as error:  # the library raises nothing narrower
        raise InputError(f"{folder}: {' and '.join(FILES)} cannot be read as byte pairs ({error})") from error
    start, end = (model.token_to_id(mark) for mark in (_START, _END))
    if start is None or end is None:
        raise InputError(f"{vocabulary}: must hold {_START} and {_END}")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in (_START, _END)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A {_END}", special_tokens=[(_START, start), (_END, end)]
    )
    return tokenizer
