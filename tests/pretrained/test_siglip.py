"""Our SigLIP against transformers', from the same files: embeddings, tokens and pictures."""

import functools
import json
import tempfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from pretrained.huggingface import files
from pretrained.load import load
from pretrained.overrides import Overrides
from pretrained.preprocessing import read_photo
from pretrained.transformer import prepare
from tests.pretrained.embeddings import embed_images, embed_texts
from workbench.errors import InputError
from workbench.results import write_files

WORDS = ["</s>", "<pad>", "<unk>", "a", "photo", "of", "dog", "cat", "red"]


def make(folder):
    """A random checkpoint of transformers' SigLIP, whose pictures are no whole number of patches; returns its model."""
    model, content = _made()
    write_files(folder, content)
    return model


@functools.cache
def _made():
    torch.manual_seed(0)
    tower = {"num_attention_heads": 4, "layer_norm_eps": 1e-3, "hidden_size": 32, "intermediate_size": 48}
    text = tower | {"num_hidden_layers": 3, "vocab_size": 20, "max_position_embeddings": 8}
    vision = tower | {"num_hidden_layers": 2, "image_size": 34, "patch_size": 8}
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).eval()
    # Fresh biases, norms and attention's values are 0 or 1, which hides a swap of any two of them.
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.normalizer, words.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save_pretrained(folder)
        SiglipImageProcessorPil(size={"height": 34, "width": 34}).save_pretrained(folder)
        words.save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<pad>", "eos_token": "</s>"}))
        return model, {path.name: path.read_bytes() for path in folder.iterdir()}


def inputs():
    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(5, 34, 34, 3)).astype(np.float32)
    return pictures, generator.integers(0, 20, (6, 8)).astype(np.int32)


def wanted(reference, pictures, texts):
    with torch.no_grad():
        found = reference(
            pixel_values=torch.tensor(pictures.transpose(0, 3, 1, 2)), input_ids=torch.tensor(texts, dtype=torch.long)
        )
    return found.image_embeds.numpy(), found.text_embeds.numpy()


def test_embeddings_are_those_of_transformers_and_each_setting_matters(tmp_path):
    reference = make(tmp_path)
    pictures, texts = inputs()
    images, said = wanted(reference, pictures, texts)
    ours = load(tmp_path).model
    # Single precision through a handful of layers.
    np.testing.assert_allclose(embed_images(ours, pictures), images, atol=1e-5)
    np.testing.assert_allclose(embed_texts(ours, texts), said, atol=1e-5)
    assert float(ours.log_scale[...]) == pytest.approx(reference.logit_scale.item(), rel=1e-6)
    assert float(ours.bias[...]) == pytest.approx(reference.logit_bias.item(), rel=1e-6)
    # The power of this: another activation, epsilon or pooling is seen; the exact GELU differs by 1e-4 and more.
    for overrides in (Overrides(activation="gelu"), Overrides(norm_epsilon=1e-6), Overrides(text_pooling="argmax")):
        other = load(tmp_path, overrides=overrides).model
        assert np.abs(embed_texts(other, texts) - said).max() > 3e-5
    exact = load(tmp_path, overrides=Overrides(activation="gelu")).model
    assert np.abs(embed_images(exact, pictures) - images).max() > 3e-5


def test_the_last_token_is_looked_at_and_sees_all_others(tmp_path):
    """Texts are padded to the full context with the pad token, and no mask hides the padding, as SigLIP was trained."""
    make(tmp_path)
    checkpoint = load(tmp_path)
    said = ["a photo of a dog", "red", "", "a red dog of a red cat of a red dog"]
    tokens = checkpoint.tokenizer(said)
    theirs = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    found = theirs(said, padding="max_length", truncation=True, max_length=8)["input_ids"]
    np.testing.assert_array_equal(tokens, found)
    assert tokens[1].tolist() == [WORDS.index("red"), 0, *[WORDS.index("<pad>")] * 6]
    assert checkpoint.config.text.end_token == checkpoint.tokenizer.end_token == 0


def test_texts_are_cleaned_where_the_files_are_a_siglip_tokenizer_s(tmp_path):
    """By hand, from its `canonicalize_text`: big_vision's, with which SigLIP was trained."""
    make(tmp_path)
    said, plain = ["A  Photo,\nof the_dog's (RED) cat!! "], ["a photo of thedogs red cat"]
    path = tmp_path / "tokenizer_config.json"
    assert (load(tmp_path).tokenizer(said) != load(tmp_path).tokenizer(plain)).any()
    path.write_text(json.dumps({"tokenizer_class": "SiglipTokenizer"}))
    tokenizer = load(tmp_path).tokenizer
    assert tokenizer.clean(said[0]) == plain[0]
    np.testing.assert_array_equal(tokenizer(said), tokenizer(plain))
    assert tokenizer.pad_token == tokenizer.end_token == 0
    path.write_text(json.dumps({"padding_side": "left"}))
    with pytest.raises(InputError, match="padding_side must be right, got left"):
        load(tmp_path)


def write_settings(folder, name, **more):
    said = {"tokenizer_class": name, "pad_token": "<pad>", "eos_token": "</s>", "padding_side": "right"}
    (folder / "tokenizer_config.json").write_text(json.dumps(said | {"model_max_length": 8} | more))


@pytest.fixture
def capitals(tmp_path):
    """A checkpoint whose tokenizer file keeps capitals and punctuation, as those of SigLIP 2 do."""
    make(tmp_path)
    words = [*WORDS, "Photo", "Red", "Dog", ".", ","]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


SAID = ["A Photo of a Red, red dog.", "Dog", "a cat"]


@pytest.mark.parametrize("name", ["Siglip2Tokenizer", "GemmaTokenizer", "GemmaTokenizerFast"])
def test_siglip_2_reads_lower_case_padded_to_full_length_as_its_library_does(capitals, name):
    """Its tokenizer as transformers has it: lower case before the file's own work; punctuation stays."""
    write_settings(capitals, name)
    theirs = PreTrainedTokenizerFast.from_pretrained(capitals)
    # What `Siglip2Tokenizer` does to any normalizer that the file has.
    theirs.backend_tokenizer.normalizer = normalizers.Lowercase()
    found = theirs(SAID, padding="max_length", truncation=True, max_length=8)["input_ids"]
    tokens = load(capitals).tokenizer(SAID)
    np.testing.assert_array_equal(tokens, found)
    names = [*WORDS, "Photo", "Red", "Dog", ".", ","]
    assert [names[token] for token in tokens[1]] == ["dog", "</s>", *["<pad>"] * 6]
    assert names.index(",") in tokens[0]
    # The difference that it makes: other tokens, and embeddings that are far apart.
    write_settings(capitals, "PreTrainedTokenizerFast")
    plain = load(capitals)
    assert (plain.tokenizer(SAID)[:2] != tokens[:2]).any(axis=1).all()
    assert (plain.tokenizer(SAID)[2] == tokens[2]).all()  # nothing to clean
    with_capitals, without = embed_texts(plain.model, plain.tokenizer(SAID)), embed_texts(plain.model, tokens)
    assert ((with_capitals * without).sum(axis=1)[:2] < 0.99).all()
    np.testing.assert_array_equal(with_capitals[2], without[2])


CLEANED = {  # by hand, from `SiglipTokenizer.canonicalize_text`
    "A Photo of a Red, red dog.": "A Photo of a Red red dog",
    "  A\tphoto--of: [it's]  \n": "A photoof its",
    "UNDER_score": "UNDERscore",
    "É! «ß»?": "É «ß»",  # ASCII punctuation alone
    "...": "",
}


@pytest.mark.parametrize("lower", [True, False])
def test_siglip_lowers_case_unless_its_file_says_otherwise(capitals, lower):
    write_settings(capitals, "SiglipTokenizer", do_lower_case=lower)
    clean = load(capitals).tokenizer.clean
    wanted = {text: found.lower() if lower else found for text, found in CLEANED.items()}
    assert {text: clean(text) for text in CLEANED} == wanted
    assert all(clean(found) == found for found in wanted.values())


@pytest.mark.parametrize("size", [(75, 48), (41, 90), (34, 34), (1, 500)])
def test_pictures_are_squashed_as_transformers_squashes_them(tmp_path, size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    make(tmp_path)
    preprocessing = load(tmp_path).preprocessing
    assert preprocessing.fit == "squash"
    ours = prepare(jnp.asarray(read_photo(tmp_path / "photo.png", preprocessing))[None], preprocessing)[0]
    processor = SiglipImageProcessorPil.from_pretrained(tmp_path)
    theirs = processor(Image.open(tmp_path / "photo.png"), return_tensors="np")["pixel_values"][0]
    np.testing.assert_allclose(ours, theirs.transpose(1, 2, 0), atol=1e-5)


def test_what_is_left_out_of_the_files_has_the_library_s_defaults(tmp_path):
    from pretrained.huggingface import read

    SiglipConfig().save_pretrained(tmp_path)
    SiglipImageProcessorPil().save_pretrained(tmp_path)
    whole = read(tmp_path)
    kept = {"model_type": "siglip", "text_config": {}, "vision_config": {}}
    (tmp_path / "config.json").write_text(json.dumps(kept))
    (tmp_path / "preprocessor_config.json").write_text("{}")
    bare = read(tmp_path)
    assert (bare.config, bare.preprocessing) == (whole.config, whole.preprocessing)
    assert bare.config.vision.transformer.activation == "gelu_pytorch_tanh"
    assert bare.config.vision.transformer.norm_epsilon == 1e-6


def test_what_is_not_understood_is_told(tmp_path):
    make(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())

    def told(words, **vision):
        changed = config | {"vision_config": config["vision_config"] | vision}
        (tmp_path / "config.json").write_text(json.dumps(changed))
        with pytest.raises(InputError, match=words):
            load(tmp_path)

    told("image tower has no head", vision_use_head=False)
    told("must be as wide, are 64 and 32", hidden_size=64)
    told("must be at least a patch's, got 34 and 64", patch_size=64)
    told("vision_model.embeddings.position_embedding.weight has shape", image_size=64)
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="only a CLIP"):
        files(load(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text('{"pad_token": "<nothing>"}')
    with pytest.raises(InputError, match="does not know its pad_token '<nothing>'"):
        load(tmp_path)
