"""What may come: onsets within a horizon, and the dose under the fitted titration policy."""

import math
from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.regimes.layout import (
    EXPLANATION_OF_STATE,
    LOST_SHARE,
    LOST_VAR,
    N_STATE,
    SCALE_POINTS,
    UNRULED_NOT_CHANGED,
    WIDEST_CHANGE,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes.response import respond, shift_of
from itb_bayes.kernel.regimes.transition import transition

_GROUP = np.array(EXPLANATION_OF_STATE)
N_EXPLANATION = 6
_MONTH = 1.0 / 12.0
_STABLE, _TRIGGER = int(State.STABLE), int(State.TRIGGER)
_RISING, _SETTLED = int(State.TOLERANCE_RISING), int(State.TOLERANCE_SETTLED)
_WORSE = int(State.PROGRESSION)
_LEAKING, _SEVERE = int(State.CATHETER_LEAKING), int(State.CATHETER_SEVERE)
_CREEPING, _PARTIAL = int(State.CATHETER_CREEPING), int(State.CATHETER_PARTIAL)
_PUMP = int(State.PUMP)
_DRIFT, _UNTREATED, _TONE_VAR = int(Own.DRIFT), int(Own.UNTREATED), int(Own.TONE_VAR)
_GOAL = int(Own.GOAL)
_WANDER, _HILL = int(Par.WANDER_VAR), int(Par.HILL)
_T_RATE, _T_VAR = int(Par.TOLERANCE_RATE), int(Par.TOLERANCE_VAR)
_T_STEP, _T_STEP_VAR = int(Par.TOLERANCE_STEP), int(Par.TOLERANCE_STEP_VAR)
_P_RATE, _P_VAR = int(Par.PROGRESSION_RATE), int(Par.PROGRESSION_VAR)
_L_RATE, _L_VAR = int(Par.LEAK_RATE), int(Par.LEAK_VAR)
_C_RATE, _C_VAR = int(Par.CREEP_RATE), int(Par.CREEP_VAR)
_L_STEP, _L_STEP_VAR = int(Par.LEAK_STEP), int(Par.LEAK_STEP_VAR)
_LOSS, _LOSS_VAR = int(Par.LOSS_SEVERE), int(Par.LOSS_SEVERE_VAR)
_X_TONE, _X_VAR = int(Par.TRIGGER_TONE), int(Par.TRIGGER_TONE_VAR)
_GAIN, _DOSE_VAR = int(Par.GAIN), int(Par.DOSE_VAR)
_STILL, _STILL_VAR = int(Par.STILL), int(Par.STILL_VAR)
_TITRATION, _TITRATION_YEARS = int(Par.TITRATION), int(Par.TITRATION_YEARS)
_POTENCY = int(Par.BOLUS_POTENCY)
_FOUND_CATHETER, _FOUND_PUMP = int(Par.FOUND_CATHETER), int(Par.FOUND_PUMP)
_WORK_UP, _ALARM = int(Par.WORK_UP), int(Par.ALARM)
_DYE_SENSITIVITY, _ROTOR_SENSITIVITY = int(Par.DYE_SENSITIVITY), int(Par.ROTOR_SENSITIVITY)
_LEAK_DROP, _CREEP_DROP = int(Par.LEAK_DROP), int(Par.CREEP_DROP)
_LEAK_DROP_VAR, _TITRATION_VAR = int(Par.LEAK_DROP_VAR), int(Par.TITRATION_VAR)
_OUTLIER, _UNRULED = int(Par.OUTLIER), int(Par.UNRULED)

NORMALS_A_VISIT = 6
"""Random numbers of a visit: requirement; jump of it, or what a fault lets through; repair; where
a lost requirement is; reading; change of the dose."""
UNIFORMS_A_VISIT = 6
"""Random numbers of a visit: state; fault found; wild reading; its value; dose left alone; decision
without a rule."""


@entry
def onset_within(
    g: Any, own: Any, weights: Any, t: float, catheter_age: float, pump_age: float, years: float
) -> Any:
    """Return the probability of an onset of each explanation within a time from now.

    Parameters
    ----------
    g, own : ndarray, shapes (81,) and (6,)
    weights : ndarray, shape (11,)
        Probability of every state now.
    t, catheter_age, pump_age : float
        Years since implant, and ages of the parts, now.
    years : float
        Horizon.

    Returns
    -------
    ndarray, shape (6,)
        In the order of :data:`~itb_bayes.kernel.regimes.layout.EXPLANATIONS`; a new onset only,
        an explanation that is present now counts nothing; entry 0 is the probability of none.
    """
    steps = max(math.ceil(years / _MONTH - 1e-9), 1)
    dt = years / steps
    free = np.empty((N_EXPLANATION, N_STATE))
    reached = np.zeros(N_EXPLANATION)
    for e in range(N_EXPLANATION):
        for s in range(N_STATE):
            free[e, s] = weights[s]
    p = np.zeros((N_STATE, N_STATE))
    following = np.empty(N_STATE)
    for k in range(1, steps + 1):
        now = k * dt
        transition(g, own, t + now, dt, catheter_age + now, pump_age + now, p)
        for e in range(N_EXPLANATION):
            for u in range(N_STATE):
                following[u] = 0.0
                for s in range(N_STATE):
                    moved = free[e, s] * p[s, u]
                    entered = _GROUP[u] == e if e > 0 else _GROUP[u] > 0
                    was_in = _GROUP[s] == e if e > 0 else _GROUP[s] > 0
                    fresh = entered and not was_in
                    if e == 0 and entered and _GROUP[u] != _GROUP[s]:
                        fresh = True
                    if fresh:
                        reached[e] += moved
                    else:
                        following[u] += moved
            for u in range(N_STATE):
                free[e, u] = following[u]
    reached[0] = 1.0 - reached[0]
    return reached


@part
def _choose(p: Any, s: int, u: float) -> int:
    total = 0.0
    for k in range(N_STATE):
        total += p[s, k]
        if u < total:
            return k
    return s


@part
def _found(g: Any, state: int, years: float) -> float:
    """Return the probability that a fault is found and repaired within a time.

    While there is full cause to search: without a test, or by one that is positive; the weeks from
    such a test to the operation are left out.
    """
    if state < _PUMP:
        work_up = g[_WORK_UP] + (g[_ALARM] if state == _SEVERE else 0.0)
        rate = g[_FOUND_CATHETER] + work_up * g[_DYE_SENSITIVITY]
    else:
        rate = g[_FOUND_PUMP] + (g[_WORK_UP] + g[_ALARM]) * g[_ROTOR_SENSITIVITY]
    return -math.expm1(-rate * years)


@part
def _decide(
    g: Any, excess: float, share: float, chance: float, left: float, normal: float
) -> float:
    """Return the change of the log dose at a reading so far above the goal.

    ``share`` of such decisions follow no rule; ``chance`` and ``left`` are uniform, ``normal`` is
    standard normal.
    """
    if chance < share:
        place = chance / share
        if place < UNRULED_NOT_CHANGED:
            return 0.0
        place = (place - UNRULED_NOT_CHANGED) / (1.0 - UNRULED_NOT_CHANGED)
        return WIDEST_CHANGE * (2.0 * place - 1.0)
    if left < g[_STILL] * math.exp(-0.5 * excess * excess / g[_STILL_VAR]):
        return 0.0
    return g[_GAIN] * excess + math.sqrt(g[_DOSE_VAR]) * normal


@entry
def dose_paths(
    g: Any, own: Any, belief: Any, log_dose: float, bolus: float, t: float, catheter_age: float,
    pump_age: float, gap_years: float, horizons: Any, normals: Any, uniforms: Any,
    stop_at: float, written: bool,
) -> Any:  # fmt: skip
    """Return log doses after each horizon, one path per row of ``normals``.

    Everything moves as the model says, with wild readings, requirements that are lost and decisions
    without a rule. Faults are found and repaired at the fitted rates; without them a leak would
    drive the dose up for ever.

    Parameters
    ----------
    g, own : ndarray, shapes (81,) and (6,)
    belief : ndarray, shape (11, 6)
        Belief after the last step.
    log_dose, bolus, t, catheter_age, pump_age : float
        Dose in force (log ug/day), whether given as boluses, and times now.
    gap_years : float
        Time between visits.
    horizons : ndarray, shape (n_horizon,)
        Years from now, increasing.
    normals, uniforms : ndarray, shape (n_path, 1 + 6 n_visit) each
        Random numbers: :data:`NORMALS_A_VISIT`, :data:`UNIFORMS_A_VISIT`; ``n_visit`` is the number
        of visits up to the last horizon, rounded up.
    stop_at : float
        The dose is not raised at a reading at or below this (points); below 0 for no such rule.
    written : bool
        Whether readings are written down. Where they are not, a wild one is a decision without a
        rule, as it is to the filter.

    Returns
    -------
    ndarray, shape (n_path, n_horizon)
    """
    n_path, n_horizon = normals.shape[0], horizons.size
    out = np.empty((n_path, n_horizon))
    moves = np.zeros((normals.shape[1] // NORMALS_A_VISIT + 1, N_STATE, N_STATE))
    n_known = 0
    shift = shift_of(own[_UNTREATED])
    for r in range(n_path):
        state, u, total = 0, uniforms[r, 0], 0.0
        for s in range(N_STATE):
            total += belief[s, 0]
            if u < total:
                state = s
                break
        level = belief[state, 1] + math.sqrt(belief[state, 3]) * normals[r, 0]
        dose, now, k, h = log_dose, 0.0, 0, 0
        while h < n_horizon:
            following = now + gap_years
            if horizons[h] <= following:
                out[r, h] = dose
                h += 1
                continue
            if k == n_known:  # visits fall on the same days in every path
                transition(
                    g, own, t + following, gap_years, catheter_age + following,
                    pump_age + following, moves[k],
                )  # fmt: skip
                n_known += 1
            normal = normals[r, 1 + NORMALS_A_VISIT * k : 1 + NORMALS_A_VISIT * (k + 1)]
            uniform = uniforms[r, 1 + UNIFORMS_A_VISIT * k : 1 + UNIFORMS_A_VISIT * (k + 1)]
            before, state = state, _choose(moves[k], state, uniform[0])
            mean, var = own[_DRIFT], g[_WANDER]
            if state == _RISING:
                mean, var = mean + g[_T_RATE], var + g[_T_VAR]
            elif state == _SETTLED and before == _STABLE:
                level += g[_T_STEP] + math.sqrt(g[_T_STEP_VAR]) * normal[1]
            elif state == _WORSE:
                mean, var = mean + g[_P_RATE], var + g[_P_VAR]
            elif state == _LEAKING:
                mean, var = mean + g[_L_RATE], var + g[_L_VAR]
            elif state == _CREEPING:
                mean, var = mean + g[_C_RATE], var + g[_C_VAR]
            elif state == _PARTIAL and before < _LEAKING:
                level += g[_L_STEP] + math.sqrt(g[_L_STEP_VAR]) * normal[1]
            h_t = g[_TITRATION_YEARS]
            rise = math.exp(-(t + now) / h_t) - math.exp(-(t + following) / h_t)
            level += mean * gap_years + g[_TITRATION] * rise
            level += math.sqrt(var * gap_years + g[_TITRATION_VAR] * rise * rise) * normal[0]
            if state >= _LEAKING and uniform[1] < _found(g, state, gap_years):
                if state < _SEVERE:
                    level -= g[_CREEP_DROP] if state == _CREEPING else g[_LEAK_DROP]
                    level += math.sqrt(g[_LEAK_DROP_VAR]) * normal[2]
                state = _STABLE
            gap = level - dose - g[_POTENCY] * bolus
            if state >= _SEVERE:
                spread = math.sqrt(g[_LOSS_VAR + state - _SEVERE])
                gap += g[_LOSS + state - _SEVERE] + spread * normal[1]
            tone = respond(gap, own[_UNTREATED], g[_HILL], shift)[0]
            noise = own[_TONE_VAR]
            if state == _TRIGGER:
                tone += g[_X_TONE]
                noise += g[_X_VAR]
            reading = tone + math.sqrt(noise) * normal[4]
            unruled = g[_UNRULED] if written else 0.0
            if uniform[2] < g[_OUTLIER]:
                reading = SCALE_POINTS * uniform[3]
                if not written:
                    unruled = 1.0
                elif uniform[2] < LOST_SHARE * g[_OUTLIER]:
                    level = dose + math.sqrt(LOST_VAR) * normal[3]
            change = _decide(g, reading - own[_GOAL], unruled, uniform[5], uniform[4], normal[5])
            dose += min(change, 0.0) if reading <= stop_at else change
            now = following
            k += 1
    return out
