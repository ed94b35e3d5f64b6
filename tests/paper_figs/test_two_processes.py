"""Two processes draw what one draws: the same bytes in the same order, with one core too, and none is left behind."""

import multiprocessing

import pytest

from paper_figs import two_processes
from paper_figs.context import Context
from paper_figs.registry import FIGURES
from paper_figs.two_processes import draw_all

NAMES = ("colored_coco", "rate", "population")


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(two_processes, "processor_count", lambda: 2)
    monkeypatch.setattr(two_processes, "_WORTH_STARTING", 2)


@pytest.mark.slow
def test_one_core_starts_no_second_process(two_cores, monkeypatch):
    monkeypatch.setattr(two_processes, "processor_count", lambda: 1)
    monkeypatch.setattr(two_processes, "ProcessPoolExecutor", None)
    specs = [FIGURES[name] for name in ("rate", "colored_coco")]
    assert [(spec, set(drawn.files)) for spec, drawn in draw_all(specs, Context())] == [
        (spec, {f"{spec.name}.png", f"{spec.name}.pdf"}) for spec in specs
    ]


@pytest.mark.slow
def test_the_files_are_those_of_one_process(two_cores, monkeypatch):
    specs = [FIGURES[name] for name in NAMES]
    by_two = [(spec.name, drawn) for spec, drawn in draw_all(specs, Context(), for_page=True)]
    monkeypatch.setattr(two_processes, "processor_count", lambda: 1)
    assert [(spec.name, drawn) for spec, drawn in draw_all(specs, Context(), for_page=True)] == by_two
    assert [name for name, _ in by_two] == list(NAMES) and not multiprocessing.active_children()


@pytest.mark.slow
def test_an_interruption_ends_the_second_process(two_cores):
    drawn = draw_all([FIGURES[name] for name in NAMES], Context())
    next(drawn)
    assert len(multiprocessing.active_children()) == 1
    with pytest.raises(KeyboardInterrupt):
        drawn.throw(KeyboardInterrupt())
    assert not multiprocessing.active_children()
