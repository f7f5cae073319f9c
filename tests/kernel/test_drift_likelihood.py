"""The compiled drift likelihood against the dense reference and finite differences."""

import itertools

import numpy as np
import pytest
from numba import njit
from scipy.special import digamma as scipy_digamma

from itb_bayes.kernel import drift_oracle
from itb_bayes.kernel.drift_likelihood import (
    drift_log_likelihood,
    static_statistics,
)
from itb_bayes.kernel.panel import Panel
from itb_bayes.kernel.small_algebra import (
    as_lower,
    cholesky_psd,
    symmetric_eigen,
)
from itb_bayes.kernel.structure import Process, Structure
from itb_bayes.kernel.volatility import digamma

STRUCTURES = [
    Structure(process, robust, titration)
    for process, robust, titration in itertools.product(Process, [False, True], [False, True])
]


@njit
def eigen_of(matrix):
    return symmetric_eigen(as_lower(matrix))


def make_panel(rng: np.random.Generator, n_patient: int = 5) -> Panel:
    lengths = rng.integers(1, 13, n_patient)
    t = np.concatenate([np.sort(rng.uniform(0, 9, n)) for n in lengths])
    y = 5 + 0.05 * t + 0.15 * rng.standard_normal(t.size)
    return Panel(t, y, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def make_parameters(rng: np.random.Generator, n_patient: int, p: int):
    mean = np.stack([rng.normal(5.1, 0.2, n_patient), rng.normal(0.04, 0.03, n_patient)], axis=1)
    if p == 3:
        mean = np.concatenate([mean, rng.normal(0.8, 0.1, (n_patient, 1))], axis=1)
    factor = np.tril(rng.normal(0, 0.2, (p, p))) + np.diag([0.6, 0.04, 0.3][:p])
    scalars = np.array([np.log(0.12), np.log(4.3), 0.7, np.log(1.4), np.log(0.35)])
    return mean, factor @ factor.T, scalars


def evaluate(panel, structure, mean, cov, scalars):
    static = np.zeros((panel.n_patient, structure.n_effect + 1, structure.n_effect + 1))
    if structure.is_static:
        static = static_statistics(panel.t_years, panel.y, panel.offsets)
    return drift_log_likelihood(
        mean, cov, scalars, panel.t_years, panel.y, panel.offsets, static,
        int(structure.process), structure.robust, structure.is_static,
    )  # fmt: skip


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_value_equals_dense_reference(structure):
    rng = np.random.default_rng(7)
    panel = make_panel(rng)
    mean, cov, scalars = make_parameters(rng, panel.n_patient, structure.n_effect)
    got = evaluate(panel, structure, mean, cov, scalars)[0]
    want = drift_oracle.log_likelihood(
        panel, structure, mean, cov, scalars[0], np.exp(scalars[1]), scalars[2],
        np.exp(scalars[3]), np.exp(scalars[4]),
    )  # fmt: skip
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_gradient_equals_finite_differences(structure):
    rng = np.random.default_rng(8)
    panel = make_panel(rng)
    mean, cov, scalars = make_parameters(rng, panel.n_patient, structure.n_effect)
    _, g_mean, g_cov, g_scalars = evaluate(panel, structure, mean, cov, scalars)
    step = 1e-6

    def slope(d_mean=0.0, d_cov=0.0, d_scalars=0.0):
        up = evaluate(panel, structure, mean + d_mean, cov + d_cov, scalars + d_scalars)[0]
        down = evaluate(panel, structure, mean - d_mean, cov - d_cov, scalars - d_scalars)[0]
        return (up - down) / (2 * step)

    p = structure.n_effect
    for a in range(p):
        unit = np.zeros(p)
        unit[a] = step
        np.testing.assert_allclose(slope(d_mean=unit), g_mean[:, a], rtol=2e-5, atol=2e-5)
        for b in range(a + 1):
            unit_cov = np.zeros((p, p))
            unit_cov[a, b] += step / 2
            unit_cov[b, a] += step / 2
            np.testing.assert_allclose(slope(d_cov=unit_cov), g_cov[:, a, b], rtol=1e-4, atol=1e-4)
    for k in range(5):
        unit = np.zeros(5)
        unit[k] = step
        np.testing.assert_allclose(slope(d_scalars=unit), g_scalars[:, k], rtol=2e-5, atol=2e-5)


def test_volatility_quadrature_is_exact_for_long_short_and_constant_series():
    rng = np.random.default_rng(3)
    t = np.concatenate([np.linspace(0, 30, 120), [2.0], np.linspace(1, 9, 9), np.linspace(1, 9, 9)])
    y = 5 + 0.02 * t + 0.3 * rng.standard_normal(t.size)
    y[121:130] = 5.0  # a dose that never changes
    y[135] += 3.0  # one wild visit
    panel = Panel(t, y, np.array([0, 120, 121, 130, 139]))
    structure = Structure(Process.OU, True, False)
    mean, cov, scalars = make_parameters(rng, 4, 2)
    for nu in (2.1, 30.0, 200.0):
        scalars[1] = np.log(nu)
        got = evaluate(panel, structure, mean, cov, scalars)[0]
        want = drift_oracle.log_likelihood(
            panel, structure, mean, cov, scalars[0], nu, scalars[2], np.exp(scalars[3]), 1.0
        )
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-8)


def test_small_linear_algebra_agrees_with_numpy():
    rng = np.random.default_rng(5)
    for p in (2, 3):
        factor = rng.normal(size=(p, p))
        spd = factor @ factor.T
        np.testing.assert_allclose(cholesky_psd(spd), np.linalg.cholesky(spd), rtol=1e-10)
        values, columns = eigen_of(spd)
        vectors = np.array(columns)[:p, :p].T
        np.testing.assert_allclose(vectors @ np.diag(values[:p]) @ vectors.T, spd, atol=1e-12)
    singular = np.outer([1.0, 2.0], [1.0, 2.0])
    chol = cholesky_psd(singular)
    np.testing.assert_allclose(chol @ chol.T, singular, atol=1e-12)


@pytest.mark.parametrize("x", [0.1, 0.5, 1.0, 3.7, 20.0, 500.0])
def test_digamma_agrees_with_scipy(x):
    assert digamma(x) == pytest.approx(scipy_digamma(x), rel=1e-12)


@pytest.mark.parametrize(
    ("t", "y", "offsets", "message"),
    [
        ([0.0, 1.0], [1.0], [0, 2], "one length"),
        ([0.0, 1.0], [1.0, 1.0], [1, 2], "start at 0"),
        ([0.0, 1.0], [1.0, 1.0], [0, 3], "end at the number"),
        ([0.0, 1.0], [1.0, 1.0], [0, 0, 2], "give each patient one"),
        ([0.0, 1.0], [1.0, np.nan], [0, 2], "finite"),
        ([1.0, 1.0], [1.0, 1.0], [0, 2], "increase"),
    ],
)
def test_panel_refuses_what_kernels_could_run_off(t, y, offsets, message):
    with pytest.raises(ValueError, match=message):
        Panel(np.array(t), np.array(y), np.array(offsets, dtype=np.int64))


def test_panel_views():
    panel = Panel(np.array([1.0, 2.0, 0.5]), np.array([3.0, 4.0, 5.0]), np.array([0, 2, 3]))
    assert (panel.n_patient, panel.n_visit) == (2, 3)
    np.testing.assert_array_equal(panel.patient(1)[1], [5.0])
    np.testing.assert_array_equal(panel.patient_of_visit, [0, 0, 1])
