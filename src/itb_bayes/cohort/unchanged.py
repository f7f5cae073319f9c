"""How many patients' doses never change: what a model of continuous doses takes too literally."""

from dataclasses import dataclass

import numpy as np

from itb_bayes.cohort.series import DoseSeries

FROM_YEARS = 1.0
LEAST_READINGS = 3
MANY = 0.15
"""Share of patients from which the drift of all is drawn to that of the unchanged ones."""


@dataclass(frozen=True)
class Unchanged:
    """Patients whose dose stayed exactly as it was.

    Attributes
    ----------
    n : int
        Of these, the dose never changed after the first year.
    of : int
        Patients with at least three readings from then on.
    """

    n: int
    of: int

    @property
    def are_many(self) -> bool:
        """Whether a volatility of every patient's own would make the drift far too sure."""
        return self.of > 0 and self.n >= MANY * self.of


def count_unchanged(series: DoseSeries) -> Unchanged:
    """Count the patients whose dose never changes after the first year."""
    n = judged = 0
    for start, stop in zip(series.offsets[:-1], series.offsets[1:], strict=True):
        later = series.t_years[start:stop] >= FROM_YEARS - 1e-6
        dose = series.daily_dose_ug[start:stop][later]
        if dose.size >= LEAST_READINGS:
            judged += 1
            n += bool(np.ptp(dose) < 1e-9)
    return Unchanged(n, judged)
