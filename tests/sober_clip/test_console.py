"""`sober-clip`: it lists every program, starts each as `python -m` does, and loads none before."""

import re
import subprocess
import sys

import pytest

from sober_clip.console import PROGRAMS
from tests.conftest import ROOT, assert_refused
from tests.documentation import README


def test_help_lists_every_program_with_what_the_readme_says(call_program):
    done = call_program("sober_clip", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = re.findall(r"^  (\S+) +(.*)$", done.stdout, re.M)
    assert [name for name, _ in listed] == list(PROGRAMS)
    table = re.findall(r"^\| `((?:\w+\.)?\w+)` \| ([^|]*) \|$", README, re.M)
    assert [(PROGRAMS[name].name, does) for name, does in listed] == table


def test_help_and_a_wrong_name_load_no_program():
    """So they answer at once: JAX alone takes a second."""
    program = (
        "import sys; from sober_clip.console import main; main(['--help']); main(['x']); main([])\n"
        "assert not {'jax', 'numpy', 'rich'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["contrastve"], ["contrastve", "contrastive", "--help"]),
        (["claim"], ["claim", "claims"]),
        (["realdata.contrastive"], ["no program realdata.contrastive"]),  # it is sims.contrastive
        (["--nope"], ["--nope"]),
        ([], ["must be followed by"]),
    ],
)
def test_a_wrong_name_is_refused_with_those_nearest_to_it(call_program, words, said):
    assert_refused(call_program("sober_clip", *words), said)


def test_every_program_is_the_one_that_python_starts():
    """Read, not imported, which would take a minute."""
    for name, program in PROGRAMS.items():
        assert name == program.name.rpartition(".")[2].replace("_", "-")
        module, entry = (ROOT / each.replace(".", "/") for each in (program.name, program.entry))
        started = module / "__main__.py" if module.is_dir() else module.with_suffix(".py")
        assert started == entry.with_suffix(
            ".py"
        ) or f'"{program.name}", "{program.entry}"' in started.read_text().replace(
            f'"python -m {program.name}"', f'"{program.name}"'
        )
        assert "\ndef main(" in entry.with_suffix(".py").read_text()


@pytest.mark.parametrize("name", ["models", "realdata.models"])
def test_words_after_the_name_go_to_the_program(call_program, name):
    done = call_program("sober_clip", name, "--json", "-")
    assert done.returncode == 0 and done.stdout == call_program("realdata.models", "--json", "-").stdout


def test_messages_call_a_program_as_its_user_did(call_program):
    refused = call_program("sober_clip", "colored-digits", "table", "--nope")
    assert_refused(refused, ["sober-clip colored-digits table: --nope"])
    assert_refused(call_program("sober_clip", "colored_coco", "mak"), ["sober-clip colored-coco: must be followed by"])
    assert_refused(
        call_program("sims.colored_digits", "table", "--nope"), ["python -m sims.colored_digits table: --nope"]
    )
