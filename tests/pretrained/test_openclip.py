"""OpenCLIP's files: the same weights in its layout make the same CLIP, and its own rounding when it crops."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from pretrained.load import load
from pretrained.preprocessing import OPENAI_MEAN, Preprocessing, read_photo
from tests.pretrained.embeddings import embed_images, embed_texts, random_pictures, random_texts
from tests.pretrained.test_huggingface import make
from workbench.errors import InputError

# By hand, from the two libraries' modules: a name in Hugging Face's layout, and in OpenCLIP's.
RENAMED = {
    r"^vision_model\.embeddings\.class_embedding$": "visual.class_embedding",
    r"^vision_model\.embeddings\.patch_embedding\.weight$": "visual.conv1.weight",
    r"^vision_model\.embeddings\.position_embedding\.weight$": "visual.positional_embedding",
    r"^vision_model\.pre_layrnorm\.": "visual.ln_pre.",
    r"^vision_model\.post_layernorm\.": "visual.ln_post.",
    r"^vision_model\.encoder\.layers\.": "visual.transformer.resblocks.",
    r"^text_model\.embeddings\.token_embedding\.weight$": "token_embedding.weight",
    r"^text_model\.embeddings\.position_embedding\.weight$": "positional_embedding",
    r"^text_model\.final_layer_norm\.": "ln_final.",
    r"^text_model\.encoder\.layers\.": "transformer.resblocks.",
    r"layer_norm(\d)": r"ln_\1",
    r"self_attn\.out_proj": "attn.out_proj",
    r"mlp\.fc1": "mlp.c_fc",
    r"mlp\.fc2": "mlp.c_proj",
}
SIZES = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 48, "head_width": 12, "patch_size": 8, "mlp_ratio": 2.0},
    "text_cfg": {"context_length": 16, "vocab_size": 300, "width": 32, "heads": 4, "layers": 3, "mlp_ratio": 2.0},
}


def in_openclips_layout(weights):
    """Queries, keys and values in one matrix, projections turned round, a buffer that is no weight."""
    found = {"attn_mask": np.zeros((16, 16), np.float32)}
    for key, tensor in weights.items():
        if key in ("visual_projection.weight", "text_projection.weight"):
            found["visual.proj" if key.startswith("visual") else "text_projection"] = tensor.T.copy()
            continue
        for old, new in RENAMED.items():
            key = re.sub(old, new, key)
        if match := re.search(r"self_attn\.([qkv])_proj\.(weight|bias)", key):
            joined = key.replace(match.group(), f"attn.in_proj_{match.group(2)}")
            parts = found.setdefault(joined, {})
            parts[match.group(1)] = tensor
        else:
            found[key] = tensor
    return {
        key: np.concatenate([part[letter] for letter in "qkv"]) if isinstance(part, dict) else part
        for key, part in found.items()
    }


@pytest.fixture
def both(tmp_path):
    """A checkpoint in both layouts; OpenCLIP's epsilon and activation, and the highest token as the end."""
    make(tmp_path / "hf", activation="gelu", end=2)
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    for tower in ("text_config", "vision_config"):
        config[tower]["layer_norm_eps"] = 1e-5
    (tmp_path / "hf" / "config.json").write_text(json.dumps(config))
    (tmp_path / "oc").mkdir()
    weights = in_openclips_layout(load_file(tmp_path / "hf" / "model.safetensors"))
    save_file(weights, tmp_path / "oc" / "open_clip_model.safetensors")
    preprocess = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "bilinear"}
    write_config(tmp_path / "oc", SIZES, preprocess)
    (tmp_path / "oc" / "tokenizer.json").write_text((tmp_path / "hf" / "tokenizer.json").read_text())
    return tmp_path


def write_config(folder, model, preprocess):
    content = {"model_cfg": model, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content))


def test_the_same_weights_make_the_same_clip(both):
    theirs, ours = load(both / "hf"), load(both / "oc")
    for embed, inputs in ((embed_images, random_pictures(32)), (embed_texts, random_texts(16, 99))):
        found, wanted = (embed(each.model, inputs) for each in (ours, theirs))
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert ours.preprocessing.mean == (0.1, 0.2, 0.3) and ours.preprocessing.interpolation == "bilinear"


def test_the_configurations_activation_is_used(both):
    """QuickGELU where the configuration says so: a wrong one gives plausible wrong numbers."""
    pictures = random_pictures(32)
    plain = embed_images(load(both / "oc").model, pictures)
    write_config(both / "oc", SIZES | {"quick_gelu": True}, {})
    assert np.abs(embed_images(load(both / "oc").model, pictures) - plain).max() > 1e-4


def test_a_text_tower_of_its_own_has_the_same_weights(both):
    """`CustomTextCLIP`: the same tower, whose keys begin with `text.`."""
    path = both / "oc" / "open_clip_model.safetensors"
    plain = embed_texts(load(both / "oc").model, random_texts(16, 99))
    weights = load_file(path)
    kept = ("visual.", "logit_scale")
    save_file({key if key.startswith(kept) else f"text.{key}": part for key, part in weights.items()}, path)
    write_config(both / "oc", SIZES | {"custom_text": True}, {})
    np.testing.assert_array_equal(embed_texts(load(both / "oc").model, random_texts(16, 99)), plain)


def test_settings_that_hold_their_default_change_nothing(both):
    config = load(both / "oc").config
    idle = {"qk_norm": False, "block_type": None, "ls_init_value": None, "act_kwargs": None, "norm_kwargs": None}
    vision = {"timm_model_name": None, "attentional_pool": False, "patch_dropout": 0.5, "pool_type": "tok"}
    text = {"hf_model_name": None, "embed_cls": False, "pool_type": "argmax", "pad_id": 7, "no_causal_mask": False}
    changed = {"vision_cfg": SIZES["vision_cfg"] | idle | vision, "text_cfg": SIZES["text_cfg"] | idle | text}
    write_config(both / "oc", SIZES | changed | {"init_logit_scale": 1.0}, {})
    assert load(both / "oc").config == config


def test_what_a_text_tower_may_say_otherwise(both):
    text = SIZES["text_cfg"] | {"pool_type": "eos", "eos_id": 9, "norm_kwargs": {"eps": 1e-6}, "no_causal_mask": True}
    write_config(both / "oc", SIZES | {"text_cfg": text | {"act_kwargs": {"approximate": "tanh"}}}, {})
    found = load(both / "oc").config
    assert (found.text.pooling, found.text.end_token, found.text.causal) == ("eos", 9, False)
    assert found.text.transformer.norm_epsilon == 1e-6 and found.vision.transformer.norm_epsilon == 1e-5
    assert found.text.transformer.activation == "gelu_pytorch_tanh" and found.vision.transformer.activation == "gelu"


def test_of_both_formats_in_a_folder_the_one_with_weights_that_cannot_run_code_is_read(both):
    for path in (both / "hf").iterdir():
        (both / "oc" / path.name).write_bytes(path.read_bytes())
    assert load(both / "oc").format == "openclip"
    (both / "oc" / "open_clip_model.safetensors").rename(both / "oc" / "open_clip_pytorch_model.bin")
    assert load(both / "oc").format == "huggingface"
    (both / "oc" / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"holds only pickled weights, open_clip_pytorch_model\.bin"):
        load(both / "oc")


def test_squashed_pictures_and_other_ways(both):
    write_config(both / "oc", SIZES, {"resize_mode": "squash", "mean": None, "size": [32, 32], "fill_color": 0})
    preprocessing = load(both / "oc").preprocessing
    assert (preprocessing.fit, preprocessing.resize, preprocessing.crop) == ("squash", 32, 32)
    assert preprocessing.mean == OPENAI_MEAN
    write_config(both / "oc", SIZES, {"resize_mode": "longest"})
    with pytest.raises(InputError, match=r"asks for resize_mode 'longest'.*--model open_clip:NAME"):
        load(both / "oc")


def test_odd_margins_are_rounded_as_torchvision_rounds_them(tmp_path):
    """A margin of 3 and of 5 pixels: Python's round(1.5) and round(2.5) are both 2, transformers takes 1 and 2."""
    for margin, first in ((3, 2), (5, 2), (1, 0), (7, 4)):
        row = np.arange(8 + margin, dtype=np.uint8)
        Image.fromarray(np.tile(row, (8, 1))).save(tmp_path / "photo.png")
        half = (0.5, 0.5, 0.5)
        tv, hf = (Preprocessing(8, 8, "bicubic", half, half, library) for library in ("torchvision", "transformers"))
        assert read_photo(tmp_path / "photo.png", tv)[0, 0, 0] == first
        assert read_photo(tmp_path / "photo.png", hf)[0, 0, 0] == margin // 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vision_cfg": SIZES["vision_cfg"] | {"timm_model_name": "r"}}, "timm_model_name 'r'.*--model open_clip"),
        ({"text_cfg": SIZES["text_cfg"] | {"hf_model_name": "xlm"}}, "text_cfg: asks for hf_model_name 'xlm'"),
        ({"multimodal_cfg": {}}, "asks for multimodal_cfg"),
        (
            {"vision_cfg": SIZES["vision_cfg"] | {"layers": [3, 4, 6]}},
            r"stages must be given by four .*, got \[3, 4, 6\]",
        ),
        ({"vision_cfg": SIZES["vision_cfg"] | {"layers": [3, 4, 6, 3]}}, r"lacks \d+ .* first visual\.attnpool"),
        ({"vision_cfg": SIZES["vision_cfg"] | {"layers": 3}}, r"lacks .* weights"),
        ({"vision_cfg": SIZES["vision_cfg"] | {"no_ln_pre": True}}, "vision_cfg: asks for no_ln_pre True"),
        ({"text_cfg": SIZES["text_cfg"] | {"act_kwargs": {"slope": 1}}}, "asks for act_kwargs {'slope': 1}"),
        ({"vision_cfg": SIZES["vision_cfg"] | {"image_size": [32, 48]}}, "must be a square's"),
        ({"embed_dim": 25}, r"\(48, 24\), its configuration asks for \(48, 25\)"),
    ],
)
def test_other_models_are_told(both, change, words):
    write_config(both / "oc", SIZES | change, {})
    with pytest.raises(InputError, match=words):
        load(both / "oc")
