"""Our CLIP against transformers', from the same files: embeddings, tokens and pictures."""

import functools
import json
import tempfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from transformers import CLIPConfig, CLIPModel, PreTrainedTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from pretrained.huggingface import files
from pretrained.load import load
from pretrained.preprocessing import read_photo
from pretrained.transformer import prepare
from sims.clip.model import byte_pairs, tiny_clip
from tests.pretrained.embeddings import embed_images, embed_texts
from workbench.errors import InputError
from workbench.results import write_files

END = 99
TOWER = {"num_attention_heads": 4, "layer_norm_eps": 1e-3}
CONFIGS = {
    "quick_gelu": {"activation": "quick_gelu", "end": END},
    "gelu, end by the highest token": {"activation": "gelu", "end": 2},
}


def make(folder, activation="quick_gelu", end=END, **processor):
    """A random checkpoint of transformers' CLIP; returns its model, which other tests use too."""
    model, content = _made(activation, end)
    write_files(folder, content)
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    CLIPImageProcessorPil(**sizes | processor).save_pretrained(folder)
    return model


@functools.cache
def _made(activation, end):
    torch.manual_seed(0)
    text = {"hidden_size": 32, "num_hidden_layers": 3, "intermediate_size": 64, "vocab_size": 300}
    text |= {"max_position_embeddings": 16, "eos_token_id": end, "bos_token_id": 98, "pad_token_id": 1}
    vision = {"hidden_size": 48, "num_hidden_layers": 2, "intermediate_size": 96, "image_size": 32, "patch_size": 8}
    towers = {name: part | TOWER | {"hidden_act": activation} for name, part in (("text", text), ("vision", vision))}
    config = CLIPConfig(text_config=towers["text"], vision_config=towers["vision"], projection_dim=24)
    model = CLIPModel(config).eval()
    # Fresh biases and norms are 0 and 1, which hides a swap of any two of them.
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        _words().save(str(Path(folder) / "tokenizer.json"))
        return model, {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@functools.cache
def _words():
    return byte_pairs(["a photo of a dog"])


@pytest.mark.parametrize("name", CONFIGS)
def test_embeddings_are_those_of_transformers(tmp_path, name):
    reference = make(tmp_path, **CONFIGS[name])
    ours = load(tmp_path).model
    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(5, 32, 32, 3)).astype(np.float32)
    texts = generator.integers(3, 98, (6, 16)).astype(np.int32)
    texts[np.arange(6), [4, 7, 9, 12, 15, 5]] = END
    with torch.no_grad():
        wanted = reference(
            pixel_values=torch.tensor(pictures.transpose(0, 3, 1, 2)), input_ids=torch.tensor(texts, dtype=torch.long)
        )
    # Single precision through a handful of layers: 1e-6; an activation taken for the other changes 1e-3.
    np.testing.assert_allclose(embed_images(ours, pictures), wanted.image_embeds.numpy(), atol=1e-5)
    np.testing.assert_allclose(embed_texts(ours, texts), wanted.text_embeds.numpy(), atol=1e-5)
    assert float(ours.log_scale[...]) == pytest.approx(reference.logit_scale.item(), rel=1e-6)


def test_the_activation_and_the_epsilon_matter(tmp_path):
    """The power of the test above: each changed in the configuration alone, it would fail."""
    reference = make(tmp_path)
    pictures = np.random.default_rng(0).normal(size=(5, 32, 32, 3)).astype(np.float32)
    with torch.no_grad():
        output = reference.vision_model(pixel_values=torch.tensor(pictures.transpose(0, 3, 1, 2))).pooler_output
        wanted = reference.visual_projection(output).numpy()
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    content = json.loads((tmp_path / "config.json").read_text())
    for key, other in (("hidden_act", "gelu"), ("layer_norm_eps", 1e-5)):
        vision = content["vision_config"] | {key: other}
        (tmp_path / "config.json").write_text(json.dumps(content | {"vision_config": vision}))
        assert np.abs(embed_images(load(tmp_path).model, pictures) - wanted).max() > 1e-4


def test_what_is_written_is_what_transformers_reads(tmp_path):
    checkpoint = tiny_clip(16, ["a photo of a zero on red", "a photo of a one on green"], 3)
    write_files(tmp_path, files(checkpoint))
    reference = CLIPModel.from_pretrained(tmp_path).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    prepared = np.asarray(prepare(jnp.asarray(pictures), checkpoint.preprocessing))
    said = ["a photo of a one", "something else, über!"]
    tokens = checkpoint.tokenizer(said)
    with torch.no_grad():
        wanted = reference(
            pixel_values=torch.tensor(prepared.transpose(0, 3, 1, 2)), input_ids=torch.tensor(tokens, dtype=torch.long)
        )
    np.testing.assert_allclose(embed_images(checkpoint.model, prepared), wanted.image_embeds.numpy(), atol=1e-5)
    np.testing.assert_allclose(embed_texts(checkpoint.model, tokens), wanted.text_embeds.numpy(), atol=1e-5)
    theirs = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    found = theirs(said, padding="max_length", truncation=True, max_length=tokens.shape[1])["input_ids"]
    np.testing.assert_array_equal(tokens, found)
    again = load(tmp_path)
    assert again.config == checkpoint.config and again.preprocessing == checkpoint.preprocessing
    first, second = (load_file_bytes(files(each)) for each in (checkpoint, again))
    assert first.keys() == second.keys() and all((first[key] == second[key]).all() for key in first)


def load_file_bytes(content):
    from safetensors.numpy import load as from_bytes

    return from_bytes(content["model.safetensors"])


PICTURES = {
    "landscape": ((75, 48), "RGB"),
    "portrait": ((41, 90), "RGB"),
    "odd margins": ((33, 47), "RGB"),
    "grey": ((40, 50), "L"),
    "with an opaque alpha channel": ((50, 40), "RGBA"),
    "palette": ((64, 37), "P"),
    "small": ((20, 11), "RGB"),
    "right size": ((32, 32), "RGB"),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("size", [32, 24])
def test_pictures_are_prepared_as_transformers_prepares_them(tmp_path, name, size):
    make(tmp_path, size={"shortest_edge": size})
    (width, height), mode = PICTURES[name]
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)
    # Transparency is dropped by Pillow and OpenCLIP, as here, and laid on white by transformers 5.
    noise[..., 3] = 255
    photo = Image.fromarray(noise).convert("RGB" if mode == "P" else mode)
    if mode == "P":
        photo = photo.quantize(32)
    photo.save(tmp_path / "photo.png")
    preprocessing = load(tmp_path).preprocessing
    ours = prepare(jnp.asarray(read_photo(tmp_path / "photo.png", preprocessing))[None], preprocessing)[0]
    processor = CLIPImageProcessorPil.from_pretrained(tmp_path)
    theirs = processor(Image.open(tmp_path / "photo.png"), return_tensors="np")["pixel_values"][0]
    np.testing.assert_allclose(ours, theirs.transpose(1, 2, 0), atol=1e-5)


def test_long_texts_keep_their_end(tmp_path):
    make(tmp_path)
    checkpoint = load(tmp_path)
    tokens = checkpoint.tokenizer(["a photo of " * 20, "a"])
    assert tokens.shape == (2, 16) and tokens[0, -1] == END and (tokens[1, 4:] == END).all()


def test_wrong_checkpoints_are_told(tmp_path):
    make(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    content = (tmp_path / "model.safetensors").read_bytes()
    config = (tmp_path / "config.json").read_text()

    def told(words):
        with pytest.raises(InputError, match=words):
            load(tmp_path)

    with pytest.raises(InputError, match="is no directory"):
        load(tmp_path / "nowhere")
    key = "visual_projection.weight"
    save_file({name: part for name, part in weights.items() if name != key}, tmp_path / "model.safetensors")
    told(rf"lacks 1 weights .* {key} of shape \(24, 48\)")
    save_file(weights | {"head.bias": np.zeros(3)}, tmp_path / "model.safetensors")
    told(r"head.bias of shape \(3,\)")
    save_file(weights | {key: np.zeros((24, 47), np.float32)}, tmp_path / "model.safetensors")
    told(rf"{key} has shape \(24, 47\), its configuration asks for \(24, 48\)")
    (tmp_path / "model.safetensors").write_bytes(b"not safetensors")
    told("cannot be read as safetensors")
    (tmp_path / "model.safetensors").unlink()
    told("model.safetensors: no such file")
    (tmp_path / "model.safetensors").write_bytes(content)
    (tmp_path / "config.json").write_text(config.replace('"clip"', '"bert"'))
    told("must be a CLIP's or a SigLIP's, is one of 'bert'")
    (tmp_path / "config.json").write_text("{")
    told("holds no JSON object")
    for number in ("NaN", "-Infinity", "1e999"):
        (tmp_path / "config.json").write_text(config.replace('"patch_size": 8', f'"layer_norm_eps": {number}'))
        told(rf"config\.json holds no JSON object \(the number {number} is not finite\)")
    (tmp_path / "config.json").write_text('{"a":' * 100_000)
    told("holds no JSON object")
    (tmp_path / "config.json").write_text(config.replace('"patch_size": 8', '"patch_size": 33'))
    told("at least a patch's, got 32 and 33")
    (tmp_path / "config.json").write_text(config.replace('"quick_gelu"', '"relu"'))
    told("activation must be among gelu, quick_gelu, gelu_pytorch_tanh, got relu")


def test_a_tokenizer_that_is_none_is_told(tmp_path):
    make(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer\.json: cannot be read as a tokenizer"):
        load(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"holds no tokenizer\.json.*--tokenizer DIR"):
        load(tmp_path)
