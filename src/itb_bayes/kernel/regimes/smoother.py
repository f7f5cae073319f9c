"""The smoother: what each state was, at every step, given the whole record.

Backward from the filter's last belief. Given the state after a move, the states before it are
weighed at the mean of what is known of requirement and offset then (expectation correction; Barber
2006, J Mach Learn Res 7:2515), and each keeps two moments, as in the filter.
"""

from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.regimes.actions import N_KIND, act
from itb_bayes.kernel.regimes.backward import (
    added,
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


@part
def _add_up(
    sums: Any, centre: Any, w: float, m0: float, m1: float, v0: float, v01: float, v1: float
) -> None:
    """Add a Gaussian of weight ``w`` to ``sums`` (6,), moments about those of ``centre`` (6,)."""
    d0, d1 = m0 - centre[1], m1 - centre[2]
    sums[0] += w
    sums[1] += w * d0
    sums[2] += w * d1
    sums[3] += w * (v0 + d0 * d0)
    sums[4] += w * (v01 + d0 * d1)
    sums[5] += w * (v1 + d1 * d1)


@part
def _settle(sums: Any, centre: Any) -> None:
    """Turn sums of :func:`_add_up` into a belief, in place; what has no weight stays as it was."""
    total = sums[0]
    if total <= 0.0:
        sums[0] = 0.0
        for k in range(1, N_BELIEF):
            sums[k] = centre[k]
        return
    m0, m1 = sums[1] / total, sums[2] / total
    sums[3] = sums[3] / total - m0 * m0
    sums[4] = sums[4] / total - m0 * m1
    sums[5] = sums[5] / total - m1 * m1
    sums[1], sums[2] = centre[1] + m0, centre[2] + m1


@part
def pull_back(
    before: Any, p: Any, jump: Any, jump_var: Any, gain: Any, weight: Any, later: Any, out: Any
) -> None:
    """Fill ``out`` (11, 6), smoothed before a move, from ``later``, smoothed after it.

    ``before`` is the filter's belief before the move.
    """
    out[:, :] = 0.0
    for u in range(N_STATE):
        if later[u, 0] <= 0.0:
            continue
        whole = weigh_sources(before, p, jump, jump_var, gain, u, later[u, 1], later[u, 2], weight)
        for j in range(FIRST[u + 1] - FIRST[u]):
            if weight[j] <= 0.0:
                continue
            s = FROM[FIRST[u] + j]
            moved, var = jump[s, u] + gain[u, 1], jump_var[s, u] + gain[u, 3]
            constant, a, c, left = recall_need(before[s], moved, var)
            m0 = constant + a * later[u, 1] + c * later[u, 2]
            v0 = a * a * later[u, 3] + 2.0 * a * c * later[u, 4] + c * c * later[u, 5] + left
            v01 = a * later[u, 4] + c * later[u, 5]
            w = later[u, 0] * weight[j] / whole
            _add_up(out[s], before[s], w, m0, later[u, 2], v0, v01, later[u, 5])
    for s in range(N_STATE):
        _settle(out[s], before[s])


@part
def _find_lost(
    g: Any, own: Any, shift: float, b: Any, row: Any, code: Any, belief: Any, spare: Any
) -> None:
    """Take back, in ``belief`` (11, 6), what a reading of tone did to a requirement that was lost.

    ``b`` (11, 6) is the filter's belief just before the reading.
    """
    for s in range(N_STATE):
        now = belief[s]
        lost, m0, slope, rest = lost_at(g, own, shift, s, b[s], row, code, now[1], now[2])
        if now[0] <= 0.0 or lost <= 0.0:
            continue
        spare[s, :] = 0.0
        _add_up(spare[s], b[s], now[0] * (1.0 - lost), now[1], now[2], now[3], now[4], now[5])
        v0, v01 = rest + slope * slope * now[5], slope * now[5]
        _add_up(spare[s], b[s], now[0] * lost, m0, now[2], v0, v01, now[5])
        _settle(spare[s], b[s])
        for k in range(N_BELIEF):
            belief[s, k] = spare[s, k]


@entry
def smooth(g: Any, own: Any, data: Any, codes: Any, offsets: Any) -> Any:
    """Smooth the beliefs about all patients.

    Parameters
    ----------
    g, own, data, codes, offsets
        As :func:`itb_bayes.kernel.regimes.filter.regimes_log_likelihood`.

    Returns
    -------
    ndarray, shape (n_step, 11, 6)
        At each step, given all records of the patient, before the actions of that day: probability
        of each state, and in it means of log requirement and spasm offset, variance of the one,
        covariance, variance of the other.
    """
    n_patient = offsets.size - 1
    longest = 1
    for i in range(n_patient):
        longest = max(longest, offsets[i + 1] - offsets[i])
    out = np.empty((offsets[n_patient], N_STATE, N_BELIEF))
    tape = np.empty((longest, N_STAGE, N_STATE, N_BELIEF))
    moves = np.zeros((longest, N_STATE, N_STATE))
    p, jump, jump_var = np.zeros_like(moves[0]), np.zeros_like(moves[0]), np.zeros_like(moves[0])
    onset, onset_var = np.zeros_like(p), np.zeros_like(p)
    fill_onset(g, onset, onset_var)
    now, spare = np.empty((N_STATE, N_BELIEF)), np.empty((N_STATE, N_BELIEF))
    chain = np.empty((N_KIND + 1, N_STATE, N_BELIEF))
    gain, nothing = np.empty_like(now), np.zeros_like(now)
    kinds, weight = np.empty(N_KIND, dtype=np.int64), np.empty(N_STATE)
    for i in range(n_patient):
        first, n = offsets[i], offsets[i + 1] - offsets[i]
        shift = shift_of(own[i, _UNTREATED])
        run_forward(g, own[i], data, codes, first, n, onset, onset_var, tape, moves, now)
        for k in range(n - 1, -1, -1):
            row, code = data[first + k], codes[first + k]
            dt = 0.0 if k == 0 else row[_T] - data[first + k - 1, _T]
            chain[0] = tape[k, N_STAGE - 1]
            count = list_actions(
                g, code[_ACTION], row, dt, chain, kinds, p, jump, jump_var
            )  # fmt: skip
            for j in range(count - 1, -1, -1):
                act(kinds[j], g, row, dt, p, jump, jump_var)
                pull_back(chain[j], p, jump, jump_var, nothing, weight, now, spare)
                now[:, :] = spare
            out[first + k] = now
            if k == 0:
                break
            _find_lost(g, own[i], shift, tape[k, 1], row, code, now, spare)
            if dt > 0.0:
                added(g, own[i], row[_T], dt, gain)
                pull_back(tape[k, 0], moves[k], onset, onset_var, gain, weight, now, spare)
                now[:, :] = spare
    return out
