"""Plain numpy reference of the drift likelihood: dense covariances, brute-force quadrature.

Slow and obvious on purpose. Tests compare :mod:`itb_bayes.kernel.drift_likelihood` with it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from itb_bayes.kernel.panel import Panel
from itb_bayes.kernel.structure import VOLATILITY_FLOOR, Process, Structure

Array = NDArray[np.float64]


def design(t_years: Array, h_years: float, structure: Structure) -> Array:
    """Return the design of the patient effects, shape (n_visit, n_effect).

    Columns are 1, ``t - 1`` and, with a titration term, ``-exp(-t / h)``.
    """
    columns = [np.ones_like(t_years), t_years - 1.0]
    if structure.titration:
        columns.append(-np.exp(-t_years / h_years))
    return np.stack(columns, axis=1)


def correlation(t_years: Array, share: float, ell_years: float, process: Process) -> Array:
    """Return the within-patient covariance for unit volatility, shape (n_visit, n_visit).

    ``share`` of the variance is persistent, the rest independent from visit to visit.
    Ornstein-Uhlenbeck: ``share * exp(-|dt| / ell)``. Random walk: zero at a patient's first
    visit, variance ``share`` per year after it.
    """
    n = t_years.size
    if process is Process.NONE:
        return np.eye(n)
    if process is Process.OU:
        persistent = np.exp(-np.abs(t_years[:, None] - t_years[None, :]) / ell_years)
    else:
        since = t_years - t_years[0]
        persistent = np.minimum(since[:, None], since[None, :])
    return share * persistent + (1.0 - share) * np.eye(n)


def log_normal_density(y: Array, mean: Array, cov: Array) -> float:
    """Return the log density of a multivariate normal at ``y``."""
    chol = np.linalg.cholesky(cov)
    z = np.linalg.solve(chol, y - mean)
    return float(-0.5 * (z @ z + y.size * np.log(2 * np.pi)) - np.log(np.diag(chol)).sum())


def log_volatility_prior(u: Array, log_sigma: float, nu: float) -> Array:
    """Return the log density of ``u = log w`` where ``w / sigma**2 ~ InvGamma(nu/2, nu/2)``."""
    a = nu / 2.0
    x = u - 2.0 * log_sigma
    return a * np.log(a) - gammaln(a) - a * x - a * np.exp(-x)


def log_likelihood(
    panel: Panel,
    structure: Structure,
    mean: Array,
    cov: Array,
    log_sigma: float,
    nu: float,
    share: float,
    ell_years: float,
    h_years: float,
    n_node: int = 4001,
) -> Array:
    """Return the marginal log-likelihood of each patient, shape (n_patient,).

    Parameters
    ----------
    mean : ndarray, shape (n_patient, n_effect)
        Population mean of each patient's effects.
    cov : ndarray, shape (n_effect, n_effect)
        Between-patient covariance of the effects.
    log_sigma, nu, share, ell_years, h_years : float
        Log of the typical within-patient SD; degrees of freedom of the volatilities; persistent
        share; persistence time; titration time. Those of absent terms are ignored.
    """
    out = np.empty(panel.n_patient)
    for i in range(panel.n_patient):
        t, y = panel.patient(i)
        x = design(t, h_years, structure)
        between = x @ cov @ x.T
        within = correlation(t, share, ell_years, structure.process)
        mu = x @ mean[i]
        if not structure.robust:
            out[i] = log_normal_density(y, mu, between + np.exp(2 * log_sigma) * within)
            continue
        u = 2 * log_sigma + np.linspace(-12.0, 40.0, n_node)
        volatility = VOLATILITY_FLOOR + np.exp(u)
        terms = np.array([log_normal_density(y, mu, between + v * within) for v in volatility])
        terms += log_volatility_prior(u, log_sigma, nu)
        out[i] = logsumexp(terms) + np.log(u[1] - u[0])
    return out
