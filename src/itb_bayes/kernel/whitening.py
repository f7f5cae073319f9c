"""Sufficient statistics of one patient's visits, whitened by the within-patient process.

For Z = [X, y] and unit-volatility covariance R the kernels need M = Z' R^-1 Z and log|R|. A
scalar Kalman filter gives both in one pass over the visits, and carries along the derivatives with
respect to (share, log ell, log h): the only parameters that act on single visits.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

N_VISIT_PARAM = 3
SHARE, LOG_ELL, LOG_H = 0, 1, 2


@njit(cache=True)
def fill_row(t: float, y: float, h: float, n_effect: int, row: Array) -> None:
    """Write ``[1, t - 1, -exp(-t / h), y]`` (the third only with titration) into ``row``."""
    row[0] = 1.0
    row[1] = t - 1.0
    if n_effect == 3:
        row[2] = -np.exp(-t / h)
    row[n_effect] = y


@njit(cache=True)
def whiten(
    t: Array,
    y: Array,
    process: int,
    n_effect: int,
    share: float,
    ell: float,
    h: float,
    m: Array,
    dm: Array,
    dlogdet: Array,
    tail: Array,
) -> float:
    """Fill ``m`` and the derivatives, and return log|R|, for one patient.

    Parameters
    ----------
    t, y : ndarray, shape (n_visit,)
    process : int
        0 none, 1 Ornstein-Uhlenbeck, 2 random walk.
    n_effect : int
        2 or 3; q = n_effect + 1 columns.
    share, ell, h : float
        Persistent share, persistence and titration time (years).
    m : ndarray, shape (q, q), out
        Z' R^-1 Z, both triangles.
    dm : ndarray, shape (3, q, q), out
        Derivatives of ``m`` with respect to share, log ell, log h.
    dlogdet : ndarray, shape (3,), out
        Derivatives of log|R|.
    tail : ndarray, shape (q + 1,), out
        Filtered persistent deviation after the last visit, for each column of Z taken as data
        (the filter is linear), and its variance for unit volatility.

    Returns
    -------
    float
        log|R|.
    """
    q = n_effect + 1
    m[:] = 0.0
    dm[:] = 0.0
    dlogdet[:] = 0.0
    row = np.empty(q)
    state = np.zeros(q)
    d_state = np.zeros((N_VISIT_PARAM, q))
    e = np.empty(q)
    d_e = np.zeros((N_VISIT_PARAM, q))
    d_p = np.zeros(N_VISIT_PARAM)
    d_s = np.zeros(N_VISIT_PARAM)
    logdet = 0.0
    p = share if process == 1 else 0.0
    if process == 1:
        d_p[SHARE] = 1.0
    for j in range(t.size):
        if process == 1 and j > 0:
            dt = t[j] - t[j - 1]
            phi = np.exp(-dt / ell)
            d_phi = phi * dt / ell  # with respect to log ell
            gain = 1.0 - phi * phi
            for k in range(2):
                d_p[k] = phi * phi * d_p[k]
            d_p[SHARE] += gain
            d_p[LOG_ELL] += 2.0 * phi * d_phi * (p - share)
            p = phi * phi * p + share * gain
            for c in range(q):
                for k in range(N_VISIT_PARAM):
                    d_state[k, c] *= phi
                d_state[LOG_ELL, c] += d_phi * state[c]
                state[c] *= phi
        elif process == 2 and j > 0:
            dt = t[j] - t[j - 1]
            p += share * dt
            d_p[SHARE] += dt
        fill_row(t[j], y[j], h, n_effect, row)
        if process == 0:
            for a in range(q):
                for b in range(q):
                    m[a, b] += row[a] * row[b]
            if n_effect == 3:
                d_x = row[2] * t[j] / h
                for a in range(q):
                    dm[LOG_H, a, 2] += row[a] * d_x
                    dm[LOG_H, 2, a] += row[a] * d_x
            continue
        s = p + 1.0 - share
        for k in range(2):
            d_s[k] = d_p[k]
        d_s[SHARE] -= 1.0
        logdet += np.log(s)
        for k in range(2):
            dlogdet[k] += d_s[k] / s
        for c in range(q):
            e[c] = row[c] - state[c]
            for k in range(N_VISIT_PARAM):
                d_e[k, c] = -d_state[k, c]
        if n_effect == 3:
            d_e[LOG_H, 2] += row[2] * t[j] / h
        for a in range(q):
            for b in range(a + 1):
                m[a, b] += e[a] * e[b] / s
                for k in range(N_VISIT_PARAM):
                    slope = d_e[k, a] * e[b] + e[a] * d_e[k, b]
                    if k < 2:
                        slope -= e[a] * e[b] * d_s[k] / s
                    dm[k, a, b] += slope / s
        gain = p / s
        for k in range(N_VISIT_PARAM):
            d_gain = (d_p[k] - gain * d_s[k]) / s if k < 2 else 0.0
            for c in range(q):
                d_state[k, c] += d_gain * e[c] + gain * d_e[k, c]
        for c in range(q):
            state[c] += gain * e[c]
        for k in range(2):
            d_gain = (d_p[k] - gain * d_s[k]) / s
            d_p[k] = d_p[k] * (1.0 - gain) - p * d_gain
        p *= 1.0 - gain
    if process != 0:
        for a in range(q):
            for b in range(a):
                m[b, a] = m[a, b]
                for k in range(N_VISIT_PARAM):
                    dm[k, b, a] = dm[k, a, b]
    for c in range(q):
        tail[c] = state[c]
    tail[q] = p
    return logdet
