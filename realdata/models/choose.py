"""Which adapter a `--model` means."""

import dataclasses

from realdata.models.loading import Loading
from realdata.models.model import Model, Question
from realdata.models.registry import PREFIX, find_published
from workbench.errors import InputError, ParameterError


def load_model(name: str, question: Question, loading: Loading, parameter: str = "model") -> Model:
    """Load a model; each adapter is imported only where it is asked for.

    Args:
        name: a folder, a Hugging Face id, `paper:NAME`, `open_clip:ARCHITECTURE/TAG`, `torchvision:NAME`, `timm:NAME`
            or `lvlm:ID`.
        question: the candidates, and how to ask for them.
        loading: how.
        parameter: that has the name, for errors.

    Raises:
        InputError: there is no such model, it cannot be read, or needs a package that is not installed.
    """
    try:
        return _load(name, question, loading)
    except ParameterError:
        raise
    except InputError as error:
        raise InputError(f"`{parameter}`: {error}") from error


def _load(name: str, question: Question, loading: Loading) -> Model:
    if name.startswith(PREFIX):
        found = find_published(name)
        if found.activation is not None and loading.overrides.activation is None:
            # Some files say gelu where the weights were trained with quick_gelu.
            overrides = dataclasses.replace(loading.overrides, activation=found.activation)
            loading = loading._replace(overrides=overrides)
        try:
            return _load(found.model, question, loading)
        except ParameterError:  # of an option, which is told by its own name
            raise
        except InputError as error:
            raise InputError(f"{error} [{PREFIX}{found.name}]") from error
    kind, separator, rest = name.partition(":")
    if separator and kind == "open_clip":
        from realdata.models import open_clip_model

        return open_clip_model.load(rest, question, loading.dtype)
    if separator and kind in ("torchvision", "timm"):
        from realdata.models import classifier

        load = classifier.load_torchvision if kind == "torchvision" else classifier.load_timm
        return load(rest, question, loading.dtype)
    if separator and kind == "lvlm":
        from realdata.models import lvlm

        return lvlm.load(rest, question, loading.dtype)
    from realdata.models import clip

    return clip.load(name, question, loading)
