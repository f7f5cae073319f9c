"""How often the rule of 100 µg/day a year flags patients in whom nothing is wrong."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RISE_UG = 100.0


def share_ever_flagged(
    median_dose_ug: float,
    drift: float,
    drift_sd: float,
    jitter: float,
    rng: np.random.Generator,
    *,
    level_sd: float = 0.72,
    n_year: int = 10,
    n_patient: int = 20_000,
) -> float:
    """Return the share of patients whose dose rises by more than 100 µg/day in some year.

    Doses are read once a year from year 1 on; the log dose follows a line with independent jitter.

    Parameters
    ----------
    median_dose_ug : float
        At year 1.
    drift, drift_sd : float
        Mean and spread of the log dose's slope per year.
    jitter : float
        SD of a yearly reading around the line, on the log dose.
    rng : Generator
    level_sd : float
        Spread of the log dose between patients at year 1 (Skoog 2019, derived: 0.72).
    n_year, n_patient : int
    """
    level = np.log(median_dose_ug) + level_sd * rng.standard_normal((n_patient, 1))
    slope = drift + drift_sd * rng.standard_normal((n_patient, 1))
    noise = jitter * rng.standard_normal((n_patient, n_year))
    dose = np.exp(level + slope * np.arange(n_year) + noise)
    return float((np.diff(dose, axis=1) > RISE_UG).any(axis=1).mean())
