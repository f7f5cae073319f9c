"""Replicated cohorts: the fitted design with new patients drawn from the population."""

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.population import PopulationDraws
from itb_bayes.inference.replicate import replicate_cohort
from itb_bayes.model.plan import DriftPlan

Array = NDArray[np.float64]

LARGEST_LOG_DOSE = 700.0
"""Log doses are kept within this of zero, so that absurd priors give numbers and not overflows."""


def thinned_draws(population: PopulationDraws, n_draw: int) -> NDArray[np.int64]:
    """Return the indexes of at most ``n_draw`` evenly spaced draws."""
    have = len(population.cov)
    return np.linspace(0, have - 1, min(n_draw, have)).round().astype(np.int64)


def thin_population(population: PopulationDraws, n_draw: int) -> PopulationDraws:
    """Return at most ``n_draw`` evenly spaced draws."""
    keep = thinned_draws(population, n_draw)
    return PopulationDraws(
        population.level_mean[keep],
        population.drift_mean[keep],
        population.depth_mean[keep],
        population.cov[keep],
        population.scalars[keep],
    )


def replicate_log_doses(plan: DriftPlan, population: PopulationDraws, seed: int) -> Array:
    """Draw one replicated cohort per draw of the population, shape (n_draw, n_visit).

    The readings, diagnoses, centres and covariates are those of the plan; the patients are new:
    effects, volatility and deviations are drawn afresh.

    Parameters
    ----------
    plan : DriftPlan
    population : PopulationDraws
    seed : int
        Each draw has a random stream of its own.
    """
    out = np.empty((len(population.cov), plan.series.t_years.size))
    with np.errstate(all="ignore"):  # absurd priors overflow; the result is clipped below
        for s in range(len(out)):
            rng = np.random.default_rng([seed, 0xC, s])
            out[s] = replicate_cohort(plan, population, s, rng).log_dose
    return np.clip(np.nan_to_num(out, nan=LARGEST_LOG_DOSE), -LARGEST_LOG_DOSE, LARGEST_LOG_DOSE)
