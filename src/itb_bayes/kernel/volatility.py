"""The marginal likelihood of one patient given his whitened statistics.

Given a volatility v the patient effects b ~ N(mean, G) are integrated in closed form; the
volatility is integrated over its inverse-gamma prior by the trapezoid rule in log v, centred at
the mode, which converges exponentially for such smooth integrands (Trefethen & Weideman 2014,
SIAM Review 56:385).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

LOG_2PI = math.log(2.0 * math.pi)
MAX_NODE = 160
STEP = 0.7  # of the integrand's SD; converges like exp(-2 pi^2 / STEP^2), slower for skewed shapes
MAX_WIDTH = 0.36  # exp(-u) is analytic only in a strip of pi/2: error exp(-pi^2 / width)
LOG_NEGLIGIBLE = -25.0


@njit(cache=True)
def digamma(x: float) -> float:
    """Return the derivative of log gamma for x > 0 (recurrence and asymptotic series)."""
    shift = 0.0
    while x < 8.0:
        shift -= 1.0 / x
        x += 1.0
    inv2 = 1.0 / (x * x)
    series = inv2 * (
        1.0 / 12.0 - inv2 * (1.0 / 120.0 - inv2 * (1.0 / 252.0 - inv2 * (1.0 / 240.0 - inv2 / 132.0)))
    )
    return shift + math.log(x) - 0.5 / x - series


@njit(cache=True)
def log_given_volatility(
    u: float, n_visit: int, logdet: float, d: float, eigen: Array, load: Array
) -> float:
    """Return log p(y | v = exp(u)) with the patient effects integrated out.

    ``eigen`` are the eigenvalues of C' A C (G = C C', A = X' R^-1 X), ``load`` the rotated
    C' X' R^-1 (y - X mean), ``d`` the whitened squared distance of y from X mean.
    """
    v = math.exp(u)
    value = d / v + n_visit * (u + LOG_2PI) + logdet
    ratio = 1.0
    for k in range(eigen.size):
        ratio *= 1.0 + eigen[k] / v
        value -= load[k] * load[k] / (v * (v + eigen[k]))
    return -0.5 * (value + math.log(ratio))


@njit(cache=True)
def log_prior(u: float, log_sigma: float, nu: float) -> float:
    """Return the log density of u = log v, v / sigma^2 ~ InvGamma(nu/2, nu/2)."""
    a = 0.5 * nu
    x = u - 2.0 * log_sigma
    return a * math.log(a) - math.lgamma(a) - a * x - a * math.exp(-x)


@njit(cache=True)
def log_joint(
    u: float,
    n_visit: int,
    logdet: float,
    d: float,
    eigen: Array,
    load: Array,
    log_sigma: float,
    nu: float,
) -> float:
    """Return log p(y, u)."""
    return log_given_volatility(u, n_visit, logdet, d, eigen, load) + log_prior(u, log_sigma, nu)


@njit(cache=True)
def find_mode(n_visit: int, d: float, eigen: Array, load: Array, log_sigma: float, nu: float) -> float:
    """Return an approximate mode of log p(y, u) in u by damped Newton steps."""
    a = 0.5 * nu
    sigma2 = math.exp(2.0 * log_sigma)
    u = 2.0 * log_sigma
    for _ in range(60):
        v = math.exp(u)
        slope = 0.5 * (d / v - n_visit) - a + a * sigma2 / v
        curve = 0.5 * d / v + a * sigma2 / v
        for k in range(eigen.size):
            share = eigen[k] / (v + eigen[k])
            pull = load[k] * load[k] / (v * (v + eigen[k]))
            slope += 0.5 * (share - pull * (1.0 + v / (v + eigen[k])))
            curve += 0.5 * share * (1.0 - share)
        step = slope / max(curve, 0.1)
        step = min(max(step, -1.5), 1.5)
        u += step
        if abs(step) < 1e-3:
            break
    return u


@njit(cache=True)
def volatility_nodes(
    n_visit: int,
    logdet: float,
    d: float,
    eigen: Array,
    load: Array,
    log_sigma: float,
    nu: float,
    nodes: Array,
    weights: Array,
) -> tuple[int, float]:
    """Fill the quadrature nodes u and their normalised posterior weights.

    Returns
    -------
    (count, log_evidence) : int, float
        Nodes used, and log of the integral of p(y, u) over u.
    """
    centre = find_mode(n_visit, d, eigen, load, log_sigma, nu)
    width = min(STEP * math.sqrt(2.0 / (n_visit + nu)), MAX_WIDTH)
    top = log_joint(centre, n_visit, logdet, d, eigen, load, log_sigma, nu)
    nodes[0] = centre
    weights[0] = top
    best = top
    count = 1
    for direction in (-1.0, 1.0):
        k = 1
        while count < MAX_NODE and k < MAX_NODE // 2:
            u = centre + direction * k * width
            value = log_joint(u, n_visit, logdet, d, eigen, load, log_sigma, nu)
            nodes[count] = u
            weights[count] = value
            count += 1
            k += 1
            best = max(best, value)
            if value - best < LOG_NEGLIGIBLE:
                break
    total = 0.0
    for k in range(count):
        weights[k] = math.exp(weights[k] - best)
        total += weights[k]
    for k in range(count):
        weights[k] /= total
    return count, best + math.log(total * width)
