"""`python -m realdata.evaluate`: a CLIP on photos in CounterAnimal's layout, as the paper evaluates, with intervals."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretrained.load import load
from realdata import evaluate_table
from realdata.candidates import ALL, TWENTY, allowed_candidates
from realdata.class_names import IMAGENET, OPENAI, read_class_names, read_mapping
from realdata.photos import GROUPS, find_photos, warnings
from realdata.predictions import COLUMNS, summary
from realdata.prompts import OPENAI80, PAPER, read_templates
from realdata.zero_shot import Answers, classify, embed_prompts
from workbench import program, results, terminal
from workbench.errors import InputError

DEFAULT_OUT = Path("results/evaluate")


def build_parser() -> program.Parser:
    """The command line's options."""
    parser = program.Parser(
        "python -m realdata.evaluate",
        "Classify photos on common and on uncommon ('counter') backgrounds with a CLIP, zero-shot among all class "
        "names, and give the accuracy of each group with 95% intervals.",
    )
    add = parser.add_argument
    add("--data", type=program.path, required=True, metavar="ROOT", help="folder of class folders, as CounterAnimal's")
    add(
        "--model",
        type=program.path,
        required=True,
        metavar="DIR",
        help="folder of a CLIP with ViT towers: in Hugging Face's format (config.json, model.safetensors, "
        "preprocessor_config.json, tokenizer.json) or OpenCLIP's (open_clip_config.json, open_clip_model.safetensors, "
        "tokenizer.json)",
    )
    add(
        "--names",
        default=IMAGENET,
        metavar="NAMES",
        help=f"the candidates' names: {IMAGENET}, {OPENAI}, or a file with index<TAB>name on each line",
    )
    add("--classes", type=program.path, metavar="FILE", help="table folder,class_index for other class folders")
    add(
        "--setup",
        choices=(ALL, TWENTY),
        default=ALL,
        help=f"among which candidates: {ALL}, all names; {TWENTY}, the 20 published for each class",
    )
    add(
        "--prompt",
        default=PAPER,
        metavar="TEXT",
        help="what is said of a candidate, {} for its name; or the mean over a file of such lines, or over "
        f"{OPENAI80}, OpenAI's 80 from an installed open_clip_torch",
    )
    add("--batch-size", type=program.whole_number(1), default=64, metavar="N", help="photos at a time")
    add("--out", type=program.path, default=DEFAULT_OUT, metavar="DIR", help="for predictions.csv and summary.json")
    program.add_json_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    return program.run(build_parser(), _main, arguments)


def _main(options: argparse.Namespace) -> None:
    templates = read_templates(options.prompt)
    results.check_writable(options.out)
    results.check_json(options.json)
    classes = read_class_names(options.names)
    root, photos = find_photos(options.data, classes, read_mapping(options.classes) if options.classes else None)
    candidates = np.array(list(classes.names))
    shown = np.array(sorted({photo.class_index for photo in photos}))
    allowed = dict(zip(shown.tolist(), allowed_candidates(options.setup, candidates, shown), strict=True))
    with terminal.working("reading the model"):
        checkpoint = load(options.model)
    with terminal.working("embedding the names"):
        prompts = embed_prompts(checkpoint, list(classes.names.values()), templates)
    with terminal.progress() as display:
        task = display.add_task("photos", total=len(photos), status="")
        answers = classify(
            checkpoint,
            root,
            photos,
            candidates,
            allowed,
            prompts,
            options.batch_size,
            lambda done: display.advance(task, done),
        )
    predictions = _predictions(answers)
    content = {
        "model": str(options.model),
        "preprocessing": vars(checkpoint.preprocessing),
        "setup": f"1v{len(candidates)}" if options.setup == ALL else options.setup,
        "prompt": options.prompt,
        "templates": templates,
        "names": options.names,
        **_numbers(predictions, classes.names, root),
        "warnings": warnings(photos, classes),
        "unreadable": [{"path": path, "reason": reason} for path, reason in answers.unreadable],
        "versions": results.versions("jax", "flax", "numpy", "pillow", "tokenizers", "safetensors"),
    }
    results.write_files(
        options.out,
        {
            "predictions.csv": predictions.to_csv(index=False, lineterminator="\n"),
            "summary.json": results.to_json(content),
        },
    )
    if not results.emit_json(content, options.json):
        evaluate_table.show(content)
        terminal.output().print(f"Written to {options.out}: predictions.csv, summary.json", soft_wrap=True)


def _predictions(answers: Answers) -> pd.DataFrame:
    table = pd.DataFrame(answers.photos, columns=pd.Index(COLUMNS[:4]))
    table["predicted_index"] = answers.predicted
    table["correct"] = (table.class_index == table.predicted_index).astype(int)
    table["score"] = answers.scores
    return table


def _numbers(predictions: pd.DataFrame, names: dict[int, str], root: Path) -> dict[str, Any]:
    missing = set(GROUPS) - set(predictions.group)
    if missing:
        raise InputError(f"--data: {root}: not one {' and not one '.join(sorted(missing))} photo can be decoded")
    return summary(predictions, names)


if __name__ == "__main__":
    sys.exit(main())
