"""How much the record so far gives cause to search for a device fault.

Whether a fault is found depends on whether anybody looks for it, and clinics look when tone is
above the goal or the dose has climbed. Work-ups follow this cause, and so do the faults that are
confirmed without a test on record; the others follow a test (:mod:`itb_bayes.cohort.tested`).
"""

import numpy as np
from numpy.typing import NDArray

QUIET = 0.03
"""Cause to search while nothing is amiss: a fault may be met at an operation for another reason."""

CALM_TONE = 1.4
"""Tone (0-4) up to which the mean of the last two readings gives no cause: at the usual goal."""

CALM_RISE = 0.2
"""Log rise of the dose within a year that gives no cause: 22 %, a usual sum of small steps."""

_READINGS = 2
_PER_POINT = 2.0
_PER_LOG = 2.0
_MOST_BY_TONE = 1.5
_MOST_BY_DOSE = 1.0
_TITRATION_YEARS = 0.5


def causes_to_search(
    t_years: NDArray[np.float64],
    log_dose: NDArray[np.float64],
    ashworth: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cause to search that tone and dose gave since the step before, for one patient.

    Parameters
    ----------
    t_years, log_dose, ashworth : ndarray, shape (n_step,)
        Times, log doses in force (ug/day) and readings (0-4; NaN where not written down).

    Returns
    -------
    (by_tone, by_dose) : ndarrays, shape (n_step,)
        Each from what was known at the step before: 1 for tone of 1.9 points at the last two
        readings, or for a dose twice as high as at its lowest in the year before (titration in the
        first half year left out). Added to :data:`QUIET` they weigh the rates at which faults of
        the catheter are found.
    """
    n = len(t_years)
    by_tone, by_dose = np.zeros(n), np.zeros(n)
    for k in range(1, n):
        by_tone[k], by_dose[k] = cause_to_search(k, t_years, log_dose, ashworth)
    return by_tone, by_dose


def cause_to_search(
    k: int,
    t_years: NDArray[np.float64],
    log_dose: NDArray[np.float64],
    ashworth: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the cause that tone and dose gave at one step, from the steps before it alone.

    Parameters
    ----------
    k : int
        The step, at least 1.
    t_years, log_dose, ashworth : ndarray
        As :func:`causes_to_search`; what stands from step ``k`` on is not looked at.
    """
    by_tone = by_dose = 0.0
    readings = _last_readings(ashworth, k)
    if readings:
        above = sum(readings) / len(readings) - CALM_TONE
        by_tone = min(_PER_POINT * max(above, 0.0), _MOST_BY_TONE)
    now = t_years[k - 1]
    if now > _TITRATION_YEARS:
        first = int(t_years[:k].searchsorted(max(now - 1.0, _TITRATION_YEARS)))
        rise = log_dose[k - 1] - log_dose[first:k].min()
        by_dose = min(_PER_LOG * max(rise - CALM_RISE, 0.0), _MOST_BY_DOSE)
    return by_tone, by_dose


def _last_readings(ashworth: NDArray[np.float64], k: int) -> list[float]:
    """Return the last two readings before a step, fewer where there are fewer."""
    found: list[float] = []
    for reading in ashworth[k - 1 :: -1]:
        if np.isfinite(reading):
            found.append(float(reading))
            if len(found) == _READINGS:
                break
    return found
