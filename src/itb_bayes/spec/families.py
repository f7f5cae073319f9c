"""Families of prior distributions: parameters, quantiles, and the member with an interval."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import betainc, betaincinv, gammaincinv, ndtri

Params = dict[str, float]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of distributions.

    Attributes
    ----------
    name : str
        As written in model files.
    params : tuple of str
        Names of the parameters, in order.
    positive : tuple of str
        Those that must be above 0.
    support : str
        ``real``, ``positive`` (above 0), ``half`` (from 0 on, intervals start there) or ``unit``.
    quantile : callable
        (params, probability) to value.
    solve : callable
        (low, high, mass) to the params whose central interval of that mass is [low, high].
    """

    name: str
    params: tuple[str, ...]
    positive: tuple[str, ...]
    support: str
    quantile: Callable[[Params, float], float]
    solve: Callable[[float, float, float], Params]


def _z(mass: float) -> float:
    return float(ndtri((1.0 + mass) / 2.0))


def _solve_normal(low: float, high: float, mass: float) -> Params:
    return {"mean": (low + high) / 2.0, "sd": (high - low) / 2.0 / _z(mass)}


def _solve_lognormal(low: float, high: float, mass: float) -> Params:
    normal = _solve_normal(math.log(low), math.log(high), mass)
    return {"mu": normal["mean"], "sigma": normal["sd"]}


def _solve_halfnormal(low: float, high: float, mass: float) -> Params:
    return {"sd": high / _z(mass)}


def _solve_exponential(low: float, high: float, mass: float) -> Params:
    return {"rate": -math.log1p(-mass) / high}


def _solve_gamma(low: float, high: float, mass: float) -> Params:
    tail = (1.0 - mass) / 2.0

    def excess(log_shape: float) -> float:
        shape = math.exp(log_shape)
        lower, upper = gammaincinv(shape, tail), gammaincinv(shape, 1.0 - tail)
        return math.log(upper) - math.log(max(lower, 1e-300)) - math.log(high / low)

    shape = math.exp(brentq(excess, math.log(0.05), math.log(1e7), xtol=1e-14))
    return {"shape": shape, "rate": float(gammaincinv(shape, tail)) / low}


def _solve_beta(low: float, high: float, mass: float) -> Params:
    # Two nested root searches: for each concentration the mean that puts the lower tail right,
    # then the concentration that puts the upper tail right. Existence and uniqueness: Shih
    # 2015, J Stat Comput Simul 85:1152.
    tail = (1.0 - mass) / 2.0

    def member(log_size: float) -> tuple[float, float]:
        size = math.exp(log_size)

        def lower_tail(logit: float) -> float:
            mean = 1.0 / (1.0 + math.exp(-logit))
            return float(betainc(size * mean, size * (1.0 - mean), low)) - tail

        mean = 1.0 / (1.0 + math.exp(-brentq(lower_tail, -30.0, 30.0, xtol=1e-14)))
        return size * mean, size * (1.0 - mean)

    def upper_tail(log_size: float) -> float:
        alpha, beta = member(log_size)
        return float(betainc(alpha, beta, high)) - (1.0 - tail)

    alpha, beta = member(brentq(upper_tail, math.log(0.05), math.log(1e6), xtol=1e-13))
    return {"alpha": alpha, "beta": beta}


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            "normal",
            ("mean", "sd"),
            ("sd",),
            "real",
            lambda p, q: p["mean"] + p["sd"] * float(ndtri(q)),
            _solve_normal,
        ),
        Family(
            "lognormal",
            ("mu", "sigma"),
            ("sigma",),
            "positive",
            lambda p, q: math.exp(min(p["mu"] + p["sigma"] * float(ndtri(q)), 700.0)),
            _solve_lognormal,
        ),
        Family(
            "halfnormal",
            ("sd",),
            ("sd",),
            "half",
            lambda p, q: p["sd"] * float(ndtri((1.0 + q) / 2.0)),
            _solve_halfnormal,
        ),
        Family(
            "beta",
            ("alpha", "beta"),
            ("alpha", "beta"),
            "unit",
            lambda p, q: float(betaincinv(p["alpha"], p["beta"], q)),
            _solve_beta,
        ),
        Family(
            "gamma",
            ("shape", "rate"),
            ("shape", "rate"),
            "positive",
            lambda p, q: float(gammaincinv(p["shape"], q)) / p["rate"],
            _solve_gamma,
        ),
        Family(
            "exponential",
            ("rate",),
            ("rate",),
            "half",
            lambda p, q: -math.log1p(-q) / p["rate"],
            _solve_exponential,
        ),
    )
}
"""Every family by name."""
