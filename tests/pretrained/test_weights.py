"""Weights in every kind of file that is published, and in half the memory."""

import json
import pickle

import jax
import ml_dtypes
import numpy as np
import pytest
import torch
from flax import nnx
from safetensors.numpy import load_file, save_file

from pretrained import weights
from pretrained.load import load
from tests.pretrained import test_siglip
from tests.pretrained.embeddings import embed_images, embed_texts, random_pictures, random_texts
from tests.pretrained.test_huggingface import END, make
from workbench.errors import InputError


def weights_of(checkpoint):
    return {path: np.asarray(part[...]) for path, part in nnx.to_flat_state(nnx.state(checkpoint.model, nnx.Param))}


def same(first, second):
    first, second = weights_of(first), weights_of(second)
    assert first.keys() == second.keys()
    for path, part in first.items():
        np.testing.assert_array_equal(part, second[path])


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_bfloat16_agrees_with_float32(tmp_path, kind):
    (make if kind == "clip" else test_siglip.make)(tmp_path)
    whole, half = load(tmp_path), load(tmp_path, dtype="bfloat16")
    for path, part in weights_of(half).items():
        assert part.dtype == (np.float32 if path[0] in ("log_scale", "bias") else ml_dtypes.bfloat16), path
    pictures = random_pictures(whole.config.vision.image_size)
    texts = random_texts(whole.config.text.context, END if kind == "clip" else 0, vocabulary=20)
    for embed, inputs in ((embed_images, pictures), (embed_texts, texts)):
        found, wanted = embed(half.model, inputs), embed(whole.model, inputs)
        assert found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
        # Eight bits of mantissa: 4e-3 for each of some dozen roundings in a row.
        distance = 1 - (found * wanted).sum(axis=1)
        assert 1e-7 < distance.max() < 1e-3


def test_bfloat16_is_what_is_computed_with(tmp_path):
    """Every product of matrices, so that its speed is had; only the softmax and the norms are in single precision."""
    make(tmp_path)
    model = load(tmp_path, dtype="bfloat16").model
    for embed, inputs in (
        (model.embed_images, jax.ShapeDtypeStruct((2, 32, 32, 3), np.float32)),
        (model.embed_texts, jax.ShapeDtypeStruct((2, 16), np.int32)),
    ):
        products = [line for line in str(jax.make_jaxpr(embed)(inputs)).splitlines() if " dot_general[" in line]
        assert len(products) > 5 and all(":bf16[" in line.partition("= dot_general")[0] for line in products)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_files_in_half_precision_are_read(tmp_path, dtype):
    make(tmp_path)
    path = tmp_path / "model.safetensors"
    rounded = {key: part.astype(dtype) for key, part in load_file(path).items()}
    save_file({key: part.astype(np.float32) for key, part in rounded.items()}, path)
    wanted = load(tmp_path)
    save_file(rounded, path)
    found = load(tmp_path)
    assert all(part.dtype == np.float32 for part in weights_of(found).values())
    same(found, wanted)


def sharded(folder):
    """The weights of a folder in two files; returns the index."""
    weights = load_file(folder / "model.safetensors")
    keys = sorted(weights)
    places = {key: f"model-0000{1 + (index % 3 == 0)}-of-00002.safetensors" for index, key in enumerate(keys)}
    for name in set(places.values()):
        save_file({key: weights[key] for key in keys if places[key] == name}, folder / name)
    (folder / "model.safetensors").unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return index


def test_weights_in_several_files_are_read(tmp_path):
    make(tmp_path)
    wanted = load(tmp_path)
    index = sharded(tmp_path)
    same(load(tmp_path), wanted)
    places = json.loads(index.read_text())["weight_map"]
    first = min(places)

    def told(words, **changed):
        index.write_text(json.dumps({"weight_map": places | changed}))
        with pytest.raises(InputError, match=words):
            load(tmp_path)

    told(
        r"model\.safetensors\.index\.json: lacks 1 weights|lacks nothing.*, which .* places there",
        nothing=places[first],
    )
    told(r"names '\.\./x\.safetensors', which is no file beside it", nothing="../x.safetensors")
    told(r"model-3\.safetensors: no such file", nothing="model-3.safetensors")
    index.write_text(json.dumps({"weight_map": {key: name for key, name in places.items() if key != first}}))
    with pytest.raises(InputError, match=rf"lacks 1 weights .* first {first} of shape \("):
        load(tmp_path)
    index.write_text(json.dumps({"weight_map": [1]}))
    with pytest.raises(InputError, match="must hold a weight_map"):
        load(tmp_path)


@pytest.mark.parametrize("legacy", [False, True])
def test_pickled_weights_are_read_where_that_is_allowed(tmp_path, legacy):
    model = make(tmp_path)
    wanted = load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    path = tmp_path / "pytorch_model.bin"
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(InputError, match=r"only pickled weights, pytorch_model\.bin, .*; --allow-pickle"):
        load(tmp_path)
    same(load(tmp_path, allow_pickle=True), wanted)
    torch.save({key: part.half() for key, part in model.state_dict().items()}, path)
    assert all(part.dtype == np.float32 for part in weights_of(load(tmp_path, allow_pickle=True)).values())
    torch.save({"epoch": 3, "state_dict": {}}, path)
    with pytest.raises(InputError, match="must hold weights by name and nothing else"):
        load(tmp_path, allow_pickle=True)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("by_torch", [True, False])
def test_no_code_in_a_pickle_is_run(tmp_path, by_torch):
    make(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    path, trace = tmp_path / "pytorch_model.bin", tmp_path / "ran"
    if by_torch:
        torch.save({"weight": Malicious(trace)}, path)
    else:
        path.write_bytes(pickle.dumps({"weight": Malicious(trace)}))
    with pytest.raises(InputError, match="cannot be read as weights alone"):
        load(tmp_path, allow_pickle=True)
    assert not trace.exists()
    # The power of this: an ordinary reader runs it.
    if not by_torch:
        pickle.loads(path.read_bytes())["weight"].close()
        assert trace.exists()


def test_the_package_that_reads_pickles_is_named_where_it_is_missing(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(weights.importlib, "import_module", missing)
    with pytest.raises(InputError, match="by the package torch, which is not installed"):
        weights.open_tensors(tmp_path / "pytorch_model.bin")


def test_weights_are_read_one_by_one(tmp_path, monkeypatch):
    """What bounds the memory on the host: nothing is read before it is asked for, and thirds only once."""
    test_siglip.make(tmp_path)
    read = []
    opened = weights.open_tensors(tmp_path / "model.safetensors")
    monkeypatch.setattr(
        "pretrained.load.open_tensors",
        lambda path: opened._replace(read=lambda key, rows: read.append((key, rows)) or opened.read(key, rows)),
    )
    load(tmp_path)
    assert len({(key, str(rows)) for key, rows in read}) == len(read)
    thirds = [rows for key, rows in read if key.endswith("in_proj_weight")]
    assert thirds == [slice(0, 32), slice(32, 64), slice(64, 96)]
