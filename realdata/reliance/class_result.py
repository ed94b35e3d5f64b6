"""The outcome of reading class-wise accuracies as the theory does."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ClassTest:
    """The models of one source in one class, against a ray: one line through the origin of probit axes.

    Attributes:
        source: `paper` or `replication`.
        imagenet_index: of the class.
        label: its first name.
        models: how many are known in it.
        common_photos: how many the accuracies are counts over.
        counter_photos: the same of the counter photos.
        drop: mean over the models, in points.
        slope: k of the ray.
        reliance: tau of the ray; None where the models' two probits do not sum to more than 0.
        interval: its 95% interval, widened by the root of the overdispersion.
        deviance: of the ray from the saturated model, and of the other lines; see `realdata.reliance.classes`.
        freedom: degrees of freedom of the ray's.
        overdispersion: the ray's deviance over its degrees of freedom.
        p_values: that each line is all there is, the largest over the correlation of the models' errors; not corrected.
        intercept: of the line that may miss the origin, in probits of the counter photos.
        intercept_interval: its 95% interval; None for an end beyond 6 probits.
        detectable_intercept: smallest one that a test at 5% finds in 80%.
        intercept_p_value: of the test that it is 0, not corrected.
        shift: alpha of the line of slope 1, in probits.
        shift_stderr: its standard error.
        p_value_corrected: the ray's, by Holm over the whole program.
        intercept_p_value_corrected: the same of the intercept's.
        verdict: `rejected`, `holds` or `undecided`.
        sentence: what was found, in words.
    """

    source: str
    imagenet_index: int
    label: str
    models: int
    common_photos: int
    counter_photos: int
    drop: float
    slope: float
    reliance: float | None
    interval: tuple[float, float] | None
    deviance: dict[str, float]
    freedom: int
    overdispersion: float
    p_values: dict[str, float]
    intercept: float
    intercept_interval: tuple[float | None, float | None]
    detectable_intercept: float
    intercept_p_value: float
    shift: float
    shift_stderr: float
    p_value_corrected: float = 1.0
    intercept_p_value_corrected: float = 1.0
    verdict: str = ""
    sentence: str = ""


@dataclasses.dataclass(frozen=True)
class ClassSummary:
    """What one source's classes say together.

    Attributes:
        source: `paper` or `replication`.
        classes: how many.
        models: how many at most in a class.
        rejected_at_5: for each line, classes that reject it at 5%, not corrected.
        expected: how many would by chance, if it were right everywhere.
        rejected: classes that reject the ray after Holm's correction over the whole program.
        holds: classes whose intercept is shown to be small.
        undecided: the others.
        drops: mean drop in points of the classes with each verdict; None where there are none.
        qaicc: for each line, the quasi-Akaike criterion summed over classes, less the best line's.
        overdispersion: of the line of any slope and intercept, which scales it.
        slope: mean over classes of the line that may miss the origin (random effects on its angle).
        slope_interval: its 95% interval.
        slope_p_value: of the test that the mean is 1, not corrected.
        slope_p_value_corrected: by Holm over the whole program.
        shift: mean over classes of the shift of the line of slope 1 (random effects), in probits.
        shift_interval: its 95% interval.
        shift_spread: standard deviation between classes beyond photo noise and the models' scatter.
        slope_of_averages: of the line through the models' averages, if every class had slope 1 and its own shift.
        slope_of_averages_measured: of the line through the averages themselves, of the models known in all classes.
        left_out: accuracies that are no count of photos.
        verdict: `ray`, `chance`, `shift` or `line`: the line that describes the classes best.
        sentence: the same in words.
    """

    source: str
    classes: int
    models: int
    rejected_at_5: dict[str, int]
    expected: float
    rejected: int
    holds: int
    undecided: int
    drops: dict[str, float | None]
    qaicc: dict[str, float]
    overdispersion: float
    slope: float
    slope_interval: tuple[float, float]
    slope_p_value: float
    slope_p_value_corrected: float
    shift: float
    shift_interval: tuple[float, float]
    shift_spread: float
    slope_of_averages: float
    slope_of_averages_measured: float
    left_out: tuple[str, ...]
    verdict: str
    sentence: str
