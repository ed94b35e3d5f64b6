"""Damaged files for every program that reads a user's: exit 0, 1 or 2, never a traceback, never a changed result.

`python -m tests.fuzz --minutes 60` goes on for an hour and says how many inputs there were. Each input follows from its
number alone, so that `--first N` makes it again.
"""

import argparse
import contextlib
import io
import json
import shutil
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save

from tests.realdata.made import made_photos
from tests.sims.colored_coco.made_coco import make as make_coco
from workbench.conventions import GROUPS

_ODD = (None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 0.5, float("nan"), float("inf"), 1e308, "", "0", "\0", "é")
_ODD_TEXTS = ("\ufeff", "../../etc/passwd", "/", "a" * 300, "0\t0", "\u202e", "[]", "{}", "-1", "1e400", "NaN")
_DEEP = json.loads("[" * 60 + "]" * 60)


class Target(NamedTuple):
    """One kind of file: the whole ones by path, and what reads them; what it raises is a fault."""

    files: dict[str, bytes]
    run: Callable[[Path], None]


def damaged(generator: np.random.Generator, content: bytes, json_like: bool) -> bytes:
    """A file's content with one or a few faults: in its bytes, or in its values where it is JSON."""
    for _ in range(int(generator.integers(1, 4))):
        if json_like and generator.random() < 0.8:
            with contextlib.suppress(ValueError, UnicodeDecodeError, RecursionError):
                content = json.dumps(_odd_value(generator, json.loads(content))).encode()
                continue
        content = _odd_bytes(generator, content)
    return content


def _odd_bytes(generator: np.random.Generator, content: bytes) -> bytes:
    start, end = sorted(generator.integers(0, len(content) + 1, 2).tolist())
    end = min(end, start + 40) if generator.random() < 0.8 else end
    way = int(generator.integers(7))
    if way == 0:
        return content[:start]
    if way == 1:
        return content[:start] + content[end:]
    if way == 2:
        return content[:end] + content[start:]
    if way == 3:
        return content[:start] + generator.bytes(int(generator.integers(1, 9))) + content[start:]
    if way == 4:
        flipped = bytearray(content)
        for place in generator.integers(0, max(1, len(content)), 3):
            if content:
                flipped[place] ^= 1 << int(generator.integers(8))
        return bytes(flipped)
    if way == 5:
        text = str(generator.choice([*_ODD_TEXTS, *map(str, _ODD)]))
        return content[:start] + text.encode() + content[end:]
    lines = content.split(b"\n")
    generator.shuffle(lines)
    return b"\n".join(lines)


def _odd_value(generator: np.random.Generator, value: Any) -> Any:
    """The value with one part of it replaced, left out or doubled."""
    if isinstance(value, dict) and value and generator.random() < 0.85:
        key = list(value)[int(generator.integers(len(value)))]
        way = generator.random()
        if way < 0.15:
            return {name: part for name, part in value.items() if name != key}
        if way < 0.2:
            return value | {str(generator.choice(_ODD_TEXTS)): value[key]}
        return value | {key: _odd_value(generator, value[key])}
    if isinstance(value, list) and value and generator.random() < 0.85:
        place, way = int(generator.integers(len(value))), generator.random()
        if way < 0.1:
            return value[:place] + value[place + 1 :]
        if way < 0.2:
            return [*value, value[place]]
        return [*value[:place], _odd_value(generator, value[place]), *value[place + 1 :]]
    odd = [*_ODD, *_ODD_TEXTS, [], {}, [value], {"a": value}, _DEEP]
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9:
        odd += [value + 1, -value, value * 2, value + 0.5]
    return odd[int(generator.integers(len(odd)))]


def _call(main: Callable[[list[str]], int], words: list[str], earlier: Path) -> None:
    """Run a program in this process; an earlier result beside it must stay as it was unless it ends well."""
    before = {path.name: path.read_bytes() for path in earlier.iterdir()} if earlier.is_dir() else {}
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            code: Any = main(words)
        except SystemExit as exit:  # argparse's
            code = exit.code
    if code not in (0, 1, 2):
        raise AssertionError(f"exit code {code}")
    if code and (said.getvalue().count("\n") != 1 or "Traceback" in said.getvalue()):
        raise AssertionError(f"more than one line: {said.getvalue()}")
    after = {path.name: path.read_bytes() for path in earlier.iterdir()} if earlier.is_dir() else {}
    if code and before != after:
        raise AssertionError("an earlier result was changed")


def _expected(read: Callable[[], Any]) -> None:
    """Read with a function instead of a program: its own errors are what a program turns into a line."""
    from workbench.errors import InputError, RunError

    with contextlib.suppress(InputError, RunError):
        read()


def targets(folder: Path) -> dict[str, Target]:
    """Every kind of file, with what it needs beside it in a folder."""
    from pretrained.huggingface import files
    from pretrained.imagenet.load import load as load_classifier
    from pretrained.imagenet.resnet import ResNetConfig
    from pretrained.load import load
    from realdata.check.program import main as check
    from realdata.evaluate.program import main as evaluate
    from sims.clip.model import tiny_clip
    from sims.colored_coco.make import main as make
    from sims.colored_digits.digits import read_digits
    from sims.repairs.digits.evaluated import read_evaluated

    layout = {"0 zero": ("red", "blue"), "1 one": ("blue", "red")}
    paths = made_photos(folder / "photos", layout, 2)
    shutil.copytree(folder / "photos" / "0 zero", folder / "other" / "null")
    shutil.copytree(folder / "photos" / "1 one", folder / "other" / "1 one")
    (folder / "names").mkdir()
    (folder / "names" / "whole.txt").write_text("0\tzero\n1\tone\n")
    words = ["--data", str(folder / "photos"), "--workers", "0"]
    earlier = folder / "earlier"
    earlier.mkdir()
    for name in ("predictions.csv", "summary.json"):
        (earlier / name).write_text("earlier")
    scores = io.BytesIO()
    np.savez(scores, paths=np.array(paths), scores=np.eye(len(paths), 2, dtype=np.float32), candidates=np.arange(2))
    (folder / "scores.npz").write_bytes(scores.getvalue())
    rows = [f"{path},{int('one' in path)},{int('blue' in path)},2" for path in paths]
    metadata = "\n".join(["img_filename,y,place,split", *rows, "gone.png,0,1,0", ""])
    coco = make_coco(folder / "coco", each=3)
    checkpoint = files(tiny_clip(8, ["a photo of a dog"], 0))
    checkpoint = {name: part.encode() if isinstance(part, str) else part for name, part in checkpoint.items()}
    openclip = {
        "model_cfg": {
            "embed_dim": 32,
            "vision_cfg": {"image_size": 8, "layers": 2, "width": 32, "head_width": 8, "patch_size": 2},
            "text_cfg": {"context_length": 24, "vocab_size": 300, "width": 32, "heads": 4, "layers": 2},
        },
        "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "bilinear"},
    }
    digits = {
        name: struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        + bytes(range(10)) * (int(np.prod(shape)) // 10)
        for name, shape in (
            *((f"{part}-images-idx3-ubyte", (20, 5, 4)) for part in ("train", "t10k")),
            *((f"{part}-labels-idx1-ubyte", (20,)) for part in ("train", "t10k")),
        )
    }

    resnet = ResNetConfig((1, 2), False, 2, 3, 32)
    found = {"accuracy": 50.5, "change": {"value": -1.5, "interval": [-3.0, 0.5]}}

    def made(here: Path) -> None:
        options = ["--annotations", str(here / "coco.json"), "--images", str(folder / "coco" / "pictures")]
        options += ["--min-area", "0", "--size", "8", "--out", str(here / "made")]
        _call(make, options, earlier)

    def scored(here: Path) -> None:
        options = ["--scores", str(here / "scores.npz"), "--names", str(folder / "names" / "whole.txt")]
        _call(evaluate, ["--uncurated", *words, *options, "--out", str(earlier)], earlier)
        for name in ("predictions.csv", "summary.json"):
            (earlier / name).write_text("earlier")

    def grouped(here: Path) -> None:
        options = ["--data", str(folder / "photos"), "--scores", str(folder / "scores.npz"), "--workers", "0"]
        options += ["--metadata", str(here / "metadata.csv"), "--names", "zero,one", "--attributes", "red,blue"]
        _call(evaluate, [*options, "--out", str(earlier)], earlier)
        for name in ("predictions.csv", "summary.json"):
            (earlier / name).write_text("earlier")

    def named(here: Path) -> None:
        _call(check, [*words, "--names", str(here / "names.txt")], earlier)

    def mapped(here: Path) -> None:
        options = ["--names", str(folder / "names" / "whole.txt"), "--classes", str(here / "classes.csv")]
        _call(check, ["--data", str(folder / "other"), "--workers", "0", *options], earlier)

    return {
        "names": Target({"names.txt": b"0\tzero\n1\tone\n2\ttwo\n"}, named),
        "names in JSON": Target({"names.txt": b'["zero", "one", "two"]'}, named),
        "class mapping": Target({"classes.csv": b"folder,class_index\nnull,0\n1 one,1\n"}, mapped),
        "scores": Target({"scores.npz": scores.getvalue()}, scored),
        "metadata": Target({"metadata.csv": metadata.encode()}, grouped),
        "COCO": Target({"coco.json": json.dumps(coco).encode()}, made),
        "evaluated repairs": Target(
            {
                "summary.json": json.dumps(
                    {"repairs": {"each": {"tie": {"groups": dict.fromkeys(GROUPS, found)}}}}
                ).encode()
            },
            lambda here: _expected(lambda: read_evaluated(here / "summary.json")),
        ),
        "IDX": Target(digits, lambda here: _expected(lambda: read_digits(10, here))),
        "Hugging Face's checkpoint": Target(checkpoint, lambda here: _expected(lambda: load(here))),
        "OpenCLIP's checkpoint": Target(
            {
                "open_clip_config.json": json.dumps(openclip).encode(),
                "open_clip_model.safetensors": checkpoint["model.safetensors"],
                "tokenizer.json": checkpoint["tokenizer.json"],
            },
            lambda here: _expected(lambda: load(here)),
        ),
        "torchvision's file": Target(
            {"resnet.safetensors": _classifier_file(resnet)},
            lambda here: _expected(lambda: load_classifier(here / "resnet.safetensors", resnet)),
        ),
    }


def _classifier_file(config: Any) -> bytes:
    """A classifier's weights of zero, with torchvision's keys."""
    from pretrained.imagenet.load import shapes
    from pretrained.keys import file_shape

    variables = dict(shapes(config)[1])
    shape_of = {key: file_shape(each, variables[each.path].shape) for each in config.entries(()) for key in each.keys}
    return save({key: np.zeros(shape, np.float32) for key, shape in shape_of.items()})


def run(name: str, target: Target, number: int) -> str | None:
    """One input: what went wrong with it, if anything did."""
    generator = np.random.default_rng([number, *name.encode()])
    chosen = list(target.files)[int(generator.integers(len(target.files)))]
    if chosen.endswith("tokenizer.json"):  # one in ten thousand of its values says anything
        chosen = next(iter(target.files))
    with tempfile.TemporaryDirectory() as folder:
        for path, content in target.files.items():
            json_like = path.endswith("json") or content[:1] == b"["
            bad = _damaged_file(generator, path, content, json_like) if path == chosen else content
            (Path(folder) / path).write_bytes(bad)
        try:
            target.run(Path(folder))
        except Exception:
            return f"{name}, input {number} ({chosen}):\n{traceback.format_exc()}"
    return None


def _damaged_file(generator: np.random.Generator, path: str, content: bytes, json_like: bool) -> bytes:
    if not path.endswith("safetensors"):
        return damaged(generator, content, json_like)
    # Its header: eight bytes of length, and JSON of so many.
    length = int.from_bytes(content[:8], "little")
    if generator.random() < 0.2:
        return _odd_bytes(generator, content[: 8 + length]) + content[8 + length :]
    header = damaged(generator, content[8 : 8 + length].rstrip(), True)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def main() -> int:
    """Go on for so long; the exit code is 1 if an input was met badly."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first input's number")
    options = parser.parse_args()
    end, number, faults = time.monotonic() + 60 * options.minutes, options.first, []
    with tempfile.TemporaryDirectory() as folder:
        every = targets(Path(folder))
        while time.monotonic() < end:
            for name, target in every.items():
                if (fault := run(name, target, number)) is not None:
                    faults.append(fault)
                    print(fault, flush=True)
            number += 1
    print(f"{(number - options.first) * len(every)} inputs, {len(faults)} met badly", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
