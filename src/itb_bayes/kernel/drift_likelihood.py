"""The drift likelihood and its gradient, all patient effects and volatilities integrated out.

Per patient: whiten the visits (:mod:`itb_bayes.kernel.whitening`), integrate the effects and the
volatility (:mod:`itb_bayes.kernel.marginal`, :mod:`itb_bayes.kernel.volatility`), and sweep back
over the visits for the parameters that act on them. The plain reference is
:mod:`itb_bayes.kernel.drift_oracle`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.marginal import (
    mixture_terms,
    moment_gradients,
    residual_statistics,
    three_effect_terms,
    two_effect_terms,
)
from itb_bayes.kernel.small_algebra import (
    Symmetric,
    Vector,
    as_lower,
    cholesky_psd,
    row_vector,
)
from itb_bayes.kernel.volatility import MAX_NODE, N_NODE_ROW, volatility_prior
from itb_bayes.kernel.whitening import N_TRACE, Moments, visit_gradient, whiten

Array = NDArray[np.float64]

N_SCALAR = 5
LOG_SIGMA, LOG_NU, SHARE_POS, LOG_ELL_POS, LOG_H_POS = 0, 1, 2, 3, 4

MAX_LOG = 30.0  # a log scale beyond is taken there: past any use, and short of overflow


@part
def bounded_exp(x: float) -> float:
    """Return exp(x), held away from zero and infinity."""
    return math.exp(min(max(x, -MAX_LOG), MAX_LOG))


@part
def longest_series(offsets: NDArray[np.int64]) -> int:
    """Return the largest number of visits of one patient."""
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    return longest


@part
def store_effect_gradients(
    i: int, mean: Vector, cov: Symmetric, g_mean: Array, g_cov: Array
) -> None:
    """Write the gradients of patient ``i``, leaving out effects the model does not have."""
    c00, c10, c11, c20, c21, c22 = cov
    g_mean[i, 0], g_mean[i, 1] = mean[0], mean[1]
    g_cov[i, 0, 0], g_cov[i, 1, 1] = c00, c11
    g_cov[i, 0, 1] = g_cov[i, 1, 0] = c10
    if g_mean.shape[1] == 3:
        g_mean[i, 2] = mean[2]
        g_cov[i, 2, 2] = c22
        g_cov[i, 0, 2] = g_cov[i, 2, 0] = c20
        g_cov[i, 1, 2] = g_cov[i, 2, 1] = c21


@entry
def drift_log_likelihood(
    mean: Array,
    cov: Array,
    scalars: Array,
    t: Array,
    y: Array,
    offsets: NDArray[np.int64],
    static: Array,
    process: int,
    robust: bool,
    use_static: bool,
) -> tuple[Array, Array, Array, Array]:
    """Return the log-likelihood of each patient and its gradient.

    Parameters
    ----------
    mean : ndarray, shape (n_patient, p)
        Population mean of each patient's effects (p is 2 or 3).
    cov : ndarray, shape (p, p)
        Between-patient covariance of the effects.
    scalars : ndarray, shape (5,)
        ``log sigma, log nu, share, log ell, log h``; those of absent terms are ignored.
    t, y : ndarray, shape (n_visit,)
        Years since implant and log dose.
    offsets : ndarray of int64, shape (n_patient + 1,)
    static : ndarray, shape (n_patient, q, q)
        Z' Z of each patient, read where ``use_static`` (plain mixed model, R = I).
    process : int
        0 none, 1 Ornstein-Uhlenbeck, 2 random walk.
    robust : bool
        Integrate a volatility per patient instead of using sigma^2 for all.
    use_static : bool

    Returns
    -------
    (ll, g_mean, g_cov, g_scalars)
        Shapes (n_patient,), (n_patient, p), (n_patient, p, p), (n_patient, 5).
    """
    n_patient, p = mean.shape
    ll = np.empty(n_patient)
    g_mean = np.empty((n_patient, p))
    g_cov = np.empty((n_patient, p, p))
    g_scalars = np.zeros((n_patient, N_SCALAR))
    trace = np.empty((0 if use_static else longest_series(offsets), N_TRACE))
    nodes = np.empty((N_NODE_ROW, MAX_NODE if robust else 0))
    between = as_lower(cov)
    chol = as_lower(cholesky_psd(cov))
    log_v = 2.0 * min(max(scalars[LOG_SIGMA], -MAX_LOG), MAX_LOG)
    v = math.exp(log_v)
    prior = volatility_prior(v, scalars[LOG_NU]) if robust else (v, 0.0, 0.0, 0.0)
    share = scalars[SHARE_POS]
    inv_ell = bounded_exp(-scalars[LOG_ELL_POS])
    inv_h = bounded_exp(-scalars[LOG_H_POS])
    for i in range(n_patient):
        first, last = offsets[i], offsets[i + 1]
        n_visit = last - first
        logdet = 0.0
        if use_static:
            moments = static_moments(static, i)
        else:
            logdet, moments, _ = whiten(
                t[first:last], y[first:last], process, p == 3, share, inv_ell, inv_h, trace
            )
        center = row_vector(mean, i)
        c, d = residual_statistics(moments, center)
        a = moments[0]
        if robust:
            terms = mixture_terms(chol, a, c, d, n_visit, logdet, prior, nodes)
        elif p == 3:
            terms = three_effect_terms(chol, between, a, c, d, n_visit, logdet, v, log_v)
        else:
            terms = two_effect_terms(between, a, c, d, n_visit, logdet, v, log_v)
        ll[i], g_scalars[i, LOG_SIGMA], g_scalars[i, LOG_NU], of_mean, of_cov, _, _, _ = terms
        store_effect_gradients(i, of_mean, of_cov, g_mean, g_cov)
        if not use_static:
            by_a, by_b, by_yy = moment_gradients(terms, center)
            by_share, by_log_ell, by_log_h = visit_gradient(
                t[first:last], y[first:last], process, share, inv_ell, inv_h, trace,
                by_a, by_b, by_yy,
            )  # fmt: skip
            g_scalars[i, SHARE_POS] = by_share
            g_scalars[i, LOG_ELL_POS] = by_log_ell
            g_scalars[i, LOG_H_POS] = by_log_h
    return ll, g_mean, g_cov, g_scalars


@part
def static_moments(static: Array, i: int) -> Moments:
    """Return row ``i`` of :func:`static_statistics` as :func:`whiten` would."""
    a = static[i, 0, 0], static[i, 1, 0], static[i, 1, 1], 0.0, 0.0, 0.0
    return a, (static[i, 2, 0], static[i, 2, 1], 0.0), static[i, 2, 2]


@entry
def static_statistics(t: Array, y: Array, offsets: NDArray[np.int64]) -> Array:
    """Return Z' Z of each patient for the plain mixed model, shape (n_patient, 3, 3)."""
    n_patient = offsets.size - 1
    out = np.zeros((n_patient, 3, 3))
    row = np.empty(3)
    for i in range(n_patient):
        for j in range(offsets[i], offsets[i + 1]):
            row[0] = 1.0
            row[1] = t[j] - 1.0
            row[2] = y[j]
            for a in range(3):
                for b in range(3):
                    out[i, a, b] += row[a] * row[b]
    return out
