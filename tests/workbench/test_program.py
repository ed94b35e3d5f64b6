"""The shell around programs: an interruption is told in a line, whenever it comes."""

import argparse

import pytest

from workbench import program


@pytest.mark.parametrize("how", ["start", "choose"])
def test_ctrl_c_during_the_imports_is_told(tmp_path, monkeypatch, capsys, how):
    (tmp_path / "slow_to_import.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(tmp_path)
    if how == "start":
        code = program.start("python -m x", "slow_to_import")
    else:
        code = program.choose("python -m x", {"do": "slow_to_import"}, ["do"])
    assert code == 130
    assert capsys.readouterr().err == "python -m x: interrupted\n"


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (program.seed, str(2**32 - 1), str(2**32)),  # JAX's seeds have 32 bits
        (program.number, "-1e308", "nan"),
        (program.number, "0", "inf"),
        (program.share, "1", "1.0000001"),
        (program.share, "0", "-1e-9"),
        (program.whole_number(2), "2", "1"),
    ],
)
def test_values_of_options_end_where_they_should(kind, right, wrong):
    assert kind(right) == float(right)
    with pytest.raises(argparse.ArgumentTypeError, match=wrong):
        kind(wrong)
