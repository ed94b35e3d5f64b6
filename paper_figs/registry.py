"""The register of figures: name to what it shows, where its numbers come from and how it is drawn."""

from paper_figs import (
    common_counter,
    colored_digits,
    contrastive,
    digits_reliance,
    effective_robustness,
    reliance,
)
from paper_figs.figure_spec import FigureSpec
from paper_figs.saved_result import DIGITS_TABLE, MAIN_JOB
from paper_figs.statement import statement_figure
from paper_figs.statements.table import STATEMENT_FIGURES

_PAPER = "arXiv 2403.11497v1"
_REPLICATION = "github.com/meric-karadag/clip_spurious_features"

_SPECS = (
    FigureSpec(
        "common_counter",
        "Figs. 1 and 2: accuracy on counter photos against that on common photos, both setups, paper and replication",
        f"{_PAPER}, Tables 3-5, 13 and 14; {_REPLICATION}",
        "Bars: 95% from the number of photos, at most (binomial); bands: 95% of a family's mean line, by least squares "
        "on logits",
        common_counter.draw,
    ),
    FigureSpec(
        "effective_robustness",
        "Claim C2: CLIPs against the line through ImageNet models, setting by setting",
        f"{_PAPER}, Tables 3, 4 and 10-14; {_REPLICATION}",
        "Bars: 95% from the number of photos, at most; in brackets: 95% of the CLIPs' mean effective robustness, from the spread of the models and the line's error",
        effective_robustness.draw,
    ),
    FigureSpec(
        "reliance",
        "S19 on the published accuracies: each family's index of spurious reliance",
        f"{_PAPER}, Tables 3, 4 and 10-14; {_REPLICATION}",
        "In brackets: 95% of a family's index",
        reliance.draw,
    ),
    FigureSpec(
        "contrastive",
        "The main job: accuracy of each objective in each group, and on the way there",
        "results of python -m sims.contrastive",
        "Bars and bands: 95% over independent runs (1.96 standard errors)",
        contrastive.draw,
        (MAIN_JOB,),
    ),
    FigureSpec(
        "colored_digits",
        "Table 8 on coloured digits: every learner in every row, beside the printed accuracies",
        f"results of python -m sims.colored_digits table; {_PAPER}, Table 8",
        "Bars: one standard deviation of the runs on each side",
        colored_digits.draw,
        (DIGITS_TABLE,),
    ),
    FigureSpec(
        "digits_reliance",
        "Theory against pictures: how far learners of coloured digits lean on the colour",
        "results of python -m sims.colored_digits table; the linear theory of sims/colored_digits/linear_theory.py",
        "Bars: 95%, bootstrap over the runs; the index has no unit",
        digits_reliance.draw,
        (DIGITS_TABLE,),
    ),
    *(statement_figure(name, caption, draw) for name, (caption, draw) in STATEMENT_FIGURES.items()),
)

FIGURES: dict[str, FigureSpec] = {spec.name: spec for spec in _SPECS}
