"""A page for each package that a notebook imports: its public names, from their docstrings."""

import importlib
import inspect
from collections.abc import Callable

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

# The front door: each package's `__all__`, and what its functions take and return.
PACKAGES = {
    "theory": (),
    "sims": (
        "sims.training.config.ContrastiveConfig",
        "sims.contrastive.result.ContrastiveResult",
        "sims.sweep.result.SweepResult",
    ),
    "realdata": (
        "realdata.evaluate.config.EvaluationConfig",
        "realdata.evaluate.result.Evaluation",
    ),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for name in PACKAGES:
        files.append(File.generated(config, f"reference/{name}.md", content=page(name)))
    return files


def page(name: str) -> str:
    """A package's page.

    Raises:
        PluginError: a public name without a docstring.
    """
    package = importlib.import_module(name)
    names = [f"{name}.{each}" for each in package.__all__]
    # Functions first, since they are what a reader looks for; then classes; then tables and other values.
    names.sort(key=lambda each: (_kind(each), each.lower()))
    sections = [f"# {name}", "", inspect.getdoc(package) or "", ""]
    for each in (*names, *PACKAGES[name]):
        documented = _kind(each) == len(_KINDS) or inspect.getdoc(_value(each))
        if not documented:
            raise PluginError(f"{each} is public and has no docstring")
        sections += [f"::: {each}", ""]
    return "\n".join(sections)


_KINDS: tuple[Callable[[object], bool], ...] = (inspect.isfunction, inspect.isclass)


def _kind(name: str) -> int:
    value = _value(name)
    value = inspect.unwrap(value) if callable(value) else value
    return next((place for place, test in enumerate(_KINDS) if test(value)), len(_KINDS))


def _value(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
