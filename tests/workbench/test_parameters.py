"""A parameter is written once: its default, its domain, its meaning, and the option that sets it."""

import argparse
import dataclasses

import pytest

from workbench import parameters
from workbench.errors import ParameterError


@dataclasses.dataclass(frozen=True)
class Config:
    where: str = "here"  # no parameter
    kinds: tuple[str, ...] = parameters.parameter(("b", "a"), parameters.words(("a", "b", "c")), "which kinds")
    kind: str = parameters.parameter("a", parameters.word(("a", "b")), "which kind")
    batch_size: int = parameters.parameter(4, parameters.whole_number(2, below=100), "pairs in a step")
    mention_spu: float = parameters.parameter(0.25, parameters.SHARE, "how often")

    def __post_init__(self):
        parameters.check(self)


@pytest.fixture
def parser():
    made = argparse.ArgumentParser(exit_on_error=False)
    parameters.add_options(made, Config, batch_size=8)
    return made


def test_defaults_and_values_reach_the_configuration(parser):
    assert parameters.from_options(Config, parser.parse_args([])) == Config(batch_size=8)
    asked = parser.parse_args(["--kinds", "c,a", "--batch-size", "5", "--mention-spu", "1", "--kind", "b"])
    assert parameters.from_options(Config, asked, where="there") == Config("there", ("c", "a"), "b", 5, 1.0)
    assert not hasattr(asked, "where")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ()}, "kinds must be among a, b, c, got nothing"),
        ({"kinds": ("a", "d")}, "kinds must be among a, b, c, got d"),
        ({"kind": "c"}, "kind must be among a, b, got c"),
        ({"batch_size": 1}, "batch_size must be a whole number of at least 2, got 1"),
        ({"batch_size": True}, "batch_size must be a whole number of at least 2, got True"),
        ({"batch_size": 4.0}, "batch_size must be a whole number of at least 2, got 4.0"),
        ({"batch_size": 100}, "batch_size must be below 100, got 100"),
        ({"mention_spu": 1.5}, r"mention_spu must be in \[0, 1\], got 1.5"),
        ({"mention_spu": float("nan")}, r"mention_spu must be in \[0, 1\], got nan"),
    ],
)
def test_a_value_outside_the_domain_is_told_by_name(change, message):
    with pytest.raises(ParameterError, match=message):
        Config(**change)


@pytest.mark.parametrize("words", [["--kind", "c"], ["--kinds", "a,d"], ["--batch-size", "1"], ["--mention-spu", "2"]])
def test_the_option_refuses_it_too(parser, words):
    with pytest.raises(argparse.ArgumentError):
        parser.parse_args(words)


def test_help_has_meanings_and_meanings_are_by_name(parser):
    text = parser.format_help()
    for name, meaning in parameters.meanings(Config).items():
        assert f"--{name.replace('_', '-')}" in text and meaning in text
    assert set(parameters.meanings(Config)) == {"kinds", "kind", "batch_size", "mention_spu"}
