"""The drift likelihood and its gradient, all patient effects and volatilities integrated out.

One pass per patient: whiten the visits (:mod:`itb_bayes.kernel.whitening`), integrate the effects
and the volatility (:mod:`itb_bayes.kernel.volatility`), and chain the derivatives back to the
population parameters. The plain reference is :mod:`itb_bayes.kernel.drift_oracle`.

For one volatility v, with posterior mean s and covariance S of the effects about their mean,
A = X' R^-1 X and c = X' R^-1 (y - X mean):
d/dmean = (c - A s) / v;  d/dG = (r r' - (A/v - A S A/v^2)) / 2 with r = (c - A s) / v;
d/dA = -(S + s s') / (2 v);  d/dc = s / v;  d/dd = -1 / (2 v).
Over volatilities these are averaged with the quadrature's posterior weights.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from itb_bayes.kernel.volatility import (
    MAX_NODE,
    digamma,
    log_given_volatility,
    volatility_nodes,
)
from itb_bayes.kernel.whitening import whiten

Array = NDArray[np.float64]

N_SCALAR = 5
LOG_SIGMA, LOG_NU, SHARE_POS, LOG_ELL_POS, LOG_H_POS = 0, 1, 2, 3, 4


@njit(cache=True)
def cholesky_psd(cov: Array) -> Array:
    """Return the lower Cholesky factor of a positive semi-definite matrix."""
    p = cov.shape[0]
    chol = np.zeros((p, p))
    for i in range(p):
        for j in range(i + 1):
            value = cov[i, j]
            for k in range(j):
                value -= chol[i, k] * chol[j, k]
            if i == j:
                chol[i, i] = math.sqrt(max(value, 0.0))
            elif chol[j, j] > 0.0:
                chol[i, j] = value / chol[j, j]
    return chol


@njit(cache=True)
def symmetric_eigen(a: Array, vectors: Array, values: Array) -> None:
    """Fill eigenvalues and eigenvectors (columns) of a small symmetric matrix by Jacobi sweeps.

    ``a`` is overwritten. Eigenvalues below zero by rounding are set to zero.
    """
    p = a.shape[0]
    for i in range(p):
        for j in range(p):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(30):
        off = 0.0
        scale = 0.0
        for i in range(p):
            scale += abs(a[i, i])
            for j in range(i):
                off += abs(a[i, j])
        if off <= 1e-15 * scale:
            break
        for i in range(p - 1):
            for j in range(i + 1, p):
                if a[i, j] == 0.0:
                    continue
                theta = 0.5 * (a[j, j] - a[i, i]) / a[i, j]
                tangent = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    tangent = -tangent
                cosine = 1.0 / math.sqrt(tangent * tangent + 1.0)
                sine = tangent * cosine
                for k in range(p):
                    left, right = a[k, i], a[k, j]
                    a[k, i] = cosine * left - sine * right
                    a[k, j] = sine * left + cosine * right
                for k in range(p):
                    left, right = a[i, k], a[j, k]
                    a[i, k] = cosine * left - sine * right
                    a[j, k] = sine * left + cosine * right
                for k in range(p):
                    left, right = vectors[k, i], vectors[k, j]
                    vectors[k, i] = cosine * left - sine * right
                    vectors[k, j] = sine * left + cosine * right
    for i in range(p):
        values[i] = max(a[i, i], 0.0)


@njit(cache=True)
def residual_statistics(m: Array, mean: Array, c: Array) -> float:
    """Fill c = X' R^-1 (y - X mean) and return d = |R^-1/2 (y - X mean)|^2."""
    p = mean.size
    d = m[p, p]
    for a in range(p):
        value = m[a, p]
        for b in range(p):
            value -= m[a, b] * mean[b]
        c[a] = value
    for a in range(p):
        d -= mean[a] * (m[a, p] + c[a])
    return max(d, 0.0)


@njit(cache=True)
def rotate_effects(m: Array, c: Array, chol: Array, eigen: Array, basis: Array, load: Array) -> None:
    """Diagonalise the effects: basis = C Q, eigen of C' A C, load = basis' c."""
    p = c.size
    inner = np.zeros((p, p))
    for a in range(p):
        for b in range(p):
            value = 0.0
            for i in range(p):
                for j in range(p):
                    value += chol[i, a] * m[i, j] * chol[j, b]
            inner[a, b] = value
    vectors = np.empty((p, p))
    symmetric_eigen(inner, vectors, eigen)
    for a in range(p):
        for b in range(p):
            value = 0.0
            for k in range(p):
                value += chol[a, k] * vectors[k, b]
            basis[a, b] = value
    for b in range(p):
        value = 0.0
        for a in range(p):
            value += basis[a, b] * c[a]
        load[b] = value


@njit(cache=True)
def node_moments(
    count: int,
    nodes: Array,
    weights: Array,
    eigen: Array,
    load: Array,
    inv_v: Array,
    q_over_v: Array,
    q_over_v2: Array,
    qq_over_v2: Array,
    diag: Array,
    qq_over_v: Array,
) -> float:
    """Average over volatilities what the gradient needs, in the rotated basis; return d ll/d d.

    With q_k = load_k / (v + eigen_k): means of 1/v and 1/v^2, q/v, q/v^2, qq'/v^2, qq'/v, and the
    diagonals 1/(v + eigen) and 1/(v (v + eigen)).
    """
    p = eigen.size
    inv_v[:] = 0.0
    q_over_v[:] = 0.0
    q_over_v2[:] = 0.0
    qq_over_v2[:] = 0.0
    qq_over_v[:] = 0.0
    diag[:] = 0.0
    for k in range(count):
        v = math.exp(nodes[k])
        w1 = weights[k] / v
        w2 = w1 / v
        inv_v[0] += w1
        inv_v[1] += w2
        for a in range(p):
            precision = 1.0 / (v + eigen[a])
            q_a = load[a] * precision
            diag[0, a] += weights[k] * precision
            diag[1, a] += w1 * precision
            q_over_v[a] += w1 * q_a
            q_over_v2[a] += w2 * q_a
            for b in range(a + 1):
                q_b = load[b] / (v + eigen[b])
                qq_over_v[a, b] += w1 * q_a * q_b
                qq_over_v2[a, b] += w2 * q_a * q_b
    for a in range(p):
        for b in range(a):
            qq_over_v[b, a] = qq_over_v[a, b]
            qq_over_v2[b, a] = qq_over_v2[a, b]
    return -0.5 * inv_v[0]


@njit(cache=True)
def assemble_gradient(
    i: int,
    c: Array,
    m: Array,
    basis: Array,
    image: Array,
    inv_v: Array,
    q_over_v: Array,
    q_over_v2: Array,
    qq_over_v2: Array,
    diag: Array,
    qq_over_v: Array,
    g_mean: Array,
    g_cov: Array,
    g_a: Array,
    g_c: Array,
) -> None:
    """Fill the gradients with respect to mean, G, A and c of patient ``i``.

    ``basis`` = C Q spans the effects, ``image`` = A basis.
    """
    p = c.size
    for a in range(p):
        pull = c[a] * inv_v[0]
        value = 0.0
        for k in range(p):
            pull -= image[a, k] * q_over_v[k]
            value += basis[a, k] * q_over_v[k]
        g_mean[i, a] = pull
        g_c[a] = value
    for a in range(p):
        for b in range(p):
            spread = 0.0
            outer = c[a] * c[b] * inv_v[1]
            inner = m[a, b] * inv_v[0]
            for k in range(p):
                spread += basis[a, k] * basis[b, k] * diag[0, k]
                inner -= image[a, k] * image[b, k] * diag[1, k]
                outer -= (c[a] * image[b, k] + c[b] * image[a, k]) * q_over_v2[k]
                for j in range(p):
                    spread += basis[a, k] * basis[b, j] * qq_over_v[k, j]
                    outer += image[a, k] * image[b, j] * qq_over_v2[k, j]
            g_a[a, b] = -0.5 * spread
            g_cov[i, a, b] = 0.5 * (outer - inner)


@njit(cache=True)
def volatility_gradient(
    i: int,
    robust: bool,
    count: int,
    nodes: Array,
    weights: Array,
    eigen: Array,
    load: Array,
    n_visit: int,
    d: float,
    log_sigma: float,
    nu: float,
    psi: float,
    g_scalars: Array,
) -> None:
    """Fill the gradients with respect to log sigma and log nu of patient ``i``."""
    if robust:
        for k in range(count):
            log_z = 2.0 * log_sigma - nodes[k]
            z = math.exp(log_z)
            g_scalars[i, LOG_SIGMA] += weights[k] * nu * (1.0 - z)
            g_scalars[i, LOG_NU] += (
                0.5 * nu * weights[k] * (math.log(0.5 * nu) + 1.0 - psi + log_z - z)
            )
        return
    v = math.exp(nodes[0])
    value = d / v - n_visit
    for k in range(eigen.size):
        keep = v / (v + eigen[k])
        value += (1.0 - keep) - load[k] * load[k] / (v * (v + eigen[k])) * (1.0 + keep)
    g_scalars[i, LOG_SIGMA] = value


@njit(cache=True)
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
    q = p + 1
    ll = np.empty(n_patient)
    g_mean = np.zeros((n_patient, p))
    g_cov = np.zeros((n_patient, p, p))
    g_scalars = np.zeros((n_patient, N_SCALAR))
    m = np.zeros((q, q))
    dm = np.zeros((3, q, q))
    dlogdet = np.zeros(3)
    tail = np.zeros(q + 1)
    chol = cholesky_psd(cov)
    eigen = np.empty(p)
    basis = np.empty((p, p))
    load = np.empty(p)
    c = np.empty(p)
    nodes = np.empty(MAX_NODE)
    weights = np.empty(MAX_NODE)
    image = np.empty((p, p))
    inv_v = np.empty(2)
    q_over_v = np.empty(p)
    q_over_v2 = np.empty(p)
    qq_over_v2 = np.empty((p, p))
    qq_over_v = np.empty((p, p))
    diag = np.empty((2, p))
    g_a = np.empty((p, p))
    g_c = np.empty(p)
    log_sigma = scalars[LOG_SIGMA]
    nu = math.exp(scalars[LOG_NU]) if robust else 1.0
    share = scalars[SHARE_POS]
    ell = math.exp(scalars[LOG_ELL_POS]) if process == 1 else 1.0
    h = math.exp(scalars[LOG_H_POS]) if p == 3 else 1.0
    psi = digamma(0.5 * nu)
    for i in range(n_patient):
        first, last = offsets[i], offsets[i + 1]
        n_visit = last - first
        if use_static:
            m[:] = static[i]
            logdet = 0.0
        else:
            logdet = whiten(
                t[first:last], y[first:last], process, p, share, ell, h, m, dm, dlogdet, tail
            )
        d = residual_statistics(m, mean[i], c)
        rotate_effects(m, c, chol, eigen, basis, load)
        if robust:
            count, ll[i] = volatility_nodes(
                n_visit, logdet, d, eigen, load, log_sigma, nu, nodes, weights
            )
        else:
            count = 1
            nodes[0] = 2.0 * log_sigma
            weights[0] = 1.0
            ll[i] = log_given_volatility(nodes[0], n_visit, logdet, d, eigen, load)
        for a in range(p):
            for b in range(p):
                value = 0.0
                for k in range(p):
                    value += m[a, k] * basis[k, b]
                image[a, b] = value
        g_d = node_moments(
            count, nodes, weights, eigen, load, inv_v, q_over_v, q_over_v2, qq_over_v2, diag, qq_over_v
        )
        assemble_gradient(
            i, c, m, basis, image, inv_v, q_over_v, q_over_v2, qq_over_v2, diag, qq_over_v,
            g_mean, g_cov, g_a, g_c,
        )  # fmt: skip
        volatility_gradient(
            i, robust, count, nodes, weights, eigen, load, n_visit, d, log_sigma, nu, psi, g_scalars
        )
        if use_static:
            continue
        # Chain to the visit parameters: M_xx acts through A, c and d; M_xy through c and d.
        for k in range(3):
            value = -0.5 * dlogdet[k] + g_d * dm[k, p, p]
            for a in range(p):
                value += (g_c[a] - 2.0 * g_d * mean[i, a]) * dm[k, a, p]
                for b in range(p):
                    value += (
                        g_a[a, b] - g_c[a] * mean[i, b] + g_d * mean[i, a] * mean[i, b]
                    ) * dm[k, a, b]
            g_scalars[i, SHARE_POS + k] = value
    return ll, g_mean, g_cov, g_scalars


@njit(cache=True)
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
