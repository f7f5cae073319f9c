"""What happens to the regime between two steps: competing clocks in closed form.

A device fault comes first (hazards of catheter and pump compete); an intact device leaves the
requirement free to change: from the stable state to tolerance or progression (competing), or to a
trigger and back (two-state chain); rising tolerance settles, progression ends. Every row sums to
one for every length of time.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import (
    CATHETER_EARLY_YEARS,
    N_INTACT,
    PUMP_REFERENCE_YEARS,
    TOLERANCE_EARLY_YEARS,
    TOLERANCE_FROM_YEARS,
    Own,
    Par,
    State,
)

_STABLE, _TRIGGER, _RISING = int(State.STABLE), int(State.TRIGGER), int(State.TOLERANCE_RISING)
_SETTLED, _WORSE = int(State.TOLERANCE_SETTLED), int(State.PROGRESSION)
_LEAKING, _CREEPING, _PARTIAL, _COMPENSATED, _SEVERE, _PUMP = (
    int(State.CATHETER_LEAKING),
    int(State.CATHETER_CREEPING),
    int(State.CATHETER_PARTIAL),
    int(State.CATHETER_COMPENSATED),
    int(State.CATHETER_SEVERE),
    int(State.PUMP),
)
_ON, _OFF = int(Par.TRIGGER_ONSET), int(Par.TRIGGER_END)
_EARLY, _LATE = int(Par.TOLERANCE_EARLY), int(Par.TOLERANCE_LATE)
_SETTLE, _END = int(Par.TOLERANCE_SETTLE), int(Par.PROGRESSION_END)
_AT_ONCE = int(Par.TOLERANCE_SUDDEN)
_FIRST, _LATER = int(Par.CATHETER_FIRST), int(Par.CATHETER_LATER)
_SHARE, _LEAK_SETTLES = int(Par.SEVERE_SHARE), int(Par.LEAK_SETTLES)
_SUDDEN, _CREEP = int(Par.SUDDEN_SHARE), int(Par.CREEP_SHARE)
_HAZARD, _SHAPE = int(Par.PUMP_HAZARD), int(Par.PUMP_SHAPE)
_ONSET, _RATIO = int(Own.PROGRESSION_ONSET), int(Own.CATHETER_RATIO)


@part
def _ratio(x: float) -> float:
    """Return (1 - exp(-x)) / x."""
    return 1.0 - 0.5 * x if x < 1e-7 else -math.expm1(-x) / x


@part
def _ratio_slope(x: float) -> float:
    if x < 1e-4:
        return -0.5 + x / 3.0 - x * x / 8.0
    return (math.exp(-x) * (1.0 + x) - 1.0) / (x * x)


@part
def _split(end: float, dt: float, cut: float) -> float:
    """Return how much of the time (end - dt, end) lies before ``cut``."""
    if end <= cut:
        return dt
    return max(cut - (end - dt), 0.0)


@part
def _tolerance_years(end: float, dt: float) -> Any:
    """Return the years of (end - dt, end) with the early hazard of tolerance, and with the late."""
    before_late = _split(end, dt, TOLERANCE_EARLY_YEARS)
    return before_late - _split(end, dt, TOLERANCE_FROM_YEARS), dt - before_late


@part
def _pump_power(age: float, shape: float) -> float:
    return 0.0 if age <= 0.0 else (age / PUMP_REFERENCE_YEARS) ** shape


@part
def transition(
    g: Any, own: Any, t: float, dt: float, catheter_age: float, pump_age: float, p: Any
) -> None:
    """Fill ``p[from, to]`` (11, 11) for the time ``dt`` (years) that ends at ``t``."""
    p[:, :] = 0.0
    early, late = _tolerance_years(t, dt)
    first = _split(catheter_age, dt, CATHETER_EARLY_YEARS)
    h_tolerance = g[_EARLY] * early + g[_LATE] * late
    h_worse = own[_ONSET] * dt
    h_catheter = own[_RATIO] * (g[_FIRST] * first + g[_LATER] * (dt - first))
    h_pump = g[_HAZARD] * (_pump_power(pump_age, g[_SHAPE]) - _pump_power(pump_age - dt, g[_SHAPE]))
    fault, slow = h_catheter + h_pump, h_tolerance + h_worse
    r_fault, r_slow = _ratio(fault), _ratio(slow)
    intact, still = math.exp(-fault), math.exp(-slow)
    both = g[_ON] + g[_OFF]
    gone = -math.expm1(-both * dt) / both
    on, off = g[_ON] * gone, g[_OFF] * gone
    settled = -math.expm1(-g[_SETTLE] * dt)
    ended = -math.expm1(-g[_END] * dt)
    leaked = -math.expm1(-g[_LEAK_SETTLES] * dt)
    p[_STABLE, _STABLE] = intact * still * (1.0 - on)
    p[_STABLE, _TRIGGER] = intact * still * on
    p[_STABLE, _RISING] = intact * h_tolerance * r_slow * (1.0 - g[_AT_ONCE])
    p[_STABLE, _SETTLED] = intact * h_tolerance * r_slow * g[_AT_ONCE]
    p[_STABLE, _WORSE] = intact * h_worse * r_slow
    p[_TRIGGER, _TRIGGER] = intact * (1.0 - off)
    p[_TRIGGER, _STABLE] = intact * off
    p[_RISING, _RISING] = intact * (1.0 - settled)
    p[_RISING, _SETTLED] = intact * settled
    p[_SETTLED, _SETTLED] = intact
    p[_WORSE, _WORSE] = intact * (1.0 - ended)
    p[_WORSE, _STABLE] = intact * ended
    for s in range(N_INTACT):
        growing = h_catheter * r_fault * (1.0 - g[_SHARE]) * (1.0 - g[_SUDDEN])
        p[s, _LEAKING] = growing * (1.0 - g[_CREEP])
        p[s, _CREEPING] = growing * g[_CREEP]
        p[s, _PARTIAL] = h_catheter * r_fault * (1.0 - g[_SHARE]) * g[_SUDDEN]
        p[s, _SEVERE] = h_catheter * r_fault * g[_SHARE]
        p[s, _PUMP] = h_pump * r_fault
    p[_LEAKING, _LEAKING] = 1.0 - leaked
    p[_LEAKING, _COMPENSATED] = leaked
    p[_CREEPING, _CREEPING] = 1.0 - leaked
    p[_CREEPING, _COMPENSATED] = leaked
    p[_PARTIAL, _PARTIAL] = 1.0 - leaked
    p[_PARTIAL, _COMPENSATED] = leaked
    p[_COMPENSATED, _COMPENSATED] = 1.0
    p[_SEVERE, _SEVERE] = 1.0
    p[_PUMP, _PUMP] = 1.0


@part
def transition_adjoint(
    g: Any, own: Any, t: float, dt: float, catheter_age: float, pump_age: float,
    p_bar: Any, g_bar: Any, own_bar: Any,
) -> None:  # fmt: skip
    """Add the pull-back of ``p_bar`` (11, 11) to ``g_bar`` and ``own_bar``."""
    early, late = _tolerance_years(t, dt)
    first = _split(catheter_age, dt, CATHETER_EARLY_YEARS)
    mass = g[_FIRST] * first + g[_LATER] * (dt - first)
    h_tolerance = g[_EARLY] * early + g[_LATE] * late
    h_worse = own[_ONSET] * dt
    h_catheter = own[_RATIO] * mass
    start = pump_age - dt
    end_power = _pump_power(pump_age, g[_SHAPE])
    start_power = _pump_power(start, g[_SHAPE])
    h_pump = g[_HAZARD] * (end_power - start_power)
    fault, slow = h_catheter + h_pump, h_tolerance + h_worse
    r_fault, r_slow = _ratio(fault), _ratio(slow)
    intact, still = math.exp(-fault), math.exp(-slow)
    both = g[_ON] + g[_OFF]
    gone = -math.expm1(-both * dt) / both
    on, off = g[_ON] * gone, g[_OFF] * gone
    settled = -math.expm1(-g[_SETTLE] * dt)
    ended = -math.expm1(-g[_END] * dt)

    ss, st = p_bar[_STABLE, _STABLE], p_bar[_STABLE, _TRIGGER]
    sz, sw = p_bar[_STABLE, _SETTLED], p_bar[_STABLE, _WORSE]
    g_bar[_AT_ONCE] += intact * h_tolerance * r_slow * (sz - p_bar[_STABLE, _RISING])
    sr = (1.0 - g[_AT_ONCE]) * p_bar[_STABLE, _RISING] + g[_AT_ONCE] * sz
    tt, ts = p_bar[_TRIGGER, _TRIGGER], p_bar[_TRIGGER, _STABLE]
    rr, rz = p_bar[_RISING, _RISING], p_bar[_RISING, _SETTLED]
    ww, ws = p_bar[_WORSE, _WORSE], p_bar[_WORSE, _STABLE]
    calm = still * (1.0 - on) * ss + still * on * st
    intact_bar = (
        calm
        + (h_tolerance * sr + h_worse * sw) * r_slow
        + (1.0 - off) * tt + off * ts
        + (1.0 - settled) * rr + settled * rz
        + p_bar[_SETTLED, _SETTLED]
        + (1.0 - ended) * ww + ended * ws
    )  # fmt: skip
    fault_bar = -intact * intact_bar
    to_leak = to_creep = to_partial = to_severe = to_pump = 0.0
    for s in range(N_INTACT):
        to_leak += p_bar[s, _LEAKING]
        to_creep += p_bar[s, _CREEPING]
        to_partial += p_bar[s, _PARTIAL]
        to_severe += p_bar[s, _SEVERE]
        to_pump += p_bar[s, _PUMP]
    to_growing = (1.0 - g[_CREEP]) * to_leak + g[_CREEP] * to_creep
    to_lesser = (1.0 - g[_SUDDEN]) * to_growing + g[_SUDDEN] * to_partial
    to_catheter = (1.0 - g[_SHARE]) * to_lesser + g[_SHARE] * to_severe
    g_bar[_SHARE] += h_catheter * r_fault * (to_severe - to_lesser)
    lesser = h_catheter * r_fault * (1.0 - g[_SHARE])
    g_bar[_SUDDEN] += lesser * (to_partial - to_growing)
    g_bar[_CREEP] += lesser * (1.0 - g[_SUDDEN]) * (to_creep - to_leak)
    fault_bar += (h_catheter * to_catheter + h_pump * to_pump) * _ratio_slope(fault)
    catheter_bar = fault_bar + r_fault * to_catheter
    pump_bar = fault_bar + r_fault * to_pump
    slow_bar = -intact * calm
    slow_bar += intact * (h_tolerance * sr + h_worse * sw) * _ratio_slope(slow)
    tolerance_bar = slow_bar + intact * r_slow * sr
    worse_bar = slow_bar + intact * r_slow * sw
    g_bar[_EARLY] += tolerance_bar * early
    g_bar[_LATE] += tolerance_bar * late
    own_bar[_ONSET] += worse_bar * dt
    own_bar[_RATIO] += catheter_bar * mass
    g_bar[_FIRST] += catheter_bar * own[_RATIO] * first
    g_bar[_LATER] += catheter_bar * own[_RATIO] * (dt - first)
    g_bar[_HAZARD] += pump_bar * (end_power - start_power)
    power_bar = pump_bar * g[_HAZARD]
    if pump_age > 0.0:
        g_bar[_SHAPE] += power_bar * end_power * math.log(pump_age / PUMP_REFERENCE_YEARS)
    if start > 0.0:
        g_bar[_SHAPE] -= power_bar * start_power * math.log(start / PUMP_REFERENCE_YEARS)
    on_bar = intact * still * (st - ss)
    off_bar = intact * (ts - tt)
    gone_bar = g[_ON] * on_bar + g[_OFF] * off_bar
    both_bar = gone_bar * (dt * math.exp(-both * dt) - gone) / both
    g_bar[_ON] += gone * on_bar + both_bar
    g_bar[_OFF] += gone * off_bar + both_bar
    g_bar[_SETTLE] += intact * (rz - rr) * dt * (1.0 - settled)
    g_bar[_END] += intact * (ws - ww) * dt * (1.0 - ended)
    settles = p_bar[_LEAKING, _COMPENSATED] - p_bar[_LEAKING, _LEAKING]
    settles += p_bar[_CREEPING, _COMPENSATED] - p_bar[_CREEPING, _CREEPING]
    settles += p_bar[_PARTIAL, _COMPENSATED] - p_bar[_PARTIAL, _PARTIAL]
    g_bar[_LEAK_SETTLES] += settles * dt * math.exp(-g[_LEAK_SETTLES] * dt)
