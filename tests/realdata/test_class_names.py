"""Which class a folder is of."""

import pytest

from published.directory import DIRECTORY
from published.tables import read_table
from realdata.photos.class_names import find_class, read_class_names


@pytest.mark.parametrize(
    ("folder", "index"),
    [
        ("100 black swan", 100),
        ("100", 100),
        ("100_black_swan", 100),
        ("n01860187", 100),
        ("black swan", 100),
        ("Black_Swan", 100),
        ("water ouzel, dipper", 20),
        ("dipper", 20),
        ("1000 nothing", None),
        ("unicorn", None),
    ],
)
def test_class_folders_are_known_by_index_wordnet_id_and_name(folder, index):
    assert find_class(folder, read_class_names("imagenet")) == index


def test_doubles_in_imagenets_own_lists_are_no_classes_of_counteranimal():
    """Which docs/wrong_numbers.md names: upper and lower case are one to CLIP, and neither of two is ever right."""
    published = set(read_table(DIRECTORY / "classes.csv", {"imagenet_index": (0, 999)})["imagenet_index"])
    wanted = {"imagenet": {(134, 517), (264, 474), (638, 639)}, "openai": {(657, 744), (836, 837)}}
    for which, pairs in wanted.items():
        found = {}
        for index, name in read_class_names(which).names.items():
            found.setdefault(name.lower(), []).append(index)
        assert {tuple(indices) for indices in found.values() if len(indices) > 1} == pairs
        assert not published & {index for pair in pairs for index in pair}
