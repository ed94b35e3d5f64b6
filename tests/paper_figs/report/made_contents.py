"""Made-up result files in the real ones' format: every kind of verdict, missing values and awkward texts occur."""

import io

from PIL import Image

from paper_figs.report.page import PageFigure
from realdata.claims.masked_drop import ALL, GREY
from sims.theorems.table import STATEMENTS
from theory.critic_series import ENTRIES, series_content
from theory.model import CAPTIONS
from workbench.results import as_read_back

SETTINGS = [
    ("paper", ["3", "4"], "1v1000", "simple", "balanced", "included", "as printed"),
    ("paper", ["3", "4"], "1v1000", "simple", "balanced", "excluded", "as printed"),
    ("paper", ["3", "4"], "1v1000", "simple", "balanced", "family excluded", "as printed"),
    ("paper", ["3", "4"], "1v1000", "simple", "balanced", "included", "corrected"),
    ("paper", ["10", "4"], "1v1000", "openai80", "balanced", "included", "as printed"),
    ("paper", ["11", "12"], "1v1000", "simple", "unbalanced", "included", "as printed"),
    ("paper", ["13", "14"], "1v20", "simple", "balanced", "included", "as printed"),
    ("replication", [], "1v1000", "simple", "balanced", "included", "as printed"),
]
# Claim and question to its unit and the verdicts of its settings, by their first letters.
QUESTIONS = {
    ("C1", "drop"): ("points", "ssssisss"),
    ("C1", "drop, class by class"): ("points", "ssssssss"),
    ("C2", "effective robustness"): ("points", "sssiinis"),
    ("C3", "model size: drop"): ("points per tenfold", "ssssiiss"),
    ("C3", "model size: effective robustness"): ("points per tenfold", "iiiiniii"),
    ("C4", "data size: drop"): ("points per tenfold", "iiiiiiii"),
    ("C5", "filtered data: drop"): ("points", "nnnniinn"),
    ("C6", "drop"): ("points", "ss"),
    ("C8", "colours reversed"): ("points", "ni"),
}
VERDICTS = {"s": "supported", "n": "not supported", "i": "inconclusive"}


def claims():
    rows = []
    for index, ((claim, question), (unit, verdicts)) in enumerate(QUESTIONS.items()):
        for place, (letter, setting) in enumerate(zip(verdicts, SETTINGS, strict=False)):
            rows.append(claim_row(claim, question, unit, VERDICTS[letter], setting, 100 * index + place))
    mine = ("added", [], "1v1000", "simple", "balanced", "included", "as printed")
    return {
        "statements": {claim: f"Statement of {claim}" for claim, _ in QUESTIONS},
        "claims": rows,
        "not_asked": [
            {"claim": "C2", "question": "effective robustness, class by class", "reason": "of Tables 15 and 16"}
        ],
        "added": [claim_row("C1", "drop", "points", "supported", mine, 990)],
        "other_shifts": list(shifts()),
        "masked_drops": list(masked_drops()),
    }


def shifts():
    """Rows of C9: both halves, a row without clusters, and one of a baseline that the page does not show."""
    rows = [("others", "testbed", "s"), ("others", "timm", "s"), ("paper", "testbed", "i"), ("paper", "paper's", "n")]
    for place, (source, baseline, letter) in enumerate(rows):
        row = claim_row("C9", "ImageNet-R <&>", "points", VERDICTS[letter], SETTINGS[0], 700 + place)
        setting = {"predictors": "ImageNet", "baseline": baseline, "imagenet_models": "58", "prompt": "openai80"}
        yield row | {"source": source, "setting": setting} | ({"clustered": None} if place == 2 else {})


def masked_drops():
    """Two models on grey, of which one's drop is not shown to shrink, one with another mask, and the mean."""
    for place, (name, mask) in enumerate((("a", GREY), ("b", GREY), ("c", "alpha"), (ALL, GREY))):
        drop, masked = 13.02 + place, 5.93 + place
        yield {
            "model": name,
            "mask": mask,
            "drop": drop,
            "drop_interval": [drop - 1.61, drop + 1.64],
            "masked": masked,
            "masked_interval": [masked - 1.84, masked + 1.87],
            "removed": drop - masked,
            "removed_interval": [drop - masked - 3.52 - 5 * place, drop - masked + 3.48],
            "remaining": masked / drop,
            "remaining_logits": 0.381,
            "cost_common": 14.03,
            "cost_counter": 7.04,
            "above_line": [1.0, 12.6],
        }


def claim_row(claim, question, unit, verdict, setting, seed):
    source, tables, setup, prompt, averaging, selector, values = setting
    effect = (seed * 7919 % 4001) / 97.3 - 20
    stderr = 0.31 + (seed * 31 % 17) / 9
    p_value = 3.2e-7 if verdict != "inconclusive" else 0.04321 + seed / 4000
    clustered = {
        "method": "wild bootstrap over backbones",
        "clusters": 9,
        "stderr": 2 * stderr,
        "interval": [effect - 4 * stderr, effect + 4 * stderr],
        "p_value": 0.0213,
    }
    return {
        "claim": claim,
        "question": question,
        "source": source,
        "tables": tables,
        "setting": {"setup": setup, "prompt": prompt, "averaging": averaging, "selector": selector, "values": values},
        "null_hypothesis": f"some model has no {question}",
        "unit": unit,
        "effect": effect,
        "stderr": stderr,
        "interval": [effect - 1.96 * stderr, effect + 1.96 * stderr],
        "clustered": clustered if (seed + seed // 100) % 5 else None,
        "decides": "clustered" if (seed + seed // 100) % 5 else "naive",
        "p_value": p_value,
        "p_value_deciding": p_value,
        "p_value_corrected": min(1.0, 40 * p_value),
        "verdict": verdict,
        "verdict_naive": "supported" if seed % 7 == 3 else verdict,
        "undecidable": "" if (seed + seed // 100) % 5 else "the effect rests on a single data set",
        "models": [{"backbone": "ViT/B/32", "pretrain": "LAION400M", "common": 67.13, "counter": 36.95}]
        * (5 + seed % 3),
        "notes": ["3 of 28 CLIPs lie outside the ImageNet models' range, where the line is extrapolated"]
        if seed % 100 < 2
        else [],
    }


def finding(severity, row, printed, expected, proposal=None):
    return {
        "table": "15" if proposal else "3",
        "row": row,
        "column": "common",
        "printed": printed,
        "expected": expected,
        "rule": "drop is a difference",
        "severity": severity,
        "explanation": f"{printed} is no share of 177 photos; 174 of 177 are {expected} <%>",
        "proposal": proposal,
        "file": "classwise.csv",
        "line": 12,
    }


def audit():
    change = {"value": "67.31", "change": "transposition"}
    return {
        "findings": [
            finding("error", "ViT/B/32 LAION400M", "67.13", "67.31", change),
            finding("error", "RN50x64 OpenAI", "7.4", "74.2 or 74.3"),
            finding(
                "warning",
                'goldfish & "co", a class with a name that is long enough to need several lines of a telephone',
                "98.3",
                "98.31",
            ),
            finding("note", "ostrich", "10.0", "10.1"),
        ],
        "cells": [
            {
                "file": "results.csv",
                "table": "3",
                "line": 2,
                "row": "a",
                "column": "common",
                "value": "1.0",
                "status": status,
                "rules": [],
            }
            for status in ("error", "consistent", "consistent", "unchecked")
        ],
        "corrections": [
            {
                "file": "results.csv",
                "line": 2,
                "table": "3",
                "row": "a",
                "column": "common",
                "printed": "1.0",
                "corrected": None,
            }
        ],
        "rules": {
            "drop is a difference": "A drop is the common minus the counter accuracy, within 0.01 points of rounding"
        },
        "counts": {},
    }


def reliance():
    setting = {"setup": "1v1000", "prompt": "simple", "averaging": "balanced", "selector": "included"}
    common = {"source": "paper", "tables": ["3"], "setting": setting}
    return {
        "tests": [
            common
            | {
                "family": family,
                "reliance": value,
                "interval": [value - 0.1, value + 0.1],
                "verdict": verdict,
                "reasons": reasons,
            }
            for family, value, verdict, reasons in (
                ("clip", 0.347, "rejected", ["they differ"]),
                ("imagenet", 0.29, "not rejected", []),
            )
        ],
        "classes": {
            "summaries": [{"sentence": "paper, 45 classes of up to 5 CLIPs: one ray is rejected in 22"}],
            "tests": [
                {
                    "source": "paper",
                    "label": "ostrich",
                    "drop": 10.57,
                    "reliance": 0.198,
                    "interval": [0.03, None],
                    "verdict": "undecided",
                }
            ],
        },
        "models": [
            common
            | {"table": "3", "backbone": "RN50", "pretrain": "OpenAI", "checkpoint": "", "reliance": 4.8}
            | {"interval": None, "verdict": "above 0"}
        ],
        "alternatives": {"averages": [common | {"sentence": "slope 1.19 [1.10, 1.27]"}], "differences": []},
        "comparisons": [
            common | {"difference": 0.0575, "interval": [-0.07, 0.185], "p_value": 1.0, "verdict": "inconclusive"}
        ],
    }


def selector():
    setting = {"setup": "1v20", "prompt": "simple", "averaging": "balanced"}
    row = {
        "source": "paper",
        "tables": ["13"],
        "setting": setting,
        "drop": 30.18,
        "expected_drop": 21.963,
        "excess": 8.217,
    }
    return {
        "selector": {"backbone": "ViT/B/32", "pretrain": "LAION400M"},
        "settings": [row | {"interval": [3.417, 13.06], "verdict": "excess shown"}],
        "notes": ["replication: in 2 of 45 classes the selecting model's own drop is not above 5 points"],
    }


def contrastive():
    accuracy = {"aligned": 0.95975, "conflicting": 0.53261}
    row = {
        "learner": "linearized",
        "prompt": "label",
        "accuracy": accuracy,
        "stderr": {"aligned": 0.0005, "conflicting": 0.0011},
    }
    return {
        "config": {"spurious_ratio": 0.9, "seeds": 8},
        "results": [
            row | {"theory": {"aligned": 0.96018, "conflicting": 0.53675}},
            row | {"learner": "infonce_bilinear", "prompt": "class-mean", "theory": None, "stderr": None},
        ],
        "verdict": {
            "comparisons": [{"verdict": "more robust"}, {"verdict": "less robust"}, {"verdict": "no difference shown"}]
        },
        "theorem62": {
            "printed_error_bound": 0.4451,
            "derived_error": 0.46185,
            "simulated_error": {"linearized": 0.46739, "infonce": 0.10522},
        },
        "versions": {"jax": "0.10.2"},
    }


def theory_map():
    row = {"learner": "siglip", "caption": "label-attribute", "prompt": "label", "conflicting": 0.894, "aligned": 0.75}
    return {
        "map": [
            row | {"difference": 0.4222, "verdict": "more robust"},
            row | {"difference": -0.0001, "verdict": "as robust"},
        ]
    }


def digits():
    verdicts = ["equal", "equal", "different", "inconclusive"]
    return {
        "digits": "scikit-learn digits",
        "config": {"seeds": 10},
        "equivalence": {"margin": 5.0, "comparisons": [{"verdict": verdict} for verdict in verdicts]},
    }


def repairs():
    row = {"learner": "infonce", "repair": "perception", "change": -0.0123, "change_stderr": 0.0041, "agrees": True}
    return {
        "config": {"seeds": 8},
        "results": [row, row | {"learner": "linearized", "repair": "tie", "agrees": False}, row | {"agrees": None}],
    }


def digits_repairs():
    """Captions of two kinds; a repair that raises, one that lowers and one that does neither."""
    places = ("common", "counter", "worst")
    rows = []
    for mention in (0.5, 0.0):
        for repair, change, said in (("plain", 0.0, None), ("tie", 0.1234, "yes"), ("projection", -0.2, "not normal")):
            values = {"change": change, "change_stderr": 0.0312, "accuracy": 0.7131, "stderr": 0.0222}
            rows.append({name: dict.fromkeys(places, value) for name, value in values.items()})
            agrees = said and dict.fromkeys(places[:2], said)
            rows[-1] |= {"mention_spu": mention, "repair": repair, "agrees": agrees}
    return {"config": {"seeds": 8, "mention_spu": [0.5, 0.0]}, "results": rows}


def added():
    model = {
        "name": "my-vit-b-16_with_a_long_name_such_as_hubs_give",
        "family": "clip",
        "setup": "1v1000",
        "prompt": "simple",
        "accuracies": {"balanced": [71.234, 52.8], "unbalanced": [70.0, 51.0]},
        "intervals": {"common": [70.1, 72.3], "counter": [51.4, 54.1], "drop": [16.7, 20.2]},
        "robustness": {"value": -1.5, "interval": [-3.0, 0.1]},
        "folder": "results/mine",
    }
    return {"models": [model, model | {"name": "other", "setup": "1v37"}]}


def explorer():
    """Series of one term, in which every ratio of weights is zero."""
    latent = [("infonce_bilinear", "latent"), ("siglip", "latent"), ("supcon_bilinear", "latent")]
    words = [(learner, caption) for learner in ("infonce_bilinear", "siglip") for caption in CAPTIONS[1:]]
    made = []
    for learner, caption in (*latent, *words, ("logistic", None)):
        entries = ENTRIES.get(caption, ("2",))
        degrees = "00000" if caption == "latent" else "000"
        coefficients = [[0.0]] * len(entries)
        made.append({"learner": learner, "caption": caption, "entries": list(entries)})
        made[-1] |= {"degrees": degrees, "coefficients": coefficients}
    return as_read_back(series_content(made))


def contents():
    """Every result file."""
    return {
        "claims.json": claims(),
        "audit.json": audit(),
        "reliance.json": reliance(),
        "selector.json": selector(),
        "contrastive/result.json": contrastive(),
        "map.json": theory_map(),
        "colored_digits_table/table.json": digits(),
        "repairs/result.json": repairs(),
        "repairs_digits/result.json": digits_repairs(),
        "added.json": added(),
        "explorer.json": explorer(),
    }


def picture(width, height):
    """A white picture of this size."""
    file = io.BytesIO()
    Image.new("1", (width, height), 1).save(file, "PNG")
    return file.getvalue()


def figures():
    """A figure for every kind of place."""
    names = [
        "effective_robustness",
        "contrastive",
        "boundary",
        "theorem62",
        "reliance",
        "colored_digits",
        "audit_map",
        "new_one",
    ]
    made = [
        PageFigure(
            name,
            f"What is drawn in {name.strip('0123456789')}",
            "results.csv, Tables 3 and 4",
            picture(1600, 700),
            "alternative text of a figure",
        )
        for name in names
    ]
    statements = [
        PageFigure(
            name,
            f"{statement.label}: {statement.title}",
            f"theorems/{name}.json",
            picture(900, 500),
            "alternative text of a figure",
        )
        for name, statement in STATEMENTS.items()
        if name not in names
    ]
    return made + statements
