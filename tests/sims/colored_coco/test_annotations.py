"""Real annotation files: odd polygons, run lengths both ways, missing keys, few objects; the right mask or one line."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pycocotools import mask as masks

from sims.colored_coco.__main__ import main
from sims.colored_coco.annotations import encloses, to_mask
from sims.colored_coco.design import OTHERS, OWN, UNSEEN
from sims.colored_coco.objects import CROWD, NOTHING_SHOWN, Objects
from tests.sims.colored_coco.made_coco import SIDE, make
from workbench.errors import InputError

HEIGHT, WIDTH = 30, 40
BLOCK = np.zeros((HEIGHT, WIDTH), bool)
BLOCK[5:15, 10:30] = True
POLYGON = [10, 5, 30, 5, 30, 15, 10, 15]
THIN = [1, 1, 5, 5]  # two corners
LENGTHS = [10 * HEIGHT + 5, *[10, 20] * 19, 10, 10 * HEIGHT + 15]
PACKED = masks.encode(np.asfortranarray(BLOCK.astype(np.uint8)))["counts"].decode()
SIZE = [HEIGHT, WIDTH]


@pytest.mark.parametrize(
    "segmentation",
    [
        [POLYGON],
        [THIN, POLYGON],  # pycocotools takes all parts for boxes by the first
        [POLYGON, THIN],
        [[], POLYGON, [3, 3]],
        {"size": SIZE, "counts": LENGTHS},
        {"size": SIZE, "counts": PACKED},
    ],
)
def test_every_way_to_write_it_gives_the_same_mask(segmentation):
    assert encloses(segmentation)
    np.testing.assert_array_equal(to_mask(segmentation, HEIGHT, WIDTH), BLOCK)


def test_a_triangle_is_half_of_its_block():
    triangle = [[10, 5, 30, 5, 10, 15]]
    assert encloses(triangle)
    covered = to_mask(triangle, HEIGHT, WIDTH)
    assert not np.any(covered & ~BLOCK) and covered[6, 11] and not covered[13, 28]
    assert abs(covered.sum() - BLOCK.sum() / 2) <= 20  # of the pixels that the longest side goes through


def test_packed_lengths_are_those_of_pycocotools():
    """Random masks, of many short runs, of few long ones, empty and full; in both forms."""
    generator = np.random.default_rng(0)
    for share in (0.0, 0.001, 0.02, 0.5, 0.98, 1.0):
        for height, width in ((1, 1), (1, 70), (70, 1), (300, 211)):
            mask = generator.random((height, width)) < share
            packed = masks.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
            flat = mask.T.ravel()
            ends = np.flatnonzero(np.diff(np.concatenate([[False], flat])).astype(bool))
            lengths = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
            for counts in (packed, lengths):
                found = to_mask({"size": [height, width], "counts": counts}, height, width)
                np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        ({"size": SIZE, "counts": [5]}, "cover 5 pixels, its image has 1200"),  # pycocotools: unwritten memory
        ({"size": SIZE, "counts": [5, 1200]}, "cover 1205"),
        ({"size": SIZE, "counts": [1300, -100]}, "lengths of runs"),
        ({"size": SIZE, "counts": [1200.0]}, "lengths of runs"),
        ({"size": SIZE, "counts": PACKED[:-1]}, "cover|end within"),
        ({"size": SIZE, "counts": "abc é"}, "COCO's text cannot"),
        ({"size": SIZE, "counts": "o" * 99}, "COCO's text cannot"),
        ({"size": [WIDTH, HEIGHT], "counts": LENGTHS}, r"is of \[40, 30\], its image of \[30, 40\]"),
        ({"counts": LENGTHS}, "is of None"),
        ([POLYGON[:-1]], "an x for each y, has 7"),
        (POLYGON, "a list of numbers"),
        ([["1"] * 6], "a list of numbers"),
        ([[1, 1, 5, float("nan"), 9, 9]], "a list of numbers"),
        ([[1, 1, 5, 1e9, 9, 9]], "far outside"),  # its outline alone would fill the memory
        ("polygon", "polygons or run lengths, is str"),
    ],
)
def test_what_is_no_mask_is_told(segmentation, words):
    assert encloses(segmentation)
    with pytest.raises(ValueError, match=words):
        to_mask(segmentation, HEIGHT, WIDTH)


@pytest.mark.parametrize("segmentation", [None, [], [[]], [THIN], {"size": SIZE, "counts": []}, {"counts": ""}])
def test_what_encloses_nothing_is_known(segmentation):
    assert not encloses(segmentation)


@pytest.fixture
def coco(tmp_path):
    """The made set and its content; `instances.json` is written anew by `objects`."""
    return tmp_path, make(tmp_path)


def objects(coco, min_area=50.0, **more):
    folder, content = coco
    (folder / "instances.json").write_text(json.dumps(content))
    return Objects(folder / "instances.json", folder / "pictures", min_area, **more)


def test_missing_keys_have_their_meaning(coco):
    """Neither areas nor sizes of images nor iscrowd: the same objects with the same masks."""
    whole = objects(coco)
    for annotation in coco[1]["annotations"]:
        del annotation["area"], annotation["iscrowd"]
    for image in coco[1]["images"]:
        del image["height"], image["width"]
    bare = objects(coco)
    assert bare.found == whole.found
    for found in whole.found[::10]:
        np.testing.assert_array_equal(bare.cut_out(found)[1], whole.cut_out(found)[1])
    for annotation in coco[1]["annotations"]:
        annotation["area"] = 50
    assert len(objects(coco, 50.0).found) == 9 * 12  # of just as many pixels, which are not fewer
    with pytest.raises(InputError, match="has no object of the class 'boat' with at least 51 pixels"):
        objects(coco, 51.0)


def test_crowds_and_what_shows_nothing_are_left_out_and_counted(coco):
    size = [SIDE, SIDE]
    for number, (crowd, segmentation) in enumerate(
        [(1, {"size": size, "counts": [0, SIDE * SIDE]}), (1, {"size": size, "counts": PACKED}), (0, []), (0, [THIN])]
    ):
        coco[1]["annotations"][number] |= {"iscrowd": crowd, "segmentation": segmentation}
    del coco[1]["annotations"][4]["segmentation"]
    found = objects(coco)
    assert found.left_out == {CROWD: 2, NOTHING_SHOWN: 3}
    assert [each.annotation for each in found.found][:1] == [106] and len(found.found) == 9 * 12 - 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content["annotations"][2].pop("id"), ["annotations, entry 3", "'id'"]),
        (lambda content: content["annotations"][2].pop("category_id"), ["annotations, entry 3", "'category_id'"]),
        (lambda content: content["annotations"][2].update(id=101), ["annotations, entry 3", "101"]),
        (lambda content: content["annotations"][2].update(area="big"), ["annotations, entry 3", "area"]),
        (lambda content: content["images"][4].pop("file_name"), ["images, entry 5", "'file_name'"]),
        (lambda content: content["images"].append(7), ["images, entry 109", "int"]),
        (lambda content: content["categories"][1].update(name=None), ["categories, entry 2", "name"]),
    ],
)
def test_an_entry_that_lacks_what_it_needs_is_told_by_its_place(refuses, coco, change, words):
    folder, content = coco
    change(content)
    (folder / "instances.json").write_text(json.dumps(content))
    refuses(main, *COMMAND, "--out", "made", words=["--annotations", *words])


COMMAND = ("make", "--annotations", "instances.json", "--images", "pictures", "--min-area", "50", "--size", "16")


def test_few_objects_are_offered_by_class_and_area(refuses, coco):
    folder, content = coco
    for annotation in content["annotations"]:
        label, place = annotation["category_id"] - 2, annotation["id"] % 12
        annotation["area"] = 20_000.0 if label < 2 else 3_000.0 if place < label else 100.0
    (folder / "instances.json").write_text(json.dumps(content))
    words = ["no object of the class 'truck'", "--min-area 10000/2500/500/0: boat 12/12/12/12, airplane 12/12/12/12"]
    words += ["truck 0/2/2/12", "bus 0/8/8/12", "--classes boat,airplane can be made"]
    refuses(main, *COMMAND, "--min-area", "10000", "--out", "made", words=words)
    content["annotations"] = [each for each in content["annotations"] if each["category_id"] > 2 or each["id"] == 101]
    (folder / "instances.json").write_text(json.dumps(content))
    words = ["'boat' has 1 objects in too few images", "--min-area 50/0: boat 1/1, airplane 12/12"]
    refuses(main, *COMMAND, "--out", "made", words=[*words, "--classes airplane,truck,dog,"])
    content["categories"] = content["categories"][:4]
    (folder / "instances.json").write_text(json.dumps(content))
    refuses(main, *COMMAND, "--out", "made", words=["no category 'dog'", "--classes boat,airplane,truck are there"])
    refuses(main, *COMMAND, "--classes", "dog", "--out", "made", words=["--classes", "two classes or more"])
    refuses(main, *COMMAND, "--classes", "dog,cow", "--out", "made", words=["--classes", "cow"])


def test_chosen_classes_are_made_with_each_other_s_colours(call_program, coco):
    """Colours are swapped among them alone: those of the other six are in no training image."""
    folder, content = coco
    content["categories"] = [each for each in content["categories"] if each["name"] not in ("truck", "bus")]
    (folder / "instances.json").write_text(json.dumps(content))
    done = call_program("sims.colored_coco", *COMMAND, "--classes", "horse,boat,dog", "--out", "made", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["classes"] == ["boat", "dog", "horse"]
    table = pd.read_csv(folder / "made" / "pictures.csv")
    assert set(table.object) == {"boat", "dog", "horse"}
    own = {"boat": OWN[0].name, "dog": OWN[3].name, "horse": OWN[5].name}
    swapped = table[table.split == "swapped"]
    assert all(row.background in set(own.values()) - {own[row.object]} for row in swapped.itertuples())
    trained = table[table.split == "train"]
    assert set(trained.background) <= set(own.values()) | {colour.name for colour in OTHERS}
    assert set(table[table.split == "unseen"].background) <= {colour.name for colour in UNSEEN}


@pytest.mark.slow
def test_chosen_classes_alone_are_trained_on_and_guessed_among(call_program, coco):
    folder = coco[0]
    assert call_program("sims.colored_coco", *COMMAND, "--classes", "horse,boat,dog", "--out", "made").returncode == 0
    table = pd.read_csv(folder / "made" / "pictures.csv")
    options = ("--epochs", "1", "--batch-size", "8", "--objective", "supervised", "--out", "trained")
    done = call_program("sims.colored_coco", "train", "--data", "made", *options)
    assert done.returncode == 0, done.stderr
    assert "images of 3 classes; guessing: 33.3" in done.stdout
    with np.load(folder / "trained" / "answers.npz") as answers:
        assert answers["head.bias"].shape == (3,) and set(answers["labels.unseen"]) == {0, 1, 2}
        names = table[table.split == "unseen"].object.tolist()
        assert [["boat", "dog", "horse"][label] for label in answers["labels.unseen"]] == names


def test_grey_and_cmyk_photos_are_cut_out_in_colour(coco):
    folder, content = coco
    for number, mode in ((1, "L"), (2, "CMYK")):
        with Image.open(folder / "pictures" / f"{number:012d}.png") as photo:
            photo.convert(mode).save(folder / "pictures" / f"{number}.jpg")
        content["images"][number - 1]["file_name"] = f"{number}.jpg"
    found = objects(coco)
    for each in found.found[:2]:
        cut, mask = found.cut_out(each)
        assert cut.shape == (*mask.shape, 3) and cut[mask].std() < cut[~mask].std()
