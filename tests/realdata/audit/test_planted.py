"""Every kind of error that is planted is found, at its cell, and nothing else is."""

import numpy as np
import pandas as pd
import pytest

from published.directory import DIRECTORY
from realdata.audit.arithmetic import changes
from realdata.audit.audit import audit_tables
from tests import seeds
from tests.realdata.audit.conftest import copy_of, serious
from tests.realdata.audit.made_tables import short


class Edited:
    """A folder of tables in which errors are planted; remembers where."""

    def __init__(self, folder):
        self.folder, self.planted = folder, []

    def read(self, name):
        return pd.read_csv(self.folder / name, dtype=str, keep_default_na=False)

    def plant(self, name, where, values, at=None):
        """Change cells of the one row that `where` describes; the finding is expected at the column `at`."""
        table = self.read(name)
        (row,) = table.index[(table[list(where)] == pd.Series(where)).all(axis=1)]
        was = {column: table.at[row, column] for column in values}
        for column, value in values.items():
            table.at[row, column] = value(was[column]) if callable(value) else value
        assert all(table.at[row, column] != was[column] for column in values)
        table.to_csv(self.folder / name, index=False)
        self.planted.append((name, int(row) + 2, at or next(iter(values))))
        return was

    def row(self, name, where):
        table = self.read(name)
        (row,) = table.index[(table[list(where)] == pd.Series(where)).all(axis=1)]
        return table.loc[row].to_dict()


def plus(points):
    return lambda text: str(round(float(text) + points, 2))


def digit(index):
    return lambda text: text[:index] + str((int(text[index]) + 4) % 10) + text[index + 1 :]


def result(table, backbone, pretrain, checkpoint=""):
    return {"table": table, "backbone": backbone, "pretrain": pretrain, "checkpoint": checkpoint}


def classwise(table, backbone, pretrain, class_id):
    return {"table": table, "backbone": backbone, "pretrain": pretrain, "class_id": class_id}


def plant_everything(edited):
    """Errors of every kind, far enough from each other that none explains another; `proposals` names some values."""
    proposals = {}

    def proposed(name, where, column, change):
        proposals[(name, column, *where.values())] = edited.plant(name, where, {column: change})[column]

    edited.plant("results.csv", result("10", "RN101", "OpenAI"), {"drop": plus(1.57)})
    edited.plant("results.csv", result("13", "RN50x64", "OpenAI"), {"common": plus(3.21)}, at="drop")
    edited.plant("results.csv", result("12", "VGG13", "ImageNet1K"), {"drop": plus(0.02)})
    edited.plant("results.csv", result("3", "ViT/L/14", "LAION400M"), {"common": plus(0.4), "drop": plus(0.4)})
    edited.plant("results.csv", result("11", "ViT/B/32", "LAION2B"), {"common": plus(-0.3), "drop": plus(-0.3)})
    # One digit of three could be wrong; the replication has measured this model.
    proposed("results.csv", result("3", "ViT/B/16", "OpenAI"), "common", digit(0))
    # Two settings, then two models.
    for source, target in (
        (result("3", "ViT/H/14", "DFN5B"), result("10", "ViT/H/14", "DFN5B")),
        (result("13", "RN50", "OpenAI"), result("13", "RN50x16", "OpenAI")),
    ):
        row = edited.row("results.csv", source)
        edited.plant("results.csv", target, {column: row[column] for column in ("common", "counter", "drop")})
    edited.plant(
        "results.csv",
        result("9", "ViT/G/14", "LAION2B", edited.row("results.csv", {"table": "9", "backbone": "ViT/G/14",
               "filtered": "0", "checkpoint": "S34B B88K"})["checkpoint"]),
        {"counter": plus(0.5), "drop": plus(-0.5)},
    )  # fmt: skip
    one = classwise("15", "ViT/B/16", "LAION400M", "4")
    proposed("classwise.csv", one, "counter", digit(0))
    proposed("classwise.csv", classwise("15", "ViT/L/14", "LAION400M", "10"), "common",
             lambda text: text[1] + text[0] + text[2:])  # fmt: skip
    edited.plant("classwise.csv", classwise("16", "ViT/B/32", "LAION2B", "21"), {"drop": plus(5.55)})
    edited.plant("classwise.csv", classwise("16", "ViT/B/32", "LAION400M", "11"), {"counter": plus(0.03)})
    proposed("classes.csv", {"class_id": "6"}, "common_photos", lambda text: text[:2])
    proposed("classes.csv", {"class_id": "14"}, "counter_photos", digit(0))
    proposed("classes.csv", {"class_id": "28"}, "common_photos", lambda text: text[0] + text[2] + text[1])
    edited.plant("totals.csv", {"group": "counter"}, {"photos": lambda text: str(int(text) + 10)})
    edited.plant("checkpoints.csv", {"backbone": "ViT/H/14"}, {"checkpoint": "S32B B78K"})
    edited.plant("colored_coco.csv", {"backbone": "RN50", "approach": "obj"}, {"drop": plus(-1.5)})
    edited.plant("colored_coco.csv", {"backbone": "ViT/B/16", "approach": "obj"}, {"in_distribution": plus(0.05)})
    mnist = {"p_inv": "0.9", "p_spu": "0.9", "method": "supervised"}
    edited.plant("multicolored_mnist.csv", mnist | {"classes": "6"}, {"rand_std": "97.00"})
    edited.plant("multicolored_mnist.csv", mnist | {"classes": "8"}, {"samples": "40107"})
    row = edited.row("multicolored_mnist.csv", mnist | {"classes": "3"})
    copied = {column: row[column] for column in row if column.endswith(("_mean", "_std"))}
    edited.plant("multicolored_mnist.csv", mnist | {"classes": "3", "p_spu": "0.75"}, copied)
    edited.planted[-1] = ("multicolored_mnist.csv", edited.planted[-1][1] + 2, "rand_mean")  # the later row is doubted
    replicated = {"setup": "1v20", "backbone": "ViT/H/14", "pretrain": "LAION2B"}
    edited.plant("replication_results.csv", replicated, {"drop": plus(2.22)})
    edited.plant(
        "replication_results.csv",
        {"setup": "1v1000", "backbone": "ViT/G/14", "pretrain": "LAION2B"},
        {"common": plus(0.07), "drop": plus(0.07)},
    )
    edited.plant(
        "replication_classwise.csv",
        {"backbone": "ViT/B/16", "pretrain": "DataComp1B", "imagenet_index": "100"},
        {"common": lambda text: f"{float(text) - 0.321:.6f}"},
    )
    edited.plant("results.csv", result("4", "VGG19", "ImageNet1K"), {"common": plus(-7), "counter": plus(-7)})
    return proposals


@pytest.mark.parametrize("source", ["clean", "real"])
def test_planted_errors_are_found_at_their_cells_and_nowhere_else(source, clean, real, tmp_path):
    edited = Edited(copy_of(clean[0] if source == "clean" else DIRECTORY, tmp_path / "edited"))
    before = set() if source == "clean" else {finding.place[:2] for finding in serious(real)}
    proposals = plant_everything(edited)
    audit = audit_tables(edited.folder)
    found = {finding.place: finding for finding in reversed(serious(audit))}  # of two on a cell, the graver
    assert not [place for place in edited.planted if place not in found]
    # Rows, since a model that disagrees with the replication may do so more in the one or the other group.
    new = {place for place in found if place[:2] not in before | {place[:2] for place in edited.planted}}
    assert not new, [found[place] for place in new]
    for (name, column, *words), value in proposals.items():
        (line,) = [line for file, line, where in edited.planted if (file, where) == (name, column)
                   and set(words) <= set(edited.read(name).loc[line - 2])]  # fmt: skip
        proposal = found[name, line, column].proposal
        assert proposal is not None and float(proposal.value) == float(value), found[name, line, column]


@pytest.mark.simulation
def test_digits_wrong_at_random_are_found_in_their_rows(clean, tmp_path):
    """One in each class: every row is found, and nearly always the cell and what it was (few k/n are a digit apart)."""
    folder = copy_of(clean[0], tmp_path / "edited")
    table = pd.read_csv(folder / "classwise.csv", dtype=str)
    rng = seeds.generator(3)
    wrong = {}
    for class_id in map(str, range(1, 46)):
        backbone = rng.choice(["ViT/B/16", "ViT/L/14"])
        group = str(rng.choice(["common", "counter"]))
        (row,) = table.index[(table["class_id"] == class_id) & (table["backbone"] == backbone)]
        was = table.at[row, group]
        possible = [each.value for each in changes(was) if float(each.value) <= 100 and each.change == "one digit"]
        if not possible:  # 100.00
            continue
        table.at[row, group] = rng.choice(possible)
        # A digit of the last decimal can be a mistake that rounding hides.
        if abs(float(table.at[row, group]) - float(was)) > 0.02:
            wrong[int(row) + 2, group] = was
    table.to_csv(folder / "classwise.csv", index=False)
    found = {(each.line, each.column): each for each in audit_tables(folder).findings if each.file == "classwise.csv"
             and each.severity == "error"}  # fmt: skip
    assert {line for line, _ in wrong} <= {line for line, _ in found}
    proposals = {place: each.proposal.value for place, each in found.items() if each.proposal}
    named = [place for place, was in wrong.items() if float(proposals.get(place, -1)) == float(was)]
    assert len(named) >= 0.9 * len(wrong) > 30


def repeat_model(folder):
    table = pd.read_csv(folder / "classwise.csv", dtype=str)
    source, copy = ((table["table"] == "15") & (table["backbone"] == name) for name in ("ViT/B/16", "ViT/L/14"))
    for column in ("common", "counter", "drop"):
        table.loc[copy, column] = table.loc[source, column].to_numpy()
    table.to_csv(folder / "classwise.csv", index=False)


def move_classes(folder):
    """In the replication 15% of each class's photos are judged otherwise by one model, up or down at random."""
    table = pd.read_csv(folder / "replication_classwise.csv", dtype=str)
    model = (table["backbone"] == "ViT/B/32") & (table["pretrain"] == "LAION2B")
    rng = np.random.default_rng(0)
    counts = {count.class_id: count.replication for count in audit_tables(folder).photos if count.group == "common"}
    ids = pd.read_csv(folder / "classes.csv", dtype=str).set_index("imagenet_index")["class_id"]
    for row in table.index[model]:
        photos = counts[ids[table.at[row, "imagenet_index"]]]
        right = round(float(table.at[row, "common"]) * photos / 100) + int(rng.choice([-1, 1]) * 0.15 * photos)
        table.at[row, "common"] = f"{100 * min(max(right, 0), photos) / photos:.6f}"
    table.to_csv(folder / "replication_classwise.csv", index=False)


def test_whole_models_and_single_classes_of_another_kind(clean, tmp_path):
    edited = Edited(copy_of(clean[0], tmp_path / "edited"))
    (edited.folder / "totals.csv").unlink()  # a folder may lack the totals
    move_classes(edited.folder)
    repeat_model(edited.folder)
    one = classwise("15", "ViT/B/16", "LAION400M", "10")
    row = edited.row("classwise.csv", one)
    right = round(float(row["common"]) * 249 / 100) - 25  # of 249 photos: a whole number, and the drop goes with it
    moved = {"common": short(100 * right / 249), "drop": short(100 * right / 249 - float(row["counter"]))}
    edited.plant("classwise.csv", one, moved)
    found = serious(audit_tables(edited.folder))
    (copied,) = [each for each in found if each.rule == "repeated model"]
    assert copied.row.endswith("ViT/L/14 LAION400M") and copied.severity == "error"
    assert "ViT/B/32 LAION2B" in {each.row for each in found if "Class by class" in each.explanation}
    assert edited.planted[0] in {each.place for each in found if each.rule == "replication: class"}
