"""What happens to a patient between visits and at an operation, for all rows at once."""

from types import SimpleNamespace
from typing import Any

from itb_bayes.kernel.regimes.layout import (
    CATHETER_EARLY_YEARS,
    CATHETER_STATES,
    N_INTACT,
    N_STATE,
    PUMP_REFERENCE_YEARS,
    SHORTEST_YEARS,
    TOLERANCE_EARLY_YEARS,
    TOLERANCE_FROM_YEARS,
    TOLERANCE_STATES,
    Col,
    State,
)
from itb_bayes.kernel.regimes_arrays.rows import CONFIRMED, Steps
from itb_bayes.kernel.regimes_arrays.states import by_state, matrices

S = State
INTACT = tuple(State)[:N_INTACT]


def transitions(xp: Any, g: SimpleNamespace, own: SimpleNamespace, rows: Steps) -> Any:
    """Return the transition matrix of the time before every step, shape (n_step, 11, 11).

    An intact device fails first, the fault being chosen in proportion to the hazards; if it holds,
    the requirement moves.
    """
    dt = rows.dt
    first, later = _exposure(rows, Col.CATHETER_AGE, CATHETER_EARLY_YEARS)
    titrated, _ = _exposure(rows, Col.T, TOLERANCE_FROM_YEARS)
    early, late = _exposure(rows, Col.T, TOLERANCE_EARLY_YEARS)
    age = rows.column(Col.PUMP_AGE)
    catheter = own.catheter_ratio * (g.catheter_first * first + g.catheter_later * later)
    grown = _weibull(xp, rows.xp, age, g.pump_shape) - _weibull(xp, rows.xp, age - dt, g.pump_shape)
    pump = g.pump_hazard * grown
    tolerance = g.tolerance_early * (early - titrated) + g.tolerance_late * late
    worse = own.progression_onset * dt
    slow, fault = tolerance + worse, catheter + pump
    calm, holds = xp.exp(-slow), xp.exp(-fault)

    begins = holds * _competing(xp, tolerance, slow)
    both = g.trigger_onset + g.trigger_end
    flips = -xp.expm1(-both * dt) / both
    entries: dict[tuple[int, int], Any] = {
        (S.STABLE, S.STABLE): holds * calm * (1.0 - g.trigger_onset * flips),
        (S.STABLE, S.TRIGGER): holds * calm * g.trigger_onset * flips,
        (S.STABLE, S.TOLERANCE_RISING): begins * (1.0 - g.tolerance_sudden),
        (S.STABLE, S.TOLERANCE_SETTLED): begins * g.tolerance_sudden,
        (S.STABLE, S.PROGRESSION): holds * _competing(xp, worse, slow),
        (S.TRIGGER, S.STABLE): holds * g.trigger_end * flips,
        (S.TRIGGER, S.TRIGGER): holds * (1.0 - g.trigger_end * flips),
        (S.TOLERANCE_SETTLED, S.TOLERANCE_SETTLED): holds,
    }
    for s, to, rate in (
        (S.TOLERANCE_RISING, S.TOLERANCE_SETTLED, g.tolerance_settle),
        (S.PROGRESSION, S.STABLE, g.progression_end),
    ):
        entries[s, s] = holds * xp.exp(-rate * dt)
        entries[s, to] = holds * -xp.expm1(-rate * dt)
    fails = _competing(xp, catheter, fault)
    lesser = fails * (1.0 - g.severe_share)
    growing = lesser * (1.0 - g.sudden_share)
    for s in INTACT:
        entries[s, S.CATHETER_LEAKING] = growing * (1.0 - g.creep_share)
        entries[s, S.CATHETER_CREEPING] = growing * g.creep_share
        entries[s, S.CATHETER_PARTIAL] = lesser * g.sudden_share
        entries[s, S.CATHETER_SEVERE] = fails * g.severe_share
        entries[s, S.PUMP] = _competing(xp, pump, fault)
    for s in (S.CATHETER_LEAKING, S.CATHETER_CREEPING, S.CATHETER_PARTIAL):
        entries[s, s] = xp.exp(-g.leak_settles * dt)
        entries[s, S.CATHETER_COMPENSATED] = -xp.expm1(-g.leak_settles * dt)
    for s in (S.CATHETER_COMPENSATED, S.CATHETER_SEVERE, S.PUMP):
        entries[s, s] = 1.0
    return matrices(xp, entries, dt.size)


def jumps(xp: Any, g: SimpleNamespace) -> tuple[Any, Any]:
    """Return mean and variance of what the requirement gains by a move, each (1, 11, 11)."""
    tolerance = (S.STABLE, S.TOLERANCE_SETTLED)
    mean = {(s, S.CATHETER_PARTIAL): g.leak_step for s in INTACT}
    var = {(s, S.CATHETER_PARTIAL): g.leak_step_var for s in INTACT}
    return (
        matrices(xp, mean | {tolerance: g.tolerance_step}, 1),
        matrices(xp, var | {tolerance: g.tolerance_step_var}, 1),
    )


def drift(xp: Any, g: SimpleNamespace, own: SimpleNamespace, rows: Steps) -> tuple[Any, Any]:
    """Return mean and variance of what the requirement of each state gains, (n_step, 11)."""
    t, dt = rows.column(Col.T)[:, None], rows.dt[:, None]
    fading = xp.exp(-(t - dt) / g.titration_years) - xp.exp(-t / g.titration_years)
    rate = by_state(xp, {
        S.TOLERANCE_RISING: g.tolerance_rate, S.PROGRESSION: g.progression_rate,
        S.CATHETER_LEAKING: g.leak_rate, S.CATHETER_CREEPING: g.creep_rate,
    })  # fmt: skip
    spread = by_state(xp, {
        S.TOLERANCE_RISING: g.tolerance_var, S.PROGRESSION: g.progression_var,
        S.CATHETER_LEAKING: g.leak_var, S.CATHETER_CREEPING: g.creep_var,
    })  # fmt: skip
    mean = (own.drift[:, None] + rate) * dt + g.titration * fading
    return mean, (g.wander_var + spread) * dt + g.titration_var * fading**2


def found_rates(g: SimpleNamespace, rows: Steps) -> tuple[Any, Any]:
    """Return the rates per year at which faults of catheter and pump are found, (n,) each."""
    catheter = g.found_catheter * rows.column(Col.SEARCH)
    catheter = catheter + g.found_tested * rows.column(Col.CATHETER_TESTED)
    return catheter, g.found_pump + g.found_tested * rows.column(Col.PUMP_TESTED)


def action(xp: Any, g: SimpleNamespace, kind: int, rows: Steps) -> tuple[Any, Any, Any]:
    """Return weights, jumps and their variances of one action at steps, each (n_step, 11, 11)."""
    n = rows.dt.size
    mean: dict[tuple[int, int], Any] = {}
    var: dict[tuple[int, int], Any] = {}
    moves: dict[State, Any] = {}
    if kind & CONFIRMED:
        # Findings already hold the chance that a fault was not found: the weight is the odds.
        years = rows.xp.maximum(rows.dt, SHORTEST_YEARS)
        catheter, pump = found_rates(g, rows)
        moves = dict.fromkeys(S, 0.0)
        if kind & 1:
            moves |= dict.fromkeys(CATHETER_STATES, xp.expm1(catheter * years))
        if kind & 2:
            moves[S.PUMP] = xp.expm1(pump * years)
    elif kind == 4:
        moves = dict.fromkeys(CATHETER_STATES, g.missed)
    elif kind == 8:
        moves = {S.PUMP: 1.0}
    elif kind == 16:
        moves = dict.fromkeys((*CATHETER_STATES, S.PUMP), 1.0)
        var = {(s, u): g.reset_var for s in S for u in S}
    elif kind == 32:
        moves = dict.fromkeys(TOLERANCE_STATES, 1.0)
        mean = {(s, S.STABLE): -g.reset_drop for s in TOLERANCE_STATES}
        var = {(s, S.STABLE): g.reset_var for s in TOLERANCE_STATES}
    if kind in (1, 3, 4):
        # What a leak seemed to add to the requirement goes with it.
        for s in CATHETER_STATES:
            if s != S.CATHETER_SEVERE:
                drop = g.creep_drop if s == S.CATHETER_CREEPING else g.leak_drop
                mean[s, S.STABLE], var[s, S.STABLE] = -drop, g.leak_drop_var
    weights: dict[tuple[int, int], Any] = {(s, s): 1.0 for s in S if s not in moves}
    weights |= {(s, S.STABLE): weight for s, weight in moves.items()}
    return matrices(xp, weights, n), _or_zeros(xp, mean, n), _or_zeros(xp, var, n)


def _or_zeros(xp: Any, entries: dict[tuple[int, int], Any], n: int) -> Any:
    return matrices(xp, entries, n) if entries else xp.zeros((n, N_STATE, N_STATE))


def _exposure(rows: Steps, age: Col, early: float) -> tuple[Any, Any]:
    """Return the years before each step that lie before and after the age ``early``."""
    start = rows.column(age) - rows.dt
    years = rows.xp.minimum(rows.xp.maximum(early - start, 0.0), rows.dt)
    return years, rows.dt - years


def _weibull(xp: Any, of_data: Any, age: Any, shape: Any) -> Any:
    """Return the cumulative hazard at ``age`` as a share of that at the reference age."""
    share = of_data.maximum(age, 0.0) / PUMP_REFERENCE_YEARS
    log_share = of_data.log(of_data.where(share > 0.0, share, 1.0))
    return xp.where(share > 0.0, xp.exp(shape * log_share), 0.0)


def _competing(xp: Any, hazard: Any, total: Any) -> Any:
    """Return the probability that one of several competing events comes first."""
    some = total > 0.0
    held = xp.where(some, total, 1.0)
    return xp.where(some, hazard * -xp.expm1(-held) / held, hazard)
