"""The parts of one filter step that concern the requirement alone: how it starts and drifts."""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import (
    N_STATE,
    START_ELSEWHERE,
    Own,
    Par,
    State,
)

_RISING, _WORSE = int(State.TOLERANCE_RISING), int(State.PROGRESSION)
_LEAKING, _CREEPING = int(State.CATHETER_LEAKING), int(State.CATHETER_CREEPING)
_DRIFT = int(Own.DRIFT)
_WANDER = int(Par.WANDER_VAR)
_TITRATION, _TITRATION_YEARS = int(Par.TITRATION), int(Par.TITRATION_YEARS)
_TITRATION_VAR = int(Par.TITRATION_VAR)
_START, _START_VAR = int(Par.START_GAP), int(Par.START_VAR)
_T_RATE, _T_VAR = int(Par.TOLERANCE_RATE), int(Par.TOLERANCE_VAR)
_P_RATE, _P_VAR = int(Par.PROGRESSION_RATE), int(Par.PROGRESSION_VAR)
_LEAK_RATE, _LEAK_VAR = int(Par.LEAK_RATE), int(Par.LEAK_VAR)
_CREEP_RATE, _CREEP_VAR = int(Par.CREEP_RATE), int(Par.CREEP_VAR)
_PENN_PATIENT = int(Par.PENN_PATIENT_VAR)


@part
def begin(g: Any, log_dose: float, b: Any) -> None:
    """Fill the belief (11, 6) before the first step."""
    for s in range(N_STATE):
        b[s, 0] = START_ELSEWHERE
        b[s, 1] = log_dose + g[_START]
        b[s, 2] = 0.0
        b[s, 3] = g[_START_VAR]
        b[s, 4] = 0.0
        b[s, 5] = g[_PENN_PATIENT]
    b[0, 0] = 1.0 - (N_STATE - 1) * START_ELSEWHERE


@part
def begin_adjoint(bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`begin` to ``g_bar``."""
    for s in range(N_STATE):
        g_bar[_START] += bar[s, 1]
        g_bar[_START_VAR] += bar[s, 3]
        g_bar[_PENN_PATIENT] += bar[s, 5]


@part
def drift(g: Any, own: Any, t: float, dt: float, b: Any) -> None:
    """Let the requirement of every state (11, 6) move over the time ``dt`` that ends at ``t``."""
    fading = math.exp(-(t - dt) / g[_TITRATION_YEARS]) - math.exp(-t / g[_TITRATION_YEARS])
    mean = own[_DRIFT] * dt + g[_TITRATION] * fading
    var = g[_WANDER] * dt + g[_TITRATION_VAR] * fading * fading
    for s in range(N_STATE):
        b[s, 1] += mean
        b[s, 3] += var
    b[_RISING, 1] += g[_T_RATE] * dt
    b[_RISING, 3] += g[_T_VAR] * dt
    b[_WORSE, 1] += g[_P_RATE] * dt
    b[_WORSE, 3] += g[_P_VAR] * dt
    b[_LEAKING, 1] += g[_LEAK_RATE] * dt
    b[_LEAKING, 3] += g[_LEAK_VAR] * dt
    b[_CREEPING, 1] += g[_CREEP_RATE] * dt
    b[_CREEPING, 3] += g[_CREEP_VAR] * dt


@part
def undrift(g: Any, own: Any, t: float, dt: float, b: Any) -> None:
    """Take back what :func:`drift` added to the means of a belief."""
    fading = math.exp(-(t - dt) / g[_TITRATION_YEARS]) - math.exp(-t / g[_TITRATION_YEARS])
    mean = own[_DRIFT] * dt + g[_TITRATION] * fading
    for s in range(N_STATE):
        b[s, 1] -= mean
    b[_RISING, 1] -= g[_T_RATE] * dt
    b[_WORSE, 1] -= g[_P_RATE] * dt
    b[_LEAKING, 1] -= g[_LEAK_RATE] * dt
    b[_CREEPING, 1] -= g[_CREEP_RATE] * dt


@part
def drift_adjoint(g: Any, t: float, dt: float, bar: Any, g_bar: Any, own_bar: Any) -> None:
    """Add the reverse of :func:`drift`; the adjoint of the belief is unchanged by it."""
    h = g[_TITRATION_YEARS]
    start, end = math.exp(-(t - dt) / h), math.exp(-t / h)
    fading = start - end
    mean_bar = var_bar = 0.0
    for s in range(N_STATE):
        mean_bar += bar[s, 1]
        var_bar += bar[s, 3]
    own_bar[_DRIFT] += mean_bar * dt
    g_bar[_TITRATION] += mean_bar * fading
    g_bar[_WANDER] += var_bar * dt
    g_bar[_TITRATION_VAR] += var_bar * fading * fading
    fading_bar = mean_bar * g[_TITRATION] + 2.0 * var_bar * g[_TITRATION_VAR] * fading
    g_bar[_TITRATION_YEARS] += fading_bar * ((t - dt) * start - t * end) / (h * h)
    g_bar[_T_RATE] += bar[_RISING, 1] * dt
    g_bar[_T_VAR] += bar[_RISING, 3] * dt
    g_bar[_P_RATE] += bar[_WORSE, 1] * dt
    g_bar[_P_VAR] += bar[_WORSE, 3] * dt
    g_bar[_LEAK_RATE] += bar[_LEAKING, 1] * dt
    g_bar[_LEAK_VAR] += bar[_LEAKING, 3] * dt
    g_bar[_CREEP_RATE] += bar[_CREEPING, 1] * dt
    g_bar[_CREEP_VAR] += bar[_CREEPING, 3] * dt
