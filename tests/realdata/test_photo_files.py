"""Which files under a folder count: every photo that Pillow reads, whatever it is called; what does not is told."""

import json
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import EpsImagePlugin, Image

from published.tables import read_published_tables
from realdata.check.program import main as check
from realdata.evaluate.program import main as evaluate
from realdata.photos.class_names import nearest_classes, read_class_names
from realdata.photos.files import is_photo
from realdata.photos.folders import differences, find_photos, find_uncurated
from realdata.photos.labelled import read_labelled
from tests.realdata.made import made_photos

LAYOUT = {"9 ostrich": ("ground", "water"), "10 brambling": ("grass", "sky")}
GROUP = "9 ostrich/common-ground"
CLASSES = read_class_names("imagenet")
# Ending to Pillow's word for what is written: some endings are wrong, and some files have none.
KINDS = {
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".mpo": "MPO",
    ".tif": "TIFF",
    ".TIFF": "TIFF",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".jfif": "JPEG",
    ".pgm": "PPM",
    ".jp2": "JPEG2000",
    ".dat": "PNG",
    "": "JPEG",
    ".jpg": "WEBP",
}


@pytest.fixture
def photos(tmp_path):
    made_photos(tmp_path / "photos", LAYOUT, 4)
    return tmp_path / "photos"


def noise(name):
    """A photo that no other has."""
    generator = np.random.default_rng(sum(map(ord, name)))
    return Image.fromarray(generator.integers(0, 256, (12, 10, 3), dtype=np.uint8))


def bomb(path):
    """A PNG whose header asks for 30,000 x 30,000 pixels: above twice Pillow's limit."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


def checked(photos, capsys):
    assert check(["--data", str(photos), "--json", "-", "--workers", "0"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_photo_that_pillow_reads_counts_and_is_decoded(photos, capsys):
    for number, (ending, kind) in enumerate(KINDS.items()):
        photo = noise(ending)
        more = {"save_all": True, "append_images": [noise("second")]} if kind == "MPO" else {}
        (photo.convert("L") if ending == ".pgm" else photo).save(photos / GROUP / f"odd{number}{ending}", kind, **more)
    content = checked(photos, capsys)
    assert content["photos"] == {"common": 8 + len(KINDS), "counter": 8} and content["unreadable"] == []
    assert sum(content["modes"].values()) == 16 + len(KINDS)
    assert not any("left out" in warning for warning in content["warnings"])


def test_counts_are_compared_with_the_published_ones_whatever_the_format(photos):
    """Ostriches as many as are published, half of them WebP: nothing is said of them."""
    row = read_published_tables().classes.set_index("imagenet_index").loc[9]
    for number in range(4, int(row.common_photos)):
        (photos / GROUP / f"{number}.{'webp' if number % 2 else 'bin'}").write_bytes(b"RIFF\0\0\0\0WEBPVP8 ")
    found = find_photos(photos, CLASSES).photos
    # Files called .bin whose header alone is a WebP's are no photos; so every second one is missing.
    assert sum(photo.class_index == 9 and photo.group == "common" for photo in found) == 4 + len(range(5, 206, 2))
    for number in range(4, int(row.common_photos), 2):
        noise("any").save(photos / GROUP / f"{number}.bin", "WEBP")
    found = find_photos(photos, CLASSES).photos
    said = differences(found, read_published_tables().classes)
    assert not any("'ostrich'" in line and "common photos" in line for line in said)
    assert any("'ostrich' (9) has 4 counter photos" in line for line in said)


def test_what_is_no_photo_is_told_by_ending(photos, capsys):
    for name in ("a.txt", "b.txt", "c.json", "d", "e.eps", "f.svg"):
        (photos / GROUP / name).write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    noise("raw").save(photos / GROUP / "g.nef", "TIFF")  # a camera's file: its first image is a thumbnail
    (photos / GROUP / "h.heic").write_bytes(b"\0\0\0\x18ftypheic")
    content = checked(photos, capsys)
    assert content["photos"]["common"] == 8
    (told,) = (warning for warning in content["warnings"] if "left out" in warning)
    assert "2 .txt, 1 .json, 1 without ending, 1 .eps, 1 .svg, 1 .nef, 1 .heic" in told
    assert told.endswith(f"the first: {GROUP}/a.txt")


def test_a_photo_named_as_one_that_holds_a_program_is_not_run(photos, capsys, monkeypatch):
    """Pillow hands EPS to Ghostscript, whatever the file is called; here no format does that."""
    # As if Ghostscript were installed: without it nothing would be run in any case.
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *arguments: Image.new("L", (9, 9)).im)
    (photos / GROUP / "evil.png").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    )
    with Image.open(photos / GROUP / "evil.png") as image:
        image.load()
        assert image.format == "EPS"  # by Pillow itself
    assert [each["path"] for each in checked(photos, capsys)["unreadable"]] == [f"{GROUP}/evil.png"]


def test_photos_in_the_wrong_place_are_told(photos, capsys):
    for place in (".", "9 ostrich", f"{GROUP}/more", f"{GROUP}/more/deep"):
        (photos / place).mkdir(exist_ok=True)
        noise(place).save(photos / place / "lost.webp")
    (photos / GROUP / "more" / "back").symlink_to(photos, target_is_directory=True)
    content = checked(photos, capsys)
    assert content["photos"]["common"] == 8
    (told,) = (warning for warning in content["warnings"] if "left out" in warning)
    assert "4 photos" in told and told.endswith("the first: lost.webp")
    assert find_uncurated(photos, CLASSES).notes == [told]


@pytest.mark.parametrize("ending", [".png", ".dat"])
def test_a_decompression_bomb_is_refused_and_told(photos, capsys, ending):
    bomb(photos / GROUP / f"bomb{ending}")
    content = checked(photos, capsys)
    (told,) = content["unreadable"]
    assert told["path"] == f"{GROUP}/bomb{ending}"
    assert "900000000 pixels" in told["reason"] and "decompression bomb" in told["reason"]


LEFT = (
    *("__MACOSX/9 ostrich/common-ground/._0.png", ".ipynb_checkpoints/a", "@eaDir/b", "lost+found/c", "Thumbs.db"),
    *("9 ostrich/@eaDir/0.png", "9 ostrich/.ipynb_checkpoints/d", "9 ostrich/desktop.ini"),
    *(f"{GROUP}/._0.png", f"{GROUP}/.DS_Store", f"{GROUP}/Thumbs.db", f"{GROUP}/@eaDir/1.png"),
)


def test_what_systems_leave_behind_is_ignored_in_one_note(photos, capsys, monkeypatch, tmp_path):
    clean = checked(photos, capsys)
    for name in LEFT:
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        noise("thumbnail").save(photos / name, "PNG")
    content = checked(photos, capsys)
    (told,) = set(content["warnings"]) - set(clean["warnings"])
    # Of a folder that is left behind nothing is looked at; it counts once.
    assert f": {len(LEFT)}; the first: .ipynb_checkpoints" in told and "left behind" in told
    assert content | {"warnings": []} == clean | {"warnings": []}
    # A folder around the class folders is found beside them too, as in an archive made on a Mac.
    (tmp_path / "around").mkdir()
    photos.rename(tmp_path / "around" / "LAION-final")
    (tmp_path / "around" / "__MACOSX").mkdir()
    around = checked(tmp_path / "around", capsys)
    assert around["photos"] == clean["photos"] and any(f": {len(LEFT) + 1};" in each for each in around["warnings"])


def test_the_evaluator_and_the_curation_tell_it_too(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (photos / GROUP / "a.txt").touch()
    (photos / GROUP / "Thumbs.db").touch()
    paths = [photo.path for photo in find_photos(photos, CLASSES).photos]
    scores = np.random.default_rng(0).normal(size=(len(paths), 20))
    np.savez("scores.npz", paths=np.array(paths), scores=scores, candidates=np.arange(20))
    assert evaluate(["--data", "photos", "--scores", "scores.npz", "--out", "out", "--json", "-"]) == 0
    notes = find_photos(photos, CLASSES).notes
    assert len(notes) == 2 and set(notes) < set(json.loads(capsys.readouterr().out)["warnings"])
    labelled = read_labelled(tmp_path / "out" / "predictions.csv", photos, CLASSES)
    assert labelled.notes == notes and len(labelled.photos) == len(paths)
    assert len(pd.read_csv("out/predictions.csv")) == len(paths)


def test_an_unknown_class_is_told_with_the_nearest_three(photos, refuses):
    (photos / "ostrish").mkdir()
    refuses(check, "--data", photos, words=["'ostrish'", "nearest", "'ostrich' (9)", "--classes"])
    assert nearest_classes("Black-Swann", CLASSES)[0] == "'black swan' (100)"
    found = nearest_classes("crane", CLASSES)
    assert len(set(found)) == 3 and found[0].startswith("'crane'")


def test_a_folder_of_other_files_alone_says_what_they_are(photos, refuses):
    for path in photos.rglob("*.png"):
        path.with_suffix(".heic").write_bytes(b"")
        path.unlink()
    refuses(check, "--data", photos, words=["holds no photo", "16 .heic"])


def test_a_damaged_photo_is_one_by_its_name(tmp_path):
    for name, photo in {
        "a.webp": True,
        "a.JPG": True,
        "a.tif": True,
        "a.dat": False,
        "a": False,
        "a.cr2": False,
    }.items():
        (tmp_path / name).write_bytes(b"no photo")
        assert is_photo(tmp_path / name) is photo, name
