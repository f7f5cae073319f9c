"""Where a cohort's readings stand: which reading holds in each year, and who has what."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.model.plan import DriftPlan
from itb_bayes.risk.rule import AFTER_YEARS, OLDEST_READING_YEARS

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class YearDesign:
    """Rows of the readings in force at whole years after implant.

    Attributes
    ----------
    diagnoses : tuple of str
    diagnosis_index : ndarray of int64, shape (n_patient,)
    t_years : ndarray, shape (n_visit,)
    offsets : ndarray of int64, shape (n_patient + 1,)
    years : ndarray of int64, shape (n_year,)
        1, 2, … up to the longest follow-up.
    row : ndarray of int64, shape (n_patient, n_year)
        Row of the reading in force; -1 where the patient was not followed.
    """

    diagnoses: tuple[str, ...]
    diagnosis_index: Index
    t_years: NDArray[np.float64]
    offsets: Index
    years: Index
    row: Index

    @classmethod
    def of(cls, plan: DriftPlan) -> "YearDesign":
        """Return the design of a plan; the reading in force is that of the 100 µg rule."""
        return cls.laid_out(
            plan.diagnoses, plan.diagnosis_index, plan.series.t_years, plan.series.offsets
        )

    @classmethod
    def laid_out(
        cls,
        diagnoses: tuple[str, ...],
        diagnosis_index: Index,
        t: NDArray[np.float64],
        offsets: Index,
    ) -> "YearDesign":
        """Return the design of readings at given times, patient by patient."""
        years = np.arange(int(AFTER_YEARS), max(int(t.max() + 1e-6), 1) + 1)
        row = np.full((offsets.size - 1, years.size), -1, dtype=np.int64)
        for i in range(offsets.size - 1):
            own = t[offsets[i] : offsets[i + 1]]
            followed = (years >= own[0] - 1e-6) & (years <= own[-1] + 1e-6)
            held = np.searchsorted(own, years + 1e-6, side="right") - 1
            followed &= years - own[held] <= OLDEST_READING_YEARS
            row[i, followed] = offsets[i] + held[followed]
        return cls(diagnoses, diagnosis_index, t, offsets, years, row)

    def rows_at(self, year: int, diagnosis: int | None = None) -> Index:
        """Return the rows in force at a year, of one diagnosis or of all patients."""
        if not self.years[0] <= year <= self.years[-1]:
            return np.empty(0, dtype=np.int64)
        rows = self.row[:, year - self.years[0]]
        mask = rows >= 0
        if diagnosis is not None:
            mask &= self.diagnosis_index == diagnosis
        return rows[mask]

    def row_pairs(
        self, first: int, second: int, diagnosis: int | None = None
    ) -> tuple[Index, Index]:
        """Return rows of patients followed at both of two years, paired by patient."""
        none = np.empty(0, dtype=np.int64)
        if min(first, second) < self.years[0] or max(first, second) > self.years[-1]:
            return none, none
        a, b = self.row[:, first - self.years[0]], self.row[:, second - self.years[0]]
        mask = (a >= 0) & (b >= 0)
        if diagnosis is not None:
            mask &= self.diagnosis_index == diagnosis
        return a[mask], b[mask]

    def yearly_pairs(self) -> tuple[Index, Index]:
        """Return rows of all comparisons of a year with the next one, from year 1 on."""
        pairs = [self.row_pairs(int(k), int(k) + 1) for k in self.years[:-1]]
        none = np.empty(0, dtype=np.int64)
        return (
            np.concatenate([none, *(a for a, _ in pairs)]),
            np.concatenate([none, *(b for _, b in pairs)]),
        )
