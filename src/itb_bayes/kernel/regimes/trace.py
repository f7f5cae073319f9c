"""The filter run forward only, keeping what pages and scores are made of."""

import math
from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.regimes.filter import carry_out, fill_onset, forward_step
from itb_bayes.kernel.regimes.findings import (
    LABELS,
    N_CHANNEL,
    NEURO,
    REFILL,
    SPASM,
    TESTS,
    TONE,
    UNDETECTED,
    labels,
    neuro,
    refill,
    tests,
)
from itb_bayes.kernel.regimes.layout import N_STATE, Code, Col, Own
from itb_bayes.kernel.regimes.mixing import N_BELIEF
from itb_bayes.kernel.regimes.response import shift_of
from itb_bayes.kernel.regimes.room import N_STAGE
from itb_bayes.kernel.regimes.searching import is_worked_up, undetected, worked_up
from itb_bayes.kernel.regimes.step import begin
from itb_bayes.kernel.regimes.tone import N_TONE
from itb_bayes.kernel.regimes.visit import N_KEPT

_T, _DOSE, _ACTION = int(Col.T), int(Col.LOG_DOSE), int(Code.ACTION)
_UNTREATED = int(Own.UNTREATED)
_TINY = 1e-300


@part
def _log_ratio(above: float, below: float) -> float:
    return math.log(above / below) if above > _TINY and below > _TINY else 0.0


@entry
def trace(g: Any, own: Any, data: Any, codes: Any, offsets: Any) -> Any:
    """Run the filter over all patients.

    Parameters
    ----------
    g, own, data, codes, offsets
        As :func:`itb_bayes.kernel.regimes.filter.regimes_log_likelihood`.

    Returns
    -------
    ll : ndarray, shape (n_patient,)
    belief : ndarray, shape (n_step, 11, 6)
        At each step, everything of that day known, before any action of that day.
    after : ndarray, shape (n_patient, 11, 6)
        After the last step's actions.
    channel : ndarray, shape (n_step, 7, 11)
        Log-likelihood of each channel by state.
    step_ll : ndarray, shape (n_step,)
        Log-likelihood of each step given those before it, its actions included.
    """
    n_patient = offsets.size - 1
    n_step = offsets[n_patient]
    ll = np.zeros(n_patient)
    step_ll = np.empty(n_step)
    belief = np.empty((n_step, N_STATE, N_BELIEF))
    after = np.empty((n_patient, N_STATE, N_BELIEF))
    channel = np.zeros((n_step, N_CHANNEL, N_STATE))
    stage = np.empty((N_STAGE, N_STATE, N_BELIEF))
    finding = np.empty(N_STATE)
    kept = np.empty((N_KEPT, N_STATE, N_TONE))
    p, jump, jump_var = (
        np.zeros((N_STATE, N_STATE)),
        np.zeros((N_STATE, N_STATE)),
        np.zeros((N_STATE, N_STATE)),
    )
    onset, onset_var, moves = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    fill_onset(g, onset, onset_var)
    chain = np.empty((2, N_STATE, N_BELIEF))
    for i in range(n_patient):
        begin(g, data[offsets[i], _DOSE], stage[0])
        shift = shift_of(own[i, _UNTREATED])
        for k in range(offsets[i], offsets[i + 1]):
            row, code = data[k], codes[k]
            dt = 0.0 if k == offsets[i] else row[_T] - data[k - 1, _T]
            total, spoken = forward_step(
                g, own[i], shift, row, code, dt, stage, moves, onset, onset_var, finding, kept
            )
            step_ll[k] = total + spoken
            belief[k] = stage[4]
            tests(g, code, channel[k, TESTS])
            refill(g, row, channel[k, REFILL])
            neuro(g, row, channel[k, NEURO])
            labels(g, row, code, dt, channel[k, LABELS])
            undetected(g, row, dt, channel[k, UNDETECTED])
            made = TESTS if is_worked_up(code) else UNDETECTED
            worked_up(g, row, code, dt, channel[k, made])
            for s in range(N_STATE):
                channel[k, TONE, s] = _log_ratio(stage[2, s, 0], stage[1, s, 0])
                channel[k, SPASM, s] = _log_ratio(stage[3, s, 0], stage[2, s, 0])
            chain[0] = stage[4]
            step_ll[k] += carry_out(g, code[_ACTION], row, dt, chain, p, jump, jump_var)
            ll[i] += step_ll[k]
            stage[0] = chain[0]
        after[i] = stage[0]
    return ll, belief, after, channel, step_ll
