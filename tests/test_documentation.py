"""Every command of every page is one that its program takes; links lead somewhere; the README is short and plain."""

import argparse
import re
import shlex
import sys

import pytest

from tests.conftest import ROOT, main_of

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted(path for folder in ("benchmarks", "published", "docs") for path in (ROOT / folder).rglob("*.md")),
]
OURS = ("theory", "sims", "realdata", "paper_figs", "benchmarks", "tests")
# What a page leaves for the reader, or for the shell, to fill in.
FILLED = {"RATIO": "0.9", "DIR": ".", "$process": "0"}
AFTER = {"&", "&&", "|", ">", "#", "done"}


def commands_of(page):
    """Words after `python -m` of each command on a page, in blocks and within sentences."""
    text = page.read_text().replace("\\\n", " ")
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.S | re.M) + re.findall(r"^(?: {4}\S.*\n)+", text, re.M)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(?!`)([^`]*)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M))
    for line in lines:
        for command in re.findall(r"\bpython -m (.*)", " ".join(line.split())):
            words = shlex.split(command, comments=True)
            end = next((index for index, word in enumerate(words) if word in AFTER), len(words))
            if words[0].partition(".")[0] in OURS:
                yield tuple(FILLED.get(word, word) for word in words[:end])


COMMANDS = sorted({command for page in PAGES for command in commands_of(page)})


class Parsed(Exception):
    """The program's own parser has taken the command."""


@pytest.fixture
def takes(monkeypatch):
    """Whether a program's own parser takes the words; it is started up to where its options are read."""
    whole = argparse.ArgumentParser.parse_args

    def parse_only(self, args=None, namespace=None):
        whole(self, args, namespace)
        raise Parsed

    def takes(module, *words):
        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        monkeypatch.setattr(sys, "argv", [module, *words])
        try:
            main_of(module)()
        except Parsed:
            return True
        except SystemExit:
            return False
        return False

    return takes


def test_pages_have_their_commands():
    modules = {command[0] for command in COMMANDS}
    assert len(COMMANDS) >= 55 and len(modules) >= 18
    assert {"theory", "sims.contrastive", "realdata.evaluate", "paper_figs", "benchmarks.compare"} <= modules
    # In a block of shell with a loop, in an indented block, and within a sentence.
    assert any("--process" in command for command in COMMANDS)
    assert ("realdata.check", "--data", "LAION-final") in COMMANDS
    assert ("sims.contrastive", "--spurious-ratio", "0.9") in COMMANDS


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command_is_one_that_its_program_takes(takes, command):
    if len(command) == 1:  # only named; what follows is elsewhere
        assert callable(main_of(*command))
    else:
        assert takes(*command)


@pytest.mark.parametrize(
    "command",
    ["theory --spurious-ration 0.9", "sims.colored_digits tabel", "realdata.evaluate", "benchmarks.compare all"],
)
def test_a_command_that_its_program_does_not_take_is_found(takes, command):
    assert not takes(*command.split())


def anchors_of(page):
    """What GitHub calls the headings of a page."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.S | re.M)
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in re.findall(r"^#+ (.*)$", text, re.M))
    named = re.findall(r'<a (?:id|name)="(.*?)"', text)
    return {*named, *(heading.replace(" ", "-") for heading in headings)}


def test_links_lead_somewhere():
    links = [
        (page, target, anchor)
        for page in PAGES
        for target, anchor in re.findall(r"\]\(([^)#:\s]*)#?([^):\s]*)\)", page.read_text())
    ]
    assert len(links) > 100 and sum(bool(anchor) for *_, anchor in links) >= 10
    for page, target, anchor in links:
        found = page.parent / target if target else page
        assert found.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors_of(found), f"{page.name}: {target}#{anchor}"


def sentences_of(text):
    """Sentences of prose, and of the cells of tables, without code and without what links point to."""
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M)
    text = re.sub(r"^ {4}\S.*$", "", text, flags=re.M)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    for paragraph in re.split(r"\n\s*\n|\n(?=[-|#] ?)", text):
        for part in paragraph.split(" | ") if paragraph.startswith("|") else [paragraph]:
            yield from re.split(r"(?<=[.!?])[*)`\"]*\s+(?=[*(\"]*[`A-Z0-9])", " ".join(part.split()))


def long_sentences(text):
    """Those of over 30 words."""
    return [each for each in sentences_of(text) if sum(bool(re.search(r"\w", word)) for word in each.split()) > 30]


def test_readme_is_a_page_of_short_sentences():
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) <= 150
    assert len(list(sentences_of(readme))) > 50 and long_sentences(readme) == []


@pytest.mark.parametrize("name", ["findings", "use", "evaluate", "repairs"])
def test_pages_that_it_sends_to_have_short_sentences(name):
    assert long_sentences((ROOT / "docs" / f"{name}.md").read_text()) == []


def test_a_long_sentence_is_found():
    short = "The label prompt names (only) the class, as in [S17](docs/theory/prompts.md). "
    assert long_sentences(10 * short) == []
    assert len(long_sentences(short + 31 * "word " + "end. " + short)) == 1
    assert len(long_sentences(f"| S1 | {31 * 'word '}| [page](x.md) |")) == 1
