"""Tokens are transformers', from each kind of tokenizer files, for all sorts of texts."""

import json
import random

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer, PreTrainedTokenizerFast

from pretrained.tokenizer import read_tokenizer
from workbench.errors import InputError

START, END = "<|startoftext|>", "<|endoftext|>"
CONTEXT = 20
PIECES = [
    *["a", "photo", "of", "the", "dog's", "red", "cats,", "don't", "we've", "they'll", "I'M", "she'd", "RUN-ning"],
    *["3.14", "1999", "42nd", "naïve", "Ångström", "ﬁne", "ẞtraße", "İstanbul", "café", "cafe\u0301", "½", "٣"],
    *["東京", "привет", "مرحبا", "हिन्दी", "👍🏽", "👩‍🚀", "🇫🇷", "𝔘𝔫𝔦", "_x_", "!!!", "...", "$5.00", "C++", "#1"],
    *["<b>bold</b>", "&amp;", "&lt;br/&gt;", "http://a.b/c?d=e&f", "'s", "'", "''", "´", "</w>", "<|endoftext"],
    *[START, END, "\u200b", "\x00", "\u00a0", "\u3000", "\ufeff"],
]
SPACES = [" ", " ", " ", "", "  ", " " * 9, "\n", "\t", "\r\n"]


def texts():
    """A thousand: the pieces alone, then joined by all kinds of spaces, some of them long."""
    generator = random.Random(0)
    found = ["", " ", "\n", *PIECES]
    while len(found) < 1000:
        length = generator.choice([2, 3, 5, 8, 60])
        found.append("".join(generator.choice(PIECES) + generator.choice(SPACES) for _ in range(length)))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """vocab.json and merges.txt as CLIP has them, learned from such texts."""
    path = tmp_path_factory.mktemp("words")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=900, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    words.train_from_iterator([piece.lower() for piece in PIECES] * 3, trainer)
    words.model.save(str(path))
    vocabulary = json.loads((path / "vocab.json").read_text())
    for token in (*(f"{letter}</w>" for letter in alphabet), START, END):
        vocabulary.setdefault(token, len(vocabulary))
    (path / "vocab.json").write_text(json.dumps(vocabulary))
    return path


def theirs(tokenizer, said):
    return tokenizer(said, padding="max_length", truncation=True, max_length=CONTEXT)["input_ids"]


def read(folder):
    vocabulary = json.loads((folder / "vocab.json").read_text())
    return read_tokenizer(folder, len(vocabulary), CONTEXT, vocabulary[END], vocabulary[END])


def test_tokens_of_vocab_and_merges_are_transformers(folder):
    reference = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    said = texts()
    words = read(folder)
    tokens = words(said)
    np.testing.assert_array_equal(tokens, theirs(reference, said))
    # The power of this: long texts are cut, and a part that does less than CLIP's would be seen.
    assert (tokens[:, -1] == tokens[0, 1]).all() and (tokens[:, -2] != tokens[0, 1]).sum() > 100
    for part, less in (
        ("normalizer", normalizers.Lowercase()),
        ("normalizer", normalizers.NFC()),
        ("pre_tokenizer", pre_tokenizers.ByteLevel(add_prefix_space=False)),
    ):
        words = read(folder)
        setattr(words.tokenizer, part, less)
        assert (words(said) != tokens).any()


def test_tokens_of_tokenizer_json_are_transformers(folder, tmp_path):
    CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(tmp_path)
    assert not (tmp_path / "vocab.json").exists()
    (tmp_path / "vocab.json").write_text((folder / "vocab.json").read_text())
    said = texts()
    reference = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    np.testing.assert_array_equal(read(tmp_path)(said), theirs(reference, said))


def test_settings_for_padding_and_cutting_in_the_file_do_not_count(folder, tmp_path):
    plain = read(folder).tokenizer
    plain.enable_padding(length=5, pad_id=3)
    plain.enable_truncation(4)
    plain.add_tokens([AddedToken("dog")])
    plain.save(str(tmp_path / "tokenizer.json"))
    words = read_tokenizer(tmp_path, 2000, CONTEXT, 7, 8)
    assert (words(["a"])[0, 4:] == 7).all() and words(["a " * 30])[0, -1] == 8


def test_what_is_no_tokenizer_of_the_model_is_told(folder, tmp_path):
    def told(words, vocabulary=2000):
        with pytest.raises(InputError, match=words):
            read_tokenizer(tmp_path, vocabulary, CONTEXT, 0, 1)

    told(r"holds no tokenizer\.json, nor vocab\.json with merges\.txt; name a folder that does with --tokenizer DIR")
    content = (folder / "vocab.json").read_text()
    (tmp_path / "vocab.json").write_text(content)
    told("--tokenizer DIR")
    (tmp_path / "merges.txt").write_text((folder / "merges.txt").read_text())
    told(r"its tokenizer has tokens up to \d+, the model only 100 of them", 100)
    (tmp_path / "vocab.json").write_text(content.replace("<|endoftext|>", "<|end|>"))
    told(r"vocab\.json: must hold <\|startoftext\|> and <\|endoftext\|>")
    (tmp_path / "merges.txt").write_text("#version: 0.2\nnot two words\n")
    told("cannot be read as byte pairs")
