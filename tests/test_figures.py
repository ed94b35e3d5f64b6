"""Each figure of published data: readable, with units and its source, added models among the others."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.text import Text
from scipy.stats import t as student_t

from paper_figs.context import Context
from paper_figs.drawing import draw_figure
from paper_figs.looks import PRINT_WIDTH, SMALL
from paper_figs.published import audit_map, class_drops, effective_robustness, photo_counts
from paper_figs.published.class_drops import by_mean_drop, class_models
from paper_figs.published.looks import drop_intervals, on_logits, photo_intervals
from paper_figs.registry import FIGURES
from paper_figs.synthetic import spurious_model
from published.tables import read_published_tables
from realdata.claims.added_models import AddedModel
from realdata.claims.power import MORE, TIMES, Detectable
from realdata.claims.settings import is_repeated, settings
from realdata.reliance.study import study
from tests import seeds
from tests.conftest import ROOT
from workbench.errors import InputError
from workbench.later import Later

PUBLISHED = [name for name, spec in FIGURES.items() if not spec.needs]
# The bootstraps of the reliance index take seconds under the type checks of a test session.
CHECKED = [pytest.param(name, marks=pytest.mark.slow) if "reliance" in name else name for name in PUBLISHED]
# Those into which a photo evaluation does not enter.
ALONE = {"colored_coco", "multicolored_mnist", "photo_counts", "audit_map", "other_shifts"} | {
    "specification_curve", "power"
}  # fmt: skip


@functools.cache
def classes():
    return read_published_tables().classes


def added(name, setup, prompt="simple", gap=20.0):
    """A model that is right on 80% of the common photos of every class and on `gap` points less of the others."""
    frame = classes()[["imagenet_index", "label", "common_photos", "counter_photos"]].assign(
        common=80.0, counter=80.0 - gap
    )
    return AddedModel(
        name=name,
        backbone=name,
        pretrain="",
        family="clip",
        setup=setup,
        prompt=prompt,
        accuracies={"balanced": (80.0, 80.0 - gap), "unbalanced": (80.0, 80.0 - gap)},
        intervals={"common": (79.0, 81.0), "counter": (79.0 - gap, 81.0 - gap), "drop": (gap - 1.5, gap + 1.5)},
        classes=frame,
        robustness={"value": -1.5, "interval": [-5.0, 2.0]},
        reliance={"value": 0.4, "standard_error": 0.05, "interval": [0.3, 0.5]},
        folder=Path("evaluated"),
    )


@pytest.fixture(scope="module")
def context():
    """With models of both setups, the second far from all published ones, and with planted claims."""
    context = Context(added=(added("in-1000", "1v1000"), added("in-20", "1v20", gap=75.0), added("in-50", "1v50")))
    vars(context)["claims"] = {"claims": list(planted_claims(context))}
    vars(context)["power"] = [
        Detectable(
            "C2", "effective robustness", "points", more, times, 27, 5, None if times == 1 else 4 / times, 2.2, 0.5
        )
        for more in MORE
        for times in TIMES
    ]
    return context


def planted_claims(context):
    """A row of C2 for each setting that can have one, each with its own numbers, and rows of other claims between."""
    offered = [setting for setting in settings(context.tables) if len(setting.imagenet)]
    for number, setting in enumerate(setting for setting in offered if not is_repeated(setting, offered)):
        effect = -2.0 + 0.3 * number
        row = {"claim": "C2", "question": "effective robustness", "source": setting.source, "tables": setting.tables}
        row |= {
            "effect": effect,
            "interval": [effect - 1, effect + 1],
            "verdict": "supported" if number % 3 else "inconclusive",
        }
        row |= {"clustered": {"interval": [effect - 2, effect + 2]} if number % 4 else None}
        yield row | {"claim": "C1", "question": "drop", "setting": setting.describe() | {"values": "as printed"}}
        yield row | {"setting": setting.describe() | {"values": "corrected"}, "effect": 9.0, "verdict": "not supported"}
        yield row | {"setting": setting.describe() | {"values": "as printed"}}


@pytest.fixture(scope="module")
def figures(context):
    made = {}

    def draw(name):
        if name not in made:
            made[name] = draw_figure(FIGURES[name], context)
        return made[name]

    return draw


def words_of(figure):
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def assert_readable(figure):
    """A title, and no text under 8 points where the figure is printed as wide as a page, which is as wide as it is."""
    assert figure.get_suptitle() and SMALL >= 8 and figure.get_figwidth() <= PRINT_WIDTH + 1e-6 <= 7.2
    assert {text.get_text(): size for text in words_of(figure) if (size := text.get_fontsize()) < SMALL} == {}


# Of the others a session draws the quickest.
QUICK = ("contrastive", "captions_prompts", "rate", "colored_digits")
SAVED = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name, s in FIGURES.items() if s.needs
]


def assert_labelled(figure):
    """Every axis says what it shows, or one that it is shared with does; a bar of colours has one axis."""
    axes = [axis for axis in figure.axes if axis.axison]
    for axis in axes:
        beside_x, beside_y = axis.get_shared_x_axes(), axis.get_shared_y_axes()
        colour_bar = axis.get_label() == "<colorbar>"
        along_x = [other.get_xlabel() for other in axes if other is axis or beside_x.joined(axis, other)]
        along_y = [other.get_ylabel() for other in axes if other is axis or beside_y.joined(axis, other)]
        assert (any(along_x) and any(along_y)) or (colour_bar and any(along_x + along_y)), axis.get_title()


@pytest.mark.parametrize("name", SAVED)
def test_figures_of_saved_results_are_readable_in_print(name):
    """From the shipped results, as in a clean clone."""
    figure = draw_figure(FIGURES[name], Context())
    assert_readable(figure)
    assert_labelled(figure)


@pytest.mark.parametrize("name", CHECKED)
def test_figure_says_its_units_and_its_source_in_readable_size(figures, name):
    figure, spec = figures(name), FIGURES[name]
    words = words_of(figure)
    (source,) = (text for text in words if text.get_gid() == "source")
    assert source.get_text().replace("\n", " ").startswith(f"Source: {spec.source}. ".replace("  ", " ")[:40])
    assert_readable(figure)
    assert_labelled(figure)


@pytest.mark.parametrize("name", CHECKED)
def test_nothing_leaves_the_figure_or_covers_the_source(figures, name):
    figure = figures(name)
    renderer = figure.canvas.get_renderer() if hasattr(figure.canvas, "get_renderer") else figure._get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    (source,) = (text for text in words_of(figure) if text.get_gid() == "source")
    strip = source.get_window_extent(renderer)
    others = [legend.get_window_extent(renderer) for legend in figure.legends]
    others += [axis.get_tightbbox(renderer) for axis in figure.axes if axis.axison]
    for box in (strip, *others):
        # A pixel for rounding.
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, name
    assert all(box.y0 >= strip.y1 - 1 for box in others), name


@pytest.mark.parametrize("name", [each for each in CHECKED if not isinstance(each, str) or each not in ALONE])
def test_added_models_are_shown_where_their_setup_is(figures, name):
    words = " ".join(text.get_text() for text in words_of(figures(name)))
    assert "in-1000" in words, name
    assert ("in-20" in words) == (not name.startswith(("class_drops", "reliance_"))), name
    assert ("in-50" in words) == (name == "forest"), name  # nothing published is 1 vs. 50, but for what it has itself


def test_lines_and_stars_of_an_added_model_are_at_its_accuracies(figures):
    stars = [
        tuple(line.get_xydata()[0])
        for line in figures("common_counter").axes[0].get_lines()
        if line.get_marker() == "*" and len(line.get_xydata())
    ]
    assert stars == [tuple(on_logits(np.array([80.0, 60.0])))]
    (axis,) = (axis for axis in figures("common_counter").axes if "1 vs. 20: paper" in axis.get_title())
    assert axis.get_ylim()[0] < on_logits(np.array([5.0]))[0]  # far from all others, and still inside


@pytest.mark.slow
def test_many_added_models_have_stars_and_one_entry_in_the_legend():
    """As a replication adds: a legend of all names would leave no room for the panels."""
    many = Context(added=tuple(added(f"model-{number}", "1v1000", gap=10.0 + number / 4) for number in range(43)))
    figure = FIGURES["common_counter"].draw(many)
    entries = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert entries.count("43 models, added") == 1 and not any("model-" in entry for entry in entries)
    assert sum(line.get_marker() == "*" for line in figure.axes[0].get_lines()) == 43
    assert not any(text.get_text() == "43" for text in figure.axes[0].texts)
    # Beside published models of one data set they stand where the models do that they are.
    again = dataclasses.replace(added("again", "1v1000", gap=33.0), backbone="ViT/B/16", pretrain="OpenAI")
    figure = FIGURES["same_data"].draw(Context(added=(*many.added, again)))
    columns = len(figure.axes) // 2  # drops above, accuracies below, where the models' names are
    stars = [
        (figure.axes[columns + number % columns].get_xticklabels()[round(x)].get_text(), y)
        for number, axis in enumerate(figure.axes)
        for line in axis.get_lines()
        if line.get_marker() == "*"
        for x, y in line.get_xydata()
    ]
    assert [(label.partition(" ")[0], y) for label, y in stars] == [("ViT/B/16", 33.0), ("ViT/B/16", 47.0)]


def test_bars_and_bands_of_imagenet_models_are_those_of_their_photos_and_of_their_line(context, figures):
    axis = figures("common_counter").axes[0]
    imagenet = next(settings(context.tables)).imagenet
    bars = axis.containers[0].lines[2]
    for place, (group, bar) in enumerate(zip(("common", "counter"), bars, strict=True)):
        values, half = imagenet[group].to_numpy(), photo_intervals(imagenet, context, "balanced", group)
        ends = np.stack([on_logits(values - half), on_logits(values + half)], axis=1)
        np.testing.assert_allclose([segment[:, place] for segment in bar.get_segments()], ends, atol=1e-9)
    # The band of the line's mean, by the textbook.
    x, y = (on_logits(imagenet[group].to_numpy()) for group in ("common", "counter"))
    line, freedom = np.polyfit(x, y, 1), len(x) - 2
    spread = np.sqrt(np.sum((y - np.polyval(line, x)) ** 2) / freedom)
    band = next(drawn for drawn in axis.collections if isinstance(drawn, PolyCollection)).get_paths()[0].vertices
    left = band[:, 0].min()
    error = spread * np.sqrt(1 / len(x) + (left - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2))
    drawn_ends = np.unique(band[band[:, 0] == left, 1].round(9))
    np.testing.assert_allclose(
        drawn_ends, np.polyval(line, left) + student_t.ppf([0.025, 0.975], freedom) * error, rtol=1e-6
    )


def test_claim_figure_shows_every_setting_and_its_verdict(context, figures):
    titles = [axis.get_title() for axis in figures("effective_robustness").axes if axis.axison]
    rows = [
        row
        for row in context.claims["claims"]
        if row["claim"] == "C2" and (row["setting"]["selector"], row["setting"]["values"]) == ("included", "as printed")
    ]
    assert len(titles) == len(rows) == 5
    for row in rows:
        (title,) = (title for title in titles if all(word in title for word in _words(row)))
        assert f"{row['effect']:+.1f} points" in title and title.endswith(f"\n{row['verdict']}")


def _words(row):
    setting = row["setting"]
    source = f"Tables {' and '.join(row['tables'])}\n" if row["tables"] else "replication\n"
    return source, f"{setting['setup']}, {setting['prompt']}, {setting['averaging']}"


def test_forest_has_every_row_and_its_intervals(context, figures):
    rows = [row for row in context.claims["claims"] if row["question"] == "effective robustness"]
    (axis,) = figures("forest").axes
    drawn_intervals = [tuple(line.get_xdata()) for line in axis.get_lines() if len(line.get_xdata()) == 2]
    for row in rows:
        assert tuple(row["interval"]) in drawn_intervals
        assert row["clustered"] is None or tuple(row["clustered"]["interval"]) in drawn_intervals
    verdicts = [text.get_text() for text in axis.texts]
    assert sum(words.endswith("supported") for words in verdicts) == sum(
        row["verdict"] != "inconclusive" for row in rows
    )


def test_class_drops_are_the_tables(context):
    models = class_models(context)
    assert [model.source for model in models].count("paper") == 5
    assert [model.source for model in models].count("replication") == 15
    (selecting,) = (model for model in models if (model.name, model.source) == ("ViT/B/32 LAION400M", "paper"))
    assert selecting.classes.loc[9, "drop"] == pytest.approx(22.09)  # ostrich in Table 15
    (big,) = (model for model in models if model.name == "ViT/bigG/14 LAION2B")
    assert 0 < big.classes["drop"].isna().sum() < 45
    order = by_mean_drop(models)
    assert order["mean"].is_monotonic_increasing and (order["low"] < order["mean"]).all()
    published = [model.classes.loc[100, "drop"] for model in models if model.source != "added"]
    assert order.loc[100, "mean"] == pytest.approx(np.nanmean(published))


def test_missing_classes_are_hatched_and_gains_dotted(figures, context):
    heat = figures("class_drops").axes[0]
    models = class_models(context)
    missing = sum(int(model.classes["drop"].isna().sum()) for model in models)
    assert sum(patch.get_hatch() is not None for patch in heat.patches) == missing > 0
    gains = sum(int((model.classes["drop"] < 0).sum()) for model in models)
    assert sum(len(line.get_xdata()) for line in heat.get_lines() if line.get_marker() == ".") == gains


@pytest.mark.simulation
def test_drop_intervals_cover_as_often_as_they_say():
    """95% over drawn photos, also at 100%, where the plain normal interval has no width."""
    rng, draws = seeds.generator(0), 4000
    for common, counter, photos in ((0.97, 0.9, 60), (0.8, 0.4, 100)):
        right = [rng.binomial(photos, share, draws) / photos * 100 for share in (common, counter)]
        frame = pd.DataFrame(
            {"common": right[0], "counter": right[1], "common_photos": photos, "counter_photos": photos}
        )
        low, high = drop_intervals(frame)
        inside = np.mean((low <= 100 * (common - counter)) & (100 * (common - counter) <= high))
        # Newcombe 1998 finds 0.94 to 0.97 for such counts; the normal interval has less than 0.92 in the first case.
        assert 0.935 <= inside <= 0.975


def test_photo_intervals_narrow_with_the_accuracy(context):
    frame = pd.DataFrame({"common": [50.0, 99.0]})
    balanced, unbalanced = (photo_intervals(frame, context, kind, "common") for kind in ("balanced", "unbalanced"))
    assert balanced[0] > balanced[1] > 0
    photos = context.tables.classes["common_photos"].sum()
    assert unbalanced[0] == pytest.approx(1.96 * 100 * np.sqrt(0.25 / photos), rel=1e-3)


def with_audit(**content):
    """A context whose audit says this."""
    context = Context()
    vars(context)["audit"] = {"findings": [], "cells": [], **content}
    return context


def test_photo_counts_mark_what_the_audit_says():
    finding = {"file": "classes.csv", "line": 24, "column": "common_photos", "severity": "error", "expected": "259"}
    finding |= {"rule": "photo count"}
    marked = photo_counts.draw(with_audit(findings=[finding | {"proposal": {"value": "259", "change": "lost digit"}}]))
    assert "25 → 259" in [text.get_text() for text in marked.axes[0].texts]
    other = finding | {"rule": "replication: photo count", "severity": "note", "expected": "20", "proposal": None}
    marks = {line.get_marker() for line in photo_counts.draw(with_audit(findings=[other])).axes[0].get_lines()}
    assert "s" in marks and not marks & {"x", "D"}
    unsure = photo_counts.draw(with_audit(findings=[finding | {"proposal": None, "expected": "259 or 260"}]))
    assert not unsure.axes[0].texts
    assert sum(line.get_marker() == "x" for line in unsure.axes[0].get_lines()) == 1


def test_audit_map_has_a_cell_for_every_number_and_marks_for_findings():
    def cell(line, column, status, file="results.csv", row="RN50 OpenAI", value="1.0"):
        return {
            "file": file,
            "table": "3",
            "line": line,
            "row": row,
            "column": column,
            "value": value,
            "status": status,
        }

    cells = [cell(2, "common", "error"), cell(2, "counter", "consistent"), cell(3, "common", "warning", row="RN101")]
    cells += [cell(2, "counter", "note", "new.csv", "a class, a model"), cell(4, "common", "unchecked", value="")]
    (axis,) = audit_map.draw(with_audit(cells=cells)).axes
    boxes = sum(len(collection.get_paths()) for collection in axis.collections)
    assert boxes == 4  # the empty one is no number
    marks = {line.get_marker(): len(line.get_xdata()) for line in axis.get_lines() if len(line.get_xdata())}
    assert marks == {"X": 1, "^": 1, ".": 1}


def test_captions_and_prompts_shows_a_saved_map(tmp_path):
    row = {"learner": "siglip", "caption": "label", "prompt": "label", "verdict": "less robust", "conflicting": 0.21}
    row |= {"aligned": 0.9, "difference": -0.262, "note": None}
    unknown = row | {"caption": "latent", "verdict": None, "conflicting": None, "difference": None}
    content = {"map": [row, unknown], "reference": {"accuracy": {"conflicting": 0.472}}}
    (tmp_path / "map.json").write_text(json.dumps(content))
    figure = FIGURES["captions_prompts"].draw(Context(results=tmp_path))
    words = [text.get_text() for text in words_of(figure)]
    assert "− 26.2\n21.0%" in words and "no closed form" in words
    del row["difference"]
    (tmp_path / "map.json").write_text(json.dumps({**content, "map": [row]}))
    with pytest.raises(InputError, match=r"another version.*difference.*theory map"):
        FIGURES["captions_prompts"].draw(Context(results=tmp_path))


def test_names_in_the_register_are_unique_and_say_what_they_need():
    for name, spec in FIGURES.items():
        assert spec.name == name and spec.caption and spec.source and spec.intervals
        assert not spec.small_print.endswith("..")
        assert dataclasses.is_dataclass(spec)
    assert {
        effective_robustness.draw_effective_robustness,
        class_drops.draw_class_drops,
        spurious_model.draw_captions_prompts,
    } <= {s.draw.found for s in FIGURES.values() if isinstance(s.draw, Later)}


@pytest.mark.slow
def test_a_model_that_fits_no_figure_draws_nothing_and_breaks_nothing():
    """The README's own example is 1 vs. 10."""
    context = Context(added=(added("elsewhere", "1v10"),))
    vars(context)["reliance"] = study(context.tables, {})  # the families' averages are what these figures draw
    for name in ("common_counter", "reliance"):
        words = " ".join(text.get_text() for text in words_of(FIGURES[name].draw(context)))
        assert "elsewhere" not in words


def test_an_index_beyond_the_axis_is_an_arrow():
    """From the table of coloured digits that docs/results holds."""
    figure = FIGURES["digits_reliance"].draw(Context(results=ROOT / "docs" / "results"))
    rows = json.loads((ROOT / "docs" / "results" / "colored_digits_table" / "table.json").read_text())["rows"]
    values = [(row["classes"], each["index"]) for row in rows for each in row["reliance"]["learners"]]
    beyond = [classes for classes, index in values if index is None or index > 4.5]
    arrows = [sum(text.get_text() == "" for text in axis.texts) for axis in figure.axes]
    assert arrows == [beyond.count(2), len(beyond)] and 0 < len(beyond) < len(values)
