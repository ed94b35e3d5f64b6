"""The register of figures: name to what it shows, where its numbers come from and how it is drawn."""

from paper_figs.saved_result import DIGITS_REPAIRS, DIGITS_TABLE, MAIN_JOB, REPAIRS, VERDICT_MAP
from paper_figs.spec import FigureSpec
from paper_figs.statements.table import DRAW, statement_figure
from workbench.later import within

_PAPER = "arXiv 2403.11497v1"
_REPLICATION = "github.com/meric-karadag/clip_spurious_features"
_PHOTO_BARS = "Bars: 95% from the number of photos, at most (binomial; photos of both groups are independent)"


_later = within(__package__)


_SPECS = (
    FigureSpec(
        "common_counter",
        "Figs. 1 and 2: accuracy on counter photos against that on common photos, both setups, paper and replication",
        f"{_PAPER}, Tables 3-5, 13 and 14; {_REPLICATION}",
        "Bars: 95% from the number of photos, at most (binomial); bands: 95% of a family's mean line, by least squares "
        "on logits",
        _later("published.common_counter:draw"),
        message="All models lose accuracy on counter photos, CLIPs and ImageNet models alike",
    ),
    FigureSpec(
        "photo_counts",
        "Fig. 3: photos of each class in each group, and the counts that the audit speaks of",
        f"{_PAPER}, Fig. 3; python -m realdata.audit, which reads {_REPLICATION} too",
        "Counts have no interval",
        _later("published.photo_counts:draw"),
        message="One printed number of photos has lost a digit",
    ),
    FigureSpec(
        "class_drops",
        "Fig. 4 and its kin: the drop of every model in every class",
        f"{_PAPER}, Tables 15 and 16 and Fig. 3; {_REPLICATION}",
        "Thick: 95% of a mean from the number of photos (Newcombe), as if the models' errors were perfectly "
        "correlated, since they saw the same photos",
        _later("published.class_drops:draw_class_drops"),
        message="The drop differs more between classes than between models",
    ),
    FigureSpec(
        "class_drops_by_model",
        "Fig. 4 for every model: its class-wise drops in order, the classes of the least and the largest named",
        f"{_PAPER}, Tables 15 and 16 and Fig. 3; {_REPLICATION}",
        "Bars: 95% of each class's drop from its number of photos (binomial; Newcombe); dashed: the mean over classes",
        _later("published.class_drops:draw_class_drops_by_model"),
        message="A model's drop is the mean of very unequal classes",
    ),
    FigureSpec(
        "same_backbone",
        "Figs. 5, 6 and 8 and their kin: one backbone, different pre-training data; drop and counter accuracy",
        f"{_PAPER}, Tables 3 and 13; {_REPLICATION}; sizes of the data: published/pretraining_data.csv",
        _PHOTO_BARS,
        _later("published.related_models:draw_same_backbone"),
        message="Of one backbone, CLIPs of filtered data lose less on average",
    ),
    FigureSpec(
        "same_data",
        "Fig. 7 and its kin: one set of pre-training data, different backbones; drop and counter accuracy",
        f"{_PAPER}, Tables 3 and 13; {_REPLICATION}; sizes of the towers: published/image_towers.csv",
        _PHOTO_BARS,
        _later("published.related_models:draw_same_data"),
        message="On one data set, larger backbones lose less",
    ),
    FigureSpec(
        "colored_coco",
        "Table 7: CLIPs fine-tuned on coloured backgrounds, tested on others",
        f"{_PAPER}, Table 7",
        "No number of test images and no spread over runs is printed, so there are no intervals",
        _later("published.printed_experiments:draw_colored_coco"),
        message="Fine-tuned on coloured backgrounds, nearly all CLIPs fail on other ones",
    ),
    FigureSpec(
        "multicolored_mnist",
        "Table 8: contrastive and supervised learners of coloured digits, as printed",
        f"{_PAPER}, Table 8",
        "Bars: one standard deviation of the paper's runs on each side, whose number is not printed",
        _later("published.printed_experiments:draw_multicolored_mnist"),
        message="As printed, contrastive and supervised learners of coloured digits do alike",
    ),
    FigureSpec(
        "effective_robustness",
        "Claim C2: CLIPs against the line through ImageNet models, setting by setting",
        f"{_PAPER}, Tables 3, 4 and 10-14; {_REPLICATION}",
        "Bars: 95% from the number of photos, at most; in brackets: 95% of the CLIPs' mean effective robustness, from "
        "the spread of the models and the line's error, naive and with clustered errors",
        _later("published.effective_robustness:draw_effective_robustness"),
    ),
    FigureSpec(
        "forest",
        "Claim C2 in every setting: effective robustness with naive and clustered intervals, and the verdict",
        f"python -m realdata.claims, of {_PAPER}, Tables 3, 4 and 10-14, and {_REPLICATION}",
        "Thick: 95% as if models were independent; thin: 95% with errors clustered by pre-training data or "
        "architecture, the wider; verdicts are corrected over all claims; bold: not inconclusive",
        _later("published.forest:draw_forest"),
    ),
    FigureSpec(
        "other_shifts",
        "Claim C9: the CLIPs of Table 3 on test sets made to break ImageNet models, and on CounterAnimal",
        f"python -m realdata.claims, of {_PAPER}, Tables 3, 4 and 10, OpenCLIP's and torchvision's accuracies, "
        "and the ImageNet testbed (published/README.md)",
        "Bars: 95%, CLIPs clustered by pre-training data or architecture, ImageNet models by architecture; verdicts "
        "are corrected within each half; over two accuracies the baseline are the paper's own ImageNet models",
        _later("published.forest:draw_shifts"),
    ),
    FigureSpec(
        "specification_curve",
        "Claims C1 to C5 in every setting, ordered by effect, over the choices that make the setting",
        f"python -m realdata.claims, of {_PAPER}, Tables 3, 4 and 9-14, and {_REPLICATION}",
        "Bars: 95%, C1 from the number of photos, the others clustered by pre-training data or architecture, the "
        "wider; verdicts are corrected over all questions; the primary setting is chosen by a rule (docs/claims.md)",
        _later("published.specification_curve:draw"),
    ),
    FigureSpec(
        "power",
        "How many models, data sets, architectures or photos it would take to decide what is open",
        f"simulation from variance components fitted to {_PAPER}, Tables 3, 4 and 10 (realdata/claims/power.py)",
        "Least effect that four of five simulated studies detect, with a Monte Carlo error of a few hundredths of it",
        _later("published.power:draw"),
    ),
    FigureSpec(
        "audit_map",
        "Every printed number as a cell, by what the audit says of it",
        f"python -m realdata.audit, of {_PAPER} and {_REPLICATION}",
        "Statuses have no interval; what each finding is: python -m realdata.audit",
        _later("published.audit_map:draw"),
    ),
    FigureSpec(
        "reliance",
        "S19 on the published averages: each family's one index of spurious reliance, and better lines",
        f"python -m realdata.reliance, of {_PAPER}, Tables 3, 4 and 10-14, and {_REPLICATION}",
        "Bands and brackets: 95%; models below the axes are in the fits and not shown",
        _later("published.reliance:draw_reliance"),
    ),
    FigureSpec(
        "reliance_classes",
        "S19 class by class: each class's index, intercept and shift, and which line describes them",
        f"python -m realdata.reliance, of {_PAPER}, Tables 15 and 16, and {_REPLICATION}",
        "1 vs. 1000. Bars: 95%; arrows: beyond the axis",
        _later("published.reliance:draw_reliance_classes"),
        message="Class by class: one index of reliance for all models, and what describes them better",
    ),
    FigureSpec(
        "reliance_models",
        "Each model's index of spurious reliance, from its averages and from its classes",
        f"python -m realdata.reliance, of {_PAPER}, Tables 3, 4, 15 and 16, and {_REPLICATION}",
        "Bars: 95%; zero is no reliance, one is right on counter photos half of the time; arrows: beyond the axis",
        _later("published.reliance:draw_reliance_models"),
        message="Better models lean less, and no model leans alike in all classes",
    ),
    FigureSpec(
        "reliance_curves",
        "S28 on the published averages: curves of models that differ in one thing, fitted to ImageNet models and put "
        "to others",
        f"python -m realdata.reliance, of {_PAPER}, Tables 3, 4 and 9-14, {_REPLICATION}, OCCAM and H-SPLID",
        "Bars: 95% of the mean difference in log score, from the spread of the models as independent draws",
        _later("published.accuracy_curves:draw"),
    ),
    FigureSpec(
        "contrastive",
        "The main job: accuracy of each objective in each group, and on the way there",
        "results of python -m sims.contrastive",
        "Bars and bands: 95% over independent runs (normal)",
        _later("synthetic.spurious_model:draw_contrastive"),
        (MAIN_JOB,),
    ),
    FigureSpec(
        "captions_prompts",
        "Losses, captions and prompts: who is right more often than logistic regression where the background misleads",
        "result of python -m theory map, closed forms at its parameters",
        "Exact for infinite data, so there are no intervals; + more, = as, − less often right than logistic "
        "regression; *: less often right where the background agrees",
        _later("synthetic.spurious_model:draw_captions_prompts"),
        (VERDICT_MAP,),
        message="What captions and prompts say decides which loss is more robust than logistic regression",
    ),
    FigureSpec(
        "colored_digits",
        "Table 8 on coloured digits: every learner in every row, beside the printed accuracies",
        f"results of python -m sims.colored_digits table; {_PAPER}, Table 8",
        "Bars: one standard deviation of the runs on each side",
        _later("synthetic.colored_digits:draw_colored_digits"),
        (DIGITS_TABLE,),
        message="The paper's objective does as supervised training does; with complete captions CLIP's does not",
    ),
    FigureSpec(
        "digits_reliance",
        "Theory against images: how far learners of coloured digits lean on the colour",
        "results of python -m sims.colored_digits table; the linear theory of sims/colored_digits/linear_theory.py",
        "Bars: 95%, bootstrap over the runs; the index has no unit",
        _later("synthetic.colored_digits:draw_digits_reliance"),
        (DIGITS_TABLE,),
        message="How far learners of coloured digits lean on the colour, beside the linear theory",
    ),
    FigureSpec(
        "repairs_digits",
        "Zero-shot repairs of small CLIPs on coloured digits: what each changes, and what was predicted",
        "results of python -m sims.repairs digits",
        "Bars: 95% over independent CLIPs (normal)",
        _later("synthetic.repairs:draw_repairs_digits"),
        (DIGITS_REPAIRS,),
        message="What captions name decides which repair helps",
    ),
    FigureSpec(
        "repairs_trained",
        "Zero-shot repairs of encoders trained in the synthetic model, beside their closed forms",
        "results of python -m sims.repairs",
        "Bars: 95% over independent runs (normal)",
        _later("synthetic.repairs:draw_repairs_trained"),
        (REPAIRS,),
        message="What helps after one loss harms after another",
    ),
    *(statement_figure(name) for name in DRAW),
)

FIGURES: dict[str, FigureSpec] = {spec.name: spec for spec in _SPECS}
