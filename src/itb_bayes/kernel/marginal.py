"""One patient's marginal likelihood and its derivatives, given their whitened statistics.

With A = X' R^-1 X, c = X' R^-1 (y - X mean) and d the whitened squared distance of y from X mean,
for one volatility v, with posterior mean s and covariance S of the effects about their mean:
d/dmean = r, r = (c - A s) / v;  d/dG = (r r' - H) / 2, H = A/v - A S A/v^2;
d/dA = -(S + s s') / (2 v);  d/dc = s / v;  d/dd = -1 / (2 v).
Over volatilities these are averaged with the quadrature's posterior weights.
"""

import math

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.small_algebra import (
    Basis,
    Symmetric,
    Vector,
    blend,
    combine,
    congruence,
    dot,
    lower_columns,
    project,
    sandwich,
    symmetric_eigen,
    symmetric_outer,
    times,
)
from itb_bayes.kernel.volatility import (
    LOG_2PI,
    Averages,
    VolatilityPrior,
    averages_at,
    averages_over,
    log_at_volatility,
    volatility_nodes,
)
from itb_bayes.kernel.whitening import Moments

Array = NDArray[np.float64]
Terms = tuple[float, float, float, Vector, Symmetric, Vector, Symmetric, float]
"""What one patient adds.

The log-likelihood; its derivatives with respect to log sigma, log nu, the effects' mean and
covariance; and what chains to the visits: means of s / v, (S + s s') / v and 1 / v.
"""


@part
def residual_statistics(moments: Moments, mean: Vector) -> tuple[Vector, float]:
    """Return c = X' R^-1 (y - X mean) and d = |R^-1/2 (y - X mean)|^2."""
    a, b, yy = moments
    fitted = times(a, mean)
    c = b[0] - fitted[0], b[1] - fitted[1], b[2] - fitted[2]
    d = yy - dot(mean, (b[0] + c[0], b[1] + c[1], b[2] + c[2]))
    return c, max(d, 0.0)


@part
def moment_gradients(terms: Terms, mean: Vector) -> tuple[Symmetric, Vector, float]:
    """Return the derivatives with respect to X' R^-1 X, X' R^-1 y and y' R^-1 y.

    The first acts through A, c = b - A mean and d = yy - mean' (b + c), the others through c and
    d: together -1/2 of the posterior mean of (b b', -2 b, 1) / v with the effects b counted from
    zero instead of from their mean.
    """
    _, _, _, _, _, (s0, s1, s2), second, inv_v = terms
    m0, m1, m2 = mean
    i0, i1, i2 = inv_v * m0, inv_v * m1, inv_v * m2
    shift = symmetric_outer((2.0 * s0 + i0, 2.0 * s1 + i1, 2.0 * s2 + i2), mean)
    return blend(second, -0.5, shift, -0.5), (s0 + i0, s1 + i1, s2 + i2), -0.5 * inv_v


@part
def log_sigma_gradient(mahalanobis: float, n_visit: int, g_cov: Symmetric, cov: Symmetric) -> float:
    """Return the derivative with respect to log sigma where all patients share v = sigma^2.

    If y, its mean, and the roots of G and v all grow by one factor k, the density falls by
    k^n_visit: so 2 v d/dv + 2 tr(G d/dG) = Q - n_visit with Q the Mahalanobis distance of y.
    """
    g00, g10, g11, g20, g21, g22 = g_cov
    c00, c10, c11, c20, c21, c22 = cov
    trace = g00 * c00 + g11 * c11 + g22 * c22 + 2.0 * (g10 * c10 + g20 * c20 + g21 * c21)
    return mahalanobis - n_visit - 2.0 * trace


@part
def two_effect_terms(
    cov: Symmetric,
    a: Symmetric,
    c: Vector,
    d: float,
    n_visit: int,
    logdet: float,
    v: float,
    log_v: float,
) -> Terms:
    """Return the terms of two effects and a known volatility, in closed form.

    With K = v I + A G: r = K^-1 c, H = K^-1 A, s = v G r, S = v G K'^-1, where every inverse is an
    adjugate over |K| = v^2 + v tr(A G) + |A| |G|, a sum of what cannot be negative.
    """  # fmt: skip
    a00, a10, a11, _, _, _ = a
    g00, g10, g11, _, _, _ = cov
    c0, c1, _ = c
    k00, k01 = v + a00 * g00 + a10 * g10, a00 * g10 + a10 * g11
    k10, k11 = a10 * g00 + a11 * g10, v + a10 * g10 + a11 * g11
    det_a = max(a00 * a11 - a10 * a10, 0.0)
    det_g = max(g00 * g11 - g10 * g10, 0.0)
    det_k = v * max(k00 + k11 - v, v) + det_a * det_g
    inv = 1.0 / det_k
    inv_v = 1.0 / v
    r0, r1 = (k11 * c0 - k01 * c1) * inv, (k00 * c1 - k10 * c0) * inv
    s0, s1 = g00 * r0 + g10 * r1, g10 * r0 + g11 * r1
    g_cov = (
        0.5 * (r0 * r0 - (v * a00 + det_a * g11) * inv),
        0.5 * (r1 * r0 - (v * a10 - det_a * g10) * inv),
        0.5 * (r1 * r1 - (v * a11 + det_a * g00) * inv),
        0.0,
        0.0,
        0.0,
    )
    second = (
        (v * g00 + det_g * a11) * inv + s0 * s0 * inv_v,
        (v * g10 - det_g * a10) * inv + s1 * s0 * inv_v,
        (v * g11 + det_g * a00) * inv + s1 * s1 * inv_v,
        0.0,
        0.0,
        0.0,
    )
    mahalanobis = max(d - c0 * s0 - c1 * s1, 0.0) * inv_v
    value = mahalanobis + n_visit * (log_v + LOG_2PI) + logdet + math.log(det_k * inv_v * inv_v)
    g_log_sigma = log_sigma_gradient(mahalanobis, n_visit, g_cov, cov)
    first = s0 * inv_v, s1 * inv_v, 0.0
    return -0.5 * value, g_log_sigma, 0.0, (r0, r1, 0.0), g_cov, first, second, inv_v


@part
def triangular_basis(chol: Symmetric, a: Symmetric, v: float) -> tuple[Vector, Basis]:
    """Return precisions and a basis that diagonalises the effects for the one volatility ``v``.

    N = v I + C' A C = U D U' with U unit upper triangular; the basis is C U'^-1 and the precisions
    1 / D. Much cheaper than eigenvalues. Every pivot is at least v but for rounding.
    """
    columns = lower_columns(chol)
    n00, n10, n11, n20, n21, n22 = congruence(columns, a)
    r2 = 1.0 / (n22 + v)
    l20, l21 = n20 * r2, n21 * r2
    r1 = 1.0 / max(n11 + v - l21 * n21, v)
    rest = n10 - l20 * n21
    l10 = rest * r1
    r0 = 1.0 / max(n00 + v - l20 * n20 - l10 * rest, v)
    level = combine(columns, (1.0, -l10, l10 * l21 - l20))
    return (r0, r1, r2), (level, combine(columns, (0.0, 1.0, -l21)), columns[2])


@part
def eigenbasis(chol: Symmetric, a: Symmetric) -> tuple[Vector, Basis]:
    """Return eigenvalues of C' A C and the basis C Q that diagonalises the effects for every v."""
    columns = lower_columns(chol)
    eigen, (q0, q1, q2) = symmetric_eigen(congruence(columns, a))
    return eigen, (combine(columns, q0), combine(columns, q1), combine(columns, q2))


@part
def effect_gradients(
    averages: Averages, basis: Basis, a: Symmetric, c: Vector
) -> tuple[Vector, Symmetric]:
    """Return the derivatives with respect to the effects' mean and covariance."""
    inv_v, inv_v2, q_over_v, q_over_v2, _, core = averages
    image = times(a, basis[0]), times(a, basis[1]), times(a, basis[2])
    p0, p1, p2 = combine(image, q_over_v)
    w0, w1, w2 = combine(image, q_over_v2)
    c0, c1, c2 = c
    # r r' = (c - p)(c - p)' averaged, its part without c being in the sandwich.
    pull = inv_v2 * c0 - 2.0 * w0, inv_v2 * c1 - 2.0 * w1, inv_v2 * c2 - 2.0 * w2
    cross = symmetric_outer(pull, c)
    outer = blend(cross, 0.5, sandwich(image, core), 0.5)
    g_cov = blend(outer, 1.0, a, -0.5 * inv_v)
    return (c0 * inv_v - p0, c1 * inv_v - p1, c2 * inv_v - p2), g_cov


@part
def three_effect_terms(
    chol: Symmetric,
    cov: Symmetric,
    a: Symmetric,
    c: Vector,
    d: float,
    n_visit: int,
    logdet: float,
    v: float,
    log_v: float,
) -> Terms:
    """Return the terms of three effects and a known volatility."""  # fmt: skip
    precision, basis = triangular_basis(chol, a, v)
    load = project(basis, c)
    value, mahalanobis = log_at_volatility(v, log_v, n_visit, logdet, d, load, precision)
    averages = averages_at(v, precision, load)
    inv_v, _, q_over_v, _, spread, _ = averages
    g_mean, g_cov = effect_gradients(averages, basis, a, c)
    g_log_sigma = log_sigma_gradient(mahalanobis, n_visit, g_cov, cov)
    first, second = combine(basis, q_over_v), sandwich(basis, spread)
    return value, g_log_sigma, 0.0, g_mean, g_cov, first, second, inv_v


@part
def mixture_terms(
    chol: Symmetric,
    a: Symmetric,
    c: Vector,
    d: float,
    n_visit: int,
    logdet: float,
    prior: VolatilityPrior,
    nodes: Array,
) -> Terms:
    """Return the terms of a patient with a volatility of their own."""  # fmt: skip
    _, nu, _, nu_slope = prior
    eigen, basis = eigenbasis(chol, a)
    load = project(basis, c)
    count, value, mean_log, ratio = volatility_nodes(n_visit, logdet, d, eigen, load, prior, nodes)
    averages = averages_over(count, nodes, load)
    inv_v, _, q_over_v, _, spread, _ = averages
    g_log_nu = 0.5 * nu * (nu_slope - mean_log - ratio)
    g_mean, g_cov = effect_gradients(averages, basis, a, c)
    first, second = combine(basis, q_over_v), sandwich(basis, spread)
    return value, nu * (1.0 - ratio), g_log_nu, g_mean, g_cov, first, second, inv_v
