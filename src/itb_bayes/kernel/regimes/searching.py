"""How faults come to be found: work-ups where there is cause, and operations after a positive test.

A fault of a part is found at a rate. Part of it is high for some weeks after a test that spoke for
a fault: an operation is then planned. The rest is finding without such a test on record, and
follows the cause to search (:mod:`itb_bayes.cohort.search`). That nothing was found speaks against
a fault as far as these rates say, and no further: where the clinic decides on a work-up from what
it wrote down, that it has made none yet says nothing more about the fault.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import SHORTEST_YEARS, Code, Col, Par, State

_LEAKING, _SEVERE, _PUMP = (
    int(State.CATHETER_LEAKING),
    int(State.CATHETER_SEVERE),
    int(State.PUMP),
)
_FOUND_CATHETER, _FOUND_PUMP = int(Par.FOUND_CATHETER), int(Par.FOUND_PUMP)
_FOUND_TESTED = int(Par.FOUND_TESTED)
_WORK_UP, _ALARM = int(Par.WORK_UP), int(Par.ALARM)
_SEARCH = int(Col.SEARCH)
_CATHETER_TESTED, _PUMP_TESTED = int(Col.CATHETER_TESTED), int(Col.PUMP_TESTED)
_DYE, _ASPIRATION, _ROTOR = int(Code.DYE), int(Code.ASPIRATION), int(Code.ROTOR)


@part
def found_catheter(g: Any, row: Any) -> float:
    """Return the rate per year at which a fault of the catheter is found in a step."""
    return g[_FOUND_CATHETER] * row[_SEARCH] + g[_FOUND_TESTED] * row[_CATHETER_TESTED]


@part
def found_pump(g: Any, row: Any) -> float:
    """Return the rate per year at which a fault of the pump is found in a step."""
    return g[_FOUND_PUMP] + g[_FOUND_TESTED] * row[_PUMP_TESTED]


@part
def undetected(g: Any, row: Any, dt: float, out: Any) -> None:
    """Add the log-probability that no fault was confirmed during ``dt`` to ``out`` (11,)."""
    catheter = found_catheter(g, row) * dt
    for s in range(_LEAKING, _PUMP):
        out[s] -= catheter
    out[_PUMP] -= found_pump(g, row) * dt


@part
def undetected_adjoint(row: Any, dt: float, bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`undetected` to ``g_bar``."""
    catheter = 0.0
    for s in range(_LEAKING, _PUMP):
        catheter -= bar[s] * dt
    _found_catheter_adjoint(row, catheter, g_bar)
    _found_pump_adjoint(row, -bar[_PUMP] * dt, g_bar)


@part
def odds_catheter(g: Any, row: Any, dt: float) -> float:
    """Return the odds that a fault of the catheter was found in the time since the step before.

    That none was, ``exp(-rate * dt)``, is already in the findings of every step, so the odds are
    what a confirmed fault weighs.
    """
    return math.expm1(found_catheter(g, row) * max(dt, SHORTEST_YEARS))


@part
def odds_pump(g: Any, row: Any, dt: float) -> float:
    """Return the odds that a fault of the pump was; see :func:`odds_catheter`."""
    return math.expm1(found_pump(g, row) * max(dt, SHORTEST_YEARS))


@part
def odds_catheter_adjoint(g: Any, row: Any, dt: float, bar: float, g_bar: Any) -> None:
    """Add the reverse of :func:`odds_catheter` to ``g_bar``."""
    years = max(dt, SHORTEST_YEARS)
    _found_catheter_adjoint(row, bar * years * math.exp(found_catheter(g, row) * years), g_bar)


@part
def odds_pump_adjoint(g: Any, row: Any, dt: float, bar: float, g_bar: Any) -> None:
    """Add the reverse of :func:`odds_pump` to ``g_bar``."""
    years = max(dt, SHORTEST_YEARS)
    _found_pump_adjoint(row, bar * years * math.exp(found_pump(g, row) * years), g_bar)


@part
def _found_catheter_adjoint(row: Any, bar: float, g_bar: Any) -> None:
    g_bar[_FOUND_CATHETER] += bar * row[_SEARCH]
    g_bar[_FOUND_TESTED] += bar * row[_CATHETER_TESTED]


@part
def _found_pump_adjoint(row: Any, bar: float, g_bar: Any) -> None:
    g_bar[_FOUND_PUMP] += bar
    g_bar[_FOUND_TESTED] += bar * row[_PUMP_TESTED]


@part
def is_worked_up(code: Any) -> bool:
    """Say whether any test for a device fault was made at a step."""
    return code[_DYE] >= 0 or code[_ASPIRATION] >= 0 or code[_ROTOR] >= 0


@part
def _chance(rate: float, made: bool, dt: float) -> float:
    if not made:
        return -rate * dt
    chance = -math.expm1(-rate * max(dt, SHORTEST_YEARS))
    # Without the channel the rate is nought, and no test is on record.
    return math.log(chance) if chance > 0.0 else -math.inf


@part
def _chance_slope(rate: float, made: bool, dt: float) -> float:
    if not made:
        return -dt
    years = max(dt, SHORTEST_YEARS)
    return years / math.expm1(rate * years)


@part
def worked_up(g: Any, row: Any, code: Any, dt: float, out: Any) -> None:
    """Add the log-probability that a work-up was made in a step, or none, to ``out`` (11,).

    What was written down leads to it, whatever the state; faults that come at once and take most of
    the drug away, and those of the pump, also raise the alarm by themselves.
    """
    made = is_worked_up(code)
    rate = g[_WORK_UP] * row[_SEARCH]
    plain = _chance(rate, made, dt)
    alarmed = _chance(rate + g[_ALARM], made, dt)
    for s in range(_SEVERE):
        out[s] += plain
    out[_SEVERE] += alarmed
    out[_PUMP] += alarmed


@part
def worked_up_adjoint(g: Any, row: Any, code: Any, dt: float, bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`worked_up` to ``g_bar``."""
    made = is_worked_up(code)
    rate = g[_WORK_UP] * row[_SEARCH]
    plain, alarmed = 0.0, bar[_SEVERE] + bar[_PUMP]
    for s in range(_SEVERE):
        plain += bar[s]
    plain *= _chance_slope(rate, made, dt)
    alarmed *= _chance_slope(rate + g[_ALARM], made, dt)
    g_bar[_WORK_UP] += (plain + alarmed) * row[_SEARCH]
    g_bar[_ALARM] += alarmed
