"""The shell around programs: an interruption is told in a line, whenever it comes."""

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
