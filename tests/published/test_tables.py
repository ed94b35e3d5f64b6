"""The published tables are read whole, and a wrong file is told by name, row and column."""

import csv
import shutil

import numpy as np
import pandas as pd
import pytest

from published.directory import DIRECTORY
from published.tables import read_printed, read_published_tables
from workbench.errors import InputError


@pytest.fixture
def folder(tmp_path):
    for name in ("results.csv", "replication_results.csv", "classes.csv"):
        shutil.copy(DIRECTORY / name, tmp_path / name)
    return tmp_path


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("name", ["classes.csv", "results.csv"])
def test_printed_rows_have_the_numbers_of_their_lines(name):
    lines = (DIRECTORY / name).read_text().splitlines()
    printed = read_printed(DIRECTORY, name)
    for number, row in printed.iterrows():
        # As an editor counts them, from 1.
        assert next(csv.reader([lines[number - 1]])) == row.tolist()
    assert len(printed) == len(lines) - 1


def test_sizes_are_the_papers():
    tables = read_published_tables()
    assert len(tables.classes) == 45
    assert tables.classes["common_photos"].sum() == 7174 and tables.classes["counter_photos"].sum() == 5926  # section 4
    counts = tables.results.groupby(["table", "family"]).size()
    assert counts[("3", "clip")] == 28 and counts[("4", "imagenet")] == 15  # rows of Tables 3 and 4


def test_replication_averages_are_means_over_classes():
    """Which is why its rows count as class-balanced; published/README.md says so."""
    classwise = pd.read_csv(DIRECTORY / "replication_classwise.csv")
    classes = classwise.groupby(["backbone", "pretrain"]).size()
    assert classes[classes < 45].to_dict() == {("ViT/bigG/14", "LAION2B"): 35}  # ten classes were not published
    means = classwise.groupby(["backbone", "pretrain"])[["common", "counter"]].mean()[classes == 45]
    results = read_published_tables().replication
    averages = results[results["setup"] == "1v1000"].set_index(["backbone", "pretrain"])[["common", "counter"]]
    assert len(means) == 14
    np.testing.assert_allclose(means, averages.loc[means.index], atol=0.0051)  # printed to two decimals


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("results.csv", "64.02", "sixty", ["results.csv", "line 2", "'common'", "0 to 100", "'sixty'"]),
        ("results.csv", "64.02", "164.02", ["results.csv", "line 2", "'common'", "164.02"]),
        ("results.csv", "64.02", "", ["results.csv", "line 2", "'common'", "''"]),
        ("results.csv", "averaging,", "average,", ["results.csv", "lacks the column 'averaging'"]),
        ("classes.csv", "206", "0", ["classes.csv", "line 2", "'common_photos'", "'0'"]),
        ("classes.csv", "206", "10.5", ["classes.csv", "line 2", "'common_photos'", "whole number", "'10.5'"]),
        ("classes.csv", "206", "inf", ["classes.csv", "line 2", "'common_photos'", "'inf'"]),
        ("results.csv", ",clip,", ",CLIP,", ["results.csv", "line 2", "'family'", "clip, imagenet, lvlm", "'CLIP'"]),
        ("results.csv", ",balanced,", ",median,", ["results.csv", "line 2", "'averaging'", "'median'"]),
        ("replication_results.csv", "77.13", "-1", ["replication_results.csv", "line 2", "-1"]),
    ],
)
def test_wrong_values_are_located(folder, name, old, new, words):
    edit(folder / name, old, new)
    with pytest.raises(InputError) as caught:
        read_published_tables(folder)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00binary\x00", b'setup,"family\n1'])
def test_files_that_are_no_tables_are_named(folder, content):
    (folder / "results.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"results\.csv"):
        read_published_tables(folder)


def test_a_model_that_stands_in_a_setting_twice_is_located(folder):
    lines = (folder / "results.csv").read_text().splitlines()
    (folder / "results.csv").write_text("\n".join([*lines, lines[3]]))
    with pytest.raises(
        InputError, match=rf"results\.csv: line {len(lines) + 1}, column 'backbone': 'RN50x4 OpenAI' stands"
    ):
        read_published_tables(folder)


def test_missing_file_and_folder(folder):
    (folder / "classes.csv").unlink()
    with pytest.raises(InputError, match=r"classes\.csv: no such file"):
        read_published_tables(folder)
    with pytest.raises(InputError, match=r"`published`: .* is no directory"):
        read_published_tables(folder / "nowhere")
