"""Posterior draws as the arrays that kernels read: one door between draws and mathematics."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.kernel.structure import Process, stationary_scale
from itb_bayes.model.plan import DriftPlan
from itb_bayes.spec import DriftSpec

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PopulationDraws:
    """Population parameters of S draws, in the form of the kernels.

    Attributes
    ----------
    level_mean, drift_mean : ndarray, shape (n_draw, n_patient)
        Population mean of each patient's level (log µg/day at year 1) and drift (log per year).
    depth_mean : ndarray, shape (n_draw, n_patient)
        Mean depth of titration; empty second axis where the term is off.
    cov : ndarray, shape (n_draw, n_effect, n_effect)
    scalars : ndarray, shape (n_draw, 5)
        ``log sigma, log nu, share, log ell, log h``; 0 where a term is off.
    """

    level_mean: Array
    drift_mean: Array
    depth_mean: Array
    cov: Array
    scalars: Array

    def mean_of(self, patient: int) -> Array:
        """Population mean of one patient's effects, shape (n_draw, n_effect)."""
        parts = [self.level_mean[:, patient], self.drift_mean[:, patient]]
        if self.depth_mean.size:
            parts.append(self.depth_mean[:, patient])
        return np.stack(parts, axis=1)

    def means(self, draw: int) -> Array:
        """Population means of all patients for one draw, shape (n_patient, n_effect)."""
        parts = [self.level_mean[draw], self.drift_mean[draw]]
        if self.depth_mean.size:
            parts.append(self.depth_mean[draw])
        return np.stack(parts, axis=1)


def flatten(posterior: xr.Dataset) -> xr.Dataset:
    """Return draws with one leading dimension ``sample`` (chain by chain)."""
    flat = posterior.stack(sample=("chain", "draw"), create_index=False)
    return flat.transpose("sample", ...)


def population_draws(spec: DriftSpec, plan: DriftPlan, posterior: xr.Dataset) -> PopulationDraws:
    """Rebuild the patients' population means and covariance from posterior draws.

    Parameters
    ----------
    posterior : xarray.Dataset
        Variables of :func:`itb_bayes.model.drift.build_drift` with dims (chain, draw, ...).

    Notes
    -----
    The same algebra as in the PyMC graph, in plain numpy; a test holds the two equal.
    """
    flat = flatten(posterior)
    level = flat["level"].to_numpy()[:, plan.diagnosis_index]
    drift = flat["drift"].to_numpy()[:, plan.diagnosis_index]
    if plan.centres:
        index = plan.centre_index
        level = level + centre_effect(flat, "level")[:, index]
        drift = drift + centre_effect(flat, "drift")[:, index]
    if plan.level_covariates.names:
        level = level + flat["covariate_level"].to_numpy() @ plan.level_covariates.design.T
    if plan.drift_covariates.names:
        drift = drift + flat["covariate_drift"].to_numpy() @ plan.drift_covariates.design.T
    depth = np.empty((level.shape[0], 0))
    if plan.structure.titration:
        follows = flat["titration_follows_level"].to_numpy()[:, None]
        reference = spec.resolved_priors["level"].params["mean"]
        depth = flat["titration_depth"].to_numpy()[:, None] + follows * (level - reference)
    return PopulationDraws(level, drift, depth, effect_covariance(flat, plan), _scalars(flat, plan))


def centre_effect(flat: xr.Dataset, of: str) -> Array:
    """Return centre deviations of ``level`` or ``drift``, shape (n_draw, n_centre)."""
    return flat[f"centre_{of}_sd"].to_numpy()[:, None] * flat[f"centre_{of}_z"].to_numpy()


def effect_covariance(flat: xr.Dataset, plan: DriftPlan) -> Array:
    """Return the between-patient covariance of the effects, shape (n_draw, p, p)."""
    s_level, s_drift = flat["level_sd"].to_numpy(), flat["drift_sd"].to_numpy()
    rho = 2.0 * flat["correlation_01"].to_numpy() - 1.0
    p = plan.structure.n_effect
    cov = np.empty((s_level.size, p, p))
    cov[:, 0, 0], cov[:, 1, 1] = s_level**2, s_drift**2
    cov[:, 0, 1] = cov[:, 1, 0] = rho * s_level * s_drift
    if p == 3:
        follows = flat["titration_follows_level"].to_numpy()
        cov[:, 0, 2] = cov[:, 2, 0] = follows * cov[:, 0, 0]
        cov[:, 1, 2] = cov[:, 2, 1] = follows * cov[:, 0, 1]
        own = flat["titration_depth_sd"].to_numpy() ** 2
        cov[:, 2, 2] = follows**2 * cov[:, 0, 0] + own
    return cov


def _scalars(flat: xr.Dataset, plan: DriftPlan) -> Array:
    out = np.zeros((flat.sizes["sample"], 5))
    structure = plan.structure
    out[:, 0] = np.log(flat["within_sd"])
    if structure.robust:
        out[:, 1] = np.log(flat["tail_df"])
    if structure.process is not Process.NONE:
        out[:, 2] = flat["persistent_share"]
    if structure.process is Process.OU:
        ell = flat["persistence_years"].to_numpy()
        out[:, 3] = np.log(ell)
        out[:, 0], out[:, 2] = stationary_scale(out[:, 0], out[:, 2], ell, np)
    if structure.titration:
        out[:, 4] = np.log(flat["titration_years"])
    return out
