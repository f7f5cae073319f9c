"""What each state says of tests, refills, scores, labels and of nothing confirmed."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from itb_bayes.kernel.regimes.layout import (
    CATHETER_STATES,
    SHORTEST_YEARS,
    TOLERANCE_STATES,
    Code,
    Col,
    State,
)
from itb_bayes.kernel.regimes.oracle import REFILL_WILD_DENSITY, REFILL_WILD_SHARE
from itb_bayes.kernel.regimes_arrays.moves import found_rates
from itb_bayes.kernel.regimes_arrays.rows import Steps
from itb_bayes.kernel.regimes_arrays.states import by_state, normal, one_hot

S = State
CATHETER = one_hot(CATHETER_STATES)
PUMP = one_hot([S.PUMP])


def findings(xp: Any, g: SimpleNamespace, rows: Steps) -> Any:
    """Return their log-likelihood in every state, shape (n_step, 11)."""
    catheter, pump = found_rates(g, rows)
    found = catheter[:, None] * CATHETER + pump[:, None] * PUMP
    return (
        _tests(xp, g, rows) + _refill(xp, g, rows) + _score(xp, g, rows) + _labels(xp, g, rows)
        + _work_up(xp, g, rows) - found * rows.dt[:, None]
    )  # fmt: skip


def _tests(xp: Any, g: SimpleNamespace, rows: Steps) -> Any:
    total: Any = 0.0
    for code, states, chance, otherwise in (
        (Code.DYE, CATHETER, g.dye_sensitivity, g.dye_false),
        (Code.ASPIRATION, CATHETER, g.blocked_fault, g.blocked_intact),
        (Code.ROTOR, PUMP, g.rotor_sensitivity, g.rotor_false),
    ):
        p = states * chance + (1.0 - states) * otherwise
        result = rows.code(code)[:, None]
        total += (result == 1) * xp.log(p) + (result == 0) * xp.log1p(-p)
    return total


def _refill(xp: Any, g: SimpleNamespace, rows: Steps) -> Any:
    there, share = (values[:, None] for values in rows.recorded(Col.REFILL))
    count = rows.recorded(Col.REFILL_COUNT)[1][:, None]
    var = g.refill_var * (1.0 + 1.0 / (count + 1.0)) + g.refill_pump_var * PUMP
    plain = (1.0 - REFILL_WILD_SHARE) * normal(xp, share, g.refill_pump * PUMP, var)
    return there * xp.log(plain + REFILL_WILD_SHARE * REFILL_WILD_DENSITY)


def _score(xp: Any, g: SimpleNamespace, rows: Steps) -> Any:
    there, change = (values[:, None] for values in rows.recorded(Col.EDSS))
    years = rows.recorded(Col.EDSS_YEARS)[1][:, None]
    rate = g.edss_rate + by_state(xp, {S.PROGRESSION: g.edss_progression})
    left = change - rate * years
    return -0.5 * there * (xp.log(2.0 * np.pi * g.edss_var) + left**2 / g.edss_var)


def _labels(xp: Any, g: SimpleNamespace, rows: Steps) -> Any:
    tolerance = dict.fromkeys(S, g.tolerance_label_false)
    tolerance |= dict.fromkeys(TOLERANCE_STATES, g.tolerance_label)
    for s in CATHETER_STATES:
        if s != S.CATHETER_SEVERE:
            tolerance[s] = g.tolerance_label_leak
    progression = dict.fromkeys(S, g.progression_label_false)
    trigger = dict.fromkeys(S, g.trigger_label_false)
    return (
        _noted(
            xp,
            rows.code(Code.TOLERANCE) == 1,
            rows.column(Col.EXCLUDED)[:, None] * by_state(xp, tolerance),
            rows,
        )
        + _noted(
            xp,
            rows.code(Code.PROGRESSION) == 1,
            by_state(xp, progression | {S.PROGRESSION: g.progression_label}),
            rows,
        )
        + _noted(
            xp,
            rows.code(Code.TRIGGER) == 1,
            by_state(xp, trigger | {S.TRIGGER: g.trigger_label}),
            rows,
        )
    )


def _work_up(xp: Any, g: SimpleNamespace, rows: Steps) -> Any:
    alarm = by_state(xp, {S.CATHETER_SEVERE: g.alarm, S.PUMP: g.alarm})
    rate = g.work_up * rows.column(Col.SEARCH)[:, None] + alarm
    made = [rows.code(code) >= 0 for code in (Code.DYE, Code.ASPIRATION, Code.ROTOR)]
    return _noted(xp, made[0] | made[1] | made[2], rate, rows)


def _noted(xp: Any, written: Any, rate: Any, rows: Steps) -> Any:
    """Return the log-probability that something was, or was not, noted since the step before."""
    written, dt = written[:, None], rows.dt[:, None]
    years = rows.xp.maximum(dt, SHORTEST_YEARS)
    chance = -xp.expm1(-xp.where(written, rate * years, 1.0))
    return xp.where(written, xp.log(chance), -rate * dt)
