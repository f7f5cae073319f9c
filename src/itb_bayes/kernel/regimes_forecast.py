"""What the filter expects of the next readings, from its belief about every state."""

from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import entry
from itb_bayes.kernel.regimes.filter import carry_out, fill_onset, forward_step
from itb_bayes.kernel.regimes.layout import N_STATE, Code, Col, Own, Par
from itb_bayes.kernel.regimes.mixing import N_BELIEF
from itb_bayes.kernel.regimes.response import shift_of
from itb_bayes.kernel.regimes.room import N_STAGE
from itb_bayes.kernel.regimes.step import begin
from itb_bayes.kernel.regimes.tone import N_TONE, expect_tone
from itb_bayes.kernel.regimes.visit import N_KEPT

_UNTREATED, _TONE_VAR = int(Own.UNTREATED), int(Own.TONE_VAR)
_PENN_A, _PENN_B = int(Par.PENN_INTERCEPT), int(Par.PENN_SLOPE)
_PENN_VAR = int(Par.PENN_VAR)
_T, _DOSE, _ACTION = int(Col.T), int(Col.LOG_DOSE), int(Code.ACTION)

N_EXPECTED = 5
"""Weight of the state; mean and variance of the Ashworth reading; of the spasm score."""


@entry
def expected_readings(g: Any, own: Any, patient: Any, data: Any, codes: Any, belief: Any) -> Any:
    """Return the Gaussians that readings are expected from, state by state.

    Parameters
    ----------
    g : ndarray, shape (n_par,)
    own : ndarray, shape (n_patient, 6)
    patient : ndarray of int64, shape (n_row,)
        Whose row it is.
    data, codes : ndarray, shape (n_row, 15) and (n_row, 8)
        Of the day of the readings; the readings themselves are not looked at.
    belief : ndarray, shape (n_row, n_state, 6)
        About that day, its readings not yet known.

    Returns
    -------
    ndarray, shape (n_row, n_state, 5)
        Readings are those without outliers; columns as :data:`N_EXPECTED` says.
    """
    n = data.shape[0]
    out = np.empty((n, N_STATE, N_EXPECTED))
    beta = g[_PENN_B]
    for k in range(n):
        me = own[patient[k]]
        shift = shift_of(me[_UNTREATED])
        for s in range(N_STATE):
            b = belief[k, s]
            tone, slope, extra, _, _, _ = expect_tone(g, me, shift, s, b, data[k], codes[k])
            out[k, s, 0] = b[0]
            out[k, s, 1] = tone
            out[k, s, 2] = slope * slope * b[3] + me[_TONE_VAR] + extra
            out[k, s, 3] = g[_PENN_A] + beta * tone + b[2]
            h = beta * slope
            spread = h * h * b[3] + 2.0 * h * b[4] + b[5]
            out[k, s, 4] = spread + g[_PENN_VAR] + beta * beta * extra
    return out


@entry
def beliefs_before_reading(
    g: Any, own: Any, data: Any, codes: Any, offsets: Any, unread: Any, uncoded: Any
) -> Any:
    """Return the belief about each day before anything of that day was read.

    Each step is filtered twice from the belief after the step before: once blanked, which is kept,
    and once as it was, to go on from.

    Parameters
    ----------
    g, own, data, codes, offsets
        As :func:`itb_bayes.kernel.regimes.filter.regimes_log_likelihood`.
    unread, uncoded : ndarray
        ``data`` and ``codes`` with the readings of every day blanked.

    Returns
    -------
    ndarray, shape (n_step, 11, 6)
    """
    n_patient = offsets.size - 1
    out = np.empty((offsets[n_patient], N_STATE, N_BELIEF))
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
            dt = 0.0 if k == offsets[i] else data[k, _T] - data[k - 1, _T]
            forward_step(
                g, own[i], shift, unread[k], uncoded[k], dt, stage, moves, onset, onset_var,
                finding, kept,
            )  # fmt: skip
            out[k] = stage[4]
            forward_step(
                g, own[i], shift, data[k], codes[k], dt, stage, moves, onset, onset_var,
                finding, kept,
            )  # fmt: skip
            chain[0] = stage[4]
            carry_out(g, codes[k, _ACTION], data[k], dt, chain, p, jump, jump_var)
            stage[0] = chain[0]
    return out
