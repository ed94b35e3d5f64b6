"""The pages that tests read for commands, numbers and words, each as its text stands; and how a command is run."""

import re
import shlex

from tests.conftest import ROOT, run_process

README, FINDINGS, USE, EVALUATE, REPAIRS, THEORY = (
    (ROOT / name).read_text()
    for name in (
        "README.md",
        "docs/findings.md",
        "docs/use.md",
        "docs/evaluate.md",
        "docs/repairs.md",
        "docs/theory/README.md",
    )
)


def words_of(*pages):
    """The words of pages, one space between them, whatever the lines."""
    return " ".join(" ".join(pages).split())


SETUP = "python3 -m venv .venv && .venv/bin/python -m pip install -c constraints.txt -e "
BLOCKS = re.findall(r"```bash\n(.*?)```", README + USE, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
MAIN_JOB, TESTS = (line for line in COMMANDS if line.startswith(SETUP))
OTHERS = [line for line in COMMANDS if not line.startswith(SETUP)]
# Those of published measurements and photos; the others are of theory and simulations.
OF_EVIDENCE = [command for command in OTHERS if "sims." not in command and "theory" not in command]


def run(command, cwd):
    """Run a command of a page in a folder, and give what it prints."""
    words = shlex.split(command)
    assert words[:2] == ["python", "-m"]
    done = run_process(*words[2:], cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout
