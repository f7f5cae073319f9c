"""The published comparator: a rise of more than 100 µg/day within a year.

Heetla 2009 (Spinal Cord 47:751) called it drug tolerance; Kawano 2018 used it to call a dose
fluctuating. It depends on the level of the dose: +100 is +60 % at 168 µg/day and +29 % at 350.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.series import DoseSeries
from itb_bayes.inference.patients import RISE_UG

AFTER_YEARS = 1.0
"""Rises of the first year are titration."""

OLDEST_READING_YEARS = 0.5 + 1e-6
"""A reading older than this does not stand for a year: the dose was interrupted since."""


@dataclass(frozen=True)
class RuleCount:
    """How often the rule flags.

    Attributes
    ----------
    flagged, at_risk : int
        Patient-years (yearly comparisons after the first year) with a flag, and in all.
    """

    flagged: int
    at_risk: int

    @property
    def rate(self) -> float:
        """Share of yearly comparisons flagged; NaN where there are none."""
        return self.flagged / self.at_risk if self.at_risk else float("nan")


def yearly_rises(t_years: NDArray[np.float64], dose_ug: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the change of dose (µg/day) over each whole year after the first.

    Parameters
    ----------
    t_years, dose_ug : ndarray, shape (n_reading,)
        Readings of one patient; the dose holds until the next reading.

    Returns
    -------
    ndarray, shape (n_year,)
        Changes from year k to k + 1 for k = 1, 2, …, up to the last reading; years without a
        reading in the half year before them (a holiday, an explant) are left out.
    """
    years = np.arange(AFTER_YEARS, np.floor(t_years[-1] + 1e-6) + 0.5)
    years = years[years >= t_years[0] - 1e-6]
    held = np.searchsorted(t_years, years + 1e-6, side="right") - 1
    current = years - t_years[held] <= OLDEST_READING_YEARS
    rises = np.diff(dose_ug[held])
    return rises[current[1:] & current[:-1]]


def count_rule(series: DoseSeries, patients: NDArray[np.bool_]) -> RuleCount:
    """Count flags of the rule among the chosen patients (mask of shape (n_patient,))."""
    flagged = at_risk = 0
    offsets = series.offsets
    for i in np.flatnonzero(patients):
        rows = slice(offsets[i], offsets[i + 1])
        rises = yearly_rises(series.t_years[rows], series.daily_dose_ug[rows])
        flagged += int((rises > RISE_UG).sum())
        at_risk += rises.size
    return RuleCount(flagged, at_risk)
