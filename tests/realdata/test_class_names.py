"""Which class a folder is of."""

import pytest

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
