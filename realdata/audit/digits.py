"""Small mistakes of a typist: what a printed number may have been before it."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple


class Proposal(NamedTuple):
    """A value that makes every rule hold, and the mistake that would have turned it into the printed one."""

    value: str
    change: str


def changes(text: str, lost: bool = False) -> Iterator[Proposal]:
    """All numbers that one mistake turns into the printed one, each once.

    Args:
        text: digits with at most one point and a sign.
        lost: whether a digit may have been lost or added too, as in counts.
    """
    seen = {text}
    for proposal in _all_changes(text, lost):
        if proposal.value not in seen and not _padded(proposal.value):
            seen.add(proposal.value)
            yield proposal


def _all_changes(text: str, lost: bool) -> Iterator[Proposal]:
    for index, character in enumerate(text):
        if character.isdigit():
            for digit in "0123456789":
                yield Proposal(text[:index] + digit + text[index + 1 :], "one digit")
    digits = [index for index, character in enumerate(text) if character.isdigit()]
    for left, right in itertools.pairwise(digits):
        characters = list(text)
        characters[left], characters[right] = characters[right], characters[left]
        yield Proposal("".join(characters), "transposition")
    if lost:
        for index in range(len(text) + 1):
            for digit in "0123456789":
                yield Proposal(text[:index] + digit + text[index:], "lost digit")
        for index in digits if len(digits) > 1 else []:
            yield Proposal(text[:index] + text[index + 1 :], "added digit")


def _padded(text: str) -> bool:
    whole = text.lstrip("-").partition(".")[0]
    return len(whole) > 1 and whole.startswith("0")


def only(proposals: Iterable[Proposal], holds: Callable[[str], bool]) -> list[Proposal]:
    """Those with which the rules hold."""
    return [proposal for proposal in proposals if holds(proposal.value)]
