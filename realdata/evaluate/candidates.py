"""The candidates of a photo, and the templates of their prompts.

Candidates: all names (1 vs. 1000), or the 20 of the photo's class (1 vs. 20). Templates: one, a file of them, or
OpenAI's 80 from an installed OpenCLIP.
"""

import ast
import importlib.util
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from published.directory import DIRECTORY
from published.tables import read_table
from realdata.names import ALL, EVERY, OPENAI80, TWENTY
from workbench.errors import InputError

_VARIABLE = "OPENAI_IMAGENET_TEMPLATES"


def read_templates(prompt: str, option: str = "prompt") -> list[str]:
    """Read the templates of `--prompt`, with `{}` in place of the name.

    Args:
        prompt: a template, `openai80`, or a file with a template on each line.
        option: the parameter that asks for them, for messages.

    Raises:
        InputError: none of these, a template without `{}`, or `openai80` without OpenCLIP.
    """
    if prompt == OPENAI80:
        return _openai(option)
    if "{}" in prompt:
        return [prompt]
    path = Path(prompt)
    if not path.is_file():
        raise InputError(
            f"`prompt`: must hold {{}} in the place of the name, be {OPENAI80}, or a file of templates; there is no "
            f"file {prompt!r}"
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()  # without a byte-order mark
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`prompt`: {path}: cannot be read ({error})") from error
    templates = [line for line in lines if line.strip()]
    for number, line in enumerate(lines, 1):
        if line.strip() and "{}" not in line:
            raise InputError(f"`prompt`: {path}: line {number}: must hold {{}} in the place of the name, got {line!r}")
    if not templates:
        raise InputError(f"`prompt`: {path}: holds no templates")
    return templates


def _openai(option: str) -> list[str]:
    """OpenAI's templates, read from the source of an installed `open_clip_torch`, which is not imported."""
    found = importlib.util.find_spec("open_clip")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise InputError(
            f"`{option}` {OPENAI80}: needs the package open_clip_torch, whose list is read; in the checkout, "
            'python -m pip install -c constraints.txt -e ".[open-clip]" installs it'
        )
    path = Path(places[0]) / "zero_shot_metadata.py"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        (template_list,) = (
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == _VARIABLE for target in node.targets)
        )
        return [_template(function) for function in template_list.elts]  # type: ignore[attr-defined]
    except (OSError, SyntaxError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"`{option}` {OPENAI80}: {path} holds no list {_VARIABLE} that can be read") from error


def _template(function: ast.expr) -> str:
    """`lambda c: f'a photo of a {c}.'` as `a photo of a {}.`."""
    body = function.body  # type: ignore[attr-defined]
    return "".join("{}" if isinstance(part, ast.FormattedValue) else part.value for part in body.values)


NUMBER = 20  # candidates of each class in 1 vs. 20
IMAGENETS = 1000  # candidates in 1 vs. 1000
_NEAR = 100  # a number of names this close to 1,000 is an error unless `setup` says otherwise


def check_candidates(setup: str | None, indices: Collection[int], option: str, source: str) -> list[str]:
    """Check the candidates against the setup: one missing name shifts the indices of all after it.

    Without a setup, 900 to 1,100 candidates must be ImageNet's 1,000, and any other number is accepted.

    Args:
        setup: `1v1000`, `1v20`, `all` or None.
        indices: the candidates' class indices.
        option: the option that gives the candidates.
        source: the option's value, for the message.

    Returns:
        A note if the published 20 of each class are chosen from other names than ImageNet's.

    Raises:
        InputError: the setup needs the indices 0 to 999, and there are others.
    """
    if set(indices) == set(range(IMAGENETS)):
        return []
    number = len(indices)
    found = f"{number} classes" if number != IMAGENETS else f"the index {max(indices)}"
    where = f"the {IMAGENETS} from 0 to {IMAGENETS - 1}"
    meant = setup == ALL or (setup is None and abs(number - IMAGENETS) <= _NEAR)
    if meant:
        raise InputError(
            f"`{option}`: {source} has {found}, but {ALL} needs {where}: a missing or additional name shifts the "
            f"classes; if these names are right, `setup` {EVERY} takes all of them"
        )
    note = f"{source} has {found}, but the published {NUMBER} of each class are chosen from {where}"
    return [note] if setup == TWENTY else []


def published_lists() -> dict[int, list[int]]:
    """The published candidates of each class index, best first, by CLIP-LAION400M-ViT-B/32."""
    index = (0, 999)
    table = read_table(DIRECTORY / "candidates_1v20.csv", {"imagenet_index": index, "candidate_index": index})
    lists: dict[int, list[int]] = {}
    for owner, candidate in zip(table["imagenet_index"], table["candidate_index"], strict=True):
        lists.setdefault(int(owner), []).append(int(candidate))
    return lists


def allowed_candidates(
    lists: Mapping[int, Sequence[int]] | None,
    candidates: Int[np.ndarray, " candidates"],
    classes: Int[np.ndarray, " classes"],
) -> Bool[np.ndarray, "classes candidates"]:
    """Which candidates a photo of each class has.

    Args:
        lists: class index to its candidates; None if every class has all.
        candidates: the indices of all candidates.
        classes: the indices of the photos' classes.

    Raises:
        InputError: a class has no list, or its list has an index that is not among the candidates.
    """
    if lists is None:
        return np.ones((len(classes), len(candidates)), bool)
    if missing := sorted(set(classes.tolist()) - lists.keys()):
        raise InputError(
            f"`setup` {TWENTY}: there is no published list for the class {missing[0]}; use {ALL}, or `candidates_from`"
        )
    allowed = np.stack([np.isin(candidates, lists[int(each)]) for each in classes])
    short = allowed.sum(axis=1) < [len(lists[int(each)]) for each in classes]
    if short.any():
        raise InputError(
            f"`setup` {TWENTY}: the list of the class {classes[short][0]} names classes that `names` lacks"
        )
    return allowed
