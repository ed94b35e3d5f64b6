"""`python -m paper_figs`: the figures, and the page with all of the evidence."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paper_figs.comparison import compare_with_shipped
from paper_figs.registry import FIGURES
from paper_figs.saved_result import SHIPPED, SavedResult, by_program, command, compute
from paper_figs.spec import FigureSpec
from published.directory import add_published_option
from realdata.claims.option import add_with_option
from workbench import program, results, terminal
from workbench.errors import InputError

if TYPE_CHECKING:
    from realdata.claims.added_models import AddedModel

DEFAULT_RESULTS = Path("results")  # which need not be there


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m paper_figs",
        "Draw the figures, as PNG and PDF, from saved results and the published tables, and write the page with all of "
        "the evidence, report.html, and the numbers that it shows as JSON files beside it.",
    )
    parser.add_argument("--list", action="store_true", help="name the figures and draw none")
    parser.add_argument(
        "--only",
        type=program.choices(tuple(FIGURES)),
        metavar="NAMES",
        help="figures, separated by commas, and no page (default: all, and the page)",
    )
    parser.add_argument(
        "--results",
        type=program.path,
        default=DEFAULT_RESULTS,
        metavar="DIR",
        help="folder of saved results; what it lacks is read from those that are shipped, docs/results",
    )
    program.add_out_option(parser, Path("results"), "directory for the folder figures/, the page and its numbers")
    parser.add_argument(
        "--compute",
        action="store_true",
        help="first make the results that the folder lacks, and say which differ from the shipped ones by more than "
        "their standard error",
    )
    add_with_option(parser)
    add_published_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    console = terminal.output()
    if options.list:
        for spec in FIGURES.values():
            console.print(f"{spec.name}: {spec.caption}", soft_wrap=True)
        return
    from paper_figs.context import Context
    from paper_figs.two_processes import draw_all

    if options.results != DEFAULT_RESULTS and not options.compute and not options.results.is_dir():
        raise InputError(f"--results: {options.results} is no directory")
    results.check_writable(options.out)
    context = Context(options.results, options.published, _read_added(options.added))
    chosen = [FIGURES[name] for name in options.only or FIGURES]
    needs = tuple(dict.fromkeys(need for spec in chosen for need in spec.needs))
    if options.compute and needs:
        to_make = [need for need in needs if need.is_to_be_made(options.results)]
        if to_make:
            compute(to_make, options.results)
        _print_differences(needs, options.results)
    incomplete = [spec for spec in chosen if _is_incomplete(spec, options.results)]
    if incomplete and options.only:
        raise InputError(_missing_message(incomplete[0], options.results))
    specs = [spec for spec in chosen if spec not in incomplete]
    made: dict[str, bytes] = {}
    shown: list[tuple[FigureSpec, bytes]] = []
    with terminal.progress() as display:
        task = display.add_task("figures", total=len(specs) + (not options.only), status="")
        for spec, drawn in draw_all(specs, context, for_page=not options.only):
            made |= drawn.files
            if not options.only:
                shown.append((spec, drawn.image))
            display.update(task, status=spec.name, advance=1)
        page = {}
        if not options.only:
            from paper_figs.report.page import PAGE, page_figure, page_files  # with all that the page counts

            display.update(task, status=PAGE)
            page = page_files(context, [page_figure(*each) for each in shown], options.out)
    results.write_files(results.path_inside(options.out, "figures"), made)
    names = ", ".join(spec.name for spec in specs)
    console.print(f"Written to {options.out / 'figures'}, as PNG and PDF: {names}", soft_wrap=True)
    shipped = [spec for spec in specs if any(need.folder(options.results) == SHIPPED for need in spec.needs)]
    if shipped and options.results.resolve() != SHIPPED:
        console.print(
            f"{len(shipped)} of them from results that are shipped; --compute makes those again", soft_wrap=True
        )
    for folder in dict.fromkeys(Path(name).parent for name in page):
        of_folder = {Path(name).name: text for name, text in page.items() if Path(name).parent == folder}
        results.write_files(results.path_inside(options.out, str(folder)), of_folder)
    if page:
        console.print(f"Written to {options.out}: {', '.join(page)}", soft_wrap=True)
    _print_not_shown(context.added)
    _print_left_out(incomplete, options.results)


def _read_added(folders: Sequence[Path]) -> "tuple[AddedModel, ...]":
    if not folders:
        return ()
    from realdata.claims.added_models import read_added_models  # with pandas and statistics

    return read_added_models(folders)


def _print_not_shown(added: "Sequence[AddedModel]") -> None:
    if not added:
        return
    from paper_figs.published.looks import is_shown

    console = terminal.output()
    for model in added:
        if not is_shown(model):
            asked_how = f"setup {model.setup}, prompt {model.prompt!r}"
            console.print(f"Not in figures: {model.name}, since no published model was asked as it was ({asked_how})")


def _print_differences(needs: Sequence[SavedResult], folder: Path) -> None:
    """Say of each result in the folder how it compares with the shipped one."""
    console = terminal.output()
    for need in needs:
        if not need.is_missing(SHIPPED) and folder.resolve() != SHIPPED:
            console.print(f"{need.files[0]}: {compare_with_shipped(need, folder).text}", soft_wrap=True, markup=False)


def _is_lacking(need: SavedResult, folder: Path) -> bool:
    """Whether a result is neither in the folder nor shipped."""
    return need.is_missing(need.folder(folder))


def _is_incomplete(spec: FigureSpec, folder: Path) -> bool:
    return any(_is_lacking(need, folder) for need in spec.needs)


def _missing_message(spec: FigureSpec, folder: Path) -> str:
    need = next(need for need in spec.needs if _is_lacking(need, folder))
    file = next(folder / file for file in need.files if not (folder / file).exists())
    return f"{file} is missing; make it with: {command([need], folder)}, or let --compute do it"


def _print_left_out(specs: Sequence[FigureSpec], folder: Path) -> None:
    if not specs:
        return
    console = terminal.output()
    console.print("Left out, since their saved results are missing; --compute makes them, and so does:")
    for needed in by_program([need for spec in specs for need in spec.needs if _is_lacking(need, folder)]):
        names = ", ".join(spec.name for spec in specs if set(spec.needs) & set(needed))
        console.print(f"  {names}: {command(needed, folder)}", soft_wrap=True, markup=False)
