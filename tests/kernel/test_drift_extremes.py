"""The compiled drift likelihood where a sampler strays: it must answer with numbers, not NaN."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from itb_bayes.kernel import drift_oracle
from itb_bayes.kernel.drift_likelihood import drift_log_likelihood, static_statistics
from itb_bayes.kernel.panel import Panel
from itb_bayes.kernel.structure import VOLATILITY_FLOOR, Process, Structure

STRUCTURES = [
    Structure(process, robust, titration)
    for process, robust, titration in itertools.product(Process, [False, True], [False, True])
]
USUAL = np.array([np.log(0.12), np.log(4.3), 0.7, np.log(1.4), np.log(0.35)])
MEAN = np.array([5.1, 0.04, 0.8])
COV = np.diag([0.4, 0.002, 0.2])


def panel_of(*times: np.ndarray) -> Panel:
    t = np.concatenate(times)
    y = 5 + 0.05 * t + 0.15 * np.random.default_rng(4).standard_normal(t.size)
    offsets = np.cumsum([0, *(len(x) for x in times)]).astype(np.int64)
    return Panel(t, y, offsets)


def evaluate(panel, structure, scalars=USUAL, cov=COV, mean=MEAN, use_static=False):
    p = structure.n_effect
    static = static_statistics(panel.t_years, panel.y, panel.offsets)
    means = np.tile(mean[:p], (panel.n_patient, 1))
    return drift_log_likelihood(
        means, np.ascontiguousarray(cov[:p, :p]), scalars, panel.t_years, panel.y, panel.offsets,
        static, int(structure.process), structure.robust, use_static,
    )  # fmt: skip


def oracle(panel, structure, scalars=USUAL, cov=COV, mean=MEAN, n_node=4001):
    p = structure.n_effect
    return drift_oracle.log_likelihood(
        panel, structure, np.tile(mean[:p], (panel.n_patient, 1)), cov[:p, :p], scalars[0],
        np.exp(scalars[1]), scalars[2], np.exp(scalars[3]), np.exp(scalars[4]), n_node,
    )  # fmt: skip


PANEL = panel_of(
    np.array([0.0]), np.array([0.0, 1e-12, 2.0]), np.linspace(0.1, 9, 25), np.array([3.0, 3.5])
)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_value_and_gradient_are_finite_at_extreme_parameters(structure):
    extremes = [
        (-40.0, -3.0, 3.0, 40.0, -1000.0, 1000.0),
        (-20.0, -3.0, 3.0, 20.0, -1000.0, 1000.0),
        (0.0, 1e-300, 1.0 - 1e-12, 1.0),
        (-1000.0, -20.0, 20.0, 1000.0),
        (-1000.0, -20.0, 20.0, 1000.0),
    ]
    for k, values in enumerate(extremes):
        for value in values:
            scalars = USUAL.copy()
            scalars[k] = value
            for result in evaluate(PANEL, structure, scalars):
                assert np.isfinite(result).all(), (k, value)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
@pytest.mark.parametrize("scale", [0.0, 1e-24, 1e-8, 1e8])
def test_value_and_gradient_are_finite_at_extreme_covariances(structure, scale):
    correlated = np.array([[0.4, 0.02, 0.2], [0.02, 0.001, 0.01], [0.2, 0.01, 0.1]])
    only_drift = np.diag([0.4, 0.002 * scale, 0.2])
    for cov in (scale * COV, only_drift, correlated * scale):
        for log_sigma in (-12.0, -2.0):
            scalars = np.concatenate([[log_sigma], USUAL[1:]])
            for result in evaluate(PANEL, structure, scalars, cov):
                assert np.isfinite(result).all()


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_value_is_exact_with_singular_and_with_tiny_covariance(structure):
    panel = panel_of(np.array([2.0]), np.array([0.4, 1.0, 3.0, 4.5]))
    singular = np.outer([0.6, 0.05, 0.4], [0.6, 0.05, 0.4])
    for cov in (singular, np.diag([0.4, 1e-12, 1e-12]), np.zeros((3, 3))):
        np.testing.assert_allclose(
            evaluate(panel, structure, cov=cov)[0],
            oracle(panel, structure, cov=cov),
            rtol=1e-8,
            atol=1e-8,
        )


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_value_is_exact_far_from_the_population(structure):
    panel = panel_of(np.array([1.5]), np.array([0.5, 2.0, 2.2]), np.linspace(0.2, 6, 8))
    for level in (-4.0, 3.0, 12.0):
        for nu in (2.05, 60.0):
            scalars, mean = USUAL.copy(), np.array([level, 0.4, 0.8])
            scalars[1] = np.log(nu)
            np.testing.assert_allclose(
                evaluate(panel, structure, scalars, mean=mean)[0],
                oracle(panel, structure, scalars, mean=mean, n_node=2001),
                rtol=1e-8,
                atol=1e-8,
            )


@pytest.mark.parametrize("process", [Process.OU, Process.RANDOM_WALK])
@pytest.mark.parametrize("share", [1e-6, 0.9999])
def test_determinants_that_leave_the_range_of_floats_are_exact(process, share):
    panel = panel_of(np.linspace(0.01, 12.0, 300))
    structure = Structure(process, False, True)
    scalars = USUAL.copy()
    scalars[2] = share
    np.testing.assert_allclose(
        evaluate(panel, structure, scalars)[0], oracle(panel, structure, scalars), rtol=1e-8
    )


def test_static_and_visit_by_visit_statistics_agree():
    for robust in (False, True):
        structure = Structure(Process.NONE, robust, False)
        by_visit, static = (
            evaluate(PANEL, structure, use_static=use_static) for use_static in (False, True)
        )
        for left, right in zip(by_visit, static, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


def test_very_equal_volatilities_are_one_volatility():
    scalars = USUAL.copy()
    scalars[1] = 17.0
    robust = evaluate(PANEL, Structure(Process.OU, True, True), scalars)
    floored = scalars.copy()
    floored[0] = 0.5 * np.log(np.exp(2 * scalars[0]) + VOLATILITY_FLOOR)
    single = evaluate(PANEL, Structure(Process.OU, False, True), floored)
    for left, right in zip(robust[:3], single[:3], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("share_constant", [0.2, 0.5, 1.0])
def test_patients_whose_dose_never_changes_do_not_make_the_likelihood_unbounded(share_constant):
    rng = np.random.default_rng(12)
    n_patient, n_visit = 20, 13
    t = np.tile(np.arange(n_visit) * 0.5 + 1.0, n_patient)
    y = 5.0 + 0.1 * rng.standard_normal(t.size).reshape(n_patient, n_visit).cumsum(axis=1)
    y[: int(share_constant * n_patient)] = 5.3
    panel = Panel(t, y.ravel(), np.arange(n_patient + 1) * n_visit)
    structure = Structure(Process.RANDOM_WALK, True, False)

    def total(sigma, nu):
        scalars = np.array([np.log(sigma), np.log(nu), 0.8, 0.0, 0.0])
        return evaluate(panel, structure, scalars)[0].sum()

    collapsed = [total(10.0**-k, 0.1) for k in (4, 6, 8, 12)]
    assert np.isfinite(collapsed).all()
    assert collapsed[3] < collapsed[2] + 0.01  # no growth towards zero, where it once was linear

    def log_prior(sigma, nu):  # of the shipped model file
        return norm.logpdf(np.log(sigma), -2.36, 0.70) + norm.logpdf(np.log(nu), 2.16, 0.755)

    sane = [(s, n) for s in (0.003, 0.01, 0.03, 0.1) for n in (1.0, 3.0, 10.0)]
    best = max(total(*point) + log_prior(*point) for point in sane)
    assert best > max(total(10.0**-k, 0.1) + log_prior(10.0**-k, 0.1) for k in (4, 6, 8, 12))
