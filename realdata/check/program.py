"""`python -m realdata.check`: a folder of photos checked as `realdata.evaluate` reads it, and for duplicates.

It reports the numbers of photos, the kinds of images, the photos that cannot be read, and the duplicates.
"""

import argparse

from realdata.photos.decoding import processor_count
from realdata.photos.options import add_class_options, add_metadata_options, metadata_from_options
from workbench import program, results


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.check",
        "Check a folder of photos in CounterAnimal's layout, or photos from a table: classes and groups, photos that "
        "cannot be read, unusual kinds of images, and duplicates. If most classes are on their published backgrounds, "
        "the published counts too.",
    )
    add = parser.add_argument
    add(
        "--data",
        type=program.path,
        required=True,
        metavar="ROOT",
        help="folder of class folders, or of --metadata's photos",
    )
    add_class_options(parser)
    add_metadata_options(parser)
    add("--workers", type=program.whole_number(0), default=processor_count(), metavar="N", help="processes that decode")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    from realdata.check.display import show
    from realdata.check.photos import check_photos
    from realdata.photos.class_names import read_class_names, read_mapping

    results.check_json(options.json)
    classes = read_class_names(options.names)
    mapping = read_mapping(options.classes) if options.classes else None
    content = check_photos(options.data, classes, mapping, options.workers, metadata_from_options(options))
    if not results.emit_json(content, options.json):
        show(content)
