"""Plain numpy reference of what happens to a patient: regimes, requirement, operations.

Slow and obvious on purpose, and written apart from the compiled code; used by
:mod:`itb_bayes.kernel.regimes.oracle` and by the particle filter, which need not agree on anything
else. Parameters come by name (:func:`named`) and may be complex.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.regimes.layout import (
    CATHETER_EARLY_YEARS,
    CATHETER_STATES,
    PUMP_REFERENCE_YEARS,
    SHORTEST_YEARS,
    TOLERANCE_EARLY_YEARS,
    TOLERANCE_FROM_YEARS,
    TOLERANCE_STATES,
    State,
)

Array = NDArray[Any]
S = State


def named(values: Array, names: Any) -> SimpleNamespace:
    """Return the numbers under the lower-case names of an enumeration."""
    return SimpleNamespace(**{name.name.lower(): values[name] for name in names})


def transition_matrix(
    g: SimpleNamespace, own: SimpleNamespace, t: float, dt: float,
    catheter_age: float, pump_age: float,
) -> Array:  # fmt: skip
    """Return the transition matrix (11, 11) of the time ``dt`` that ends at ``t``.

    An intact device fails first, with probability ``1 - exp(-total hazard)``, the fault being
    chosen in proportion to the hazards; if it holds, the requirement moves by its own matrix.
    """

    def exposure(end: float, early: float) -> tuple[float, float]:
        """Return the years of (end - dt, end) before and after the age ``early``."""
        years = min(max(early - (end - dt), 0.0), dt)
        return years, dt - years

    def cumulative(age: float) -> Any:
        return g.pump_hazard * (max(age, 0.0) / PUMP_REFERENCE_YEARS) ** g.pump_shape

    first, later = exposure(catheter_age, CATHETER_EARLY_YEARS)
    titrated, _ = exposure(t, TOLERANCE_FROM_YEARS)
    early, late = exposure(t, TOLERANCE_EARLY_YEARS)
    catheter = own.catheter_ratio * (g.catheter_first * first + g.catheter_later * later)
    pump = cumulative(pump_age) - cumulative(pump_age - dt)
    tolerance = g.tolerance_early * (early - titrated) + g.tolerance_late * late
    worse = own.progression_onset * dt

    need = np.zeros(
        (5, 5), np.result_type(catheter, pump, tolerance, worse, g.trigger_end, g.tolerance_sudden)
    )
    slow = tolerance + worse
    begins = competing(tolerance, slow)
    need[S.STABLE, S.TOLERANCE_RISING] = begins * (1.0 - g.tolerance_sudden)
    need[S.STABLE, S.TOLERANCE_SETTLED] = begins * g.tolerance_sudden
    need[S.STABLE, S.PROGRESSION] = competing(worse, slow)
    chain = two_states(g.trigger_onset, g.trigger_end, dt)
    need[S.STABLE, : S.TRIGGER + 1] = np.exp(-slow) * chain[0]
    need[S.TRIGGER, : S.TRIGGER + 1] = chain[1]
    leave(need, S.TOLERANCE_RISING, S.TOLERANCE_SETTLED, g.tolerance_settle * dt)
    need[S.TOLERANCE_SETTLED, S.TOLERANCE_SETTLED] = 1.0
    leave(need, S.PROGRESSION, S.STABLE, g.progression_end * dt)

    p = np.zeros((11, 11), need.dtype)
    fault = catheter + pump
    p[:5, :5] = np.exp(-fault) * need
    lesser = competing(catheter, fault) * (1.0 - g.severe_share)
    growing = lesser * (1.0 - g.sudden_share)
    p[:5, S.CATHETER_LEAKING] = growing * (1.0 - g.creep_share)
    p[:5, S.CATHETER_CREEPING] = growing * g.creep_share
    p[:5, S.CATHETER_PARTIAL] = lesser * g.sudden_share
    p[:5, S.CATHETER_SEVERE] = competing(catheter, fault) * g.severe_share
    p[:5, S.PUMP] = competing(pump, fault)
    for s in (S.CATHETER_LEAKING, S.CATHETER_CREEPING, S.CATHETER_PARTIAL):
        leave(p, s, S.CATHETER_COMPENSATED, g.leak_settles * dt)
    for s in (S.CATHETER_COMPENSATED, S.CATHETER_SEVERE, S.PUMP):
        p[s, s] = 1.0
    return p


def found_rates(g: SimpleNamespace, row: SimpleNamespace) -> dict[State, Any]:
    """Return the rate per year at which each fault is found in a step.

    Without a positive test on record as far as there is cause to search, and after one.
    """
    catheter = g.found_catheter * row.search + g.found_tested * row.catheter_tested
    pump = g.found_pump + g.found_tested * row.pump_tested
    return dict.fromkeys(CATHETER_STATES, catheter) | {S.PUMP: pump}


def work_up_rate(g: SimpleNamespace, row: SimpleNamespace, s: State) -> Any:
    """Return the rate per year of work-ups: by cause to search, and by alarm."""
    alarm = g.alarm if s in (S.CATHETER_SEVERE, S.PUMP) else 0.0
    return g.work_up * row.search + alarm


def competing(hazard: Any, total: Any) -> Any:
    """Return the probability that one of several competing events, all constant, comes first."""
    return hazard if total == 0.0 else hazard / total * -np.expm1(-total)


def two_states(onset: Any, end: Any, dt: float) -> Array:
    """Return the transition matrix (2, 2) of a process that switches on and off."""
    rest = np.array([end, onset]) / (onset + end)
    return rest + np.exp(-(onset + end) * dt) * (np.eye(2) - rest)


def leave(p: Array, s: int, to: int, hazard: Any) -> None:
    """Let ``s`` turn into ``to`` with a cumulative hazard."""
    p[s, s], p[s, to] = np.exp(-hazard), -np.expm1(-hazard)


def drift(g: SimpleNamespace, own: SimpleNamespace, t: float, dt: float) -> tuple[Array, Array]:
    """Return mean and variance (11,) of what the requirement of each state gains."""
    fading = np.exp(-(t - dt) / g.titration_years) - np.exp(-t / g.titration_years)
    kind = np.result_type(fading, own.drift, g.wander_var, g.tolerance_rate)
    rate, spread = np.zeros((2, len(S)), kind)
    rate[S.TOLERANCE_RISING], spread[S.TOLERANCE_RISING] = g.tolerance_rate, g.tolerance_var
    rate[S.PROGRESSION], spread[S.PROGRESSION] = g.progression_rate, g.progression_var
    rate[S.CATHETER_LEAKING], spread[S.CATHETER_LEAKING] = g.leak_rate, g.leak_var
    rate[S.CATHETER_CREEPING], spread[S.CATHETER_CREEPING] = g.creep_rate, g.creep_var
    mean = (own.drift + rate) * dt + g.titration * fading
    return mean, (g.wander_var + spread) * dt + g.titration_var * fading**2


def actions(
    g: SimpleNamespace, done: int, row: SimpleNamespace, dt: float
) -> list[tuple[Array, Array, Array]]:
    """Return weights, jumps and their variances (11, 11 each) of the actions of a step, in order.

    A fault that is confirmed was found in the time ``dt`` since the step before; findings already
    hold the chance that it was not, so its weight is the odds.
    """

    def odds(rate: Any) -> Any:
        return np.expm1(rate * max(dt, SHORTEST_YEARS))

    kind = np.result_type(
        g.missed,
        g.found_catheter,
        g.found_tested,
        g.found_pump,
        g.leak_drop,
        g.reset_drop,
        g.reset_var,
    )
    found = []

    def add(moves: dict[State, Any], others: float) -> tuple[Array, Array]:
        """Add an action: ``moves`` go to the stable state with a weight, ``others`` stay."""
        weights = others * np.eye(len(S), dtype=kind)
        for s, weight in moves.items():
            weights[s] = 0.0
            weights[s, S.STABLE] = weight
        jump, jump_var = np.zeros((2, len(S), len(S)), kind)
        found.append((weights, jump, jump_var))
        return jump, jump_var

    def close_leak(jump: Array, jump_var: Array) -> None:
        """Take what a leak seemed to add to the requirement back with it."""
        for s, drop in (
            (S.CATHETER_LEAKING, g.leak_drop),
            (S.CATHETER_CREEPING, g.creep_drop),
            (S.CATHETER_PARTIAL, g.leak_drop),
            (S.CATHETER_COMPENSATED, g.leak_drop),
        ):
            jump[s, S.STABLE], jump_var[s, S.STABLE] = -drop, g.leak_drop_var

    if done & 3:
        # Both faults confirmed on one day: either explains it, for the states are exclusive.
        confirmed, by_state = dict.fromkeys(S, 0.0), found_rates(g, row)
        if done & 1:
            confirmed |= {s: odds(by_state[s]) for s in CATHETER_STATES}
        if done & 2:
            confirmed |= {S.PUMP: odds(by_state[S.PUMP])}
        jump, jump_var = add(confirmed, 0.0)
        if done & 1:
            close_leak(jump, jump_var)
    if done & 4:
        jump, jump_var = add(dict.fromkeys(CATHETER_STATES, g.missed), 1.0)
        close_leak(jump, jump_var)
    if done & 8:
        add({S.PUMP: 1.0}, 1.0)
    if done & 16:
        jump, jump_var = add(dict.fromkeys((*CATHETER_STATES, S.PUMP), 1.0), 1.0)
        jump_var[:] = g.reset_var
    if done & 32:
        jump, jump_var = add(dict.fromkeys(TOLERANCE_STATES, 1.0), 1.0)
        jump[TOLERANCE_STATES, S.STABLE], jump_var[TOLERANCE_STATES, S.STABLE] = (
            -g.reset_drop,
            g.reset_var,
        )
    return found
