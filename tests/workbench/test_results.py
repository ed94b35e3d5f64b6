"""Result files appear whole or not at all."""

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.results import check_writable, emit_json, path_inside, to_json, to_npz, versions, write_files


def test_files_are_replaced_whole_and_nothing_is_left_beside(tmp_path):
    out = tmp_path / "a" / "b"
    write_files(out, {"one.json": "1", "two.npz": b"2"})
    write_files(out, {"one.json": "3"})
    assert {path.name: path.read_text() for path in out.iterdir()} == {"one.json": "3", "two.npz": "2"}


def test_a_write_that_fails_half_way_leaves_what_was_there(tmp_path):
    (tmp_path / "one.json").write_text("earlier")
    with pytest.raises(InputError, match="cannot be written"):
        write_files(tmp_path, {"one.json": "new", "no-such-folder/two": "new"})
    (tmp_path / "two.png").mkdir()
    with pytest.raises(InputError, match=r"`out`: .*two\.png cannot be written: it is a directory"):
        write_files(tmp_path, {"one.json": "new", "two.png": b"new"})
    (tmp_path / "two.png").rmdir()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("one.json", "earlier")]


def test_checking_makes_nothing(tmp_path):
    check_writable(tmp_path / "new" / "below")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"`out`: .*below cannot be written, since .*file is not a directory"):
        check_writable(tmp_path / "file" / "below")


def test_json_has_no_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"value": float("nan")})


def test_json_goes_where_it_is_asked_for(tmp_path, capsys):
    from pathlib import Path

    assert emit_json({"a": 1}, None) is False and capsys.readouterr().out == ""
    assert emit_json({"a": 1}, Path("-")) is True and capsys.readouterr().out == '{\n  "a": 1\n}\n'
    assert emit_json({"a": 1}, tmp_path / "a.json") is False
    assert (tmp_path / "a.json").read_text() == '{\n  "a": 1\n}\n'


def test_archives_hold_no_pickles(tmp_path):
    (tmp_path / "a.npz").write_bytes(to_npz({"learner.accuracies": np.eye(2)}))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["learner.accuracies"], np.eye(2))
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        to_npz({"a": np.array([object()])})


def test_versions_name_python_and_packages():
    assert set(versions("jax", "numpy")) == {"python", "jax", "numpy"}


def test_what_is_no_file_of_its_own_is_written_to_and_not_replaced(tmp_path):
    """A link keeps leading to its file, and a device stays one: as root, a rename would put a file in its place."""
    there, link = tmp_path / "there.json", tmp_path / "link.json"
    there.write_text("earlier")
    link.symlink_to(there)
    assert not emit_json({"a": 1}, link)
    assert link.is_symlink() and there.read_text() == to_json({"a": 1})
    device = tmp_path / "null"
    device.symlink_to("/dev/null")
    assert not emit_json({"a": 1}, device)
    assert device.is_symlink() and not device.resolve().is_file()


def test_no_place_in_the_results_leads_out_of_them(tmp_path):
    """Neither a link nor one further up; the folder itself may be a link."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (out / "kept").mkdir(parents=True)
    (elsewhere / "deep").mkdir(parents=True)
    (out / "link").symlink_to(elsewhere)
    (out / "dangling").symlink_to(tmp_path / "not-there")
    (out / "within").symlink_to(out / "kept")
    (tmp_path / "results").symlink_to(out)
    for name in ("kept", "new", "within", "."):
        assert path_inside(out, name) == out / name
        assert path_inside(tmp_path / "results", name) == tmp_path / "results" / name
    for name in ("link", "link/deep", "dangling", ".."):
        with pytest.raises(InputError, match=r"^`out`: .* is a link that leads out of .*; remove it$"):
            path_inside(out, name)


def test_a_file_that_is_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one.json").symlink_to(tmp_path / "precious")
    write_files(tmp_path / "out", {"one.json": "new"})
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "out" / "one.json").read_text() == "new" and not (tmp_path / "out" / "one.json").is_symlink()
