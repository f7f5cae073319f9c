"""Centile bands of the dose for patients of one diagnosis: the growth chart behind a patient."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.fitted import Fit, thin
from itb_bayes.inference.population import flatten
from itb_bayes.kernel.drift_oracle import design
from itb_bayes.kernel.drift_simulate import (
    simulate_deviation,
    simulate_effects,
    simulate_volatility,
)
from itb_bayes.risk.interval import PROBABILITIES

Array = NDArray[np.float64]

PATIENTS_PER_DRAW = 4
MAX_DRAWS = 1000


@dataclass(frozen=True)
class DoseBands:
    """Posterior predictive centiles of the daily dose of new patients.

    Attributes
    ----------
    diagnosis : str
    n_fitted : int
        Patients of this diagnosis that the fit has seen.
    t_years : ndarray, shape (n_time,)
    quantiles : tuple of float
    dose_ug : ndarray, shape (n_quantile, n_time)
    """

    diagnosis: str
    n_fitted: int
    t_years: Array
    quantiles: tuple[float, ...]
    dose_ug: Array


def dose_bands(fit: Fit, diagnosis: str, t_years: Array) -> DoseBands:
    """Return centile bands for new patients of a diagnosis at a new centre.

    Everything is drawn anew: centre, patient effects, volatility and passing deviations.

    Parameters
    ----------
    fit : Fit
    diagnosis : str
        One of the fit's diagnoses.
    t_years : ndarray, shape (n_time,)
        Increasing times since implant.
    """
    plan, structure = fit.plan, fit.plan.structure
    d = plan.diagnoses.index(diagnosis)
    flat = flatten(thin(fit.posterior))
    population = fit.thinned
    keep = np.linspace(0, len(population.cov) - 1, min(MAX_DRAWS, len(population.cov))).astype(int)
    rng = np.random.default_rng([fit.seed, 0xB, d])
    reference = fit.spec.resolved_priors["level"].params["mean"]
    n, rows = PATIENTS_PER_DRAW, []
    offsets = np.arange(n + 1, dtype=np.int64) * t_years.size
    for draw in keep:
        mean = np.array([flat["level"].to_numpy()[draw, d], flat["drift"].to_numpy()[draw, d]])
        mean = np.tile(mean, (n, 1))
        if plan.centres:
            mean[:, 0] += flat["centre_level_sd"].to_numpy()[draw] * rng.standard_normal(n)
            mean[:, 1] += flat["centre_drift_sd"].to_numpy()[draw] * rng.standard_normal(n)
        if structure.titration:
            depth = flat["titration_depth"].to_numpy()[draw] + flat[
                "titration_follows_level"
            ].to_numpy()[draw] * (mean[:, :1] - reference)
            mean = np.concatenate([mean, depth], axis=1)
        scalars = population.scalars[draw]
        effects = simulate_effects(mean, population.cov[draw], rng)
        volatility = simulate_volatility(n, scalars[0], np.exp(scalars[1]), structure, rng)
        deviation = simulate_deviation(
            np.tile(t_years, n), offsets, volatility, scalars[2], np.exp(scalars[3]),
            structure.process, rng,
        )  # fmt: skip
        x = design(t_years, np.exp(scalars[4]), structure)
        rows.append(effects @ x.T + deviation.reshape(n, -1))
    dose = np.exp(np.quantile(np.concatenate(rows), PROBABILITIES, axis=0))
    fitted = int((plan.diagnosis_index == d).sum())
    return DoseBands(diagnosis, fitted, t_years, PROBABILITIES, dose)
