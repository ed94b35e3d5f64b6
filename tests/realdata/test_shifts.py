"""C9: CLIPs on other test sets, recomputed in plain NumPy, and on made accuracies whose answer is planted."""

import functools
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import t as student_t

from published.directory import DIRECTORY
from published.tables import read_others, read_published_tables
from realdata.claims.c9_shifts import Shifts, ask_shifts, evaluate_shifts, read_shifts
from realdata.claims.wider_table import describe_shifts
from tests import seeds
from tests.realdata.cluster_oracle import bell_mccaffrey
from workbench.errors import InputError

COLUMNS = {
    "ImageNet-V2": "imagenet_v2", "ImageNet-Sketch": "imagenet_sketch", "ImageNet-R": "imagenet_r",
    "ImageNet-A": "imagenet_a", "ObjectNet": "objectnet", "CounterAnimal, common photos": "common",
    "CounterAnimal, counter photos": "counter", "ImageNet": "imagenet", "common photos": "common",
}  # fmt: skip


@pytest.fixture(scope="module")
def tests():
    return evaluate_shifts(read_shifts(read_published_tables()))


def find(tests, question, predictors="ImageNet", baseline="testbed", prompt="openai80"):
    wanted = {"predictors": predictors, "baseline": baseline, "prompt": prompt}
    (test,) = [t for t in tests if t.question == question and wanted.items() <= t.setting.items()]
    return test


def clips_and_models(test):
    """The two families' accuracies and clusters, joined from the files anew."""
    results = pd.read_csv(DIRECTORY / "results.csv", dtype={"table": str}, keep_default_na=False)
    used = {(r.backbone, r.pretrain): r.checkpoint for r in pd.read_csv(DIRECTORY / "checkpoints.csv").itertuples()}
    clips = results[results["table"] == {"simple": "3"}.get(test.setting["prompt"], "10")].copy()
    if test.source == "others":
        clips = results[results["table"] == "3"].copy()
    clips["checkpoint"] = [used.get((r.backbone, r.pretrain), "") for r in clips.itertuples()]
    others = pd.read_csv(DIRECTORY / "shifts_clips.csv", keep_default_na=False)
    clips = clips.merge(others, on=["backbone", "pretrain", "checkpoint"])
    families = ("RN", "ConvNext", "VGG", "ViT/B/32", "ViT/L/14", "ViT/H/14")
    name = {"testbed": "testbed", "timm": "timm"}.get(test.setting["baseline"])
    if name:
        models = pd.read_csv(DIRECTORY / f"shifts_{name}.csv")
        own = models["model"].map(lambda model: re.match("[a-z]*", model.lower())[0])
    else:
        models = pd.read_csv(DIRECTORY / "torchvision_imagenet.csv").merge(
            pd.read_csv(DIRECTORY / "shifts_testbed.csv").drop(columns="imagenet"), on="model", how="left")  # fmt: skip
        models = models.merge(results[results["table"] == "4"][["backbone", "common", "counter"]], on="backbone")
        own = models["backbone"].map(lambda b: next((f for f in families if b.startswith(f)), b))
    target = COLUMNS[test.question]
    kept = models[target].notna() & ~((target == "imagenet_a") & models["model"].str.fullmatch(r"resnet50(\.tv_in1k)?"))
    data = clips["pretrain"].replace({"DFN5B": "DFN2B"}).to_numpy()
    architecture = np.array([next((f for f in families if b.startswith(f)), b) for b in clips["backbone"]])
    return clips, models[kept], own[kept].to_numpy(), {"pre-training data": data, "architecture": architecture}


def covariance(design, residuals, groups):
    """Liang and Zeger's sandwich with the usual small-sample factor."""
    inverse = np.linalg.inv(design.T @ design)
    scores = [design[groups == g].T @ residuals[groups == g] for g in set(groups)]
    (n, k), clusters = design.shape, len(scores)
    return clusters / (clusters - 1) * (n - 1) / (n - k) * inverse @ sum(np.outer(s, s) for s in scores) @ inverse


def recomputed(test):
    """The effect, and the clustered 95% interval by each way to cluster."""
    clips, models, own, ways = clips_and_models(test)
    names = [COLUMNS[name] for name in test.setting["predictors"].split(" and ")]
    target = COLUMNS[test.question]
    x = np.column_stack([np.ones(len(models)), logit(models[names] / 100)])
    of_clips = np.column_stack([np.ones(len(clips)), logit(clips[names] / 100)])
    y, accuracy = logit(models[target].to_numpy() / 100), clips[target].to_numpy() / 100
    intervals = {}
    if len(names) == 1:
        line = np.linalg.lstsq(x, y, rcond=None)[0]
        expected = expit(of_clips @ line)
        values = 100 * (accuracy - expected)
        gradient = (-100 * expected * (1 - expected)) @ of_clips / len(clips)
        from_line = gradient @ covariance(x, y - x @ line, own) @ gradient
        for way, groups in ways.items():
            spread = covariance(np.ones((len(clips), 1)), values - values.mean(), groups)[0, 0]
            parts = [(from_line, len(set(own)) - 1), (spread, len(set(groups)) - 1)]
            freedom = (from_line + spread) ** 2 / sum(v**2 / f for v, f in parts)
            half = student_t.ppf(0.975, freedom) * np.sqrt(from_line + spread)
            intervals[way] = (values.mean() - half, values.mean() + half)
        return values.mean(), intervals
    design = np.block([[x, np.zeros((len(x), 1))], [of_clips, np.ones((len(clips), 1))]])
    targets = np.concatenate([y, logit(accuracy)])
    plane = np.linalg.lstsq(design, targets, rcond=None)[0]
    effect = 100 * np.mean(accuracy - expit(logit(accuracy) - plane[-1]))
    for way, groups in ways.items():
        together = np.array([f"m {name}" for name in own] + [f"c {name}" for name in groups])
        found, freedom = bell_mccaffrey(design, targets, together, np.eye(design.shape[1])[-1])
        half = student_t.ppf(0.975, freedom) * np.sqrt(found) * effect / plane[-1]
        intervals[way] = (effect - half, effect + half)
    return effect, intervals


def test_every_number_is_that_of_an_independent_computation(tests):
    assert len(tests) == 27
    for test in tests:
        effect, intervals = recomputed(test)
        assert test.effect == pytest.approx(effect, abs=1e-8), (test.question, test.setting)
        way = test.clustered.method.removeprefix("clustered by ")
        assert test.clustered.interval == pytest.approx(intervals[way], abs=1e-6), (test.question, test.setting)


# CLIP ViT-L/14-336 and a ResNet-101, both of 76.2% on ImageNet: Radford et al. 2021, arXiv 2103.00020, Figure 13.
RADFORD = {
    "ImageNet-V2": (70.1, 64.3), "ImageNet-R": (88.9, 37.7), "ObjectNet": (72.3, 32.6), "ImageNet-Sketch": (60.2, 25.2),
    "ImageNet-A": (77.1, 2.7),
}  # fmt: skip


@pytest.mark.parametrize("test_set", RADFORD)
def test_the_published_robustness_of_clip_is_found(tests, test_set):
    clip, resnet = RADFORD[test_set]
    models = find(tests, test_set).models
    (model,) = [m for m in models if (m["backbone"], m["pretrain"]) == ("ViT/L/14-336", "OpenAI")]
    # Their prompts and crops, and the line instead of one ResNet: a few points; what is claimed is 6 to 74.
    margin = {"ImageNet-A": 12.0}.get(test_set, 5.0)  # where the line bends
    assert model["accuracy"] == pytest.approx(clip, abs=2.5)
    assert model["effective_robustness"] == pytest.approx(clip - resnet, abs=margin)


def test_what_the_published_numbers_say(tests):
    """Origin: `python -m realdata.claims`; docs/claims.md says the same."""
    others = [test for test in tests if test.source == "others"]
    assert {test.verdict for test in others} == {"supported"} and len(others) == 19
    assert {test.verdict for test in tests if test.source == "paper"} == {"inconclusive"}
    assert find(tests, "CounterAnimal, counter photos", baseline="paper's").effect == pytest.approx(3.7, abs=0.05)
    words = describe_shifts(tests)
    assert "19 above of 19 rows" in words and "On CounterAnimal: 8 inconclusive of 8 rows" in words


def test_baselines_saw_imagenet_alone_and_clips_have_their_own_activation():
    more = r"instagram|swsl|ssl|jft|BiT|^vit_|in2[12]k|in12k|clip|laion|webli|noisy|tencent|dist|_ft_|advprop|robust"
    testbed, timm = read_others("shifts_testbed.csv"), read_others("shifts_timm.csv")
    assert not testbed["model"].str.contains(more).any()
    # Vision transformers of timm are there from ImageNet alone too.
    assert not timm["model"].str.contains(more.replace("|^vit_", "")).any()
    clips = read_others("shifts_clips.csv").set_index(["backbone", "pretrain", "checkpoint"])
    assert len(clips) == 36
    assert clips.loc[("ViT/B/32", "LAION400M", "E31"), "imagenet"] == 62.94  # 60.22 with the other activation


@functools.cache
def published():
    return read_shifts(read_published_tables())


def planted(draw, shift=0.0, of_data=0.0, offset=0.0, missing=()):
    """Made accuracies on ImageNet, on common photos, and on one test set; 15 ImageNet models and 28 CLIPs.

    Args:
        draw: number of the random draw.
        shift: of the CLIPs on the test set, in logits.
        of_data: deviation of a shift that CLIPs of one data set share.
        offset: of the CLIPs on common photos, in logits.
        missing: names of CLIPs that are to be listed.
    """
    real = published()
    rng = seeds.generator(100 + draw)
    clips, models = real.clips["3"].copy(), real.imagenet["torchvision"].copy()
    data = {name: of_data * rng.normal() for name in sorted({n.replace("5B", "2B") for n in clips["pretrain"]})}
    for frame, moved, common_moved in (
        (models, 0.0, 0.0),
        (clips, shift + clips["pretrain"].str.replace("5B", "2B").map(data), offset),
    ):
        ability = rng.uniform(0.3, 2.2, len(frame))
        common = ability + 0.1 * rng.normal(size=len(frame)) + common_moved
        on_set = -1.0 + 0.6 * ability + 0.5 * common + moved + 0.06 * rng.normal(size=len(frame))
        for column, place in (("imagenet", ability), ("common", common), ("imagenet_v2", on_set)):
            frame[column] = 100 * expit(place)
    columns = ["model", "backbone", "cluster", "imagenet", "common", "imagenet_v2"]
    return Shifts({"3": clips}, {"torchvision": models[columns]}, tuple(missing))


def planted_tests(draw, **change):
    """With one predictor and with two, on the planted test set."""
    return [test for test in ask_shifts(planted(draw, **change)) if test.question == "ImageNet-V2"]


def shows(test):
    """1 where the clustered interval lies above 0, -1 below, else 0."""
    low, high = test.clustered.interval
    return int(low > 0) - int(high < 0)


@pytest.mark.simulation
@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_shift_is_found_and_its_size(sign):
    shift = 0.5 * sign
    for test in planted_tests(0, shift=shift):
        assert shows(test) == sign
        accuracies = logit(np.array([model["accuracy"] for model in test.models]) / 100)
        planted_effect = 100 * np.mean(expit(accuracies) - expit(accuracies - shift))
        assert test.effect == pytest.approx(planted_effect, abs=2.2)  # its deviation over 60 draws is 0.56


@pytest.mark.simulation
def test_only_two_predictors_see_that_clips_are_ahead_on_common_photos_alone():
    """CLIPs on the plane, but better on common photos than ImageNet says: one predictor takes that for robustness."""
    drawn = [planted_tests(draw, offset=0.6) for draw in range(12)]
    assert all(shows(one) == 1 and one.effect > 4.3 for one, _ in drawn)  # 6.4 over 60 draws, deviation 0.5
    # The plane's intervals alarm in 7%: more than 4 of 12 have a probability of 1e-3. Four of the effect's deviations.
    assert sum(abs(shows(two)) for _, two in drawn) <= 4 and all(abs(two.effect) < 5.5 for _, two in drawn)


@pytest.mark.simulation
def test_false_alarms_on_accuracies_without_a_shift():
    """Shifts that data sets share; clustered intervals alarm in 6% (one predictor) and 7% (two) of 200 draws.

    With today's small-sample factor in CR2's place the plane's alarm in 12%.
    """
    drawn = [planted_tests(draw, of_data=0.1) for draw in range(30)]
    one, two = np.array([[abs(shows(test)) for test in tests] for tests in drawn]).sum(axis=0)
    # More than 6 of 30 have a probability of 2e-3 at 6.5%.
    assert one <= 6 and two <= 6
    # Errors of independent models alarm in 25%.
    naive = sum(min(test.p_value, test.p_value_opposite) < 0.05 for tests in drawn for test in tests)
    assert naive > one + two


def test_models_that_were_not_measured_are_listed_and_two_of_one_name_refused(tmp_path):
    test = planted_tests(0, missing=("RN50 OpenAI",))[0]
    assert "not measured on other test sets: RN50 OpenAI" in test.notes
    tables = read_published_tables()
    tables.results.loc[tables.results["backbone"] == "RN101", "backbone"] = "RN102"
    assert read_shifts(tables).missing == ("RN102 OpenAI",)
    shutil.copy(DIRECTORY / "shifts_testbed.csv", tmp_path)
    path = tmp_path / "shifts_testbed.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(InputError, match=r"shifts_testbed.csv: line 60, column 'model': 'efficientnet-b5' stands"):
        read_others("shifts_testbed.csv", tmp_path)
    path.write_text(lines[0].replace("objectnet", "other") + "\n" + lines[1] + "\n")
    with pytest.raises(InputError, match="objectnet"):
        read_others("shifts_testbed.csv", tmp_path)
