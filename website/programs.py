"""A page of options for each program, from the parser that reads them."""

import argparse
import importlib
import re
from collections.abc import Iterator
from types import ModuleType

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from sober_clip.console import PROGRAMS, Program


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give the programs their places in the navigation, after the page that lists them."""
    (pages,) = _lists_with("programs/index.md", config.nav)
    pages += [{name: f"programs/{name}.md"} for name in PROGRAMS]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    files.append(File.generated(config, "programs/index.md", content=_index()))
    for name, program in PROGRAMS.items():
        files.append(File.generated(config, f"programs/{name}.md", content=page(name, program)))
    return files


def page(name: str, program: Program) -> str:
    """A program's page: what it is for, and a table for each group of its options."""
    module = importlib.import_module(program.entry)
    text = [f"# {name}", "", f"`sober-clip {name}`, the same as `python -m {program.name}`.", ""]
    parsers = list(parsers_of(module))
    for parser in parsers:
        if len(parsers) > 1:
            text += [f"## {parser.prog.removeprefix('python -m ')}", ""]
        text += [_escaped(parser.description), ""]
        for group in parser._action_groups:
            text += _group(group, deeper=len(parsers) > 1)
    return "\n".join(text)


def parsers_of(module: ModuleType) -> Iterator[argparse.ArgumentParser]:
    """The parser of a program, or those of its parts."""
    if hasattr(module, "build_parser"):
        yield module.build_parser()
        return
    parts = [getattr(module, "DEFAULT", None), *module.PROGRAMS.values()]
    for part in parts:
        if part is not None:
            yield importlib.import_module(part).build_parser()


def _group(group: argparse._ArgumentGroup, deeper: bool) -> list[str]:
    actions = [action for action in group._group_actions if not isinstance(action, argparse._HelpAction)]
    if not actions:
        return []
    given = group.title or "options"
    title = {"positional arguments": "Words"}.get(given, given)
    title = title[0].upper() + title[1:]
    rows = [f"| {_words(action)} | {_default(action)} | {_help(action)} |" for action in actions]
    return [f"{'###' if deeper else '##'} {title}", "", "| option | default | meaning |", "|---|---|---|", *rows, ""]


def _words(action: argparse.Action) -> str:
    """An option as it is typed, with what follows it."""
    value = ""
    if action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    elif action.nargs != 0:
        value = str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return f"`{value}`"
    return f"`{' '.join([action.option_strings[-1], value]).strip()}`"


def _default(action: argparse.Action) -> str:
    absent = action.default is None or action.default is False or action.default == ""
    if absent:
        return "required" if action.required and action.option_strings else ""
    return f"`{action.default:g}`" if isinstance(action.default, float) else f"`{action.default}`"


def _help(action: argparse.Action) -> str:
    text = (action.help or "") % {**vars(action), "prog": ""}
    return _escaped(re.sub(r" \(default: [^)]*\)$", "", text) if action.default is not None else text)


def _escaped(text: str | None) -> str:
    """Text that Markdown shows as it is, in a table too; what stands between backticks is code."""
    parts = re.split(r"(`[^`]*`)", text or "")
    return "".join(part if part[:1] == "`" else re.sub(r"([\\*_<>|\[\]{}])", r"\\\1", part) for part in parts)


def _index() -> str:
    rows = [f"| [{name}]({name}.md) | `{program.name}` | {program.does} |" for name, program in PROGRAMS.items()]
    return "\n".join(
        [
            "# Programs",
            "",
            "`sober-clip NAME` starts a program, and so does `python -m` with its long name. "
            "[How to use the programs](../use.md) has examples.",
            "",
            "| name | `python -m` | does |",
            "|---|---|---|",
            *rows,
        ]
    )


def _lists_with(page: str, nav: object) -> Iterator[list]:
    """The lists of the navigation in which a page stands."""
    if isinstance(nav, dict):
        for below in nav.values():
            yield from _lists_with(page, below)
    elif isinstance(nav, list):
        if page in nav:
            yield nav
        for below in nav:
            yield from _lists_with(page, below)
