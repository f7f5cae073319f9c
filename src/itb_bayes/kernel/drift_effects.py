"""What the data of one patient say about them: effects, volatility and future doses.

Given population parameters, the conditionals are exact: a mixture over the volatility's quadrature
nodes of Gaussians. One function serves patients of the fit and patients it has never seen.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.drift_likelihood import (
    LOG_ELL_POS,
    LOG_H_POS,
    LOG_NU,
    LOG_SIGMA,
    SHARE_POS,
    bounded_exp,
)
from itb_bayes.kernel.marginal import eigenbasis, residual_statistics
from itb_bayes.kernel.small_algebra import (
    Vector,
    as_lower,
    cholesky_psd,
    combine,
    dot,
    project,
    row_vector,
)
from itb_bayes.kernel.structure import Structure
from itb_bayes.kernel.volatility import (
    MAX_NODE,
    N_NODE_ROW,
    PRECISION_0,
    PRECISION_1,
    PRECISION_2,
    WEIGHT,
    V,
    volatility_nodes,
    volatility_prior,
)
from itb_bayes.kernel.whitening import N_TRACE, Tail, whiten

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PatientConditionals:
    """Exact conditionals of one patient for every posterior draw.

    Attributes
    ----------
    effect_mean : ndarray, shape (n_draw, n_effect)
        Conditional mean of the effects given the population parameters of the draw.
    effect : ndarray, shape (n_draw, n_effect)
        One draw of the effects.
    volatility : ndarray, shape (n_draw,)
        One draw of the within-patient variance.
    future : ndarray, shape (n_draw, n_horizon)
        One draw of the log dose at each future time, jointly with ``effect``.
    exceed : ndarray, shape (n_draw, n_horizon)
        Conditional probability that the log dose at that time lies above its threshold.
    cdf : ndarray, shape (n_draw, n_horizon)
        ``1 - exceed``; the predictive distribution function at the thresholds.
    """

    effect_mean: Array
    effect: Array
    volatility: Array
    future: Array
    exceed: Array

    @property
    def cdf(self) -> Array:
        """Return the predictive distribution function at the thresholds."""
        return 1.0 - self.exceed


@part
def normal_tail(x: float) -> float:
    """Return P(Z > x) of a standard normal."""
    return 0.5 * math.erfc(x / math.sqrt(2.0))


@part
def future_row(
    since: float,
    t: float,
    process: int,
    titration: bool,
    share: float,
    inv_ell: float,
    inv_h: float,
    tail: Tail,
) -> tuple[Vector, float, float]:
    """Return effect coefficients, constant and unit variance of the log dose at time ``t``.

    log dose at t, ``since`` years after the last reading, = constant + coefficients . b + noise,
    noise variance = v * unit variance.
    """  # fmt: skip
    phi = 0.0
    unit = 1.0
    if process == 1:
        phi = math.exp(-since * inv_ell)
        unit = phi * phi * tail[4] + share * (1.0 - phi * phi) + 1.0 - share
    elif process == 2:
        phi = 1.0
        unit = tail[4] + share * since + 1.0 - share
    depth = -math.exp(-t * inv_h) if titration else 0.0
    row = (1.0 - phi * tail[0], t - 1.0 - phi * tail[1], depth - phi * tail[2])
    return row, phi * tail[3], unit


@part
def precision_at(nodes: Array, k: int) -> Vector:
    """Return the effects' precisions at node ``k``."""
    return nodes[PRECISION_0, k], nodes[PRECISION_1, k], nodes[PRECISION_2, k]


@part
def single_node(v: float, eigen: Vector, nodes: Array) -> int:
    """Write a known volatility as the only node; return the number of nodes."""
    nodes[V, 0], nodes[WEIGHT, 0] = v, 1.0
    nodes[PRECISION_0, 0] = 1.0 / (v + eigen[0])
    nodes[PRECISION_1, 0] = 1.0 / (v + eigen[1])
    nodes[PRECISION_2, 0] = 1.0 / (v + eigen[2])
    return 1


@part
def pick_node(count: int, nodes: Array, uniform: float) -> int:
    """Return the node at which the cumulated weights first reach ``uniform``."""
    passed = 0.0
    for k in range(count):
        passed += nodes[WEIGHT, k]
        if passed >= uniform:
            return k
    return count - 1


@part
def average_effects(count: int, nodes: Array, load: Vector) -> Vector:
    """Return the posterior mean of the effects in their basis."""
    b0 = b1 = b2 = 0.0
    for k in range(count):
        r0, r1, r2 = precision_at(nodes, k)
        weight = nodes[WEIGHT, k]
        b0 += weight * load[0] * r0
        b1 += weight * load[1] * r1
        b2 += weight * load[2] * r2
    return b0, b1, b2


@part
def draw_effects(
    v: float, precision: Vector, load: Vector, normal: Array, s: int, p: int
) -> Vector:
    """Return a draw of the effects in their basis, given the volatility."""
    r0, r1, r2 = precision
    z2 = normal[s, 2] if p == 3 else 0.0
    return (
        load[0] * r0 + math.sqrt(v * r0) * normal[s, 0],
        load[1] * r1 + math.sqrt(v * r1) * normal[s, 1],
        load[2] * r2 + math.sqrt(v * r2) * z2,
    )


@part
def exceedance(
    gap: float, along: Vector, unit: float, count: int, nodes: Array, load: Vector
) -> float:
    """Return P(log dose lies more than ``gap`` above its mean at the population's effects).

    ``along`` are the coefficients of the effects in their basis, ``unit`` the variance of the rest
    for unit volatility.
    """
    u0, u1, u2 = along
    total = 0.0
    for k in range(count):
        r0, r1, r2 = precision_at(nodes, k)
        centre = u0 * load[0] * r0 + u1 * load[1] * r1 + u2 * load[2] * r2
        variance = nodes[V, k] * (unit + u0 * u0 * r0 + u1 * u1 * r1 + u2 * u2 * r2)
        total += nodes[WEIGHT, k] * normal_tail((gap - centre) / math.sqrt(variance))
    return total


@entry
def fill_conditionals(
    mean: Array,
    cov: Array,
    scalars: Array,
    t: Array,
    y: Array,
    process: int,
    robust: bool,
    t_future: Array,
    threshold: Array,
    uniform: Array,
    normal: Array,
    effect_mean: Array,
    effect: Array,
    volatility: Array,
    future: Array,
    exceed: Array,
) -> None:
    """Fill the arrays of :class:`PatientConditionals`, one posterior draw after the other.

    ``uniform`` picks the volatility of each draw, ``normal`` its effects and future deviations.
    """  # fmt: skip
    n_draw, p = mean.shape
    titration = p == 3
    trace = np.empty((t.size, N_TRACE))
    nodes = np.empty((N_NODE_ROW, MAX_NODE))
    for s in range(n_draw):
        share = scalars[s, SHARE_POS]
        inv_ell = bounded_exp(-scalars[s, LOG_ELL_POS])
        inv_h = bounded_exp(-scalars[s, LOG_H_POS])
        sigma2 = bounded_exp(scalars[s, LOG_SIGMA]) ** 2
        center = row_vector(mean, s)
        logdet, moments, tail = whiten(t, y, process, titration, share, inv_ell, inv_h, trace)
        c, d = residual_statistics(moments, center)
        eigen, basis = eigenbasis(as_lower(cholesky_psd(cov[s])), moments[0])
        load = project(basis, c)
        if robust:
            prior = volatility_prior(sigma2, scalars[s, LOG_NU])
            count, _, _, _ = volatility_nodes(t.size, logdet, d, eigen, load, prior, nodes)
        else:
            count = single_node(sigma2, eigen, nodes)
        chosen = pick_node(count, nodes, uniform[s])
        v = nodes[V, chosen]
        volatility[s] = v
        drawn = draw_effects(v, precision_at(nodes, chosen), load, normal, s, p)
        average = combine(basis, average_effects(count, nodes, load))
        draw = combine(basis, drawn)
        for a in range(p):
            effect_mean[s, a] = center[a] + average[a]
            effect[s, a] = center[a] + draw[a]
        for f in range(t_future.size):
            row, constant, unit = future_row(
                t_future[f] - t[-1], t_future[f], process, titration, share, inv_ell, inv_h, tail
            )
            constant += dot(row, center)
            along = project(basis, row)
            noise = math.sqrt(v * unit) * normal[s, p + f]
            future[s, f] = constant + dot(along, drawn) + noise
            exceed[s, f] = exceedance(threshold[f] - constant, along, unit, count, nodes, load)


def _standard_normals(rng: np.random.Generator, n_draw: int, p: int, n_horizon: int) -> Array:
    """Return normals for p effects and every horizon, shape (n_draw, p + n_horizon).

    One deviation per draw serves all horizons, so that neither the effects nor the forecast of one
    horizon depend on which other horizons are asked for; each horizon's distribution is exact.
    """
    z = rng.standard_normal((n_draw, p + 1))
    return np.concatenate([z[:, :p], np.repeat(z[:, p:], n_horizon, axis=1)], axis=1)


def patient_conditionals(
    mean: Array,
    cov: Array,
    scalars: Array,
    t_years: Array,
    y: Array,
    structure: Structure,
    t_future: Array,
    threshold: Array,
    rng: np.random.Generator,
) -> PatientConditionals:
    """Return the exact conditionals of one patient.

    Parameters
    ----------
    mean : ndarray, shape (n_draw, n_effect)
        Population mean of this patient's effects, by posterior draw.
    cov : ndarray, shape (n_draw, n_effect, n_effect)
    scalars : ndarray, shape (n_draw, 5)
        ``log sigma, log nu, share, log ell, log h`` by posterior draw.
    t_years, y : ndarray, shape (n_visit,)
        The patient's readings: years since implant and log dose.
    structure : Structure
    t_future : ndarray, shape (n_horizon,)
        Times of the forecast, each after the last reading.
    threshold : ndarray, shape (n_horizon,)
        Log doses whose exceedance is asked for.
    rng : numpy.random.Generator
        Source of the draws; pass one made for this patient, so that results do not depend on
        which other patients are asked about.

    Raises
    ------
    ValueError
        If a forecast time is not after the last reading, or shapes disagree.
    """
    n_draw, p = mean.shape
    if p != structure.n_effect or cov.shape != (n_draw, p, p) or scalars.shape != (n_draw, 5):
        raise ValueError("mean, cov and scalars disagree in shape")
    if t_future.shape != threshold.shape or np.any(t_future <= t_years[-1]):
        raise ValueError("forecast times must lie after the last reading, one threshold each")
    out = PatientConditionals(
        effect_mean=np.empty((n_draw, p)),
        effect=np.empty((n_draw, p)),
        volatility=np.empty(n_draw),
        future=np.empty((n_draw, t_future.size)),
        exceed=np.empty((n_draw, t_future.size)),
    )
    fill_conditionals(
        np.ascontiguousarray(mean), np.ascontiguousarray(cov), np.ascontiguousarray(scalars),
        np.ascontiguousarray(t_years), np.ascontiguousarray(y), int(structure.process),
        structure.robust, np.asarray(t_future, dtype=float), np.asarray(threshold, dtype=float),
        rng.random(n_draw), _standard_normals(rng, n_draw, p, t_future.size),
        out.effect_mean, out.effect, out.volatility, out.future, out.exceed,
    )  # fmt: skip
    return out
