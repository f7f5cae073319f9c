"""What the data of one patient say about him: effects, volatility and future doses.

Given population parameters, the conditionals are exact: a mixture over the volatility's quadrature
nodes of Gaussians. One function serves patients of the fit and patients it has never seen.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from itb_bayes.kernel.drift_likelihood import cholesky_psd, residual_statistics, rotate_effects
from itb_bayes.kernel.structure import Structure
from itb_bayes.kernel.volatility import MAX_NODE, volatility_nodes
from itb_bayes.kernel.whitening import whiten

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


@njit(cache=True)
def normal_tail(x: float) -> float:
    """Return P(Z > x) of a standard normal."""
    return 0.5 * math.erfc(x / math.sqrt(2.0))


@njit(cache=True)
def _future_row(
    t_last: float, t: float, h: float, p: int, process: int, share: float, ell: float,
    tail: Array, coef: Array,
) -> tuple[float, float]:
    """Fill the coefficients of the effects; return the constant and the unit variance.

    log dose at t = constant + coef . b + noise, noise variance = v * unit variance.
    """  # fmt: skip
    phi = 0.0
    if process == 1:
        phi = math.exp(-(t - t_last) / ell)
        unit = phi * phi * tail[p + 1] + share * (1.0 - phi * phi) + 1.0 - share
    elif process == 2:
        phi = 1.0
        unit = tail[p + 1] + share * (t - t_last) + 1.0 - share
    else:
        unit = 1.0
    coef[0] = 1.0 - phi * tail[0]
    coef[1] = t - 1.0 - phi * tail[1]
    if p == 3:
        coef[2] = -math.exp(-t / h) - phi * tail[2]
    return phi * tail[p], unit


@njit(cache=True)
def _conditionals(
    mean: Array, cov: Array, scalars: Array, t: Array, y: Array, process: int, robust: bool,
    t_future: Array, threshold: Array, uniform: Array, normal: Array, effect_mean: Array,
    effect: Array, volatility: Array, future: Array, exceed: Array,
) -> None:  # fmt: skip
    n_draw, p = mean.shape
    q = p + 1
    n_horizon = t_future.size
    m = np.zeros((q, q))
    dm = np.zeros((3, q, q))
    dlogdet = np.zeros(3)
    tail = np.zeros(q + 1)
    eigen, load, c = np.empty(p), np.empty(p), np.empty(p)
    basis = np.empty((p, p))
    nodes, weights = np.empty(MAX_NODE), np.empty(MAX_NODE)
    coef = np.empty((n_horizon, p))
    along = np.empty((n_horizon, p))
    constant, unit = np.empty(n_horizon), np.empty(n_horizon)
    for s in range(n_draw):
        share = scalars[s, 2]
        ell = math.exp(scalars[s, 3]) if process == 1 else 1.0
        h = math.exp(scalars[s, 4]) if p == 3 else 1.0
        nu = math.exp(scalars[s, 1]) if robust else 1.0
        logdet = whiten(t, y, process, p, share, ell, h, m, dm, dlogdet, tail)
        d = residual_statistics(m, mean[s], c)
        rotate_effects(m, c, cholesky_psd(cov[s]), eigen, basis, load)
        if robust:
            count, _ = volatility_nodes(
                t.size, logdet, d, eigen, load, scalars[s, 0], nu, nodes, weights
            )
        else:
            count, nodes[0], weights[0] = 1, 2.0 * scalars[s, 0], 1.0
        for f in range(n_horizon):
            constant[f], unit[f] = _future_row(
                t[-1], t_future[f], h, p, process, share, ell, tail, coef[f]
            )
            for a in range(p):
                constant[f] += coef[f, a] * mean[s, a]
            for b in range(p):
                value = 0.0
                for a in range(p):
                    value += coef[f, a] * basis[a, b]
                along[f, b] = value
        chosen = count - 1
        passed = 0.0
        picked = False
        for k in range(count):
            v = math.exp(nodes[k])
            passed += weights[k]
            if not picked and passed >= uniform[s]:
                chosen = k
                picked = True
            for a in range(p):
                for b in range(p):
                    effect_mean[s, a] += weights[k] * basis[a, b] * load[b] / (v + eigen[b])
            for f in range(n_horizon):
                centre = constant[f]
                variance = v * unit[f]
                for b in range(p):
                    centre += along[f, b] * load[b] / (v + eigen[b])
                    variance += along[f, b] ** 2 * v / (v + eigen[b])
                exceed[s, f] += weights[k] * normal_tail((threshold[f] - centre) / math.sqrt(variance))
        v = math.exp(nodes[chosen])
        volatility[s] = v
        for f in range(n_horizon):
            future[s, f] = constant[f] + math.sqrt(v * unit[f]) * normal[s, p + f]
        for b in range(p):
            z = load[b] / (v + eigen[b]) + math.sqrt(v / (v + eigen[b])) * normal[s, b]
            for a in range(p):
                effect[s, a] += basis[a, b] * z
            for f in range(n_horizon):
                future[s, f] += along[f, b] * z
        for a in range(p):
            effect_mean[s, a] += mean[s, a]
            effect[s, a] += mean[s, a]


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
        effect_mean=np.zeros((n_draw, p)),
        effect=np.zeros((n_draw, p)),
        volatility=np.empty(n_draw),
        future=np.empty((n_draw, t_future.size)),
        exceed=np.zeros((n_draw, t_future.size)),
    )
    _conditionals(
        np.ascontiguousarray(mean), np.ascontiguousarray(cov), np.ascontiguousarray(scalars),
        np.ascontiguousarray(t_years), np.ascontiguousarray(y), int(structure.process),
        structure.robust, np.asarray(t_future, dtype=float), np.asarray(threshold, dtype=float),
        rng.random(n_draw), rng.standard_normal((n_draw, p + t_future.size)),
        out.effect_mean, out.effect, out.volatility, out.future, out.exceed,
    )  # fmt: skip
    return out
