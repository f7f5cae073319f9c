"""One replicated cohort: the design of a plan, with patients drawn anew from a population."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.population import PopulationDraws
from itb_bayes.kernel.drift_simulate import (
    simulate_deviation,
    simulate_effects,
    simulate_log_dose,
    simulate_volatility,
)
from itb_bayes.model.plan import DriftPlan

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Replicate:
    """A replicated cohort.

    Attributes
    ----------
    log_dose : ndarray, shape (n_visit,)
    effects : ndarray, shape (n_patient, n_effect)
        The patients' effects that made it.
    """

    log_dose: Array
    effects: Array


def replicate_cohort(
    plan: DriftPlan, population: PopulationDraws, draw: int, rng: np.random.Generator
) -> Replicate:
    """Draw patients, volatilities and deviations for one draw of the population.

    Readings, diagnoses, centres and covariates are those of the plan.
    """
    series, structure = plan.series, plan.structure
    log_sigma, log_nu, share, log_ell, log_h = population.scalars[draw]
    effects = simulate_effects(population.means(draw), population.cov[draw], rng)
    volatility = simulate_volatility(plan.n_patient, log_sigma, np.exp(log_nu), structure, rng)
    deviation = simulate_deviation(
        series.t_years, series.offsets, volatility, share, np.exp(log_ell), structure.process, rng
    )
    log_dose = simulate_log_dose(
        series.t_years, series.offsets, effects, deviation, np.exp(log_h), structure
    )
    return Replicate(log_dose, effects)
