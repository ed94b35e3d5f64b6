"""Clean tables: photos judged at random, then counted, averaged, rounded and written as the published files are."""

import shutil

import numpy as np
import pandas as pd

from published.directory import DIRECTORY

GROUPS = ("common", "counter")
PHOTOS = {("23", "common"): 259}  # instead of the 25 that is printed
TAGS = {"XL S32B B82K": "XL S13B B90K", "S34B B160K": "S39B B160K"}  # Table 6 and the public names


def make_tables(folder, seed):
    """Write all files to a folder: nothing in them is wrong, and the replication has a few photos less."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    read = {path.name: pd.read_csv(path, dtype=str, keep_default_na=False) for path in DIRECTORY.glob("*.csv")}
    for path in DIRECTORY.glob("*.csv"):
        shutil.copy(path, folder / path.name)
    classes = read["classes.csv"]
    photos = {
        (row["class_id"], group): PHOTOS.get((row["class_id"], group), int(row[f"{group}_photos"]))
        for _, row in classes.iterrows()
        for group in GROUPS
    }
    for group in GROUPS:
        classes[f"{group}_photos"] = [photos[each, group] for each in classes["class_id"]]
    kept = {key: rng.random(count) > rng.uniform(0, 0.08) for key, count in photos.items()}
    made = Models(rng, photos, kept)
    save(folder, "classes.csv", classes)
    totals = {group: sum(count for (_, each), count in photos.items() if each == group) for group in GROUPS}
    save(folder, "totals.csv", pd.DataFrame({"group": GROUPS, "photos": list(totals.values())}))
    for name in ("checkpoints.csv", "hub_ids.csv"):
        save(folder, name, read[name].assign(checkpoint=read[name]["checkpoint"].replace(TAGS)))
    usual = {(row["backbone"], row["pretrain"]): row["checkpoint"] for _, row in read["checkpoints.csv"].iterrows()}

    def model(row):
        checkpoint = row["checkpoint"] or usual.get((row["backbone"], row["pretrain"]), "")
        return row["family"], row["backbone"], row["pretrain"], TAGS.get(checkpoint, checkpoint)

    def fill(table, accuracies, write):
        pairs = [accuracies(row) for _, row in table.iterrows()]
        for column, value in zip((*GROUPS, "drop"), zip(*((a, b, a - b) for a, b in pairs), strict=True), strict=True):
            table[column] = [write(each) for each in value]
        return table

    results = read["results.csv"]
    results["checkpoint"] = results["checkpoint"].replace(TAGS)
    fill(results, lambda row: made.average(model(row), row["setup"], row["prompt"], row["averaging"], False), short)
    save(folder, "results.csv", results)

    def of_replication(row):
        return row.get("family", "clip"), row["backbone"], row["pretrain"], usual_of(row)

    def usual_of(row):
        checkpoint = usual.get((row["backbone"], row["pretrain"]), "")
        return TAGS.get(checkpoint, checkpoint)

    replication = read["replication_results.csv"]
    prompts = {"clip": "simple", "imagenet": "none"}
    fill(
        replication,
        lambda row: made.average(of_replication(row), row["setup"], prompts[row["family"]], "balanced", True),
        "{:.2f}".format,
    )
    save(folder, "replication_results.csv", replication)
    fill(
        read["classwise.csv"],
        lambda row: made.classwise(of_replication(row), "1v1000", "simple", row["class_id"], False),
        short,
    )
    save(folder, "classwise.csv", read["classwise.csv"])
    ids = dict(zip(classes["imagenet_index"], classes["class_id"], strict=True))
    exact = read["replication_classwise.csv"][["backbone", "pretrain"]].drop_duplicates().merge(
        classes[["imagenet_index"]], how="cross"
    )  # fmt: skip
    exact.insert(0, "setup", "1v1000")
    fill(
        exact,
        lambda row: made.classwise(of_replication(row), "1v1000", "simple", ids[row["imagenet_index"]], True),
        "{:.6f}".format,
    )
    save(folder, "replication_classwise.csv", exact.drop(columns="drop"))
    coco = read["colored_coco.csv"]
    pictures = rng.integers(1, 900, size=(len(coco), 2)) / 9
    for column, values in zip(coco.columns[-3:], (*pictures.T, pictures[:, 0] - pictures[:, 1]), strict=True):
        coco[column] = [short(value) for value in values]
    save(folder, "colored_coco.csv", coco)
    return folder


class Models:
    """Which photos each model gets right, made when it is first asked for."""

    def __init__(self, rng, photos, kept):
        self.rng, self.photos, self.kept, self.right = rng, photos, kept, {}
        self.easy = {key: rng.normal(0, 1.2) for key in photos}

    def judged(self, model, setup, prompt):
        key = (model, setup, prompt)
        if key not in self.right:
            skill = {"common": self.rng.normal(1.2, 0.6)}
            skill["counter"] = skill["common"] - self.rng.uniform(0.5, 1.5)
            bonus = 0.2 * (setup == "1v20")
            self.right[key] = {
                each: self.rng.random(count)
                < 1 / (1 + np.exp(-skill[each[1]] - bonus - self.easy[each] - self.rng.normal(0, 0.5)))
                for each, count in self.photos.items()
            }
        return self.right[key]

    def classwise(self, model, setup, prompt, class_id, fewer):
        right = self.judged(model, setup, prompt)
        seen = (right[class_id, group][self.kept[class_id, group] if fewer else slice(None)] for group in GROUPS)
        return tuple(100 * (np.count_nonzero(each) / len(each)) for each in seen)

    def average(self, model, setup, prompt, averaging, fewer):
        classes = list(dict.fromkeys(each for each, _ in self.photos))
        each = np.array([self.classwise(model, setup, prompt, one, fewer) for one in classes])
        weights = np.array([[self.photos[one, group] for group in GROUPS] for one in classes])
        return tuple(np.average(each, axis=0, weights=weights if averaging == "unbalanced" else None))


def short(value):
    """As the files have it: two decimals, trailing zeros lost."""
    return str(round(float(value), 2))


def save(folder, name, table):
    table.to_csv(folder / name, index=False)
