"""Draws of log doses from the drift model (for prior predictive checks and calibration)."""

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.drift_oracle import design
from itb_bayes.kernel.structure import VOLATILITY_FLOOR, Process, Structure

Array = NDArray[np.float64]


def simulate_effects(mean: Array, cov: Array, rng: np.random.Generator) -> Array:
    """Draw patient effects around their means, shape (n_patient, n_effect)."""
    values, vectors = np.linalg.eigh(cov)
    factor = vectors * np.sqrt(np.maximum(values, 0.0))
    return mean + rng.standard_normal(mean.shape) @ factor.T


def simulate_volatility(
    n_patient: int, log_sigma: float, nu: float, structure: Structure, rng: np.random.Generator
) -> Array:
    """Draw patient volatilities v (variance of the deviations), shape (n_patient,)."""
    typical = np.exp(2.0 * log_sigma)
    if not structure.robust:
        return np.full(n_patient, typical)
    return VOLATILITY_FLOOR + typical * (nu / 2.0) / rng.gamma(nu / 2.0, size=n_patient)


def simulate_deviation(
    t_years: Array,
    offsets: NDArray[np.int64],
    volatility: Array,
    share: float,
    ell_years: float,
    process: Process,
    rng: np.random.Generator,
) -> Array:
    """Draw W + e at the visits of every patient, shape (n_visit,)."""
    n = t_years.size
    z = rng.standard_normal((2, n))
    first = np.zeros(n, dtype=bool)
    first[offsets[:-1]] = True
    patient = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    if process is Process.NONE:
        return np.sqrt(volatility[patient]) * z[1]
    persistent = np.empty(n)
    dt = np.diff(t_years, prepend=0.0)
    if process is Process.OU:
        phi = np.where(first, 0.0, np.exp(-np.maximum(dt, 0.0) / ell_years))
        shock = np.sqrt(share * (1.0 - phi**2)) * z[0]
        for j in range(n):
            persistent[j] = (phi[j] * persistent[j - 1] if j else 0.0) + shock[j]
    else:
        shock = np.where(first, 0.0, np.sqrt(share * np.maximum(dt, 0.0))) * z[0]
        for j in range(n):
            persistent[j] = (0.0 if first[j] else persistent[j - 1]) + shock[j]
    return np.sqrt(volatility[patient]) * (persistent + np.sqrt(1.0 - share) * z[1])


def simulate_log_dose(
    t_years: Array,
    offsets: NDArray[np.int64],
    effects: Array,
    deviation: Array,
    h_years: float,
    structure: Structure,
) -> Array:
    """Return the log dose of every visit, shape (n_visit,)."""
    patient = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    x = design(t_years, h_years, structure)
    return (x * effects[patient]).sum(axis=1) + deviation
