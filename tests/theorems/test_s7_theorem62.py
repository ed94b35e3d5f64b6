"""S7: the constants of Theorem 6.2, printed and derived, and where the printed bound fails."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from tests.theorems.monte_carlo import UNROUND, agree, draw
from theory import SpuriousModel, group_accuracies, theorem62, zero_shot_direction
from theory.theorem62 import conditions

pytestmark = pytest.mark.statement("S7")

NOISELESS = dataclasses.replace(UNROUND, sigma_xi=0.0)


def test_printed_constants_are_the_papers():
    """The formulas of the theorem, spelled as the paper prints them, at the program's defaults."""
    model = SpuriousModel()
    mu_spu, p_spu, sigma_inv, sigma_spu = 1.5, 0.9, 1.0, 0.5
    scale = np.sqrt((1 + sigma_inv**2) ** 2 * sigma_inv**2 + (2 * mu_spu * p_spu - 1) ** 2 * sigma_spu**2)
    kappa_1 = (sigma_inv**2 + 2 - 2 * mu_spu * p_spu) / scale
    kappa_2 = (-2 * mu_spu * p_spu - sigma_inv**2) / scale
    printed = theorem62(model, printed=True)
    np.testing.assert_allclose([printed.kappa_1, printed.kappa_2], [kappa_1, kappa_2], rtol=1e-14)
    np.testing.assert_allclose(printed.conflicting_error, 1 - norm.cdf(kappa_1), rtol=1e-13)
    np.testing.assert_allclose(printed.aligned_accuracy, 1 - norm.cdf(kappa_2), rtol=1e-13)
    np.testing.assert_allclose(printed.latent_covariance, [[2.0, 1.7], [1.7, 1.25]], rtol=1e-15)


def test_derived_constants_are_the_exact_accuracies_without_noise():
    derived = theorem62(NOISELESS, printed=False)
    aligned, conflicting, *_ = group_accuracies(NOISELESS, zero_shot_direction(NOISELESS, "label"))
    np.testing.assert_allclose(derived.conflicting_error, 1 - conflicting, rtol=1e-13)
    np.testing.assert_allclose(derived.aligned_accuracy, aligned, rtol=1e-13)


def test_both_agree_where_both_means_are_one():
    ones = dataclasses.replace(UNROUND, mu_inv=1.0, mu_spu=1.0)
    for printed, derived in zip(theorem62(ones, True), theorem62(ones, False), strict=True):
        np.testing.assert_allclose(printed, derived, rtol=1e-14)


def test_simulation_breaks_the_printed_bound_where_its_checkable_conditions_hold():
    """At mu_spu = 2, p_spu = 0.6 the bound says an error of at least 38.9%; the exact error is 27.5%."""
    model = SpuriousModel(spurious_ratio=0.6, mu_spu=2.0, sigma_xi=0.0)
    assert all(conditions(model).values())
    bound = float(theorem62(model, printed=True).conflicting_error)
    exact = float(theorem62(model, printed=False).conflicting_error)
    np.testing.assert_allclose([bound, exact], [0.3886, 0.2754], atol=5e-4)  # by hand from the formulas above
    bases, batch = draw(model, 400_000, seed=31, ratio=0.0)
    rule = bases.image @ zero_shot_direction(model, "label")
    errors = np.asarray(np.sign(batch.images @ rule) != batch.labels, float)
    assert agree(errors, exact)
    assert not agree(errors, bound)
    assert errors.mean() < bound


def test_without_its_condition_the_bound_can_fail_even_when_always_aligned():
    model = SpuriousModel(spurious_ratio=1.0, mu_spu=1.05, sigma_inv=1.0, sigma_spu=0.9)
    kappas = [float(theorem62(model, printed).kappa_1) for printed in (True, False)]
    # By hand: (2 - 1.1) / sqrt(4 + 1.1^2 0.81) and (2 - 1.1025) / sqrt(4 + 1.05^2 0.81).
    np.testing.assert_allclose(kappas, [0.9 / np.sqrt(4.9801), 0.8975 / np.sqrt(4.893025)], rtol=1e-12)
    assert kappas[1] > kappas[0]


@pytest.mark.parametrize("ratio", [0.97, 0.99, 1.0])
@pytest.mark.parametrize("mu_spu", [1.5, 2.0, 3.0])
def test_near_one_the_printed_bound_holds(ratio, mu_spu):
    model = SpuriousModel(spurious_ratio=ratio, mu_spu=mu_spu)
    assert theorem62(model, False).conflicting_error >= theorem62(model, True).conflicting_error


@pytest.mark.parametrize(
    ("change", "condition"),
    [
        ({"mu_inv": 1.1}, "mu_inv = 1"),
        ({"sigma_spu": 1.0}, "sigma_inv > sigma_spu"),
        ({"mu_spu": 1.49}, "mu_spu >= (sigma_inv^2 + 2) / 2"),
        ({"spurious_ratio": 0.5}, "p_spu > 1/2"),
    ],
)
def test_each_condition_is_checked(change, condition):
    assert all(conditions(SpuriousModel()).values())  # the defaults sit on the edge of mu_spu >= 1.5
    failed = [name for name, holds in conditions(SpuriousModel(**change)).items() if not holds]
    assert failed == [condition]
