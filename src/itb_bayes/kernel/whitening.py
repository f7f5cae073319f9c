"""Sufficient statistics of one patient's visits, whitened by the within-patient process.

For Z = [X, y] and unit-volatility covariance R the likelihood needs M = Z' R^-1 Z and log|R|. A
scalar Kalman filter gives both in one sweep over the visits. The parameters that act on single
visits (share, log ell, log h) get their gradient from a sweep back over the same visits, once the
likelihood has said how it depends on M: one sweep for all three, where forward derivatives would
cost a filter each.

Columns of Z are always ``1, t - 1, -exp(-t / h), y``; without titration the third is zero.
"""

import math

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.small_algebra import Symmetric, Vector

Array = NDArray[np.float64]
Moments = tuple[Symmetric, Vector, float]
Tail = tuple[float, float, float, float, float]

# What the sweep back needs of a visit, one row each.
PHI, INFLOW, TITRATION, PREDICTED, PRECISION, E_LEVEL, E_DRIFT, E_TITRATION, E_Y = range(9)
N_TRACE = 9

MIN_NOISE = 1e-10  # a share that rounds to 1 must not make the first visit of a walk exact
RESCALE = 1e100


@part
def fill_transitions(
    t: Array, process: int, titration: bool, inv_ell: float, inv_h: float, trace: Array
) -> None:
    """Write what depends on the visit times alone: transitions and the titration column.

    Apart from the filter, because a call of ``exp`` within it would empty all its registers.
    """
    for j in range(t.size):
        dt = t[j] - t[j - 1] if j > 0 else 0.0
        phi = 0.0
        inflow = 0.0
        if process == 1:
            phi = math.exp(-dt * inv_ell) if j > 0 else 0.0
            inflow = 1.0 - phi * phi
        elif process == 2:
            phi = 1.0
            inflow = dt
        trace[j, PHI] = phi
        trace[j, INFLOW] = inflow
        trace[j, TITRATION] = -math.exp(-t[j] * inv_h) if titration else 0.0


@part
def whiten(
    t: Array,
    y: Array,
    process: int,
    titration: bool,
    share: float,
    inv_ell: float,
    inv_h: float,
    trace: Array,
) -> tuple[float, Moments, Tail]:
    """Return log|R|, M = Z' R^-1 Z and the last state of one patient's filter.

    Parameters
    ----------
    t, y : ndarray, shape (n_visit,)
    process : int
        0 none, 1 Ornstein-Uhlenbeck, 2 random walk.
    titration : bool
        Whether the design has its third column.
    share, inv_ell, inv_h : float
        Persistent share; one over persistence and titration time (per year).
    trace : ndarray, shape (>= n_visit, N_TRACE), out
        The filter's way, for :func:`visit_gradient`.

    Returns
    -------
    (logdet, moments, tail)
        ``moments`` is X' R^-1 X, X' R^-1 y and y' R^-1 y. ``tail`` is the filtered persistent
        deviation after the last visit for each column of Z taken as data (the filter is linear),
        and its variance for unit volatility.
    """
    fill_transitions(t, process, titration, inv_ell, inv_h, trace)
    noise = max(1.0 - share, MIN_NOISE) if process != 0 else 1.0
    logdet = 0.0
    determinant = 1.0
    p = x0 = x1 = x2 = x3 = 0.0
    m00 = m10 = m11 = m20 = m21 = m22 = m30 = m31 = m32 = m33 = 0.0
    for j in range(t.size):
        phi = trace[j, PHI]
        p = phi * phi * p + share * trace[j, INFLOW]
        s = p + noise
        precision = 1.0 / s
        e0 = 1.0 - phi * x0
        e1 = t[j] - 1.0 - phi * x1
        e2 = trace[j, TITRATION] - phi * x2
        e3 = y[j] - phi * x3
        trace[j, PREDICTED], trace[j, PRECISION] = p, precision
        trace[j, E_LEVEL], trace[j, E_DRIFT] = e0, e1
        trace[j, E_TITRATION], trace[j, E_Y] = e2, e3
        w0, w1, w2, w3 = precision * e0, precision * e1, precision * e2, precision * e3
        m00 += w0 * e0
        m10 += w1 * e0
        m11 += w1 * e1
        m20 += w2 * e0
        m21 += w2 * e1
        m22 += w2 * e2
        m30 += w3 * e0
        m31 += w3 * e1
        m32 += w3 * e2
        m33 += w3 * e3
        x0 = phi * x0 + p * w0
        x1 = phi * x1 + p * w1
        x2 = phi * x2 + p * w2
        x3 = phi * x3 + p * w3
        p *= noise * precision
        # One logarithm for many visits.
        determinant *= s
        if not 1.0 / RESCALE < determinant < RESCALE:
            logdet += math.log(determinant)
            determinant = 1.0
    logdet += math.log(determinant)
    return logdet, ((m00, m10, m11, m20, m21, m22), (m30, m31, m32), m33), (x0, x1, x2, x3, p)


@part
def visit_gradient(
    t: Array,
    y: Array,
    process: int,
    share: float,
    inv_ell: float,
    inv_h: float,
    trace: Array,
    by_a: Symmetric,
    by_b: Vector,
    by_yy: float,
) -> Vector:
    """Return the gradient with respect to share, log ell and log h by one sweep back.

    Parameters
    ----------
    t, y, process, share, inv_ell, inv_h
        As given to :func:`whiten`.
    trace : ndarray, shape (>= n_visit, N_TRACE)
        As filled by :func:`whiten`.
    by_a, by_b, by_yy
        Derivatives of the log-likelihood with respect to X' R^-1 X (symmetric), X' R^-1 y and
        y' R^-1 y; that with respect to log|R| is -1/2.

    Notes
    -----
    ``by_`` names hold the derivative of the log-likelihood with respect to the filter's quantity
    of that name: p and s are the variances of the filtered state and of the residuals. ``x0`` to
    ``x3`` are the derivatives with respect to the state, one for each column of Z.
    """
    a00, a10, a11, a20, a21, a22 = by_a
    a30, a31, a32 = 0.5 * by_b[0], 0.5 * by_b[1], 0.5 * by_b[2]
    by_share = by_log_ell = by_log_h = 0.0
    by_p = x0 = x1 = x2 = x3 = 0.0  # of the filtered state, seen from the visits after it
    for back in range(t.size):
        j = t.size - 1 - back
        phi, p, precision = trace[j, PHI], trace[j, PREDICTED], trace[j, PRECISION]
        e0, e1 = trace[j, E_LEVEL], trace[j, E_DRIFT]
        e2, e3 = trace[j, E_TITRATION], trace[j, E_Y]
        gain = p * precision
        w0 = precision * (a00 * e0 + a10 * e1 + a20 * e2 + a30 * e3)
        w1 = precision * (a10 * e0 + a11 * e1 + a21 * e2 + a31 * e3)
        w2 = precision * (a20 * e0 + a21 * e1 + a22 * e2 + a32 * e3)
        w3 = precision * (a30 * e0 + a31 * e1 + a32 * e2 + by_yy * e3)
        by_gain = x0 * e0 + x1 * e1 + x2 * e2 + x3 * e3 - p * by_p
        quadratic = w0 * e0 + w1 * e1 + w2 * e2 + w3 * e3
        by_s = -precision * (quadratic + 0.5 + by_gain * gain)
        by_predicted = by_gain * precision + (1.0 - gain) * by_p + by_s
        # A column of Z enters by its residual, which also moves the state by the gain.
        e_titration = 2.0 * w2 + gain * x2
        x0 -= 2.0 * w0 + gain * x0
        x1 -= 2.0 * w1 + gain * x1
        x2 -= e_titration
        x3 -= 2.0 * w3 + gain * x3
        titration = trace[j, TITRATION]
        by_log_h += e_titration * titration * t[j] * inv_h
        by_share += by_predicted * trace[j, INFLOW] - by_s
        if j > 0:
            # The predicted state goes with phi = exp(-dt / ell), p - share with its square.
            state = (
                x0 * (1.0 - e0) + x1 * (t[j] - 1.0 - e1) + x2 * (titration - e2) + x3 * (y[j] - e3)
            )
            dt = t[j] - t[j - 1]
            by_log_ell += dt * inv_ell * (state + 2.0 * (p - share) * by_predicted)
        x0, x1, x2, x3 = phi * x0, phi * x1, phi * x2, phi * x3
        by_p = phi * phi * by_predicted
    if process != 1:
        by_log_ell = 0.0
    if process == 0:
        by_share = 0.0
    return by_share, by_log_ell, by_log_h
