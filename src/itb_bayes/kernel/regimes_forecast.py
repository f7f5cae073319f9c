"""What the filter expects of the next readings, from its belief about every state."""

from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import entry
from itb_bayes.kernel.regimes.layout import N_STATE, Own, Par
from itb_bayes.kernel.regimes.response import shift_of
from itb_bayes.kernel.regimes.tone import expect_tone

_UNTREATED, _TONE_VAR = int(Own.UNTREATED), int(Own.TONE_VAR)
_PENN_A, _PENN_B = int(Par.PENN_INTERCEPT), int(Par.PENN_SLOPE)
_PENN_VAR = int(Par.PENN_VAR)

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
    data, codes : ndarray, shape (n_row, 11) and (n_row, 8)
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
