"""A checkpoint's folder by its name: a local folder, or a repository of the Hugging Face hub, downloaded once."""

import sys
from pathlib import Path
from typing import NamedTuple

import huggingface_hub
from huggingface_hub import errors
from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # documented all the same

from pretrained import huggingface, openclip
from pretrained.load import needed_files
from workbench.errors import InputError

_NEITHER = "is neither a folder nor a repository of the hub, as in owner/name@revision"


class Found(NamedTuple):
    """The place of a checkpoint.

    Attributes:
        folder: the folder with its files.
        commit: the commit of the repository that it was downloaded from; None for a local folder.
    """

    folder: Path
    commit: str | None = None


def find(model: str, allow_pickle: bool = False) -> Found:
    """Find the folder of a model. From the hub, only the files that are needed are downloaded into the hub's cache.

    Without a connection to the hub, earlier downloads are used.

    Args:
        model: a folder, or `owner/name` or `owner/name@revision` on the hub.
        allow_pickle: whether to download pickled weights if there are no others.

    Raises:
        InputError: there is no such folder or repository, or it cannot be downloaded.
    """
    if model and Path(model).is_dir():
        return Found(Path(model))
    if model and Path(model).is_file():
        raise InputError(
            f"{model} is a file, and must be a checkpoint's folder; docs/evaluate.md says what that holds, and how a "
            "file of OpenCLIP's training becomes one"
        )
    name, _, revision = model.partition("@")
    if name.count("/") != 1:
        raise InputError(f"{model} {_NEITHER}")
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        info = huggingface_hub.HfApi().model_info(name, revision=revision or None)
    except Exception as error:  # many kinds, from the HTTP client of the hub's library
        cached = None if isinstance(error, errors.HFValidationError) else _find_cached(name, revision or "main")
        if cached is None:
            raise _error(model, error) from error
        return Found(cached, cached.name)
    wanted = needed_files([file.rfilename for file in info.siblings or []], model, allow_pickle)
    try:
        # By branch, not by commit, so that the cache also works by branch when the hub cannot be reached.
        folder = Path(huggingface_hub.snapshot_download(name, revision=revision or None, allow_patterns=wanted))
    except Exception as error:  # many kinds
        raise _error(model, error) from error
    return Found(folder, folder.name)


def _find_cached(name: str, revision: str) -> Path | None:
    for config in (openclip.CONFIG, huggingface.CONFIG):
        if isinstance(path := huggingface_hub.try_to_load_from_cache(name, config, revision=revision), str):
            return Path(path).parent
    return None


def _error(model: str, error: Exception) -> InputError:
    if isinstance(error, errors.HFValidationError):
        say = _NEITHER
    elif isinstance(error, errors.GatedRepoError):
        say = "is given only to those whom its owner lets; ask on its page at the hub, then log in with `hf auth login`"
    elif isinstance(error, errors.RepositoryNotFoundError):
        say = "is no directory and no repository of the hub, or one for which one must log in with `hf auth login`"
    elif isinstance(error, errors.RevisionNotFoundError):
        say = "is no revision of this repository; name a branch, a tag or a commit after the @"
    else:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        say = f"is no directory, not in the hub's cache, and cannot be downloaded ({reason}); connect once, or give a "
        say += "folder"
    return InputError(f"{model} {say}")
