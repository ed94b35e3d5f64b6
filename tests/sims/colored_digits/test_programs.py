"""The programs on coloured digits, run as a user would."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sims.colored_digits import grid
from sims.colored_digits.__main__ import main
from sims.colored_digits.painting import COLOURS
from tests.sims.colored_digits.test_idx import write_mnist

SMALL = ("--seeds", "2", "--steps", "5", "--samples", "300", "--batch-size", "32")
# Linear, since convolutions take longest to compile; the default encoder is trained on MNIST's digits below.
LINEAR = ("--image-encoder", "linear")
TWO = ("--objective", "perfect_language,cross_entropy", *LINEAR)


def test_a_row_has_table_8s_columns(call_program, tmp_path):
    done = call_program("sims.colored_digits", "--classes", "3", *SMALL, *LINEAR, "--json", "-", "--out", "row")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    learners = [row["learner"] for row in content["results"]]
    assert learners == ["contrastive", "contrastive_text", "contrastive_text", "supervised"]
    with np.load(tmp_path / "row" / "arrays.npz") as arrays:
        for row in content["results"]:
            for place, group in enumerate(("rand", "rev", "rest")):
                runs = arrays[row["objective"]][:, place]
                assert row[f"{group}_mean"] == pytest.approx(runs.mean())
                assert row[f"{group}_std"] == pytest.approx(runs.std(ddof=1))
    asked = {(found["objective"], found["column"]) for found in content["equivalence"]["comparisons"]}
    assert len(asked) == 9
    assert set(content["equivalence"]["verdicts"]) == {"perfect_language", "infonce", "siglip"}
    assert content["published"] is None  # these are not MNIST's digits
    with Image.open(tmp_path / "row" / "figure.png") as figure:
        assert figure.width > 500
    assert not (tmp_path / "row" / "checkpoints").exists()


@pytest.mark.slow
def test_mnists_digits_are_compared_with_the_printed_row(call_program, tmp_path):
    (tmp_path / "mnist").mkdir()
    write_mnist(tmp_path / "mnist", counts=(600, 90))
    objectives = ("--objective", "perfect_language,cross_entropy")
    options = ("--digits", "mnist", "--seeds", "2", "--batch-size", "32", "--steps", "5", "--json", "-", *objectives)
    content = json.loads(call_program("sims.colored_digits", "--invariant-ratio", "0.9", *options).stdout)
    assert content["digits"]["source"] == "MNIST"
    printed = {(line["learner"], line["column"]): line["published_mean"] for line in content["published"]}
    # Table 8: two classes, 0.9, 0.9.
    assert printed == {
        ("contrastive", "rand"): 71.56,
        ("contrastive", "rev"): 50.08,
        ("supervised", "rand"): 71.62,
        ("supervised", "rev"): 50.13,
    }
    for line in content["published"]:
        assert line["difference"] == pytest.approx(line["mean"] - line["published_mean"])


def test_a_tables_rows_are_table_8s_in_the_printed_order():
    rows = [(row.classes, row.invariant_ratio, row.spurious_ratio) for row in grid.designs()]
    assert rows[:5] == [(2, 0.9, 0.75), (2, 0.9, 0.9), (2, 0.75, 0.75), (2, 0.75, 0.9), (3, 0.9, 0.75)]
    assert len(rows) == 24 and rows[-1] == (10, 0.75, 0.9)


@pytest.mark.slow
def test_a_table_is_resumed_and_its_rows_are_kept(call_program, tmp_path, refused, monkeypatch):
    monkeypatch.setattr(grid, "RATIOS", (0.75,))  # a row for each number of classes instead of four
    command = ("sims.colored_digits", "table", "--classes", "2,3", *SMALL, *TWO, "--out", "table")
    assert call_program(*command).returncode == 0
    first = (tmp_path / "table" / "table.csv").read_bytes()
    rows = sorted((tmp_path / "table" / "rows").iterdir())
    assert [path.name for path in rows] == ["k2-inv0.75-spu0.75.npz", "k3-inv0.75-spu0.75.npz"]
    before = {path: path.stat().st_mtime_ns for path in rows}
    rows[0].unlink()
    assert call_program(*command).returncode == 0
    assert (tmp_path / "table" / "table.csv").read_bytes() == first
    assert {path: path.stat().st_mtime_ns for path in rows[1:]} == {path: before[path] for path in rows[1:]}
    table = pd.read_csv(tmp_path / "table" / "table.csv")
    assert len(table) == 4 and table.groupby("classes").size().tolist() == [2, 2]
    words = ["k2-inv0.75-spu0.75.npz", "another run", "steps", "--out"]
    refused(*command, "--steps", "6", words=words)
    rows[1].write_bytes(rows[1].read_bytes()[:100])
    refused(*command, words=[rows[1].name, "truncated"])


@pytest.mark.slow
def test_figures_are_drawn_from_a_saved_table(call_program, refused, tmp_path, monkeypatch):
    monkeypatch.setattr("paper_figs.saved_result.SHIPPED", tmp_path / "none")
    monkeypatch.setattr(grid, "RATIOS", (0.75,))  # a row instead of four
    out = tmp_path / "results" / "colored_digits_table"
    learners = ("--objective", "infonce,cross_entropy", *LINEAR)
    command = ("sims.colored_digits", "table", "--classes", "2", *SMALL, *learners, "--seeds", "1", "--out", out)
    refused("paper_figs", "--only", "colored_digits", words=["table.json is missing", "sims.colored_digits table"])
    assert call_program(*command).returncode == 0
    figures = ("paper_figs", "--only", "colored_digits,digits_reliance", "--out", "drawn")
    assert call_program(*figures).returncode == 0
    assert (tmp_path / "drawn" / "figures" / "digits_reliance.png").exists()
    (out / "table.json").write_text('{"rows": [{"classes": 2}], "config": {"seeds": 1}}')
    refused(*figures, words=["table.json", "another version", "sims.colored_digits table"])


@pytest.mark.slow
def test_the_export_is_what_it_says(call_program, tmp_path):
    """Photos in CounterAnimal's layout, each the right digit on the right colour, and no folder half written."""
    done = call_program(
        "sims.colored_digits", "export", "--classes", "4", "--steps", "2", "--photos", "3", "--out", "export"
    )
    assert done.returncode == 0, done.stderr
    root = tmp_path / "export"
    truth = pd.read_csv(root / "truth.csv")
    assert sorted(str(path.relative_to(root / "photos")) for path in root.glob("photos/*/*/*.png")) == sorted(
        truth.path
    )
    assert len(truth) == 4 * 2 * 3
    folders = {path.parent.name + "/" + path.name for path in root.glob("photos/*/*")}
    assert {"0 zero/common-red", "0 zero/counter-green", "1 one/counter-red", "3 three/counter-blue"} <= folders
    backgrounds = {colour.name: colour.rgb for colour in COLOURS}
    for row in truth.itertuples():
        with Image.open(root / "photos" / row.path) as photo:
            pixels = np.asarray(photo.convert("RGB")).reshape(-1, 3)
        assert (pixels == backgrounds[row.background]).all(axis=1).any(), row.path
    assert {path.name for path in (root / "model").iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}
    assert (root / "names.txt").read_text().splitlines()[3] == "3\tthree"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--classes", "11"], ["--classes", "from 2 to 10", "11"]),
        (["--spurious-ratio", "0.4"], ["--spurious-ratio", "[1/2, 1]", "0.4"]),
        (["--invariant-ratio", "1.5"], ["--invariant-ratio", "1.5"]),
        (["--mention-spu", "1.5"], ["--mention-spu", "1.5"]),
        (["--digits", "nowhere"], ["--digits", "nowhere", "no directory"]),
        (["--objective", "clip"], ["--objective", "perfect_language", "clip"]),
        (["--batch-size", "400", "--samples", "300"], ["--batch-size", "300", "400"]),
        (["--image-encoder", "vit", "--text-encoder", "resnet"], ["--text-encoder", "resnet"]),
        (["tabel"], ["table or export", "tabel"]),
        (["table", "--classes", "2,x"], ["--classes", "x"]),
        (["table", "--classes", "12"], ["--classes", "12"]),
        (["export", "--out", "taken"], ["taken", "not empty"]),
        (["export", "--seed", "-1"], ["--seed", "-1"]),
        (["export", "--seed", "5000000000"], ["--seed", "below 4294967296"]),
    ],
)
def test_wrong_input_gets_one_line_and_writes_nothing(refuses, tmp_path, arguments, words):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    refuses(main, *arguments, words=words)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine.txt", "taken"]


def test_a_diverged_run_is_told(call_program):
    too_fast = ("--objective", "cross_entropy", "--learning-rate", "1e30")
    done = call_program("sims.colored_digits", *SMALL, *LINEAR, *too_fast)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "cross_entropy diverged at step" in done.stderr
