"""Scores of the log-likelihood at the truth: a test of simulator against likelihood in seconds.

Over data drawn at a parameter value, the derivative of a log-likelihood at that value averages
nought, whatever the parameter. A likelihood that is approximated, or a simulator that differs from
it, shows in the parameters that the difference moves, in units that say how much: a mean score of
-1 SD pulls that parameter down by one SD of what the data alone would say of it, were all others
known. No sampling and no prior enter, so a minute finds what simulation-based calibration needs
hours for; what it does not see is the sampler.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.filter import regimes_log_likelihood
from itb_bayes.kernel.regimes.layout import Own, Par
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.simulate.regimes_course import draw_courses

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of cohorts at the parameters that they were drawn from.

    Attributes
    ----------
    names : tuple of str, length n_quantity
        Kernel parameters of the population, then of patients (summed over them).
    values : ndarray, shape (n_cohort, n_quantity)
        Derivative of a cohort's log-likelihood in the logarithm of the parameter (in the parameter
        itself for those that may be negative or nought).
    """

    names: tuple[str, ...]
    values: Array

    @property
    def shift(self) -> Array:
        """Mean score over its SD, shape (n_quantity,); NaN where the data never speak."""
        spread = self.values.std(axis=0, ddof=1)
        mean = self.values.mean(axis=0)
        return np.divide(mean, spread, out=np.full_like(mean, np.nan), where=spread > 0.0)

    @property
    def z(self) -> Array:
        """Mean score over its standard error, shape (n_quantity,)."""
        z: Array = self.shift * np.sqrt(len(self.values))
        return z


def scores_at_truth(
    plan: RegimesPlan, draws: RegimesDraws, seed: int, seen: RegimesDraws | None = None
) -> Scores:
    """Draw a cohort at every draw of the population, and take the scores of its likelihood there.

    Parameters
    ----------
    plan : RegimesPlan
        The design, as of :class:`~itb_bayes.evaluate.calibration.regimes.RegimesExperiment`.
    draws : RegimesDraws
        Parameters, one cohort each.
    seed : int
    seen : RegimesDraws, optional
        What the likelihood is given in their place: an error that is to be found.

    Returns
    -------
    Scores
    """
    rng = np.random.default_rng(seed)
    given = draws if seen is None else seen
    positive, own_positive = (given.g > 0.0).all(axis=0), (given.own > 0.0).all(axis=(0, 1))
    values = np.empty((draws.n_draw, len(Par) + len(Own)))
    for k in range(draws.n_draw):
        course = draw_courses(
            draws.g[k], draws.own[k], plan.data, plan.codes, plan.offsets, rng,
            tone_seen="ashworth" in plan.channels,
        )  # fmt: skip
        g, own = given.g[k], np.ascontiguousarray(given.own[k])
        _, g_bar, own_bar = regimes_log_likelihood(g, own, course.data, course.codes, plan.offsets)
        values[k, : len(Par)] = np.where(positive, g, 1.0) * g_bar.sum(axis=0)
        values[k, len(Par) :] = (np.where(own_positive, own, 1.0) * own_bar).sum(axis=0)
    names = (*(p.name.lower() for p in Par), *(f"{p.name.lower()} of patients" for p in Own))
    return Scores(names, values)
