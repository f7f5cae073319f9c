"""Patients drawn anew with replacement: how often each counts in each resample."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_AT_ONCE = 50
"""Resamples whose counts are in memory as 64-bit numbers together."""


class PatientResamples:
    """How often each patient is drawn in each resample.

    Counts are kept in 16 bits: 1,000 resamples of 100,000 patients take 200 MB.

    Parameters
    ----------
    n_patient, n_resample, seed : int
    """

    def __init__(self, n_patient: int, n_resample: int, seed: int) -> None:
        rng, chance = np.random.default_rng(seed), np.full(n_patient, 1.0 / n_patient)
        self._counts = np.empty((n_resample, n_patient), dtype=np.uint16)
        for first in range(0, n_resample, _AT_ONCE):
            some = self._counts[first : first + _AT_ONCE]
            some[:] = rng.multinomial(n_patient, chance, size=len(some))

    def __iter__(self) -> Iterator[NDArray[np.uint16]]:
        """Yield the counts of each resample, shape (n_patient,)."""
        return iter(self._counts)

    def of(self, patients: NDArray[np.int64]) -> NDArray[np.uint16]:
        """Return the counts of some patients, shape (n_resample, len(patients))."""
        return self._counts[:, patients]

    def sums(self, patient: NDArray[np.int64], values: Array) -> tuple[float, Array]:
        """Return the sum of values of visits, and that of each resample.

        Parameters
        ----------
        patient : ndarray of int64, shape (n_visit,)
            Number of the patient, from 0.
        values : ndarray, shape (n_visit,)
        """
        by_patient = np.bincount(patient, values, self._counts.shape[1])
        return float(by_patient.sum()), self.totals(by_patient)

    def totals(self, by_patient: Array) -> Array:
        """Return the sum over the patients of each resample, shape (n_resample,).

        Parameters
        ----------
        by_patient : ndarray, shape (n_patient,)
        """
        return np.concatenate(
            [
                self._counts[first : first + _AT_ONCE].astype(np.float64) @ by_patient
                for first in range(0, len(self._counts), _AT_ONCE)
            ]
        )
