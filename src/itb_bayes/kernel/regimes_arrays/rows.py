"""Steps of patients as rows of one table, and the turns in which a recursion meets them.

An action (a repair, a drug holiday) has a turn of its own after the step on whose day it was done:
another matrix of moves, no time, and nothing read. So one recursion serves both.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.regimes.layout import Code, Col

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CONFIRMED = 3
"""Bits of the actions that confirm a fault: they make one action together."""
ACTIONS = (4, 8, 16, 32)
"""Bits of the other actions, in the order in which they are done."""
BLANK, STEP = -1, 0
"""Kinds of turns besides actions: nothing happens, or time passes and something may be read."""


@dataclass(frozen=True)
class Steps:
    """Steps of any patients, in any order.

    Attributes
    ----------
    data : array, shape (n_step, 15)
        Columns of :class:`itb_bayes.kernel.regimes.layout.Col`; NaN where nothing was recorded.
    codes : array of int, shape (n_step, 8)
    dt : array, shape (n_step,)
        Years since the step before; 0 at a patient's first.
    xp : module
        The module of these arrays, ``numpy`` or ``jax.numpy``.
    """

    data: Any
    codes: Any
    dt: Any
    xp: Any = np

    def column(self, name: Col) -> Any:
        """Return one column, shape (n_step,)."""
        return self.data[:, int(name)]

    def code(self, name: Code) -> Any:
        """Return one column of whole numbers, shape (n_step,)."""
        return self.codes[:, int(name)]

    def recorded(self, name: Col) -> tuple[Any, Any]:
        """Return where a column has values, and the values with 0 in place of the others."""
        values = self.column(name)
        there = self.xp.isfinite(values)
        return there, self.xp.where(there, values, 0.0)


@dataclass(frozen=True)
class Turns:
    """All turns of all patients side by side; shorter patients end with blank ones.

    Attributes
    ----------
    data : ndarray, shape (n_turn, n_patient, 15)
    codes : ndarray of int32, shape (n_turn, n_patient, 8)
    dt : ndarray, shape (n_turn, n_patient)
        As those of :class:`Steps`; a turn of an action has those of its step, a blank one those of
        the last step, so that nothing is worked out, if only to be left out, of no data at all.
    kind : ndarray of int32, shape (n_turn, n_patient)
        :data:`STEP`, :data:`BLANK`, or the bits of an action.
    """

    data: Array
    codes: NDArray[np.int32]
    dt: Array
    kind: NDArray[np.int32]

    @property
    def kinds(self) -> tuple[int, ...]:
        """Actions that occur."""
        return tuple(int(kind) for kind in np.unique(self.kind) if kind not in (BLANK, STEP))


def time_before(data: Array, offsets: Index) -> Array:
    """Return the years since the step before, shape (n_step,); 0 at a patient's first."""
    dt = np.diff(data[:, Col.T], prepend=0.0)
    dt[offsets[:-1]] = 0.0
    return dt


def actions_of(bits: int) -> list[int]:
    """Return the actions of a step, in the order in which they are done."""
    confirmed = [bits & CONFIRMED] if bits & CONFIRMED else []
    return confirmed + [bit for bit in ACTIONS if bits & bit]


def turns_of(data: Array, codes: Index, offsets: Index) -> Turns:
    """Lay ragged patients out side by side.

    Parameters
    ----------
    data, codes, offsets
        As :func:`itb_bayes.kernel.regimes.filter.regimes_log_likelihood`.
    """
    dt = time_before(data, offsets)
    turns = [
        [(step, kind) for step in range(a, b) for kind in (STEP, *_actions_at(codes, step))]
        for a, b in pairwise(offsets.tolist())
    ]
    n_turn = max(map(len, turns))
    for own in turns:
        own += [(own[-1][0], BLANK)] * (n_turn - len(own))
    step, kind = np.array(turns, dtype=np.int64).transpose(2, 1, 0)
    return Turns(data[step], codes[step].astype(np.int32), dt[step], kind.astype(np.int32))


def _actions_at(codes: Index, step: int) -> list[int]:
    return actions_of(int(codes[step, Code.ACTION]))
