"""One-step-ahead forecasts of every reading of a regimes fit, from the filter alone.

Each reading is forecast from everything that was recorded of the patient before its day. The
filter is run over the records up to that day with the readings of the day itself blanked.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.findings import REFILL_OUTLIER, REFILL_OUTLIER_DENSITY
from itb_bayes.kernel.regimes.layout import WIDEST_CHANGE, Code, Col, Own, Par, State
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.kernel.regimes_forecast import expected_readings
from itb_bayes.model.regimes_plan import RegimesPlan

Array = NDArray[np.float64]

CHANNELS = ("ashworth", "spasms", "dose", "refills")
SCALE = (0.0, 4.0)
HALF_SCORE = 0.5
"""Spasm scores are whole numbers: one stands for everything that rounds to it."""

READINGS = (Col.ASHWORTH, Col.PENN, Col.REFILL, Col.EDSS, Col.DOSE_CHANGE)
TESTS = (Code.DYE, Code.ASPIRATION, Code.ROTOR)
LABELS = (Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER, Code.ACTION)
STEP_BUDGET = 6_000_000
"""Filter steps that may be spent: about 20 s on one core."""

LEAST_DRAWS, MOST_DRAWS = 40, 150
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(13)
_UNIFORM_NODES = (np.arange(40) + 0.5) / 40.0


@dataclass(frozen=True, eq=False)
class Blanked:
    """The records of every patient up to each of his days, the last day's readings blanked.

    Attributes
    ----------
    data, codes, offsets : ndarray
        As a plan's, with one "patient" per forecast day.
    step : ndarray of int64, shape (n_forecast,)
        The step of the plan that is forecast; first days are not.
    patient : ndarray of int64, shape (n_forecast,)
    """

    data: Array
    codes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    step: NDArray[np.int64]
    patient: NDArray[np.int64]


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

    step: NDArray[np.int64]
    patient: NDArray[np.int64]
    below: dict[str, Array]
    above: dict[str, Array]
    expected_faults: Array

    def pit(self, channel: str, seed: int) -> Array:
        """Return the randomised PIT of a channel's readings, NaN where there is none."""
        u = np.random.default_rng([seed, CHANNELS.index(channel)]).random(self.step.size)
        return self.below[channel] + u * (self.above[channel] - self.below[channel])


def blank_days(plan: RegimesPlan) -> Blanked:
    """Lay out the forecast days of a plan."""
    rows, lengths, steps, patients = [], [], [], []
    for i in range(plan.n_patient):
        first, last = int(plan.offsets[i]), int(plan.offsets[i + 1])
        for k in range(first + 1, last):
            rows.append(np.arange(first, k + 1))
            lengths.append(k + 1 - first)
            steps.append(k)
            patients.append(i)
    index = np.concatenate([np.empty(0, dtype=np.int64), *rows])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    data, codes = plan.data[index].copy(), plan.codes[index].copy()
    ends = offsets[1:] - 1
    data[np.ix_(ends, READINGS)] = np.nan
    codes[np.ix_(ends, TESTS)] = -1
    codes[np.ix_(ends, LABELS)] = 0
    return Blanked(data, codes, offsets, np.array(steps, np.int64), np.array(patients, np.int64))


def forecast_readings(
    plan: RegimesPlan,
    draws: RegimesDraws,
    on_draw: Callable[[int, int], None] | None = None,
) -> Forecasts:
    """Forecast every reading of a plan from the patient's earlier ones.

    The population was fitted to these readings too; each of them moves it little.

    Parameters
    ----------
    plan : RegimesPlan
    draws : RegimesDraws
        Evenly spaced ones of them are averaged, as many as the work allows (40 to 150).
    on_draw : callable, optional
        Called with the number of draws done and the number to do.
    """
    blanked = blank_days(plan)
    n_draw = int(np.clip(STEP_BUDGET // max(len(blanked.data), 1), LEAST_DRAWS, MOST_DRAWS))
    keep = np.linspace(0, draws.n_draw - 1, min(n_draw, draws.n_draw)).round().astype(int)
    n = blanked.step.size
    below = {name: np.zeros(n) for name in CHANNELS}
    above = {name: np.zeros(n) for name in CHANNELS}
    faults = np.zeros((keep.size, 2))
    dt = plan.t_years[blanked.step] - plan.t_years[blanked.step - 1]
    row, code = plan.data[blanked.step], plan.codes[blanked.step]
    ends = blanked.offsets[1:] - 1
    for j, s in enumerate(keep):
        g, own = draws.g[s], np.ascontiguousarray(draws.own[s])
        belief = trace(g, own[blanked.patient], blanked.data, blanked.codes, blanked.offsets)[1][
            ends
        ]
        expected = expected_readings(g, own, blanked.patient, row, code, belief)
        for name, (low, high) in _limits(g, own[blanked.patient], row, expected).items():
            below[name] += low / keep.size
            above[name] += high / keep.size
        faults[j] = chances_of_finding(g, expected[:, :, 0], row[:, Col.SEARCH], dt).sum(axis=0)
        if on_draw is not None:
            on_draw(j + 1, keep.size)
    return Forecasts(blanked.step, blanked.patient, below, above, faults)


def found_rates(g: Array) -> Array:
    """Return the rate (per year of full search) at which a fault is confirmed in each state.

    Returns
    -------
    ndarray, shape (n_state, 2)
        Of catheter faults and of pump faults.
    """
    out = np.zeros((len(State), 2))
    for state in State:
        name = f"FOUND_{state.name.removeprefix('CATHETER_')}"
        if name in Par.__members__:
            out[state, int(state is State.PUMP)] = g[Par[name]]
    return out


def chances_of_finding(g: Array, weight: Array, search: Array, dt: Array) -> Array:
    """Return the probability that a fault of catheter or pump is confirmed in a step.

    Parameters
    ----------
    g : ndarray, shape (n_par,)
    weight : ndarray, shape (n_row, n_state)
        Probability of each state given that none was confirmed in the step, as the filter has it.
    search : ndarray, shape (n_row,)
        Cause to search, which weighs the rates of catheter faults.
    dt : ndarray, shape (n_row,)
        Years.

    Returns
    -------
    ndarray, shape (n_row, 2)
    """
    years = np.stack([search * dt, dt], axis=1)
    odds = np.einsum("ns,nsk->nk", weight, np.expm1(found_rates(g) * years[:, None, :]))
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
    # A share of the decisions on a reading that was written down follows no rule.
    free = np.where(known, g[Par.UNRULED], 0.0)[:, None]
    still = (1.0 - free) * ruled_still + free * 0.5
    any_lower = np.clip(0.5 * (1.0 + change / WIDEST_CHANGE), 0.0, 1.0)
    moved = (1.0 - free) * (1.0 - ruled_still) * lower + free * 0.5 * any_lower
    low = (shares * (moved + np.where(change > 0.0, still, 0.0))).sum(axis=1)
    high = (shares * (moved + np.where(change >= 0.0, still, 0.0))).sum(axis=1)
    unread = np.isnan(change[:, 0])
    return np.where(unread, np.nan, low), np.where(unread, np.nan, high)
