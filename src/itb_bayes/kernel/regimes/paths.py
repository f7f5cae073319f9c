"""Courses that a patient may have taken: states and requirement drawn from the filter backwards."""

import math
from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.regimes.actions import N_KIND, act
from itb_bayes.kernel.regimes.backward import (
    added,
    link,
    list_actions,
    lost_at,
    recall_need,
    run_forward,
    weigh_sources,
)
from itb_bayes.kernel.regimes.filter import fill_onset
from itb_bayes.kernel.regimes.layout import N_STATE, Code, Col, Own
from itb_bayes.kernel.regimes.mixing import FIRST, FROM, N_BELIEF
from itb_bayes.kernel.regimes.response import shift_of
from itb_bayes.kernel.regimes.room import N_STAGE

_T, _ACTION = int(Col.T), int(Code.ACTION)
_UNTREATED = int(Own.UNTREATED)

N_CHANCE = 2 + N_KIND
"""Random numbers of each step: its move, a lost requirement, and every kind of action."""

_MOVE, _LOST, _ACTS = 0, 1, 2


@part
def _pick(weight: Any, n: int, total: float, u: float) -> int:
    """Return the first index whose cumulated weight passes ``u`` of the total."""
    reached, last = 0.0, 0
    for j in range(n):
        if weight[j] > 0.0:
            last = j
            reached += weight[j]
            if u * total < reached:
                return j
    return last


@part
def _step_back(
    before: Any, p: Any, jump: Any, jump_var: Any, gain: Any, weight: Any, at: Any, u: float,
    normal: float,
) -> None:  # fmt: skip
    """Draw state and requirement ``at`` (3,) before a move from those after it, in place."""
    to = int(at[0])
    whole = weigh_sources(before, p, jump, jump_var, gain, to, at[1], at[2], weight)
    if whole <= 0.0:
        return
    s = FROM[FIRST[to] + _pick(weight, FIRST[to + 1] - FIRST[to], whole, u)]
    moved, var = jump[s, to] + gain[to, 1], jump_var[s, to] + gain[to, 3]
    constant, on_need, on_offset, left = recall_need(before[s], moved, var)
    at[0] = s
    at[1] = constant + on_need * at[1] + on_offset * at[2] + math.sqrt(left) * normal


@entry
def sample_paths(
    g: Any, own: Any, data: Any, codes: Any, uniforms: Any, normals: Any
) -> Any:  # fmt: skip
    """Draw courses of one patient given all their records.

    Parameters
    ----------
    g, own : ndarray, shapes (81,) and (6,)
    data, codes : ndarray, shape (n_step, 15) and (n_step, 8)
        Their steps.
    uniforms, normals : ndarray, shape (n_path, n_step + 1, 8)
        Random numbers; :data:`N_CHANCE` a step, the first of the last for where a course ends.

    Returns
    -------
    state : ndarray of int8, shape (n_path, n_step)
        At each step, before its actions.
    after : ndarray of int8, shape (n_path, n_step)
        After its actions: where the time to the next step begins.
    need : ndarray, shape (n_path, n_step)
        Log requirement (log ug/day) at each step, before its actions.
    """
    n, n_path = data.shape[0], uniforms.shape[0]
    state, after = np.empty((n_path, n), dtype=np.int8), np.empty((n_path, n), dtype=np.int8)
    need = np.empty((n_path, n))
    tape = np.empty((n, N_STAGE, N_STATE, N_BELIEF))
    moves = np.zeros((n, N_STATE, N_STATE))
    end = np.empty((N_STATE, N_BELIEF))
    p, jump, jump_var = np.zeros_like(moves[0]), np.zeros_like(moves[0]), np.zeros_like(moves[0])
    onset, onset_var = np.zeros_like(p), np.zeros_like(p)
    fill_onset(g, onset, onset_var)
    run_forward(g, own, data, codes, 0, n, onset, onset_var, tape, moves, end)
    shift = shift_of(own[_UNTREATED])
    at = np.empty((n_path, 3))
    for r in range(n_path):
        s = _pick(end[:, 0], N_STATE, 1.0, uniforms[r, n, 0])
        slope, rest, _ = link(end[s], 0.0)
        away = math.sqrt(max(end[s, 5], 0.0)) * normals[r, n, 1]
        at[r, 0] = s
        at[r, 1] = end[s, 1] + slope * away + math.sqrt(rest) * normals[r, n, 0]
        at[r, 2] = end[s, 2] + away
    chain = np.empty((N_KIND + 1, N_STATE, N_BELIEF))
    gain, nothing = np.empty_like(end), np.zeros_like(end)
    kinds, weight = np.empty(N_KIND, dtype=np.int64), np.empty(N_STATE)
    for k in range(n - 1, -1, -1):
        row, code = data[k], codes[k]
        dt = 0.0 if k == 0 else row[_T] - data[k - 1, _T]
        chain[0] = tape[k, N_STAGE - 1]
        count = list_actions(
            g, code[_ACTION], row, dt, chain, kinds, p, jump, jump_var
        )  # fmt: skip
        after[:, k] = at[:, 0]
        for j in range(count - 1, -1, -1):
            act(kinds[j], g, row, dt, p, jump, jump_var)
            for r in range(n_path):
                _step_back(
                    chain[j], p, jump, jump_var, nothing, weight, at[r],
                    uniforms[r, k, _ACTS + j], normals[r, k, _ACTS + j],
                )  # fmt: skip
        state[:, k], need[:, k] = at[:, 0], at[:, 1]
        if k == 0:
            break
        added(g, own, row[_T], dt, gain)
        for r in range(n_path):
            s = int(at[r, 0])
            b = tape[k, 1, s]
            lost, was, _, var = lost_at(g, own, shift, s, b, row, code, at[r, 1], at[r, 2])
            if uniforms[r, k, _LOST] < lost:
                at[r, 1] = was + math.sqrt(var) * normals[r, k, _LOST]
            if dt > 0.0:
                _step_back(
                    tape[k, 0], moves[k], onset, onset_var, gain, weight, at[r],
                    uniforms[r, k, _MOVE], normals[r, k, _MOVE],
                )  # fmt: skip
    return state, after, need
