"""Integrals over one patient's volatility given their whitened statistics.

Given a volatility v the patient effects b ~ N(mean, G) are integrated in closed form. In a basis
of the effects where their posterior is diagonal, everything the likelihood and its gradient need
is made of ``precision = 1 / (v + eigen)`` and ``load``. The volatility is ``v = FLOOR + w`` with w
inverse-gamma, and is integrated over by the trapezoid rule in u = log w, centred at the mode,
which converges exponentially for such smooth integrands (Trefethen & Weideman 2014, SIAM Review
56:385).
"""

import math

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.small_algebra import Symmetric, Vector
from itb_bayes.kernel.structure import VOLATILITY_FLOOR

Array = NDArray[np.float64]
Averages = tuple[float, float, Vector, Vector, Symmetric, Symmetric]
VolatilityPrior = tuple[float, float, float, float]

LOG_2PI = math.log(2.0 * math.pi)
FLOOR = VOLATILITY_FLOOR

# Rows of the table of nodes: volatility, weight, and the precision along each basis vector.
V, WEIGHT, PRECISION_0, PRECISION_1, PRECISION_2 = range(5)
N_NODE_ROW = 5
MAX_NODE = 160

# The rule's error for a log-inverse-gamma integrand of shape a is |Gamma(a + 2 pi i / width)| /
# Gamma(a). STEP / sqrt(a + SHIFT) keeps it near 1e-10 for every a > 1; that the effects are
# integrated out as well only makes the integrand wider.
STEP = 0.87
SHIFT = 5.0
NEGLIGIBLE = 2e-9  # of the largest weight; what lies beyond adds about as much to log p(y)

# Past these no reading could tell one nu from another, but the arithmetic would overflow.
MIN_LOG_NU = -18.0
MAX_LOG_NU = 18.0

MAX_GAIN = 500.0  # over the centre's log weight; only a failed search for the mode comes near
NEWTON_STEPS = 60
LONGEST_STEP = 1.5
LEAST_CURVATURE = 0.2


@entry
def digamma(x: float) -> float:
    """Return the derivative of log gamma for x > 0 (recurrence and asymptotic series)."""
    shift = 0.0
    while x < 8.0:
        shift -= 1.0 / x
        x += 1.0
    inv2 = 1.0 / (x * x)
    series = 1.0 / 120.0 - inv2 * (1.0 / 252.0 - inv2 * (1.0 / 240.0 - inv2 / 132.0))
    return shift + math.log(x) - 0.5 / x - inv2 * (1.0 / 12.0 - inv2 * series)


@part
def log_at_volatility(
    v: float, log_v: float, n_visit: int, logdet: float, d: float, load: Vector, precision: Vector
) -> tuple[float, float]:
    """Return log p(y | v) with the effects integrated out, and y's Mahalanobis distance.

    Parameters
    ----------
    v, log_v : float
        Volatility and its log.
    n_visit, logdet
        Number of visits, and log|R| of the whitened process.
    d : float
        Whitened squared distance of y from X mean.
    load : tuple of 3 floats
        basis' X' R^-1 (y - X mean).
    precision : tuple of 3 floats
        In a basis U of the effects, G (v I + A G)^-1 = U diag(precision) U'.
    """
    l0, l1, l2 = load
    r0, r1, r2 = precision
    mahalanobis = max(d - l0 * l0 * r0 - l1 * l1 * r1 - l2 * l2 * r2, 0.0) / v
    spread = (v * r0) * (v * r1) * (v * r2)
    value = mahalanobis + n_visit * (log_v + LOG_2PI) + logdet - math.log(spread)
    return -0.5 * value, mahalanobis


@part
def log_prior_constant(nu: float) -> float:
    """Return ``a log a - a - log Gamma(a)``, a = nu / 2.

    The log density of x = log(w / sigma^2), w / sigma^2 ~ InvGamma(a, a), is this constant plus
    ``a (1 - x - exp(-x))``. Large a takes Stirling's series: the terms themselves would cancel.
    """
    a = 0.5 * nu
    if a < 20.0:
        return a * math.log(a) - a - math.lgamma(a)
    inv2 = 1.0 / (a * a)
    series = (1.0 / 12.0 - inv2 * (1.0 / 360.0 - inv2 / 1260.0)) / a
    return 0.5 * (math.log(a) - LOG_2PI) - series


@part
def volatility_prior(sigma2: float, log_nu: float) -> VolatilityPrior:
    """Return ``(sigma2, nu, constant, nu_slope)`` of w / sigma2 ~ InvGamma(nu / 2, nu / 2).

    ``constant`` is :func:`log_prior_constant`; ``nu_slope`` is what its derivative adds to that of
    the log density with respect to nu / 2.
    """
    nu = math.exp(min(max(log_nu, MIN_LOG_NU), MAX_LOG_NU))
    return sigma2, nu, log_prior_constant(nu), math.log(0.5 * nu) + 1.0 - digamma(0.5 * nu)


@part
def find_mode(
    n_visit: int, d: float, eigen: Vector, load: Vector, sigma2: float, nu: float
) -> float:
    """Return the w near which log p(y, u), u = log w, is largest, by damped Newton steps in u.

    The quadrature only has to be centred well within its spread, so a step below a tenth of the
    narrowest spread ends the search.
    """
    e0, e1, e2 = eigen
    l0, l1, l2 = load[0] ** 2, load[1] ** 2, load[2] ** 2
    close = 0.1 / math.sqrt(0.5 * (n_visit + nu))
    left = d - l0 / (sigma2 + e0) - l1 / (sigma2 + e1) - l2 / (sigma2 + e2)
    w = (nu * sigma2 + max(left, 0.0)) / (nu + n_visit)
    for _ in range(NEWTON_STEPS):
        v = FLOOR + w
        gain = w / v
        r0, r1, r2 = 1.0 / (v + e0), 1.0 / (v + e1), 1.0 / (v + e2)
        w0, w1, w2 = v * r0, v * r1, v * r2
        pull0, pull1, pull2 = l0 * r0 * r0, l1 * r1 * r1, l2 * r2 * r2
        left = d - l0 * r0 - l1 * r1 - l2 * r2
        # Slope and curvature of 2 log p(y | v) in log v, then of 2 log p(y, u) in u.
        fit = max(left, 0.0) / v
        slope = fit - pull0 - pull1 - pull2 - n_visit + (3.0 - w0 - w1 - w2)
        curve = fit - pull0 * (1.0 + 2.0 * w0) + (1.0 - w0) * w0
        curve -= pull1 * (1.0 + 2.0 * w1) - (1.0 - w1) * w1
        curve -= pull2 * (1.0 + 2.0 * w2) - (1.0 - w2) * w2
        pull = nu * sigma2 / w
        curve = pull + gain * gain * curve - gain * (1.0 - gain) * slope
        step = (gain * slope + pull - nu) / max(curve, LEAST_CURVATURE)
        step = min(max(step, -LONGEST_STEP), LONGEST_STEP)
        w *= math.exp(step)
        if abs(step) < close:
            break
    return w


@part
def volatility_nodes(
    n_visit: int,
    logdet: float,
    d: float,
    eigen: Vector,
    load: Vector,
    prior: VolatilityPrior,
    nodes: Array,
) -> tuple[int, float, float, float]:
    """Fill the quadrature nodes and their normalised posterior weights.

    Parameters
    ----------
    eigen, load : tuple of 3 floats
        Eigenvalues of C' A C (G = C C', A = X' R^-1 X), and the loads in that basis.
    prior : tuple
        As from :func:`volatility_prior`.
    nodes : ndarray, shape (N_NODE_ROW, MAX_NODE), out

    Returns
    -------
    (count, log_evidence, mean_log, mean_ratio)
        Nodes used; log of the integral of p(y, u) over u; posterior means of log(w / sigma2) and
        of sigma2 / w.
    """
    e0, e1, e2 = eigen
    l0, l1, l2 = load[0] ** 2, load[1] ** 2, load[2] ** 2
    sigma2, nu, prior_constant, _ = prior
    w_centre = find_mode(n_visit, d, eigen, load, sigma2, nu)
    centre = FLOOR + w_centre
    r0, r1, r2 = 1.0 / (centre + e0), 1.0 / (centre + e1), 1.0 / (centre + e2)
    # Weights are taken relative to the centre's: of log p(y, u), what changes from node to node.
    # The distance left over is never negative but for rounding, which a tiny v would blow up.
    centre_ratio = sigma2 / w_centre
    centre_fit = max(d - l0 * r0 - l1 * r1 - l2 * r2, 0.0) / centre + nu * centre_ratio
    centre_spread = 1.0 / (r0 * r1 * r2)
    free = n_visit - 3.0
    width = STEP / math.sqrt(0.5 * (n_visit + nu) + SHIFT)
    ratio = math.exp(width)
    nodes[V, 0], nodes[WEIGHT, 0] = centre, 1.0
    nodes[PRECISION_0, 0], nodes[PRECISION_1, 0], nodes[PRECISION_2, 0] = r0, r1, r2
    count = 1
    total = best = 1.0
    first_moment = 0.0
    ratio_moment = centre_ratio
    for side in range(2):
        w, shift = w_centre, 0.0
        growth = 1.0 / ratio if side == 0 else ratio
        step = -width if side == 0 else width
        for _ in range(MAX_NODE // 2 - 1):
            w *= growth
            shift += step
            v = FLOOR + w
            r0, r1, r2 = 1.0 / (v + e0), 1.0 / (v + e1), 1.0 / (v + e2)
            fit = max(d - l0 * r0 - l1 * r1 - l2 * r2, 0.0) / v + nu * sigma2 / w
            change = fit - centre_fit + free * math.log(v / centre) + nu * shift
            gain = min(-0.5 * change, MAX_GAIN)
            weight = math.sqrt(r0 * r1 * r2 * centre_spread) * math.exp(gain)
            nodes[V, count], nodes[WEIGHT, count] = v, weight
            nodes[PRECISION_0, count], nodes[PRECISION_1, count] = r0, r1
            nodes[PRECISION_2, count] = r2
            count += 1
            total += weight
            first_moment += weight * shift
            ratio_moment += weight * sigma2 / w
            best = max(best, weight)
            if weight < NEGLIGIBLE * best:
                break
    for k in range(count):
        nodes[WEIGHT, k] /= total
    x = -math.log(centre_ratio)
    log_prior = prior_constant + 0.5 * nu * (1.0 - x - centre_ratio)
    given, _ = log_at_volatility(
        centre, math.log(centre), n_visit, logdet, d, load,
        (nodes[PRECISION_0, 0], nodes[PRECISION_1, 0], nodes[PRECISION_2, 0]),
    )  # fmt: skip
    log_evidence = log_prior + given + math.log(total * width)
    return count, log_evidence, x + first_moment / total, ratio_moment / total


@part
def averages_at(v: float, precision: Vector, load: Vector) -> Averages:
    """Return what :func:`averages_over` returns, for one known volatility."""
    inv_v = 1.0 / v
    r0, r1, r2 = precision
    q0, q1, q2 = load[0] * r0, load[1] * r1, load[2] * r2
    p0, p1, p2 = q0 * inv_v, q1 * inv_v, q2 * inv_v
    spread = r0 + p0 * q0, p1 * q0, r1 + p1 * q1, p2 * q0, p2 * q1, r2 + p2 * q2
    core = (
        r0 * inv_v + p0 * p0, p1 * p0, r1 * inv_v + p1 * p1,
        p2 * p0, p2 * p1, r2 * inv_v + p2 * p2,
    )  # fmt: skip
    return inv_v, inv_v * inv_v, (p0, p1, p2), (p0 * inv_v, p1 * inv_v, p2 * inv_v), spread, core


@part
def averages_over(count: int, nodes: Array, load: Vector) -> Averages:
    """Average over the volatility what the gradient needs, in the basis of the effects.

    Returns
    -------
    (inv_v, inv_v2, q_over_v, q_over_v2, spread, core)
        With q = precision * load, the posterior mean of the effects: means of 1/v, 1/v^2, q/v,
        q/v^2, diag(precision) + qq'/v and diag(precision)/v + qq'/v^2.
    """
    l0, l1, l2 = load
    inv_v = inv_v2 = 0.0
    a0 = a1 = a2 = b0 = b1 = b2 = 0.0
    s00 = s10 = s11 = s20 = s21 = s22 = 0.0
    c00 = c10 = c11 = c20 = c21 = c22 = 0.0
    for k in range(count):
        inv = 1.0 / nodes[V, k]
        w = nodes[WEIGHT, k]
        w1 = w * inv
        w2 = w1 * inv
        r0, r1, r2 = nodes[PRECISION_0, k], nodes[PRECISION_1, k], nodes[PRECISION_2, k]
        q0, q1, q2 = l0 * r0, l1 * r1, l2 * r2
        p0, p1, p2 = w1 * q0, w1 * q1, w1 * q2
        t0, t1, t2 = w2 * q0, w2 * q1, w2 * q2
        inv_v += w1
        inv_v2 += w2
        a0 += p0
        a1 += p1
        a2 += p2
        b0 += t0
        b1 += t1
        b2 += t2
        s00 += w * r0 + p0 * q0
        s10 += p1 * q0
        s11 += w * r1 + p1 * q1
        s20 += p2 * q0
        s21 += p2 * q1
        s22 += w * r2 + p2 * q2
        c00 += w1 * r0 + t0 * q0
        c10 += t1 * q0
        c11 += w1 * r1 + t1 * q1
        c20 += t2 * q0
        c21 += t2 * q1
        c22 += w1 * r2 + t2 * q2
    return (
        inv_v, inv_v2, (a0, a1, a2), (b0, b1, b2),
        (s00, s10, s11, s20, s21, s22), (c00, c10, c11, c20, c21, c22),
    )  # fmt: skip
