"""The table of statements with a simulation: label, the figure's title, and the function that simulates."""

import dataclasses

from sims.theorems.evidence import Evidence, Panels
from workbench.later import within

_later = within(__package__)


@dataclasses.dataclass(frozen=True)
class Statement:
    """A statement of `theory/` and its simulation.

    Attributes:
        label: `S1`, `S2` and so on.
        title: what its figure shows.
        file: of its simulation, in `sims/theorems/`.
        simulation: the function there.
        measured: the name there of the panels and series that it returns.
    """

    label: str
    title: str
    file: str
    simulation: str
    measured: str

    def simulate(self, seed: int) -> Evidence:
        """The measurements, with this seed of all random numbers."""
        return _later(f"{self.file}:{self.simulation}")(seed)

    @property
    def panels(self) -> Panels:
        """The panels and series that `simulate` returns."""
        return _later(f"{self.file}:{self.measured}").found


# The statements by the name of their file in theory/statements/.
STATEMENTS: dict[str, Statement] = {
    "linearized": Statement(
        "S1",
        "gradient descent and the closed-form minimiser",
        "linearized",
        "simulate_linearized",
        "LINEARIZED_PANELS",
    ),
    "population": Statement(
        "S2",
        "covariance of the features, derived and printed",
        "linearized",
        "simulate_population",
        "POPULATION_PANELS",
    ),
    "zero_shot": Statement(
        "S3", "reliance of the zero-shot rules", "zero_shot", "simulate_zero_shot", "ZERO_SHOT_PANELS"
    ),
    "group_accuracy": Statement(
        "S4",
        "accuracy of fixed rules in each group",
        "group_accuracy",
        "simulate_group_accuracy",
        "GROUP_ACCURACY_PANELS",
    ),
    "least_squares": Statement(
        "S5",
        "least squares against the spurious ratio",
        "supervised",
        "simulate_least_squares",
        "SUPERVISED_PANELS",
    ),
    "logistic": Statement(
        "S6",
        "logistic regression against the spurious ratio",
        "supervised",
        "simulate_logistic",
        "SUPERVISED_PANELS",
    ),
    "theorem62": Statement(
        "S7",
        "Theorem 6.2's printed bound, and where it fails",
        "boundary",
        "simulate_theorem62",
        "THEOREM62_PANELS",
    ),
    "boundary": Statement(
        "S8",
        "phase diagram of the linearised learner against least squares, and its boundary against the logistic one",
        "boundary",
        "simulate_boundary",
        "BOUNDARY_PANELS",
    ),
    "rate": Statement(
        "S9",
        "rate at which a sample's cross-covariance reaches its limit",
        "linearized",
        "simulate_rate",
        "RATE_PANELS",
    ),
    "bayes": Statement(
        "S10",
        "the Bayes classifier: what a background tells saturates",
        "supervised",
        "simulate_bayes",
        "BAYES_PANELS",
    ),
    "regularisation": Statement(
        "S11",
        "regularised logistic regression between its limits",
        "supervised",
        "simulate_regularisation",
        "REGULARISATION_PANELS",
    ),
    "captions": Statement(
        "S12",
        "captions that mention the background more or less often",
        "zero_shot",
        "simulate_captions",
        "CAPTIONS_PANELS",
    ),
    "mutual_information": Statement(
        "S13",
        "pointwise mutual information of image and caption",
        "critics",
        "simulate_mutual_information",
        "MUTUAL_INFORMATION_PANELS",
    ),
    "infonce": Statement(
        "S14", "what InfoNCE and its two directions learn", "critics", "simulate_infonce", "INFONCE_PANELS"
    ),
    "siglip": Statement("S15", "what the sigmoid loss learns", "critics", "simulate_siglip", "SIGLIP_PANELS"),
    "dynamics": Statement("S16", "phases of training, and where InfoNCE leaves them", "dynamics", "simulate", "PANELS"),
    "prompts": Statement(
        "S17",
        "the worse group against the prompt's share of the class mean",
        "zero_shot",
        "simulate_prompts",
        "PROMPTS_PANELS",
    ),
    "many_classes": Statement(
        "S18", "many classes, with and without shared features", "many_classes", "simulate", "PANELS"
    ),
    "accuracy_on_the_line": Statement(
        "S19",
        "rays and an ellipse on probit axes",
        "group_accuracy",
        "simulate_accuracy_on_the_line",
        "LINE_PANELS",
    ),
    "unit_length": Statement(
        "S20",
        "CLIP's and SigLIP's own losses, on embeddings of unit length",
        "unit_length",
        "simulate",
        "PANELS",
    ),
    "finite_batch": Statement(
        "S21", "what InfoNCE on inner products learns from finite batches", "finite_batch", "simulate", "PANELS"
    ),
    "finite_samples": Statement(
        "S22",
        "what a sample of n pairs leaves open, and intervals that cover it",
        "finite_samples",
        "simulate",
        "PANELS",
    ),
    "softmax": Statement("S23", "softmax regression and InfoNCE for many classes", "softmax", "simulate", "PANELS"),
    "silent_captions": Statement(
        "S24",
        "InfoNCE on captions that name the background at times, as the text encoder gains capacity",
        "silent_captions",
        "simulate",
        "PANELS",
    ),
    "reweighting": Statement(
        "S25",
        "supervised learners on weighted groups, and what a sample costs them",
        "reweighting",
        "simulate_reweighting",
        "REWEIGHTING_PANELS",
    ),
    "other_objectives": Statement(
        "S26",
        "SupCon does as supervised learning, whatever the prompt; nCLIP's clusters are the background",
        "other_objectives",
        "simulate",
        "PANELS",
    ),
    "networks": Statement(
        "S27", "one hidden layer: random features and trained networks", "networks", "simulate", "PANELS"
    ),
    "accuracy_curves": Statement(
        "S28",
        "curves of models that differ in one thing, among many candidates",
        "accuracy_curves",
        "simulate",
        "PANELS",
    ),
    "scale_and_curation": Statement(
        "S29",
        "balanced captions, less noise, and more pairs",
        "scale_and_curation",
        "simulate_scale_and_curation",
        "SCALE_AND_CURATION_PANELS",
    ),
    "repairs": Statement(
        "S30", "repairs of the prompt and of the image, on fitted encoders", "repairs", "simulate", "PANELS"
    ),
}
