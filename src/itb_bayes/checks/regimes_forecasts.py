"""One-step-ahead forecasts of every reading of a regimes fit, from the filter alone.

Each reading is forecast from everything that was recorded of the patient before its day: the
filter goes one step on from there with the readings of the day itself blanked.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.kernel.regimes.findings import REFILL_OUTLIER, REFILL_OUTLIER_DENSITY
from itb_bayes.kernel.regimes.layout import (
    CATHETER_STATES,
    UNRULED_NOT_CHANGED,
    WIDEST_CHANGE,
    Code,
    Col,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes_forecast import beliefs_before_reading, expected_readings
from itb_bayes.model.regimes_plan import RegimesPlan

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CHANNELS = ("ashworth", "spasms", "dose", "refills")
SCALE = (0.0, 4.0)
HALF_SCORE = 0.5
"""Spasm scores are whole numbers: one stands for everything that rounds to it."""

READINGS = (Col.ASHWORTH, Col.PENN, Col.REFILL, Col.EDSS, Col.DOSE_CHANGE)
TESTS = (Code.DYE, Code.ASPIRATION, Code.ROTOR)
LABELS = (Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER, Code.ACTION)
STEP_BUDGET = 1_000_000
"""Steps that may be forecast, each under one draw: about 20 s on one core."""

LEAST_DRAWS, MOST_DRAWS = 40, 120
# Decisions answer a reading within a quarter of a point, and tone may be known to a point only.
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
_UNIFORM_NODES = (np.arange(40) + 0.5) / 40.0


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of every reading and of every confirmed fault.

    Attributes
    ----------
    step, patient : ndarray of int64, shape (n_forecast,)
    below, above : dict of str to ndarray, shape (n_forecast,)
        By channel, probability of a lower value than the one read, and of one not higher; they
        differ where the value stands for an interval (a dose left alone, a whole score, an end of
        the scale). NaN where nothing was read.
    expected_faults : ndarray, shape (n_draw, 2)
        Confirmed faults of catheter and pump that the filter expected in all, by draw.
    """

    step: Index
    patient: Index
    below: dict[str, Array]
    above: dict[str, Array]
    expected_faults: Array

    def pit(self, channel: str, seed: int) -> Array:
        """Return the randomised PIT of a channel's readings, NaN where there is none."""
        u = np.random.default_rng([seed, CHANNELS.index(channel)]).random(self.step.size)
        return self.below[channel] + u * (self.above[channel] - self.below[channel])


@dataclass(frozen=True, eq=False)
class ForecastDraws:
    """Forecasts of every reading under each of some draws of the population.

    Attributes
    ----------
    step, patient : ndarray of int64, shape (n_forecast,)
    kept : ndarray of int64, shape (n_kept,)
        Which draws were used.
    below, above : dict of str to ndarray, shape (n_kept, n_forecast)
    faults : ndarray, shape (n_kept, n_forecast, 2)
        Probability that a fault of catheter, or of pump, is confirmed at each step.
    """

    step: Index
    patient: Index
    kept: Index
    below: dict[str, Array]
    above: dict[str, Array]
    faults: Array

    def average(self, weight: Array | None = None) -> Forecasts:
        """Return the mean over draws.

        Parameters
        ----------
        weight : ndarray, shape (n_draw, n_patient), optional
            Weights of all draws for each patient, for a posterior that another one stands in for;
            by default all are equal. NaN for patients who are to be left out.
        """
        if weight is None:
            own = np.full((self.kept.size, self.step.size), 1.0 / self.kept.size)
        else:
            some = weight[self.kept]
            own = (some / some.sum(axis=0))[:, self.patient]
        return Forecasts(
            self.step,
            self.patient,
            {name: (own * limit).sum(axis=0) for name, limit in self.below.items()},
            {name: (own * limit).sum(axis=0) for name, limit in self.above.items()},
            self.faults.sum(axis=1),
        )


def blank_days(plan: RegimesPlan) -> tuple[Array, Index]:
    """Return the data and codes of a plan without anything that was read on the day itself."""
    data, codes = plan.data.copy(), plan.codes.copy()
    data[:, READINGS] = np.nan
    codes[:, TESTS] = -1
    codes[:, LABELS] = 0
    return data, codes


def forecast_readings(
    plan: RegimesPlan,
    draws: RegimesDraws,
    on_draw: Callable[[int, int], None] | None = None,
) -> Forecasts:
    """Forecast every reading of a plan from the patient's earlier ones, averaged over draws.

    The population was fitted to these readings too; each of them moves it little. See
    :func:`forecast_draws`.
    """
    return forecast_draws(plan, draws, on_draw).average()


def forecast_draws(
    plan: RegimesPlan,
    draws: RegimesDraws,
    on_draw: Callable[[int, int], None] | None = None,
) -> ForecastDraws:
    """Forecast every reading of a plan from the patient's earlier ones, draw by draw.

    Parameters
    ----------
    plan : RegimesPlan
    draws : RegimesDraws
        Evenly spaced ones of them are used, as many as the work allows (40 to 120).
    on_draw : callable, optional
        Called with the number of draws done and the number to do.
    """
    n_step = len(plan.data)
    n_draw = int(np.clip(STEP_BUDGET // max(n_step, 1), LEAST_DRAWS, MOST_DRAWS))
    kept = np.linspace(0, draws.n_draw - 1, min(n_draw, draws.n_draw)).round().astype(np.int64)
    later = np.ones(n_step, dtype=bool)
    later[plan.offsets[:-1]] = False
    step = np.flatnonzero(later)
    patient = plan.step_patient[step]
    unread, uncoded = blank_days(plan)
    row, code = plan.data[step], plan.codes[step]
    dt = plan.t_years[step] - plan.t_years[step - 1]

    def run(j: int) -> tuple[dict[str, tuple[Array, Array]], Array]:
        g, own = draws.g[kept[j]], np.ascontiguousarray(draws.own[kept[j]])
        belief = beliefs_before_reading(
            g, own, plan.data, plan.codes, plan.offsets, unread, uncoded
        )[step]
        expected = expected_readings(g, own, patient, row, code, belief)
        chances = chances_of_finding(g, expected[:, :, 0], row, dt)
        return _limits(g, own[patient], row, expected), chances

    told = None if on_draw is None else (lambda done: on_draw(done, kept.size))
    found = map_in_threads(run, kept.size, told)
    return ForecastDraws(
        step,
        patient,
        kept,
        {name: np.stack([limits[name][0] for limits, _ in found]) for name in CHANNELS},
        {name: np.stack([limits[name][1] for limits, _ in found]) for name in CHANNELS},
        np.stack([chances for _, chances in found]),
    )


def found_rates(g: Array, row: Array) -> Array:
    """Return the rates (per year) at which faults are confirmed in steps.

    Parameters
    ----------
    g : ndarray, shape (n_par,)
    row : ndarray, shape (n_row, n_col)

    Returns
    -------
    ndarray, shape (n_row, n_state, 2)
        Of catheter faults and of pump faults; nought in the states without one.
    """
    out = np.zeros((len(row), len(State), 2))
    catheter = g[Par.FOUND_CATHETER] * row[:, Col.SEARCH]
    catheter = catheter + g[Par.FOUND_TESTED] * row[:, Col.CATHETER_TESTED]
    out[:, CATHETER_STATES, 0] = catheter[:, None]
    out[:, State.PUMP, 1] = g[Par.FOUND_PUMP] + g[Par.FOUND_TESTED] * row[:, Col.PUMP_TESTED]
    return out


def chances_of_finding(g: Array, weight: Array, row: Array, dt: Array) -> Array:
    """Return the probability that a fault of catheter or pump is confirmed in a step.

    Parameters
    ----------
    g : ndarray, shape (n_par,)
    weight : ndarray, shape (n_row, n_state)
        Probability of each state given that none was confirmed in the step, as the filter has it.
    row : ndarray, shape (n_row, n_col)
        The steps: cause to search, and operations to be expected after tests.
    dt : ndarray, shape (n_row,)
        Years.

    Returns
    -------
    ndarray, shape (n_row, 2)
    """
    odds = np.einsum("ns,nsk->nk", weight, np.expm1(found_rates(g, row) * dt[:, None, None]))
    chances: Array = odds / (1.0 + odds.sum(axis=1, keepdims=True))
    return chances


def _limits(g: Array, own: Array, row: Array, expected: Array) -> dict[str, tuple[Array, Array]]:
    weight = expected[:, :, 0]
    tone, tone_sd = expected[:, :, 1], np.sqrt(expected[:, :, 2])
    spasm, spasm_sd = expected[:, :, 3], np.sqrt(expected[:, :, 4])
    score, penn = row[:, Col.ASHWORTH], row[:, Col.PENN]
    outlier = g[Par.OUTLIER]
    return {
        "ashworth": (
            _robust(_floor(score, 0.0), weight, tone, tone_sd, outlier),
            _robust(_ceiling(score, 0.0), weight, tone, tone_sd, outlier),
        ),
        "spasms": (
            _robust(_floor(penn, HALF_SCORE), weight, spasm, spasm_sd, outlier),
            _robust(_ceiling(penn, HALF_SCORE), weight, spasm, spasm_sd, outlier),
        ),
        "dose": _dose_limits(g, own, row, weight, tone, tone_sd),
        "refills": (_refill(g, row, weight),) * 2,
    }


def _floor(value: Array, half: float) -> Array:
    return np.where(value <= SCALE[0], -np.inf, value - half)


def _ceiling(value: Array, half: float) -> Array:
    return np.where(value >= SCALE[1], np.inf, value + half)


def _robust(at: Array, weight: Array, mean: Array, sd: Array, outlier: float) -> Array:
    """Return the distribution function of a mixture of states with outliers."""
    plain = (weight * ndtr((at[:, None] - mean) / sd)).sum(axis=1)
    wild = np.clip((at - SCALE[0]) / (SCALE[1] - SCALE[0]), 0.0, 1.0)
    return np.where(np.isnan(at), np.nan, (1.0 - outlier) * plain + outlier * wild)


def _refill(g: Array, row: Array, weight: Array) -> Array:
    share, count = row[:, Col.REFILL], row[:, Col.REFILL_COUNT]
    var = g[Par.REFILL_VAR] * (1.0 + 1.0 / (count + 1.0))
    empty = ndtr((share - g[Par.REFILL_PUMP]) / np.sqrt(var + g[Par.REFILL_PUMP_VAR]))
    pump = weight[:, State.PUMP]
    plain = (1.0 - pump) * ndtr(share / np.sqrt(var)) + pump * empty
    wild = np.clip(0.5 + share * REFILL_OUTLIER_DENSITY, 0.0, 1.0)
    return (1.0 - REFILL_OUTLIER) * plain + REFILL_OUTLIER * wild


def _dose_limits(
    g: Array, own: Array, row: Array, weight: Array, tone: Array, tone_sd: Array
) -> tuple[Array, Array]:
    """Return the probabilities of a lower, and of a not higher, change of the dose.

    The clinic acts on the reading: where it was written down, on that one; elsewhere on one drawn
    from the forecast.
    """
    n, n_state = weight.shape
    readings = np.empty((n, n_state * _NODES.size + _UNIFORM_NODES.size))
    shares = np.empty_like(readings)
    nodes = tone[:, :, None] + tone_sd[:, :, None] * _NODES
    normal = (1.0 - g[Par.OUTLIER]) * _NODE_WEIGHTS / _NODE_WEIGHTS.sum()
    split = n_state * _NODES.size
    readings[:, :split] = nodes.reshape(n, -1)
    shares[:, :split] = (weight[:, :, None] * normal).reshape(n, -1)
    readings[:, split:] = SCALE[0] + (SCALE[1] - SCALE[0]) * _UNIFORM_NODES
    shares[:, split:] = g[Par.OUTLIER] / _UNIFORM_NODES.size
    known = np.isfinite(row[:, Col.ASHWORTH])
    readings[known] = row[known, Col.ASHWORTH][:, None]
    excess = readings - own[:, Own.GOAL][:, None]
    ruled_still = g[Par.STILL] * np.exp(-0.5 * excess**2 / g[Par.STILL_VAR])
    change = row[:, Col.DOSE_CHANGE][:, None]
    lower = ndtr((change - g[Par.GAIN] * excess) / np.sqrt(g[Par.DOSE_VAR]))
    # Decisions that follow no rule: a share of those on a reading that was written down; elsewhere
    # those on a reading that says nothing.
    free = np.zeros_like(readings)
    free[known] = g[Par.UNRULED]
    free[~known, split:] = 1.0
    still = (1.0 - free) * ruled_still + free * UNRULED_NOT_CHANGED
    any_lower = np.clip(0.5 * (1.0 + change / WIDEST_CHANGE), 0.0, 1.0)
    moved = (1.0 - free) * (1.0 - ruled_still) * lower
    moved += free * (1.0 - UNRULED_NOT_CHANGED) * any_lower
    low = (shares * (moved + np.where(change > 0.0, still, 0.0))).sum(axis=1)
    high = (shares * (moved + np.where(change >= 0.0, still, 0.0))).sum(axis=1)
    unread = np.isnan(change[:, 0])
    return np.where(unread, np.nan, low), np.where(unread, np.nan, high)
