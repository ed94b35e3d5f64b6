"""Names files in every form that people have, and those that would give other classes than were meant."""

import json

import pytest

from realdata.photos.class_names import find_class, read_class_names
from workbench.errors import InputError

NAMES = {0: "tench", 1: "great white shark", 2: "crème brûlée"}
PLAIN = "tench\ngreat white shark\ncrème brûlée"
TABBED = "0\ttench\n1\tgreat white shark\n2\tcrème brûlée"
FORMS = {
    "one a line": PLAIN.encode(),
    "with an index": TABBED.encode(),
    "in another order, with blank lines": b"2\tcr\xc3\xa8me br\xc3\xbbl\xc3\xa9e\n\n0\ttench\n1\tgreat white shark\n\n",
    "a byte-order mark": PLAIN.encode("utf-8-sig"),
    "a byte-order mark before an index": TABBED.encode("utf-8-sig"),
    "Windows": (PLAIN + "\n\n").replace("\n", "\r\n").encode(),
    "Windows, with an index": TABBED.replace("\n", "\r\n").encode(),
    "blank last lines": (PLAIN + "\n \n\n").encode(),
    "a list": json.dumps([*NAMES.values()], indent=1).encode(),
    "a list with a byte-order mark": json.dumps([*NAMES.values()]).encode("utf-8-sig"),
    "an object": json.dumps(NAMES).encode(),
    "an object with WordNet ids": json.dumps(
        {0: ["n01440764", "tench"], 1: ["n01484850", "great_white_shark"], 2: ["n07614500", "crème_brûlée"]}
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_names(tmp_path, form):
    (tmp_path / "names").write_bytes(FORMS[form])
    found = read_class_names(str(tmp_path / "names"))
    assert found.names == NAMES
    assert find_class("Great_White_Shark", found) == 1


WRONG = {
    "nothing": ("\n \n", "holds no names"),
    "an empty list": ("[]", "holds no names"),
    "a hole": ("tench\n\nshark", "line 2: is empty, so that"),
    "an index without a tab": ("0 tench\n1 shark", r"line 1: must be index<TAB>name.*'0 tench'"),
    "an index and a comma": ("0,tench\n1,shark", "line 1: must be index<TAB>name"),
    "WordNet ids": ("n01440764 tench\nn01484850 shark", "line 1: must be index<TAB>name"),
    "a line without its index": ("0\ttench\nshark", "line 2: must be index<TAB>name, got 'shark'"),
    "an index twice": ("0\ttench\n0\tshark", "line 2: the index 0 was given before"),
    "a key twice": ('{"0": "tench", "0": "shark"}', "index 0: the index 0 was given before"),
    "a superscript": ("²\ttench", "line 1: must be index<TAB>name"),
    "an index past every table": ("99999999999999999999\ttench", "line 1: must be index<TAB>name"),
    "a control character": ("0\ttench\x1b[2J", r"line 1: a name may have no control characters, has '\\x1b'"),
    "half a character": (r'["tench", "\ud800"]', r"index 1: a name may have no control characters, has '\\ud800'"),
    "a number for a name": ('["tench", 3]', "must be a list of names or {index: name}, got 1: 3"),
    "names by name": ('{"tench": 0}', "got tench: 0"),
    "half a list": ('["tench"', "is not JSON"),
    "brackets without end": ("[" * 100_000, "is not JSON"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_would_be_other_classes_is_told(tmp_path, name):
    text, words = WRONG[name]
    (tmp_path / "names").write_text(text)
    with pytest.raises(InputError, match=words):
        read_class_names(str(tmp_path / "names"))


def test_a_name_of_two_classes_finds_neither(tmp_path):
    """Which of the two a folder is of, its name does not say; its index does."""
    (tmp_path / "names").write_text("missile\ntench\nMissile\n")
    found = read_class_names(str(tmp_path / "names"))
    assert [find_class(folder, found) for folder in ("missile", "tench", "2 missile")] == [None, 1, 2]


def test_a_folder_of_an_odd_digit_is_of_no_class():
    assert find_class("² squared", read_class_names("imagenet")) is None
    assert find_class("9" * 5000, read_class_names("imagenet")) is None
