"""The steps of a plan as rows of one table, and where each row stands among visits and patients.

An action is a row of its own after the step on whose day it was done, so one recursion serves both.
"""

from dataclasses import dataclass

import numpy as np

from itb_bayes.kernel.regimes.layout import Code
from itb_bayes.kernel.regimes_arrays.rows import Index, Steps, actions_of, time_before
from itb_bayes.model.regimes_plan import RegimesPlan


@dataclass(frozen=True)
class Rows:
    """Steps, actions and one blank row, and their order in the recursion.

    Attributes
    ----------
    steps : Steps
    patient : ndarray of int64, shape (n_step,)
    actions : dict of int to ndarray of int64
        Bits of an action to the steps that have it. Rows of actions follow those of steps, in this
        order, and the blank row is the last.
    order : ndarray of int64, shape (n_turn, n_patient)
        Row of every turn of the recursion; shorter patients end with the blank row.
    """

    steps: Steps
    patient: Index
    actions: dict[int, Index]
    order: Index

    def at(self, steps: Index) -> Steps:
        """Return some of the steps."""
        every = self.steps
        return Steps(every.data[steps], every.codes[steps], every.dt[steps])


def rows_of(plan: RegimesPlan) -> Rows:
    """Lay the steps of a plan out for the recursion."""
    n_step, first = int(plan.offsets[-1]), plan.offsets[:-1]
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
    every = Steps(plan.data, plan.codes, time_before(plan.data, plan.offsets))
    return Rows(every, plan.step_patient, actions, order)
