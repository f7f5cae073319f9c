"""What each state says of tests, refills, scores, labels and of nothing confirmed, for all steps."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytensor.tensor as pt

from itb_bayes.kernel.regimes.layout import (
    CATHETER_STATES,
    SHORTEST_YEARS,
    TOLERANCE_STATES,
    Code,
    Col,
    State,
)
from itb_bayes.kernel.regimes.oracle import REFILL_WILD_DENSITY, REFILL_WILD_SHARE
from peers.regimes_scan.moves import found_rates
from peers.regimes_scan.rows import Index, Rows
from peers.regimes_scan.states import by_state, one_hot

S = State
CATHETER = one_hot(CATHETER_STATES)
PUMP = one_hot([S.PUMP])


def findings(g: SimpleNamespace, rows: Rows) -> Any:
    """Return their log-likelihood in every state, shape (n_step, 11)."""
    catheter, pump = found_rates(g, rows.data)
    found = catheter[:, None] * CATHETER + pump[:, None] * PUMP
    return (
        _tests(g, rows) + _refill(g, rows) + _score(g, rows) + _labels(g, rows)
        + _work_up(g, rows) - found * rows.dt[:, None]
    )  # fmt: skip


def normal(x: Any, mean: Any, var: Any) -> Any:
    """Return the Gaussian density."""
    return pt.exp(-0.5 * (x - mean) ** 2 / var) / pt.sqrt(2.0 * np.pi * var)


def recorded(values: Any) -> tuple[Any, Any]:
    """Return which values there are, and the values with 0 in place of the others."""
    there = np.isfinite(values)
    return there, np.where(there, values, 0.0)


def _tests(g: SimpleNamespace, rows: Rows) -> Any:
    total: Any = 0.0
    for code, states, chance, otherwise in (
        (Code.DYE, CATHETER, g.dye_sensitivity, g.dye_false),
        (Code.ASPIRATION, CATHETER, g.blocked_fault, g.blocked_intact),
        (Code.ROTOR, PUMP, g.rotor_sensitivity, g.rotor_false),
    ):
        p = states * chance + (1.0 - states) * otherwise
        result = rows.code(code)[:, None]
        total += (result == 1) * pt.log(p) + (result == 0) * pt.log1p(-p)
    return total


def _refill(g: SimpleNamespace, rows: Rows) -> Any:
    there, share = recorded(rows.column(Col.REFILL)[:, None])
    count = recorded(rows.column(Col.REFILL_COUNT)[:, None])[1]
    var = g.refill_var * (1.0 + 1.0 / (count + 1.0)) + g.refill_pump_var * PUMP
    plain = (1.0 - REFILL_WILD_SHARE) * normal(share, g.refill_pump * PUMP, var)
    return there * pt.log(plain + REFILL_WILD_SHARE * REFILL_WILD_DENSITY)


def _score(g: SimpleNamespace, rows: Rows) -> Any:
    there, change = recorded(rows.column(Col.EDSS)[:, None])
    years = recorded(rows.column(Col.EDSS_YEARS)[:, None])[1]
    rate = g.edss_rate + by_state({S.PROGRESSION: g.edss_progression})
    left = change - rate * years
    return -0.5 * there * (pt.log(2.0 * np.pi * g.edss_var) + left**2 / g.edss_var)


def _labels(g: SimpleNamespace, rows: Rows) -> Any:
    tolerance = dict.fromkeys(S, g.tolerance_label_false)
    tolerance |= dict.fromkeys(TOLERANCE_STATES, g.tolerance_label)
    for s in CATHETER_STATES:
        if s != S.CATHETER_SEVERE:
            tolerance[s] = g.tolerance_label_leak
    progression = dict.fromkeys(S, g.progression_label_false)
    trigger = dict.fromkeys(S, g.trigger_label_false)
    return (
        _noted(
            rows.code(Code.TOLERANCE) == 1,
            rows.column(Col.EXCLUDED)[:, None] * by_state(tolerance),
            rows,
        )
        + _noted(
            rows.code(Code.PROGRESSION) == 1,
            by_state(progression | {S.PROGRESSION: g.progression_label}),
            rows,
        )
        + _noted(
            rows.code(Code.TRIGGER) == 1, by_state(trigger | {S.TRIGGER: g.trigger_label}), rows
        )
    )


def _work_up(g: SimpleNamespace, rows: Rows) -> Any:
    alarm = by_state({S.CATHETER_SEVERE: g.alarm, S.PUMP: g.alarm})
    rate = g.work_up * rows.column(Col.SEARCH)[:, None] + alarm
    tests: Index = rows.codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]]
    return _noted(tests.max(axis=1) >= 0, rate, rows)


def _noted(written: Any, rate: Any, rows: Rows) -> Any:
    """Return the log-probability that something was, or was not, noted since the step before."""
    written, dt = written[:, None], rows.dt[:, None]
    years = np.maximum(dt, SHORTEST_YEARS)
    chance = -pt.expm1(-pt.where(written, rate * years, 1.0))
    return pt.where(written, pt.log(chance), -rate * dt)
