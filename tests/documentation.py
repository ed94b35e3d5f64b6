"""The pages that tests read for commands, numbers and words, each as its text stands; and how a command is run."""

import itertools
import json
import operator
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
    (printed,) = run_all([command], cwd)
    return printed


def in_one_process(commands, cwd):
    """Run modules in a folder, each with its arguments, one after the other, and give what each prints."""
    ended = run_process("tests.in_turn", cwd=cwd, input=json.dumps(commands))
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def run_all(commands, cwd):
    """Run commands of a page in a folder, in turn, and give what each prints, which must be something.

    Each program is started anew, but for a command after one of the same program: the process that is there runs it.
    """
    split = [shlex.split(command) for command in commands]
    assert all(words[:2] == ["python", "-m"] for words in split)
    printed = []
    for _, of_one_program in itertools.groupby((words[2:] for words in split), operator.itemgetter(0)):
        printed += in_one_process(list(of_one_program), cwd)
    assert all(printed), dict(zip(commands, printed, strict=True))
    return printed
