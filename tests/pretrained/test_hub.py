"""Names of models: folders, the hub's cache, and what is said where there is neither."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import errors

from pretrained import hub
from pretrained.load import choose, needed_files
from tests.conftest import ROOT
from tests.pretrained.test_huggingface import make
from workbench.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path):
    """A hub's cache with one checkpoint, as the library lays it out, links and all; returns the home."""
    repository = tmp_path / "home" / "hub" / "models--owner--tiny.clip"
    snapshot = repository / "snapshots" / COMMIT
    for folder in (snapshot, repository / "refs", repository / "blobs"):
        folder.mkdir(parents=True)
    make(repository / "blobs")
    for path in (repository / "blobs").iterdir():
        (snapshot / path.name).symlink_to(path)
    (repository / "refs" / "main").write_text(COMMIT)
    (repository / "refs" / "v1").write_text(COMMIT)
    return tmp_path / "home"


NAMED = ("owner/tiny.clip", "owner/tiny.clip@v1", f"owner/tiny.clip@{COMMIT}")


@pytest.mark.parametrize("offline", [pytest.param("1", marks=pytest.mark.slow), "0"])
def test_what_was_downloaded_before_is_used_without_a_network(cache, offline, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    program = f"from pretrained import hub\nfor model in {NAMED!r}:\n    print(*hub.find(model))\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    folder = cache / "hub" / "models--owner--tiny.clip" / "snapshots" / COMMIT
    assert (done.returncode, done.stdout.split()) == (0, [str(folder), COMMIT] * len(NAMED)), done.stderr
    assert done.stderr == ""


def test_a_folder_is_itself(tmp_path):
    assert hub.find(str(tmp_path)) == (tmp_path, None)


def answer(monkeypatch, what, downloaded=None):
    """Let the hub answer with an error, or with the names of a repository's files."""

    def model_info(self, name, revision=None):
        if isinstance(what, Exception):
            raise what
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in what])

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(hub, "_find_cached", lambda name, revision: None)
    if downloaded is not None:

        def snapshot_download(name, **options):
            downloaded.append((name, options))
            return "somewhere"

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)


def refusal(kind, code):
    return kind("no", response=httpx2.Response(code, request=httpx2.Request("GET", "https://hub.invalid/x")))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal(errors.GatedRepoError, 403), "is given only to those whom its owner lets; .*`hf auth login`"),
        (refusal(errors.RepositoryNotFoundError, 404), "is no directory and no repository of the hub"),
        (refusal(errors.RevisionNotFoundError, 404), "is no revision of this repository"),
        (
            httpx2.ConnectError("no route\nto host"),
            r"is no directory, .* cannot be downloaded \(no route\); connect once, or give a folder",
        ),
        (
            errors.OfflineModeIsEnabled("offline"),
            r"is no directory, not in the hub's cache, and cannot be downloaded \(offline\)",
        ),
    ],
)
def test_what_went_wrong_is_told_in_one_line(monkeypatch, error, words):
    answer(monkeypatch, error)
    with pytest.raises(InputError, match=f"^owner/name@x {words}") as told:
        hub.find("owner/name@x")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("model", ["nowhere", "a/b/c", "./x", "owner/na me", "", "owner/..name"])
def test_what_is_neither_a_folder_nor_a_name_is_told(model):
    with pytest.raises(InputError, match="is neither a folder nor a repository of the hub"):
        hub.find(model)


def test_a_file_in_place_of_a_folder_is_told(tmp_path):
    (tmp_path / "epoch_32.pt").write_bytes(b"weights")
    with pytest.raises(InputError, match=r"epoch_32\.pt is a file, and must be a checkpoint's folder"):
        hub.find(str(tmp_path / "epoch_32.pt"))


LAION = [
    *("README.md", "config.json", "merges.txt", "vocab.json", "tokenizer.json", "tokenizer_config.json", "x.png"),
    *("open_clip_config.json", "open_clip_pytorch_model.bin", "pytorch_model.bin", "preprocessor_config.json"),
]
SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
TOKENIZER = {"merges.txt", "vocab.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"}


@pytest.mark.parametrize(
    ("names", "allow_pickle", "wanted"),
    [
        (
            [*LAION, "open_clip_model.safetensors", *SHARDS],
            False,
            {"open_clip_config.json", "open_clip_model.safetensors"},
        ),
        ([*LAION, *SHARDS], True, {"config.json", *SHARDS}),
        (LAION, True, {"open_clip_config.json", "open_clip_pytorch_model.bin"}),
        ([name for name in LAION if not name.startswith("open")], True, {"config.json", "pytorch_model.bin"}),
    ],
)
def test_no_more_is_downloaded_than_is_read(monkeypatch, names, allow_pickle, wanted):
    downloaded = []
    answer(monkeypatch, names, downloaded)
    assert hub.find("owner/name@v2", allow_pickle) == (Path("somewhere"), "somewhere")
    ((name, options),) = downloaded
    assert (name, options["revision"]) == ("owner/name", "v2")
    assert set(options["allow_patterns"]) == wanted | TOKENIZER


def test_a_repository_that_cannot_be_read_is_told_before_anything_is_downloaded(monkeypatch):
    answer(monkeypatch, LAION, downloaded := [])
    with pytest.raises(InputError, match=r"^owner/name: holds only pickled weights, open_clip_pytorch_model\.bin"):
        hub.find("owner/name")
    answer(monkeypatch, ["README.md"], downloaded)
    with pytest.raises(InputError, match=r"holds neither open_clip_config\.json nor config\.json"):
        hub.find("owner/name")
    assert not downloaded


def test_what_is_chosen_is_among_what_is_needed():
    names = [*LAION, *SHARDS]
    assert set(choose(names, "here", False)) <= set(needed_files(names, "here", False))
