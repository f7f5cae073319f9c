"""Exact conditionals of every patient of a fit, from draws of the population parameters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.population import PopulationDraws
from itb_bayes.kernel.drift_effects import PatientConditionals, patient_conditionals
from itb_bayes.model.plan import DriftPlan

Array = NDArray[np.float64]

RISE_UG = 100.0
"""Heetla 2009: a rise of more than 100 µg/day within a year."""


@dataclass(frozen=True)
class PatientDraws:
    """Conditionals of all patients; first axis is the posterior draw.

    Attributes
    ----------
    drift, level : ndarray, shape (n_draw, n_patient)
        Draws of the patients' drift (log per year) and level (log µg/day at year 1).
    drift_mean : ndarray, shape (n_draw, n_patient)
        Conditional mean of the drift given each draw.
    volatility : ndarray, shape (n_draw, n_patient)
        Draws of the within-patient variance.
    future_log_dose : ndarray, shape (n_draw, n_patient, n_horizon)
        Draws of the log dose after each horizon.
    p_rise : ndarray, shape (n_draw, n_patient, n_horizon)
        Conditional probability that the dose then lies more than 100 µg/day above the present.
    horizons_months : tuple of float
    """

    drift: Array
    level: Array
    drift_mean: Array
    volatility: Array
    future_log_dose: Array
    p_rise: Array
    horizons_months: tuple[float, ...]


def draw_patients(
    plan: DriftPlan,
    population: PopulationDraws,
    seed: int,
    horizons_months: tuple[float, ...] = (12.0,),
    on_patient: Callable[[int], None] | None = None,
) -> PatientDraws:
    """Draw all patients' effects and futures from their exact conditionals.

    Parameters
    ----------
    plan : DriftPlan
    population : PopulationDraws
    seed : int
        Each patient has a random stream of their own, derived from the seed and their index.
    horizons_months : tuple of float
        Forecast horizons, counted from each patient's last reading.
    on_patient : callable, optional
        Called with the number of patients done.
    """
    n_draw, n_patient, n_horizon = len(population.cov), plan.n_patient, len(horizons_months)
    flat, deep = (n_draw, n_patient), (n_draw, n_patient, n_horizon)
    out = PatientDraws(
        drift=np.empty(flat),
        level=np.empty(flat),
        drift_mean=np.empty(flat),
        volatility=np.empty(flat),
        future_log_dose=np.empty(deep),
        p_rise=np.empty(deep),
        horizons_months=horizons_months,
    )
    panel = plan.panel
    threshold = np.log(plan.series.daily_dose_now_ug + RISE_UG)
    for i in range(n_patient):
        t, y = panel.patient(i)
        got = conditionals_of(
            plan, population, i, t, y, t[-1] + np.array(horizons_months) / 12.0,
            np.full(n_horizon, threshold[i]), seed,
        )  # fmt: skip
        out.level[:, i], out.drift[:, i] = got.effect[:, 0], got.effect[:, 1]
        out.drift_mean[:, i] = got.effect_mean[:, 1]
        out.volatility[:, i] = got.volatility
        out.future_log_dose[:, i] = got.future
        out.p_rise[:, i] = got.exceed
        if on_patient is not None:
            on_patient(i + 1)
    return out


def conditionals_of(
    plan: DriftPlan,
    population: PopulationDraws,
    patient: int,
    t_years: Array,
    y: Array,
    t_future: Array,
    threshold: Array,
    seed: int,
) -> PatientConditionals:
    """Return the conditionals of one patient given some of their readings."""
    return patient_conditionals(
        population.mean_of(patient), population.cov, population.scalars, t_years, y,
        plan.structure, t_future, threshold, np.random.default_rng([seed, 0xE, patient]),
    )  # fmt: skip
