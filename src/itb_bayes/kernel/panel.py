"""Ragged panels: the visits of all patients one after the other, with offsets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Panel:
    """Visits of N patients, concatenated patient by patient in time order.

    Attributes
    ----------
    t_years : ndarray, shape (n_visit,)
        Years since implant, strictly increasing within a patient.
    y : ndarray, shape (n_visit,)
        Log daily dose (log µg/day).
    offsets : ndarray of int64, shape (n_patient + 1,)
        Visits of patient i are ``offsets[i]:offsets[i + 1]``.
    """

    t_years: NDArray[np.float64]
    y: NDArray[np.float64]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse a panel that a kernel without bounds checks could run off."""
        offsets = self.offsets
        if self.t_years.shape != self.y.shape or self.t_years.ndim != 1:
            raise ValueError("t_years and y must be one-dimensional and of one length")
        if offsets.ndim != 1 or offsets.size < 2 or offsets[0] != 0:
            raise ValueError("offsets must start at 0 and name at least one patient")
        if offsets[-1] != self.t_years.size or np.any(np.diff(offsets) < 1):
            raise ValueError("offsets must end at the number of visits and give each patient one")
        if not (np.isfinite(self.t_years).all() and np.isfinite(self.y).all()):
            raise ValueError("t_years and y must be finite")
        within = np.ones(self.t_years.size, dtype=bool)
        within[offsets[:-1]] = False
        if np.any(np.diff(self.t_years)[within[1:]] <= 0):
            raise ValueError("t_years must increase within each patient")

    @property
    def n_patient(self) -> int:
        """Number of patients."""
        return self.offsets.size - 1

    @property
    def n_visit(self) -> int:
        """Number of visits of all patients."""
        return self.t_years.size

    def patient(self, i: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ``(t_years, y)`` of patient ``i``, views of shape (n_visit_i,)."""
        rows = slice(self.offsets[i], self.offsets[i + 1])
        return self.t_years[rows], self.y[rows]

    @property
    def patient_of_visit(self) -> NDArray[np.int64]:
        """Index of the patient of each visit, shape (n_visit,)."""
        return np.repeat(np.arange(self.n_patient), np.diff(self.offsets))
