"""The site's pages: every one has its place, options are the parsers', and what is public is documented."""

import argparse
import ast
import importlib
import re

import pytest
from markdown_it import MarkdownIt
from mkdocs.config import load_config
from mkdocs.exceptions import PluginError

from sober_clip.console import PROGRAMS
from tests.conftest import ROOT
from website import links, programs, reference


@pytest.fixture(scope="module")
def config():
    return load_config(str(ROOT / "mkdocs.yml"))


def places(nav):
    """The pages of the navigation, in order."""
    if isinstance(nav, str):
        return [nav]
    below = nav.values() if isinstance(nav, dict) else nav
    return [place for each in below for place in places(each)]


def test_every_page_has_one_place_in_the_navigation(config):
    found = places(programs.on_config(load_config(str(ROOT / "mkdocs.yml"))).nav)
    assert len(found) == len(set(found))
    docs = ROOT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    notebooks = {f"notebooks/{path.stem}.md" for path in (docs / "notebooks").glob("*.py")}
    generated = {f"programs/{name}.md" for name in ["index", *PROGRAMS]}
    generated |= {f"reference/{name}.md" for name in reference.PACKAGES}
    assert set(found) == pages | notebooks | generated | set(links.PAGES.values()) | {"results/report.html"}
    assert len(notebooks) == 3


def test_a_page_loads_nothing_from_elsewhere(config):
    page = type("Page", (), {"file": type("File", (), {"src_uri": "index.md"})})
    own = '<a href="https://arxiv.org/abs/2403.11497">x</a><link rel="stylesheet" href="site.css"><img src="a.png">'
    assert links.on_post_page(own, page, config) == own
    for foreign in (
        '<script src="https://cdn.example/x.js">',
        '<link href="https://fonts.example/css" rel="stylesheet">',
        '<img alt="" src=//example.org/x.png>',
    ):
        with pytest.raises(PluginError, match=r"index\.md"):
            links.on_post_page(own + foreign, page, config)
    assert config.theme["font"] is False


def test_links_out_of_docs_lead_to_pages_of_the_site():
    page = type("Page", (), {"file": type("File", (), {"src_uri": "theory/captions.md"})})
    text = (
        "[code](../../theory/statements/captions.py), [S1](minimiser.md#x), [all](../../README.md), "
        "[x](https://y.z/a.md), `[a](b.py)`"
    )
    shown = links.on_page_markdown(text, page, None, None)
    assert shown == (
        "[code](../code/theory/statements/captions.py.md), [S1](minimiser.md#x), [all](../index.md), "
        "[x](https://y.z/a.md), `[a](b.py)`"
    )
    page.file.src_uri = "index.md"  # the README
    assert links.on_page_markdown("![x](docs/results/figures/a.png)", page, None, None) == "![x](results/figures/a.png)"
    # GitHub shows a notebook's text; the site's page has what it found.
    shown = links.on_page_markdown("[x](docs/notebooks/question.py)", page, None, None)
    assert shown == "[x](notebooks/question.md)"
    page.file.src_uri = "notebooks/question.md"
    assert links.on_page_markdown("![x](question/a.png)", page, None, None) == "![x](question/a.png)"


@pytest.mark.parametrize(("name", "parts"), [("colored-digits", 3), ("compare", 1)])
def test_a_programs_page_has_every_option_of_its_parser(name, parts):
    page = MarkdownIt().enable("table").render(programs.page(name, PROGRAMS[name]))
    shown = {words.split()[0] for words in re.findall(r"<tr>\s*<td><code>(--.*?)</code></td>", page)}
    parsers = list(programs.parsers_of(importlib.import_module(PROGRAMS[name].entry)))
    options = {option for parser in parsers for option in parser._option_string_actions if option.startswith("--")}
    assert shown == options - {"--help"} and len(parsers) == parts
    # A `|` or `<` in an option's help is no cell and no markup of its own.
    assert {row.count("<td>") for row in re.findall(r"<tr>\s*(.*?)</tr>", page, re.S)} <= {0, 3}
    assert page.count("<h1>") == 1 and (name == "compare" or "<td><code>2500</code></td>" in page)  # --steps


def test_signs_of_markdown_in_a_help_are_shown_as_they_are():
    parser = argparse.ArgumentParser()
    parser.add_argument("--x", default=60.0, help="a_b*c | <d> `e_f` {} (default: %(default)s)")
    (_, _, _, _, row, _) = programs._group(parser._action_groups[1], deeper=False)
    html = MarkdownIt().enable("table").render("| a | b | c |\n|---|---|---|\n" + row)
    assert "<td><code>60</code></td>" in html
    assert "<td>a_b*c | &lt;d&gt; <code>e_f</code> {}</td>" in html


def test_a_public_name_without_docstring_is_refused(monkeypatch):
    import theory

    assert "::: theory.accuracy\n" in reference.page("theory")
    monkeypatch.setattr(theory, "undocumented", lambda: None, raising=False)
    monkeypatch.setattr(theory, "__all__", [*theory.__all__, "undocumented"])
    with pytest.raises(PluginError, match=r"theory\.undocumented"):
        reference.page("theory")


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_notebooks_use_the_front_door_alone(path):
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {name for name in imported if (ROOT / name.partition(".")[0]).is_dir()}
    assert ours and ours <= {"theory", "sims", "realdata"}
