"""Exact conditionals of a patient against dense Gaussian algebra."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from itb_bayes.kernel import drift_oracle
from itb_bayes.kernel.drift_effects import patient_conditionals
from itb_bayes.kernel.structure import VOLATILITY_FLOOR, Process, Structure

STRUCTURES = [
    Structure(process, robust, titration)
    for process, robust, titration in itertools.product(Process, [False, True], [False, True])
]
T = np.array([0.2, 0.7, 1.0, 1.9, 3.0, 4.2])
Y = np.array([4.6, 4.9, 5.0, 5.2, 5.15, 5.5])
T_FUTURE = np.array([4.7, 6.2])
THRESHOLD = np.array([5.4, 5.8])
SCALARS = np.array([np.log(0.12), np.log(4.3), 0.7, np.log(1.4), np.log(0.35)])


def population(p):
    mean = np.array([5.1, 0.05, 0.8])[:p]
    cov = np.array([[0.4, 0.004, 0.1], [0.004, 0.002, 0.001], [0.1, 0.001, 0.2]])[:p, :p]
    return mean, cov


def dense(structure):
    """Return conditional effect mean, exceedance and forecast moments by dense algebra."""
    mean, cov = population(structure.n_effect)
    share, ell, h = SCALARS[2], np.exp(SCALARS[3]), np.exp(SCALARS[4])
    t_all = np.concatenate([T, T_FUTURE])
    x = drift_oracle.design(t_all, h, structure)
    within = drift_oracle.correlation(t_all, share, ell, structure.process)
    log_sigma, nu = SCALARS[0], np.exp(SCALARS[1])
    u = 2 * log_sigma + np.linspace(-8, 15, 3001) if structure.robust else np.array([2 * log_sigma])
    n = T.size
    rows = []
    for k in u:
        floor = VOLATILITY_FLOOR if structure.robust else 0.0
        total = x @ cov @ x.T + (floor + np.exp(k)) * within
        gain = np.linalg.solve(total[:n, :n], total[:n, n:]).T
        residual = Y - x[:n] @ mean
        centre = x[n:] @ mean + gain @ residual
        variance = np.diag(total[n:, n:] - gain @ total[:n, n:])
        effect = mean + cov @ x[:n].T @ np.linalg.solve(total[:n, :n], residual)
        weight = drift_oracle.log_normal_density(Y, x[:n] @ mean, total[:n, :n])
        if structure.robust:
            weight += drift_oracle.log_volatility_prior(k, log_sigma, nu)
        rows.append((weight, centre, variance, effect))
    w = np.array([r[0] for r in rows])
    w = np.exp(w - logsumexp(w))
    centre, variance, effect = (np.array([r[i] for r in rows]) for i in (1, 2, 3))
    exceed = w @ norm.sf((THRESHOLD - centre) / np.sqrt(variance))
    first = w @ centre
    second = w @ (variance + centre**2) - first**2
    floor = VOLATILITY_FLOOR if structure.robust else 0.0
    return w @ effect, exceed, first, second, floor + w @ np.exp(u)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_conditionals_equal_dense_algebra(structure):
    n_draw = 20_000
    mean, cov = population(structure.n_effect)
    got = patient_conditionals(
        np.tile(mean, (n_draw, 1)), np.tile(cov, (n_draw, 1, 1)), np.tile(SCALARS, (n_draw, 1)),
        T, Y, structure, T_FUTURE, THRESHOLD, np.random.default_rng(1),
    )  # fmt: skip
    effect, exceed, centre, variance, volatility = dense(structure)
    np.testing.assert_allclose(got.effect_mean[0], effect, rtol=1e-8)
    np.testing.assert_allclose(got.exceed[0], exceed, rtol=1e-7)
    np.testing.assert_allclose(got.cdf[0], 1 - exceed, rtol=1e-7)
    error = 5 / np.sqrt(n_draw)
    np.testing.assert_allclose(
        got.future.mean(axis=0), centre, atol=error * np.sqrt(variance).max()
    )
    np.testing.assert_allclose(got.future.var(axis=0), variance, rtol=0.15)
    np.testing.assert_allclose((got.future > THRESHOLD).mean(axis=0), exceed, atol=error)
    np.testing.assert_allclose(
        got.effect.mean(axis=0), effect, atol=error * got.effect.std(axis=0).max()
    )
    np.testing.assert_allclose(got.volatility.mean(), volatility, rtol=0.1)


def test_conditionals_refuse_what_makes_no_sense():
    structure = Structure(Process.OU, False, False)
    mean, cov = population(2)
    arguments = [mean[None], cov[None], SCALARS[None], T, Y, structure]
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="after the last reading"):
        patient_conditionals(*arguments, np.array([4.0]), np.array([5.0]), rng)
    with pytest.raises(ValueError, match="disagree in shape"):
        patient_conditionals(
            mean[None], cov, SCALARS[None], T, Y, structure, T_FUTURE, THRESHOLD, rng
        )
