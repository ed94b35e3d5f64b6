"""`python -m realdata.check`: what is wrong with a folder of photos is found, and what is not is not."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from realdata.check.program import main
from tests.realdata.made import made_photos

LAYOUT = {"9 ostrich": ("ground", "water"), "10 brambling": ("grass", "sky")}


@pytest.fixture
def photos(tmp_path):
    made_photos(tmp_path / "photos", LAYOUT, 4)
    return tmp_path / "photos"


def checked(photos, capsys):
    assert main(["--data", str(photos), "--json", "-", "--workers", "0"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_clean_folder_is_clean(run_program, call_program, photos):
    done = run_program("realdata.check", "--data", photos, "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["photos"] == {"common": 8, "counter": 8} and content["modes"] == {"RGB": 16}
    assert content["duplicates"] == content["unreadable"] == content["turned_by_exif"] == []
    assert "'ostrich' (9) has 4 common photos, where 206 are published" in content["warnings"]
    shown = call_program("realdata.check", "--data", photos).stdout
    assert re.search(r"\b9 +ostrich +4 +4\b", shown) and "Notes (" in shown and "--json has all" in shown


def test_duplicates_are_found_where_they_are(photos, capsys):
    first = photos / "9 ostrich" / "common-ground" / "0.png"
    shutil.copy(first, first.with_name("copy.png"))
    shutil.copy(photos / "9 ostrich/common-ground/1.png", photos / "9 ostrich/counter-water/copy.png")
    # The same pixels in another file.
    Image.open(photos / "9 ostrich/common-ground/2.png").save(
        photos / "10 brambling/counter-sky/other.png", optimize=True
    )
    found = {tuple(each["paths"]): (each["where"], each["same_file"]) for each in checked(photos, capsys)["duplicates"]}
    assert found == {
        ("9 ostrich/common-ground/0.png", "9 ostrich/common-ground/copy.png"): ("within a group", True),
        ("9 ostrich/common-ground/1.png", "9 ostrich/counter-water/copy.png"): ("between groups of a class", True),
        ("10 brambling/counter-sky/other.png", "9 ostrich/common-ground/2.png"): ("between classes", False),
    }


def test_odd_and_broken_pictures_are_named(photos, capsys):
    folder = photos / "9 ostrich" / "common-ground"
    noise = np.random.default_rng(0).integers(0, 256, (12, 10, 4), dtype=np.uint8)
    Image.fromarray(noise[..., 0]).save(folder / "grey.png")
    Image.fromarray(noise[..., :3]).convert("CMYK").save(folder / "cmyk.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise[..., :3]).save(folder / "turned.jpg", exif=exif)
    (folder / "3.png").write_bytes((folder / "3.png").read_bytes()[:100])
    (folder / "empty.png").touch()
    content = checked(photos, capsys)
    assert content["modes"] == {"RGB": 16, "L": 1, "CMYK": 1}
    assert content["turned_by_exif"] == ["9 ostrich/common-ground/turned.jpg"]
    assert [each["path"].rpartition("/")[2] for each in content["unreadable"]] == ["3.png", "empty.png"]
    assert str(folder) not in json.dumps(content["unreadable"])


def test_photos_from_a_table_are_counted_by_group(photos, tmp_path, capsys, refuses):
    shutil.copy(photos / "9 ostrich/common-ground/0.png", photos / "9 ostrich/common-ground/again.png")
    rows = [
        f"9 ostrich/{folder}/{name}.png,{label},{place},test"
        for folder, place, names in (("common-ground", 0, ("0", "1", "again")), ("counter-water", 1, ("0", "1")))
        for name, label in zip(names, (0, 1, 1), strict=False)
    ]
    rows += [f"10 brambling/common-grass/{name}.png,{name % 2},{name // 2},test" for name in range(4)]
    table = tmp_path / "metadata.csv"
    table.write_text("\n".join(["img_filename,y,place,split", *rows, ""]))
    words = ["--data", str(photos), "--metadata", str(table), "--names", "land,sea", "--workers", "0"]
    assert main([*words, "--json", "-"]) == 0
    content = json.loads(capsys.readouterr().out)
    # Of each class two places: rows of the first folder, of the second, and of the third.
    counts = {"land, place 0": 2, "land, place 1": 2, "sea, place 0": 3, "sea, place 1": 2}
    assert content["photos"] == counts and sum(content["modes"].values()) == 9
    assert [each["where"] for each in content["duplicates"]] == ["between classes"]
    assert content["warnings"] == []  # nothing of CounterAnimal
    assert main(words) == 0
    assert "sea, place 0" in capsys.readouterr().out
    refuses(main, "--data", photos, "--split", "val", words=["--split: says how --metadata is read"])
    table.write_text("img_filename,y,place,split\nnone.png,0,0,test\n")
    refuses(main, *words, words=["line 2", "no file 'none.png'"])


def test_wrong_folders_are_told(photos, tmp_path, refuses):
    refuses(main, "--data", "nowhere", words=["--data", "nowhere is no directory"])
    (photos / "unicorn").mkdir()
    refuses(main, "--data", photos, words=["'unicorn'", "--classes"])
    (tmp_path / "classes.csv").write_text("folder,class_index\nunicorn,1004\n")
    mapped = ["--data", photos, "--classes", tmp_path / "classes.csv"]
    refuses(main, *mapped, words=["--classes: 'unicorn' is mapped to class 1004", "no name in --names"])
    refuses(main, "--data", photos, "--workers", "-1", words=["--workers", "-1"])
    refuses(main, "--data", photos, "--json", tmp_path, words=["--json", "directory"])
