"""Photos decoded by other processes: in order, not too far ahead, without JAX, and none left behind."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from realdata.photos.decoding import Decoders, Unreadable
from tests.conftest import ROOT
from tests.realdata.in_worker import end, note
from workbench.errors import RunError


@pytest.fixture
def numbers(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "read").mkdir()
    paths = [tmp_path / "in" / f"{number:03d}" for number in range(90)]
    for number, path in enumerate(paths):
        path.write_text(str(number) if number != 7 else "seven")
    return paths


@pytest.mark.parametrize("workers", [0, 2])
def test_photos_come_in_order_and_are_not_all_read_ahead(numbers, tmp_path, workers):
    with Decoders(partial(note, tmp_path / "read"), workers) as decoders:
        batches = decoders.batches(numbers, 10)
        first = next(batches)
        time.sleep(0.3)  # what would be read ahead, is
        # The batch that is looked at and two more; the fourth is asked for with the next.
        assert len(list((tmp_path / "read").iterdir())) <= 30
        found = first + [photo for batch in batches for photo in batch]
    assert isinstance(found[7], Unreadable) and "seven" in found[7]
    assert [each for number, each in enumerate(found) if number != 7] == [n for n in range(90) if n != 7]


def test_workers_that_decode_for_the_evaluator_load_no_framework(numbers):
    """As the program starts them: `__main__` is not imported again."""
    program = (
        "import sys; from pathlib import Path; from realdata.photos.decoding import Decoders\n"
        "from realdata.evaluate import program; from pretrained.preprocessing import read_photo\n"
        "from tests.realdata.in_worker import frameworks\n"
        "if __name__ == '__main__':\n"
        "    with Decoders(frameworks, 1) as decoders: print(next(decoders.batches([Path('.')], 1)))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=60)
    assert done.stdout == "[[]]\n", done.stderr


def test_a_worker_that_is_ended_from_outside_is_told(numbers):
    with Decoders(end, 1) as decoders, pytest.raises(RunError, match="was killed"):
        list(decoders.batches(numbers, 10))


def test_workers_end_with_their_parent_however_it_ends():
    program = (
        "import time; from pathlib import Path; from realdata.photos.decoding import Decoders\n"
        "from tests.realdata.in_worker import number\n"
        "if __name__ == '__main__':\n"
        "    decoders = Decoders(number, 1)\n"
        "    print(next(decoders.batches([Path('.')], 1))[0], flush=True); time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
