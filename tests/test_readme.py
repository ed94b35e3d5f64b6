"""The README and the pages it sends to are true: every command runs, and the numbers are the programs'."""

import dataclasses
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import scipy.stats
from PIL import Image

from paper_figs.registry import FIGURES
from pretrained import huggingface
from published.directory import DIRECTORY
from realdata.audit.audit import audit_tables
from realdata.claims.evaluate import evaluate_claims
from sims.clip.model import tiny_clip
from sims.theorems.table import STATEMENTS
from sims.training.config import ContrastiveConfig
from tests.conftest import ROOT, free_port
from tests.documentation import (
    EVALUATE,
    FINDINGS,
    MAIN_JOB,
    OF_EVIDENCE,
    OTHERS,
    README,
    REPAIRS,
    SETUP,
    TESTS,
    THEORY,
    USE,
    in_one_process,
    run_all,
    words_of,
)
from tests.mutants import copied
from tests.realdata.made import made_photos
from tests.realdata.test_evaluate import check
from tests.sims.colored_coco.made_coco import make as make_coco
from workbench.results import write_files


@pytest.fixture(scope="module")
def main_job(tmp_path_factory):
    """A clone of the checkout as it would be committed now, in which the README's line was run; and what it printed."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    clone = copied(tmp_path_factory.mktemp("readme") / "clone")
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    # Python compiles the files that it imports, a fraction of all that pip would.
    environment |= {"COLUMNS": "120", "PIP_COMPILE": "0"}
    done = subprocess.run(
        ["bash", "-c", MAIN_JOB], cwd=clone, env=environment, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    return clone, done.stdout


def test_set_up_lines_are_what_ci_runs():
    assert TESTS == SETUP + '".[test]" && .venv/bin/python -m pytest'
    assert MAIN_JOB == SETUP + ". && .venv/bin/python -m sims.contrastive --spurious-ratio 0.9"


@pytest.mark.slow
def test_main_job_line_works_in_a_clean_clone(main_job):
    clone, printed = main_job
    assert "Is a contrastive learner more robust" in printed
    assert (clone / "results" / "contrastive" / "figure.png").exists()


@pytest.mark.slow
def test_commands_of_theory_and_simulations_run(tmp_path):
    # But for the export, which the commands of the evidence begin with.
    others = [command for command in OTHERS if command not in OF_EVIDENCE and "export" not in command]
    assert len(others) >= 15
    run_all(others, tmp_path)


@pytest.mark.slow
def test_two_processes_run_as_written(tmp_path):
    """The block of shell under "Many hosts", but for a port that is free here."""
    (block,) = re.findall(r"```sh\n(.*?)```", USE, re.DOTALL)
    script = block.replace("localhost:12355", f"localhost:{free_port()}")
    assert script != block
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=1800
    )
    assert done.stdout.count("Written to results/two") == 1, done.stderr
    assert json.loads((tmp_path / "results" / "two" / "result.json").read_text())["versions"]["devices"] == "2"


@pytest.mark.slow
def test_colored_coco_runs_as_written(tmp_path):
    """The indented commands, with a small made set and a small CLIP where the page names the real ones."""
    made, train = re.findall(r"^    (python -m sims\.colored_coco .*)$", USE, re.M)
    make_coco(tmp_path / "coco")
    (tmp_path / "coco" / "annotations").mkdir()
    (tmp_path / "coco" / "instances.json").rename(tmp_path / "coco" / "annotations" / "instances_train2017.json")
    (tmp_path / "coco" / "pictures").rename(tmp_path / "coco" / "train2017")
    checkpoint = tiny_clip(16, ["a photo of a dog in red background"], 0)
    write_files(tmp_path / "clip-vit-base-patch16", huggingface.files(checkpoint))
    small = [f"{made} --min-area 50 --size 16", f"{train} --epochs 1 --batch-size 16"]
    assert "objbkg" in run_all(small, tmp_path)[-1]
    assert (tmp_path / "results" / "objbkg" / "model" / "model.safetensors").exists()


@pytest.mark.slow
def test_evaluation_runs_as_written_and_offline(tmp_path, monkeypatch):
    """The indented commands, on made photos in the released layout, with small CLIPs in the hub's cache."""
    indented = re.compile(r"^    (python -m (?:realdata\.|paper_figs ).*)$", re.M)
    commands = indented.findall(EVALUATE)
    assert len(commands) == 5
    assert indented.findall(README) == commands[:2]
    layout = {"9 ostrich": ("ground", "water"), "10 brambling": ("grass", "sky"), "100 black swan": ("water", "ground")}
    made_photos(tmp_path / "LAION-final", layout, 4, side=20)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for seed, name in enumerate(
        (
            "timm/vit_base_patch32_clip_224.laion400m_e31",
            "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
            "openai/clip-vit-base-patch32",
        )
    ):
        repository = tmp_path / "hub" / "hub" / f"models--{name.replace('/', '--')}"
        checkpoint = tiny_clip(16, ["a photo of an ostrich", "a photo of a black swan"], seed)
        write_files(repository / "snapshots" / "0123abc", huggingface.files(checkpoint))
        write_files(repository / "refs", {"main": "0123abc"})
    run_all(commands, tmp_path)
    content = json.loads((tmp_path / "results" / "b32" / "summary.json").read_text())
    check(content, pd.read_csv(tmp_path / "results" / "b32" / "predictions.csv"))
    assert (
        content["commit"] == "0123abc" and content["setup"] == "1v1000" and content["published"][0]["common"] == 67.13
    )
    assert content["image_tower"]["activation"] == "quick_gelu"
    check_blocks_of_evaluation(tmp_path)
    lists = pd.read_csv(ROOT / "published" / "candidates_1v20.csv").groupby("imagenet_index").candidate_index.agg(set)
    of_twenty = pd.read_csv(tmp_path / "results" / "l14" / "predictions.csv")
    assert all(row.predicted_index in lists[row.class_index] for row in of_twenty.itertuples())


def check_blocks_of_evaluation(folder):
    """The blocks of the pages on groups and on repairs, with four groups of made photos in the place of Waterbirds."""
    rows = ["img_filename,y,place,split"]
    for number in range(16):
        path = folder / "waterbirds" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 20), (15 * number, 90, 90)).save(path)
        rows.append(f"{path.name},{number % 2},{number // 2 % 2},{2 * (number // 8)}")
    (folder / "waterbirds" / "metadata.csv").write_text("\n".join([*rows, ""]))
    block = re.compile(r"```bash\n(python -m realdata.evaluate .*)\n```")
    run_all([command for page in (EVALUATE, REPAIRS) for (command,) in [block.findall(page)]], folder)
    groups = json.loads((folder / "results" / "waterbirds" / "summary.json").read_text())["groups"]
    assert list(groups) == ["landbird, land", "landbird, water", "waterbird, land", "waterbird, water"]
    repairs = json.loads((folder / "results" / "repaired" / "summary.json").read_text())["repairs"]
    assert len(repairs["each"]) == 8 and len(repairs["backgrounds"]) == 14


def test_excess_of_the_selecting_model_is_the_programs(call_program):
    settings = json.loads(call_program("realdata.curate", "--published", "--json", "-").stdout)["settings"]
    excess = [setting["excess"] for setting in settings]
    low, high = settings[0]["interval"]
    main = f"by {excess[0]:.1f} points [{low:.1f}, {high:.1f}] of {settings[0]['drop']:.1f} in the paper's main setting"
    assert f"{main}. In all six settings it is {min(excess):.1f} to {max(excess):.1f} " in words_of(FINDINGS)


def test_results_of_coloured_digits_are_the_tables():
    """The numbers in the README, among the findings and on the page, from the table that stands beside it."""
    folder = ROOT / "docs" / "results"
    page = (folder / "colored_digits.md").read_text()
    table = pd.read_csv(folder / "colored_digits.csv").set_index(["classes", "p_inv", "p_spu", "objective"])
    captions = pd.read_csv(folder / "colored_digits_captions.csv")
    captions = captions[captions.text_encoder == "linear"].set_index(["p_inv", "p_spu", "mention_spu", "objective"])
    two = re.findall(r"^\| (0\.\d+), (0\.\d+) \| (.*) \| (.*) \| (.*) \| (.*) \|$", page, re.M)
    assert len(two) == 4
    for inv, spu, supervised, *infonce in two:
        asked = [("cross_entropy", 1.0, supervised), *zip(["infonce"] * 3, (1.0, 0.5, 0.0), infonce, strict=True)]
        for objective, mention, cell in asked:
            row = captions.loc[(float(inv), float(spu), mention, objective)]
            assert cell == f"{row.rev_mean:.1f} ± {row.rev_std:.1f}"
    rows = [re.search(r"^\| (10\.1 ± .*?) \| (10\.1 ± .*?) \| (.*?) \|.*", text, re.M) for text in (FINDINGS, README)]
    assert rows[0].group() == rows[1].group()
    cells = rows[0].groups()
    for objective, cell in zip(("cross_entropy", "perfect_language", "infonce"), cells, strict=True):
        row = table.loc[(2, 0.75, 0.9, objective)]
        assert cell == f"{row.rev_mean:.1f} ± {row.rev_std:.1f}"
    found = json.loads((folder / "colored_digits_table" / "table.json").read_text())["equivalence"]["comparisons"]
    for name, words in (("perfect_language", "Eq. 10"), ("infonce", "InfoNCE"), ("siglip", "SigLIP")):
        of = [each for each in found if each["objective"] == name]
        rev = [each["difference"] for each in of if each["column"] == "rev"]
        counts = [sum(each["verdict"] == verdict for each in of) for verdict in ("equal", "different", "inconclusive")]
        row = f"{words} | {' | '.join(map(str, counts))} | {min(rev):+.1f} to {max(rev):+.1f} |"
        assert row in page, row


def test_results_on_mnist_are_the_tables():
    folder = ROOT / "docs" / "results"
    page = " ".join((folder / "colored_digits.md").read_text().split())
    content = json.loads((folder / "mnist_table" / "table.json").read_text())
    printed = pd.DataFrame([cell for row in content["rows"] for cell in row["published"]])
    far = printed[printed.distance.abs() > scipy.stats.norm.isf(0.025 / len(printed))]
    assert f"**{len(printed) - len(far)} of the {len(printed)} printed means are ours**" in page
    assert f"difference is {printed.difference.abs().mean():.1f} points on average" in page
    assert far.column.value_counts().to_dict() == {"rest": 7, "rev": 6, "rand": 3}
    for column, said in {"rand": "0.99 (Rand)", "rev": "0.99 (Rev)", "rest": "0.98 (other classes)"}.items():
        of = printed[printed.column == column]
        assert f"{of['mean'].corr(of.published_mean):.2f} ({said.split('(')[1]}" == said and said in page
    found = pd.DataFrame(content["equivalence"]["comparisons"])
    eq10 = found[found.objective == "perfect_language"].verdict.value_counts().to_dict()
    assert eq10 == {"equal": 67, "inconclusive": 1} and "67 of 68 comparisons, inconclusive in one" in page
    with_text = found[found.learner == "contrastive_text"].verdict
    assert f"{(with_text == 'different').sum()} of {len(with_text)} comparisons are shown to differ" in page
    choices = pd.read_csv(folder / "mnist_choices.csv", keep_default_na=False)
    choices = choices[choices.learner == "supervised"].set_index(["options", "p_inv", "p_spu"])
    for options in choices.index.unique("options"):
        cells = [
            f"{float(choices.loc[(options, *at)].rev_mean):.1f} ± {float(choices.loc[(options, *at)].rev_std):.1f}"
            for at in itertools.product((0.9, 0.75), (0.75, 0.9))
        ]
        assert f"| {f'`{options}`' if options else '2,500 steps of 128, CNN'} | {' | '.join(cells)} |" in page


@pytest.mark.slow
def test_python_examples_run(tmp_path):
    every = ("infonce_bilinear", "conflicting", "triplet/label")
    pages = {"of_readme": (README, every), "of_use": (USE, (*every, "xarray.DataArray", "spurious_ratio: 5"))}
    for name, (page, _) in pages.items():
        (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        (tmp_path / f"{name}.py").write_text(example)
    printed = in_one_process([[name] for name in pages], tmp_path)
    for (_, words), of_page in zip(pages.values(), printed, strict=True):
        for each in words:
            assert each in of_page, each
    assert (tmp_path / "triplet.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_main_job_converges_agrees_with_theory_and_says_what_the_findings_say(main_job):
    check_main_job(json.loads((main_job[0] / "results" / "contrastive" / "result.json").read_text()))


def test_shipped_main_job_says_what_the_findings_say():
    """A job of this kind is trained and compared with theory in tests/sims/test_contrastive_program.py, smaller."""
    content = json.loads((ROOT / "docs" / "results" / "contrastive" / "result.json").read_text())
    assert content["config"]["spurious_ratio"] == 0.9
    check_main_job(content)


def check_main_job(content):
    rows = {(row["learner"], row["prompt"]): row for row in content["results"]}
    assert all(row["converged"] for row in rows.values())
    assert {name for name, _ in rows} == set(ContrastiveConfig().learners)
    assert all(row["theory"] is not None and row["agrees"] for row in rows.values())
    assert content["verdict"]["answer"] == "depends"
    assert content["verdict"]["by_prompt"] == {"label": "yes", "class-mean": "no"}
    verdicts = {(c["learner"], c["prompt"]): c["verdict"] for c in content["verdict"]["comparisons"]}
    for (_, prompt), verdict in verdicts.items():
        assert verdict == {"label": "more robust", "class-mean": "less robust"}[prompt]
    # The table, to its own rounding and what another machine's arithmetic may change: a point.
    table = re.findall(
        r"^\| `(\w+)` \| ([\d.]+) ± [\d.]+ \| ([\d.]+) \((\w+)\) \| ([\d.]+) ± [\d.]+ \|$", FINDINGS, re.MULTILINE
    )
    assert [row[0] for row in table] == ["linearized", "infonce", "infonce_bilinear", "siglip"]
    for name, label, worse, group, class_mean in table:
        means = {prompt: rows[(name, prompt)]["accuracy"] for prompt in ("label", "class-mean")}
        assert 100 * means["label"]["conflicting"] == pytest.approx(float(label), abs=1.0)
        assert 100 * means["class-mean"]["conflicting"] == pytest.approx(float(class_mean), abs=1.0)
        assert 100 * means["label"][group] == pytest.approx(float(worse), abs=1.0)
        assert means["label"][group] == min(means["label"]["aligned"], means["label"]["conflicting"])
    supervised = re.search(r"least squares ([\d.]+) ± [\d.]+, logistic regression ([\d.]+) ± [\d.]+", FINDINGS)
    for name, mean in zip(("least_squares", "logistic"), supervised.groups(), strict=True):
        assert 100 * rows[(name, None)]["accuracy"]["conflicting"] == pytest.approx(float(mean), abs=1.0)
    assert f"{100 * content['theorem62']['printed_error_bound']:.1f}%" in FINDINGS


@pytest.mark.slow
def test_main_job_prints_the_lines_that_the_readme_shows(main_job):
    """But for the digits, which another machine's arithmetic may change; a table's closed forms it may not."""
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)

    def without_digits(text):
        closed = [re.findall(r"\(([\d.]+)\)", line) for line in text.splitlines()]
        return [
            (re.sub(r"\d", "#", line.rstrip()), forms) for line, forms in zip(text.splitlines(), closed, strict=True)
        ]

    printed = without_digits(main_job[1])
    assert len(shown.splitlines()) == 6
    for line in without_digits(shown):
        assert line in printed, line


def test_readme_repeats_the_findings():
    """Its table of the synthetic model is that of the findings, without a row and a column; so is its sentence."""
    of = {
        name: (label, class_mean)
        for name, label, class_mean in re.findall(
            r"^\| `(\w+)` \| (.*?) \| .* \| (.*?) \|$", FINDINGS[: FINDINGS.index("The ratio matters")], re.M
        )
    }
    table = re.findall(r"^\| .*, `(\w+)` \| (.*?) \| (.*?) \|$", README, re.M)
    assert [name for name, *_ in table] == ["linearized", "infonce", "siglip"]
    assert all(of[name] == tuple(cells) for name, *cells in table)
    (supervised,) = re.findall(r"least squares [\d.]+ ± [\d.]+, logistic regression [\d.]+ ± \d\.\d", README)
    assert supervised in FINDINGS


def test_readme_has_a_line_for_each_program():
    named = re.findall(r"^\| `python -m ([\w.]+)` \|", USE, re.M)
    assert len(named) == 18 and re.findall(r"^\| `((?:\w+\.)?\w+)` \| [^|]* \|$", README, re.M) == named


def test_claims_tables_are_the_programs():
    claims = [dataclasses.asdict(test) for test in evaluate_claims()]
    assert f"corrected for all {len(claims)} questions" in FINDINGS
    plain = [row for row in claims if row["setting"]["selector"] in ("included", "none")]
    plain = [row for row in plain if row["setting"]["values"] == "as printed"]
    for row in plain:
        if row["claim"] == "C2":
            (low, high), wide = row["interval"], row["clustered"]["interval"]
            cells = [row["source"], *list(row["setting"].values())[:3]]
            cells += [f"{row['effect']:+.1f} [{low:+.1f}, {high:+.1f}]", f"[{wide[0]:+.1f}, {wide[1]:+.1f}]"]
            assert f"| {' | '.join([*cells, row['verdict']])} |" in FINDINGS
    table = re.findall(r"^\| (C\d) \| (.*?) \| .*? \| (.*?) \| (\d+) of (\d+) \|$", FINDINGS, re.M)
    assert len(table) == 13
    for claim, question, shown, supported, settings in table:
        rows = [row for row in claims if (row["claim"], row["question"]) == (claim, question)]
        main = next(row for row in plain if row in rows)
        low, high = main["clustered"]["interval"] if main["decides"] == "clustered" else main["interval"]
        assert shown == f"{main['effect']:.1f} [{low:.1f}, {high:.1f}]", question
        assert [int(supported), int(settings)] == [sum(row["verdict"] == "supported" for row in rows), len(rows)]
        if claim == "C2":
            assert f"is supported in {supported} of {settings} settings, not in the main one" in words_of(README)
            assert main["verdict"] == "inconclusive"
            # "That they lose less is supported in none."
            assert {row["verdict"] for row in rows} == {"supported", "inconclusive"}


def test_audit_is_the_programs():
    audit = audit_tables(DIRECTORY)
    counts = audit.counts()
    found = f"{counts['error']} errors, {counts['warning']} warnings and {counts['note']} notes"
    assert f"{found} in {len(audit.cells):,} cells" in words_of(FINDINGS)
    assert all(f"finds {counts['error']} errors" in words_of(page) for page in (README, FINDINGS))


def test_statements_agree_in_table_docstrings_pages_and_marks():
    table = re.findall(
        r"^\| (S\d+) \| .* \| \[.*?\]\((.*?)\) \| \[.*?\]\((.*?)\) \| \[figure\]\((.*?)\) \| \[test\]\((.*?)\) \|$",
        THEORY,
        re.M,
    )
    labels = {statement.label for statement in STATEMENTS.values()}
    assert [row[0] for row in table] == sorted(labels, key=lambda label: int(label[1:]))
    assert len(labels) == len(STATEMENTS) >= 7
    for label, *links in table:
        source, page, figure, test = (os.path.normpath(f"docs/theory/{link}") for link in links)
        name = source.removeprefix("theory/statements/").removesuffix(".py")
        assert STATEMENTS[name].label == label and FIGURES[name].caption.startswith(f"{label}: ")
        assert figure == f"docs/results/figures/{name}.png" and (ROOT / figure).exists()
        docstring = (ROOT / source).read_text()
        assert docstring.startswith(f'"""{label}, '), source
        assert page.removeprefix("docs/") in docstring or page in docstring, source
        assert re.search(rf"\b{label}\b", (ROOT / page).read_text()), page
        assert f'pytestmark = pytest.mark.statement("{label}")' in (ROOT / test).read_text(), test
    marked = {path.name for path in (ROOT / "tests" / "theorems").glob("test_*.py")}
    assert marked == {test.rpartition("/")[2] for *_, test in table}
