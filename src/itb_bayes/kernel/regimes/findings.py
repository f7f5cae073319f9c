"""Channels that speak about the regime directly: tests, refills, scores, labels.

Each channel has its log-likelihood by state and the reverse of it. A channel that was not recorded
at a step contributes nothing.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import N_STATE, SHORTEST_YEARS, Code, Col, Par, State

_LOG_2PI = math.log(2.0 * math.pi)
_LEAKING, _CREEPING, _PARTIAL, _COMPENSATED, _SEVERE, _PUMP = (
    int(State.CATHETER_LEAKING),
    int(State.CATHETER_CREEPING),
    int(State.CATHETER_PARTIAL),
    int(State.CATHETER_COMPENSATED),
    int(State.CATHETER_SEVERE),
    int(State.PUMP),
)
_RISING, _SETTLED = int(State.TOLERANCE_RISING), int(State.TOLERANCE_SETTLED)
_WORSE, _TRIGGER = int(State.PROGRESSION), int(State.TRIGGER)
_DYE, _ASPIRATION, _ROTOR = int(Code.DYE), int(Code.ASPIRATION), int(Code.ROTOR)
_C_TOLERANCE, _C_WORSE, _C_TRIGGER = (
    int(Code.TOLERANCE),
    int(Code.PROGRESSION),
    int(Code.TRIGGER),
)
_REFILL, _REFILL_COUNT = int(Col.REFILL), int(Col.REFILL_COUNT)
_EDSS, _EDSS_YEARS = int(Col.EDSS), int(Col.EDSS_YEARS)
_SENS, _FALSE = int(Par.DYE_SENSITIVITY), int(Par.DYE_FALSE)
_BLOCKED, _BLOCKED_OK = int(Par.BLOCKED_FAULT), int(Par.BLOCKED_INTACT)
_ROTOR_SENS, _ROTOR_FALSE = int(Par.ROTOR_SENSITIVITY), int(Par.ROTOR_FALSE)
_REFILL_VAR, _REFILL_PUMP = int(Par.REFILL_VAR), int(Par.REFILL_PUMP)
_REFILL_PUMP_VAR = int(Par.REFILL_PUMP_VAR)
_EDSS_VAR, _EDSS_RATE, _EDSS_MORE = (
    int(Par.EDSS_VAR),
    int(Par.EDSS_RATE),
    int(Par.EDSS_PROGRESSION),
)
_LABEL_T, _LABEL_T0 = int(Par.TOLERANCE_LABEL), int(Par.TOLERANCE_LABEL_FALSE)
_EXCLUDED = int(Col.EXCLUDED)
_LABEL_LEAK = int(Par.TOLERANCE_LABEL_LEAK)
_LABEL_P, _LABEL_P0 = int(Par.PROGRESSION_LABEL), int(Par.PROGRESSION_LABEL_FALSE)
_LABEL_X, _LABEL_X0 = int(Par.TRIGGER_LABEL), int(Par.TRIGGER_LABEL_FALSE)

REFILL_OUTLIER = 0.02
"""Share of refills with a volume that says nothing (a wrong syringe, a misread program)."""
REFILL_OUTLIER_DENSITY = 1.0

N_CHANNEL = 7
TESTS, REFILL, NEURO, LABELS, UNDETECTED = 0, 1, 2, 3, 4
TONE, SPASM = 5, 6
CHANNELS = (
    "work-up tests",
    "refill volume",
    "neurological score",
    "clinician's labels",
    "no fault confirmed",
    "Ashworth",
    "spasm frequency",
)


@part
def _bernoulli(positive: bool, chance: float) -> float:
    return math.log(chance) if positive else math.log1p(-chance)


@part
def _bernoulli_slope(positive: bool, chance: float) -> float:
    return 1.0 / chance if positive else -1.0 / (1.0 - chance)


@part
def _is_catheter(s: int) -> bool:
    return s in (_LEAKING, _CREEPING, _PARTIAL, _COMPENSATED, _SEVERE)


@part
def tests(g: Any, codes: Any, out: Any) -> None:
    """Add the log-likelihood of work-up tests to ``out`` (11,)."""
    if codes[_DYE] < 0 and codes[_ASPIRATION] < 0 and codes[_ROTOR] < 0:
        return
    for s in range(N_STATE):
        at_fault = _is_catheter(s)
        if codes[_DYE] == 0 or codes[_DYE] == 1:
            out[s] += _bernoulli(codes[_DYE] == 1, g[_SENS] if at_fault else g[_FALSE])
        if codes[_ASPIRATION] == 0 or codes[_ASPIRATION] == 1:
            chance = g[_BLOCKED] if at_fault else g[_BLOCKED_OK]
            out[s] += _bernoulli(codes[_ASPIRATION] == 1, chance)
        if codes[_ROTOR] == 0 or codes[_ROTOR] == 1:
            chance = g[_ROTOR_SENS] if s == _PUMP else g[_ROTOR_FALSE]
            out[s] += _bernoulli(codes[_ROTOR] == 1, chance)


@part
def tests_adjoint(g: Any, codes: Any, bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`tests` to ``g_bar``."""
    if codes[_DYE] < 0 and codes[_ASPIRATION] < 0 and codes[_ROTOR] < 0:
        return
    for s in range(N_STATE):
        at_fault = _is_catheter(s)
        if codes[_DYE] == 0 or codes[_DYE] == 1:
            k = _SENS if at_fault else _FALSE
            g_bar[k] += bar[s] * _bernoulli_slope(codes[_DYE] == 1, g[k])
        if codes[_ASPIRATION] == 0 or codes[_ASPIRATION] == 1:
            k = _BLOCKED if at_fault else _BLOCKED_OK
            g_bar[k] += bar[s] * _bernoulli_slope(codes[_ASPIRATION] == 1, g[k])
        if codes[_ROTOR] == 0 or codes[_ROTOR] == 1:
            k = _ROTOR_SENS if s == _PUMP else _ROTOR_FALSE
            g_bar[k] += bar[s] * _bernoulli_slope(codes[_ROTOR] == 1, g[k])


@part
def _refill_parts(g: Any, row: Any, pump: bool) -> Any:
    widened = 1.0 + 1.0 / (row[_REFILL_COUNT] + 1.0)
    var = g[_REFILL_VAR] * widened
    mean = 0.0
    if pump:
        var += g[_REFILL_PUMP_VAR]
        mean = g[_REFILL_PUMP]
    v = row[_REFILL] - mean
    normal = math.exp(-0.5 * (_LOG_2PI + math.log(var) + v * v / var))
    like = (1.0 - REFILL_OUTLIER) * normal + REFILL_OUTLIER * REFILL_OUTLIER_DENSITY
    return like, (1.0 - REFILL_OUTLIER) * normal / like, v, var, widened


@part
def refill(g: Any, row: Any, out: Any) -> None:
    """Add the log-likelihood of a refill's residual volume to ``out`` (11,)."""
    if math.isnan(row[_REFILL]):
        return
    plain = math.log(_refill_parts(g, row, False)[0])
    for s in range(N_STATE):
        out[s] += plain
    out[_PUMP] += math.log(_refill_parts(g, row, True)[0]) - plain


@part
def refill_adjoint(g: Any, row: Any, bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`refill` to ``g_bar``."""
    if math.isnan(row[_REFILL]):
        return
    others = 0.0
    for s in range(N_STATE):
        if s != _PUMP:
            others += bar[s]
    _, r, v, var, widened = _refill_parts(g, row, False)
    g_bar[_REFILL_VAR] += others * r * 0.5 * (v * v / var - 1.0) / var * widened
    _, r, v, var, widened = _refill_parts(g, row, True)
    slope = bar[_PUMP] * r * 0.5 * (v * v / var - 1.0) / var
    g_bar[_REFILL_VAR] += slope * widened
    g_bar[_REFILL_PUMP_VAR] += slope
    g_bar[_REFILL_PUMP] += bar[_PUMP] * r * v / var


@part
def neuro(g: Any, row: Any, out: Any) -> None:
    """Add the log-likelihood of a change of the EDSS to ``out`` (11,)."""
    if math.isnan(row[_EDSS]):
        return
    for s in range(N_STATE):
        rate = g[_EDSS_RATE] + (g[_EDSS_MORE] if s == _WORSE else 0.0)
        v = row[_EDSS] - rate * row[_EDSS_YEARS]
        out[s] -= 0.5 * (_LOG_2PI + math.log(g[_EDSS_VAR]) + v * v / g[_EDSS_VAR])


@part
def neuro_adjoint(g: Any, row: Any, bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`neuro` to ``g_bar``."""
    if math.isnan(row[_EDSS]):
        return
    var = g[_EDSS_VAR]
    for s in range(N_STATE):
        rate = g[_EDSS_RATE] + (g[_EDSS_MORE] if s == _WORSE else 0.0)
        v = row[_EDSS] - rate * row[_EDSS_YEARS]
        slope = bar[s] * v / var * row[_EDSS_YEARS]
        g_bar[_EDSS_RATE] += slope
        if s == _WORSE:
            g_bar[_EDSS_MORE] += slope
        g_bar[_EDSS_VAR] += bar[s] * 0.5 * (v * v / var - 1.0) / var


@part
def _said(rate: float, label: int, dt: float) -> float:
    if label != 1:
        return -rate * dt
    chance = -math.expm1(-rate * max(dt, SHORTEST_YEARS))
    return math.log(chance) if chance > 0.0 else -math.inf


@part
def _said_slope(rate: float, label: int, dt: float) -> float:
    if label != 1:
        return -dt
    years = max(dt, SHORTEST_YEARS)
    return years / math.expm1(rate * years)


@part
def labels(g: Any, row: Any, codes: Any, dt: float, out: Any) -> None:
    """Add the log-likelihood of what the clinic wrote down, or did not, to ``out`` (11,).

    Tolerance is named as far as a device fault has been excluded.
    """
    excluded = row[_EXCLUDED]
    tolerance = _said(excluded * g[_LABEL_T0], codes[_C_TOLERANCE], dt)
    worse = _said(g[_LABEL_P0], codes[_C_WORSE], dt)
    trigger = _said(g[_LABEL_X0], codes[_C_TRIGGER], dt)
    for s in range(N_STATE):
        out[s] += tolerance + worse + trigger
    named = _said(excluded * g[_LABEL_T], codes[_C_TOLERANCE], dt) - tolerance
    out[_RISING] += named
    out[_SETTLED] += named
    mistaken = _said(excluded * g[_LABEL_LEAK], codes[_C_TOLERANCE], dt) - tolerance
    out[_LEAKING] += mistaken
    out[_CREEPING] += mistaken
    out[_PARTIAL] += mistaken
    out[_COMPENSATED] += mistaken
    out[_WORSE] += _said(g[_LABEL_P], codes[_C_WORSE], dt) - worse
    out[_TRIGGER] += _said(g[_LABEL_X], codes[_C_TRIGGER], dt) - trigger


@part
def labels_adjoint(g: Any, row: Any, codes: Any, dt: float, bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`labels` to ``g_bar``."""
    total = 0.0
    for s in range(N_STATE):
        total += bar[s]
    tolerant = bar[_RISING] + bar[_SETTLED]
    leak = bar[_LEAKING] + bar[_CREEPING] + bar[_PARTIAL] + bar[_COMPENSATED]
    label, excluded = codes[_C_TOLERANCE], row[_EXCLUDED]
    tolerant, leak, other = (
        excluded * tolerant, excluded * leak, excluded * (total - tolerant - leak)
    )  # fmt: skip
    g_bar[_LABEL_T] += tolerant * _said_slope(excluded * g[_LABEL_T], label, dt)
    g_bar[_LABEL_LEAK] += leak * _said_slope(excluded * g[_LABEL_LEAK], label, dt)
    g_bar[_LABEL_T0] += other * _said_slope(excluded * g[_LABEL_T0], label, dt)
    label = codes[_C_WORSE]
    g_bar[_LABEL_P] += bar[_WORSE] * _said_slope(g[_LABEL_P], label, dt)
    g_bar[_LABEL_P0] += (total - bar[_WORSE]) * _said_slope(g[_LABEL_P0], label, dt)
    label = codes[_C_TRIGGER]
    g_bar[_LABEL_X] += bar[_TRIGGER] * _said_slope(g[_LABEL_X], label, dt)
    g_bar[_LABEL_X0] += (total - bar[_TRIGGER]) * _said_slope(g[_LABEL_X0], label, dt)
