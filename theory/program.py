"""`python -m theory`: the closed forms at one point, without simulation."""

import argparse

from theory.model import CAPTIONS, Caption, SpuriousModel
from theory.names import CONTRASTIVE, LEARNERS, MAP_CAPTIONS, MAP_LEARNERS, PROMPT_NAMES, PROMPTS, share_of
from workbench import program, results, terminal
from workbench.errors import ParameterError
from workbench.parameters import add_options, from_options


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m theory",
        "What each learner does with the spurious feature, in closed form, beside Theorem 6.2 as printed.",
    )
    parser.add_argument(
        "question",
        nargs="?",
        choices=("point", "map", "boundary", "repairs", "series"),
        default="point",
        help="point: every learner at these parameters; map: for each loss, caption and prompt, is the contrastive "
        "learner more robust than logistic regression?; boundary: the ratio from which on the linearised learner is "
        "more robust than least squares, and than logistic regression; repairs: how far zero-shot repairs move the "
        "worse group's accuracy; series: the optima over all models at once, as the report's explorer evaluates them "
        "(five minutes; no other option than --json)",
    )
    add_options(parser.add_argument_group("synthetic model"), SpuriousModel)
    group = parser.add_argument_group("learners, captions and prompts, separated by commas")
    group.add_argument(
        "--learner",
        type=program.choices(LEARNERS),
        metavar="NAMES",
        help=f"among {', '.join(LEARNERS)} (default: all; for repairs, {','.join(MAP_LEARNERS)}); a map always "
        "compares with logistic",
    )
    group.add_argument(
        "--caption",
        type=program.choices(CAPTIONS),
        metavar="NAMES",
        help=f"among {', '.join(CAPTIONS)} (default: latent; for a map, all; for repairs, {','.join(MAP_CAPTIONS)})",
    )
    group.add_argument(
        "--prompt", type=_prompts, default=",".join(PROMPTS), metavar="NAMES", help=f"among {PROMPT_NAMES}"
    )
    add_options(group, Caption)
    group.add_argument(
        "--embed-dim",
        type=program.whole_number(1),
        default=8,
        metavar="N",
        help="width of the embedding; from 2 on it makes no difference, and map and boundary take it so",
    )
    group.add_argument(
        "--batch-size",
        type=program.whole_number(2),
        metavar="N",
        help="pairs in a batch, for a point: InfoNCE's optimum of batches of this size (default: without end)",
    )
    classes = parser.add_argument_group("many classes, for a map or a boundary")
    classes.add_argument(
        "--pairs",
        type=program.whole_number(1),
        default=1,
        metavar="N",
        help="pairs of classes; above 1 the comparison is with softmax regression, without the sigmoid loss",
    )
    classes.add_argument(
        "--shared-size",
        type=program.number,
        default=0.0,
        metavar="X",
        help="mean size of an invariant feature in images of other classes; at least 0",
    )
    program.add_json_option(parser)
    return parser


_SINGULAR = {"point": "a point", "repairs": "repairs"}
# The options that a question does not take, and why; series takes none.
_INFINITE = {"batch_size": "for map, boundary and repairs"}
_LEFT_OUT = {
    "map": _INFINITE,
    "boundary": _INFINITE | {"learner": "for a boundary, which is the linearised loss's"},
    "repairs": _INFINITE | {"prompt": "for repairs, which are the label prompt's"},
}


def _prompts(text: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(text.split(",")))
    try:
        for word in words:
            share_of(word)
    except ParameterError as error:
        raise argparse.ArgumentTypeError(error.requirement) from error
    return words


def _check_left_out(options: argparse.Namespace) -> None:
    left_out = _LEFT_OUT.get(options.question, {})
    if options.question == "series":
        left_out = dict.fromkeys(vars(options).keys() - {"question", "json"}, "for series, which is of all models")
    without = vars(build_parser().parse_args([]))
    for name, why in left_out.items():
        value = getattr(options, name)
        if value != without[name]:
            raise ParameterError(name, f"left out {why}", ",".join(value) if isinstance(value, tuple) else value)


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from theory.class_report import class_boundary, class_verdict_map
    from theory.critic_series import LEARNERS as OF_SERIES
    from theory.critic_series import compute_series, series_content
    from theory.repaired import repair_map
    from theory.report import boundary, report, verdict_map
    from theory.statements.many_classes import check_classes
    from theory.tables import show_boundary, show_map, show_point, show_repairs, show_series

    model = from_options(SpuriousModel, options)
    kinds = options.caption or {"map": CAPTIONS, "repairs": MAP_CAPTIONS}.get(options.question, CAPTIONS[:1])
    asked_learners = options.learner or (MAP_LEARNERS if options.question == "repairs" else LEARNERS)
    captions = [Caption(kind, options.mention_inv, options.mention_spu) for kind in kinds]
    results.check_json(options.json)
    many = options.pairs > 1
    if many and options.question in ("point", "repairs"):
        raise ParameterError("pairs", f"1 for {_SINGULAR[options.question]}; map and boundary know more", options.pairs)
    _check_left_out(options)
    if options.question == "map" and not set(asked_learners) & set(CONTRASTIVE):
        raise ParameterError("learner", f"for a map also one of {', '.join(CONTRASTIVE)}", options.learner[0])
    check_classes(options.pairs, options.shared_size)
    if options.shared_size and not many:
        raise ParameterError("shared_size", "left out unless `pairs` is above 1", options.shared_size)
    if options.question == "series":
        with terminal.progress() as display:
            content = series_content(list(display.track(compute_series(), total=len(OF_SERIES), description="series")))
        if not results.emit_json(content, options.json):
            show_series(content)
        return
    with terminal.spinner("compiling and solving"):
        if many and options.question == "boundary":
            content = class_boundary(model, options.pairs, options.shared_size, options.prompt, captions)
            show = show_boundary
        elif many:
            sizes = (options.pairs, options.shared_size)
            content, show = class_verdict_map(model, *sizes, options.prompt, captions, asked_learners), show_map
        elif options.question == "boundary":
            content, show = boundary(model, options.prompt, captions), show_boundary
        elif options.question == "repairs":
            content, show = repair_map(model, captions, asked_learners), show_repairs
        elif options.question == "map":
            learners = [learner for learner in asked_learners if learner in CONTRASTIVE]
            content, show = verdict_map(model, options.prompt, captions, learners), show_map
        else:
            asked = (options.embed_dim, options.prompt, captions, asked_learners, options.batch_size)
            content, show = report(model, *asked), show_point
    if not results.emit_json(content, options.json):
        show(content)
