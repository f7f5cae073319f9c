"""The steps of a plan as rows of one table, and where each row stands among visits and patients.

An action (a repair, a drug holiday) is a row of its own after the step on whose day it was done:
another matrix of moves, no time, and nothing read. So one recursion serves both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.regimes.layout import Code, Col
from itb_bayes.model.regimes_plan import RegimesPlan

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CONFIRMED = 3
"""Bits of the actions that confirm a fault: they make one action together."""
ACTIONS = (4, 8, 16, 32)
"""Bits of the other actions, in the order in which they are done."""


@dataclass(frozen=True)
class Rows:
    """Steps, actions and one blank row, and their order in the recursion.

    Attributes
    ----------
    data : ndarray, shape (n_step, 15)
        Columns of :class:`itb_bayes.kernel.regimes.layout.Col`; NaN where nothing was recorded.
    codes : ndarray of int64, shape (n_step, 8)
    dt : ndarray, shape (n_step,)
        Years since the step before; 0 at a patient's first.
    patient : ndarray of int64, shape (n_step,)
    actions : dict of int to ndarray of int64
        Bits of an action to the steps that have it. Rows of actions follow those of steps, in this
        order, and the blank row is the last.
    order : ndarray of int64, shape (n_turn, n_patient)
        Row of every turn of the recursion; shorter patients end with the blank row.
    """

    data: Array
    codes: Index
    dt: Array
    patient: Index
    actions: dict[int, Index]
    order: Index

    def column(self, name: Col) -> Array:
        """Return one column of the steps, shape (n_step,)."""
        return self.data[:, name]

    def code(self, name: Code) -> Index:
        """Return one column of whole numbers, shape (n_step,)."""
        return self.codes[:, name]


def rows_of(plan: RegimesPlan) -> Rows:
    """Lay the steps of a plan out for the recursion."""
    n_step, first = int(plan.offsets[-1]), plan.offsets[:-1]
    dt = np.diff(plan.data[:, Col.T], prepend=0.0)
    dt[first] = 0.0
    done = [actions_of(int(bits)) for bits in plan.codes[:, Code.ACTION]]
    kinds = sorted({kind for kinds in done for kind in kinds})
    actions = {k: np.flatnonzero([k in kinds for kinds in done]) for k in kinds}
    row_of, next_row = {}, n_step
    for kind, steps in actions.items():
        row_of |= {(int(step), kind): next_row + k for k, step in enumerate(steps)}
        next_row += steps.size
    turns = [
        [row for step in range(a, b) for row in (step, *(row_of[step, k] for k in done[step]))]
        for a, b in zip(first, plan.offsets[1:], strict=True)
    ]
    order = np.full((max(map(len, turns)), plan.n_patient), next_row)
    for i, own in enumerate(turns):
        order[: len(own), i] = own
    return Rows(plan.data, plan.codes, dt, plan.step_patient, actions, order)


def actions_of(bits: int) -> list[int]:
    """Return the actions of a step, in the order in which they are done."""
    confirmed = [bits & CONFIRMED] if bits & CONFIRMED else []
    return confirmed + [bit for bit in ACTIONS if bits & bit]
