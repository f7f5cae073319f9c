"""Drift by diagnosis over centres that disagree: a normal hierarchy, integrated exactly.

    y[j,d] ~ Normal(δ[d] + u[j] + v[j,d], se[j,d]²),  u ~ Normal(0, ω²),  v ~ Normal(0, η²)

Given the two spreads everything is Gaussian; they are integrated on a grid of equal prior mass.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri

Array = NDArray[np.float64]
Index = NDArray[np.int64]

N_SD = 40


@dataclass(frozen=True)
class DriftReports:
    """Reported drifts.

    Attributes
    ----------
    drift, se : ndarray, shape (n_report,)
        Log dose per year.
    diagnosis, centre : ndarray of int64, shape (n_report,)
        0, 1, … each.
    """

    drift: Array
    se: Array
    diagnosis: Index
    centre: Index


@dataclass(frozen=True)
class DriftPriors:
    """Normal prior of every diagnosis' drift, and half-normal scales of the two spreads."""

    mean: float
    sd: float
    centre_sd: float
    own_sd: float


@dataclass(frozen=True)
class MetaDraws:
    """Draws of the posterior.

    Attributes
    ----------
    drift : ndarray, shape (n_draw, n_diagnosis)
        At the typical centre.
    reported : ndarray, shape (n_draw, n_report)
        Of each diagnosis at each centre that reported it.
    centre_sd, own_sd : ndarray, shape (n_draw,)
    new_centre : ndarray, shape (n_draw, n_diagnosis)
        At a centre that is not among them.
    """

    drift: Array
    reported: Array
    centre_sd: Array
    own_sd: Array
    new_centre: Array


def draw_meta(
    reports: DriftReports, priors: DriftPriors, n_draw: int, rng: np.random.Generator
) -> MetaDraws:
    """Draw from the posterior.

    Parameters
    ----------
    reports : DriftReports
    priors : DriftPriors
    n_draw : int
    rng : Generator
    """
    grid = ndtri(0.5 + 0.5 * (np.arange(N_SD) + 0.5) / N_SD)
    omega, eta = (a.ravel() for a in np.meshgrid(priors.centre_sd * grid, priors.own_sd * grid))
    log_weight = np.array(
        [log_marginal(reports, priors, w, e) for w, e in zip(omega, eta, strict=True)]
    )
    weight = np.exp(log_weight - logsumexp(log_weight))
    picked = rng.choice(weight.size, size=n_draw, p=weight)
    n_d = int(reports.diagnosis.max()) + 1
    n_r = reports.drift.size
    draws = np.empty((n_draw, n_d + n_r))
    for cell in np.unique(picked):
        rows = np.flatnonzero(picked == cell)
        mean, cov = _conditional(reports, priors, omega[cell], eta[cell])
        root = np.linalg.cholesky(cov + 1e-14 * np.eye(len(cov)))
        draws[rows] = mean + rng.standard_normal((rows.size, mean.size)) @ root.T
    spread = (omega[picked], eta[picked])
    shared = spread[0] * rng.standard_normal(n_draw)
    own = spread[1][:, None] * rng.standard_normal((n_draw, n_d))
    return MetaDraws(
        drift=draws[:, :n_d],
        reported=draws[:, n_d:],
        centre_sd=spread[0],
        own_sd=spread[1],
        new_centre=draws[:, :n_d] + shared[:, None] + own,
    )


def log_marginal(
    reports: DriftReports, priors: DriftPriors, centre_sd: float, own_sd: float
) -> float:
    """Return the log density of the reports given the two spreads."""
    cov = _report_cov(reports, priors, centre_sd, own_sd) + np.diag(reports.se**2)
    gap = reports.drift - priors.mean
    _, log_det = np.linalg.slogdet(cov)
    return float(
        -0.5 * (gap @ np.linalg.solve(cov, gap) + log_det + gap.size * np.log(2.0 * np.pi))
    )


def _report_cov(
    reports: DriftReports, priors: DriftPriors, centre_sd: float, own_sd: float
) -> Array:
    """Return the prior covariance of the true drifts at the reporting centres."""
    same_diagnosis = reports.diagnosis[:, None] == reports.diagnosis
    same_centre = reports.centre[:, None] == reports.centre
    return (
        priors.sd**2 * same_diagnosis
        + centre_sd**2 * same_centre
        + own_sd**2 * np.eye(reports.drift.size)
    )


def _conditional(
    reports: DriftReports, priors: DriftPriors, centre_sd: float, own_sd: float
) -> tuple[Array, Array]:
    """Return mean and covariance of (drift by diagnosis, drift at every report)."""
    n_d = int(reports.diagnosis.max()) + 1
    true = _report_cov(reports, priors, centre_sd, own_sd)
    cross = priors.sd**2 * (np.arange(n_d)[:, None] == reports.diagnosis)
    prior = np.block([[priors.sd**2 * np.eye(n_d), cross], [cross.T, true]])
    gain = np.linalg.solve(true + np.diag(reports.se**2), prior[n_d:]).T
    mean = priors.mean + gain @ (reports.drift - priors.mean)
    cov = prior - gain @ prior[n_d:]
    return mean, 0.5 * (cov + cov.T)
