"""What is said of a candidate: one template, a file of them, or OpenAI's 80 from an installed OpenCLIP."""

import ast
import importlib.util
from pathlib import Path

from workbench.errors import InputError

PAPER = "A photo of {}."  # the paper's
OPENAI80 = "openai80"
_VARIABLE = "OPENAI_IMAGENET_TEMPLATES"


def read_templates(prompt: str) -> list[str]:
    """The templates of `--prompt`, with `{}` in the name's place.

    Args:
        prompt: a template, `openai80`, or a file with a template on each line.

    Raises:
        InputError: neither of these, a template without a place for the name, or no OpenCLIP to read from.
    """
    if prompt == OPENAI80:
        return _openai()
    if "{}" in prompt:
        return [prompt]
    path = Path(prompt)
    if not path.is_file():
        raise InputError(
            f"`prompt`: must hold {{}} in the place of the name, be {OPENAI80}, or a file of templates; there is no "
            f"file {prompt!r}"
        )
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`prompt`: {path}: cannot be read ({error})") from error
    templates = [line for line in lines if line.strip()]
    for number, line in enumerate(lines, 1):
        if line.strip() and "{}" not in line:
            raise InputError(f"`prompt`: {path}: line {number}: must hold {{}} in the place of the name, got {line!r}")
    if not templates:
        raise InputError(f"`prompt`: {path}: holds no templates")
    return templates


def _openai() -> list[str]:
    """OpenAI's templates, read from the source of an installed `open_clip_torch`, which is not imported."""
    found = importlib.util.find_spec("open_clip")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise InputError(
            f"`prompt` {OPENAI80}: needs the package open_clip_torch, whose list is read; install the extra "
            'with pip install "sober-clip[open-clip]"'
        )
    path = Path(places[0]) / "zero_shot_metadata.py"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        (listed,) = (
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == _VARIABLE for target in node.targets)
        )
        return [_template(function) for function in listed.elts]  # type: ignore[attr-defined]
    except (OSError, SyntaxError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"`prompt` {OPENAI80}: {path} holds no list {_VARIABLE} that can be read") from error


def _template(function: ast.expr) -> str:
    """`lambda c: f'a photo of a {c}.'` as `a photo of a {}.`."""
    body = function.body  # type: ignore[attr-defined]
    return "".join("{}" if isinstance(part, ast.FormattedValue) else part.value for part in body.values)
