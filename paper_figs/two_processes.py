"""Figures drawn by two processes side by side, in half the time on two cores: the same files, in the same order."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import NamedTuple

from paper_figs.context import Context
from paper_figs.drawing import draw_figure, files
from paper_figs.registry import FIGURES
from paper_figs.spec import FigureSpec
from realdata.photos.decoding import processor_count
from workbench.errors import RunError
from workbench.interruption import follow_parent

# Fewer figures of saved results are drawn while a second process would start.
_WORTH_STARTING = 8


class Drawn(NamedTuple):
    """The files of a figure by their names, and what the page shows of it; no bytes where it is not asked for."""

    files: dict[str, bytes]
    image: bytes


def draw_all(
    specs: Sequence[FigureSpec], context: Context, for_page: bool = False
) -> Iterator[tuple[FigureSpec, Drawn]]:
    """Draw figures of the register, each with its files and what the page shows of it, in order.

    A second process draws those of saved results. This one draws those of published tables, whose statistics it keeps
    in `context` for the page; then, the last first, what the second has not begun. With one core it draws them all.

    Raises:
        InputError: as `draw_figure`.
        RunError: the second process was killed.
    """
    of_results = [spec for spec in specs if spec.needs]
    if processor_count() < 2 or len(of_results) < _WORTH_STARTING:
        yield from ((spec, _draw(spec, context, for_page)) for spec in specs)
        return
    # "spawn", since a fork of this process would copy JAX's threads and locks.
    pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=follow_parent)
    try:
        # Without what this process has read of the tables, which is more to send than to read.
        bare = Context(context.results, context.published, context.added)
        waiting = {spec.name: pool.submit(_draw_by_name, spec.name, bare, for_page) for spec in of_results}
        own: dict[str, Drawn] = {}
        for spec in specs:
            if not spec.needs:
                yield spec, _draw(spec, context, for_page)
                continue
            while spec.name not in own and not waiting[spec.name].done():
                last = _take(of_results, waiting)
                if last is None:
                    break
                own[last.name] = _draw(last, context, for_page)
            yield spec, own.pop(spec.name) if spec.name in own else waiting[spec.name].result()
    except BrokenProcessPool as error:
        raise RunError("a process that draws figures was killed, perhaps for lack of memory") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _take(specs: Sequence[FigureSpec], waiting: dict[str, Future[Drawn]]) -> FigureSpec | None:
    """The last figure that the second process has not begun, taken away from it; None where there is none."""
    return next((spec for spec in reversed(specs) if _is_taken(waiting[spec.name])), None)


def _is_taken(future: Future[Drawn]) -> bool:
    return not future.cancelled() and future.cancel()


def _draw_by_name(name: str, context: Context, for_page: bool) -> Drawn:
    """What the second process does: it is sent a name, since functions of the register cannot be."""
    return _draw(FIGURES[name], context, for_page)


def _draw(spec: FigureSpec, context: Context, for_page: bool) -> Drawn:
    figure = draw_figure(spec, context)
    if not for_page:
        return Drawn(files(figure, spec.name), b"")
    from paper_figs.report.page import page_image  # with all that the page counts

    return Drawn(files(figure, spec.name), page_image(figure))
