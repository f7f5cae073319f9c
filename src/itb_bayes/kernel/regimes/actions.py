"""What an operation, a holiday or a switch to boluses does to the belief.

A confirmed fault clamps the delivery state (every state without that fault is excluded) and repairs
it; a part that is replaced without a fault found takes the fault with it; a reset takes part of
the requirement back that tolerance had added.
"""

from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import N_STATE, Par, State
from itb_bayes.kernel.regimes.searching import (
    odds_catheter,
    odds_catheter_adjoint,
    odds_pump,
    odds_pump_adjoint,
)

_STABLE = int(State.STABLE)
_RISING, _SETTLED = int(State.TOLERANCE_RISING), int(State.TOLERANCE_SETTLED)
_LEAKING, _CREEPING, _PARTIAL, _COMPENSATED, _SEVERE, _PUMP = (
    int(State.CATHETER_LEAKING),
    int(State.CATHETER_CREEPING),
    int(State.CATHETER_PARTIAL),
    int(State.CATHETER_COMPENSATED),
    int(State.CATHETER_SEVERE),
    int(State.PUMP),
)
_MISSED = int(Par.MISSED)
_DROP, _DROP_VAR = int(Par.RESET_DROP), int(Par.RESET_VAR)
_LEAK_DROP, _LEAK_DROP_VAR = int(Par.LEAK_DROP), int(Par.LEAK_DROP_VAR)
_CREEP_DROP = int(Par.CREEP_DROP)

N_KIND = 6
"""Bits of ``itb_bayes.cohort.actions.Action``, carried out from the lowest on."""


@part
def kind_at(action: int, bit: int) -> int:
    """Return what is carried out at a bit, 0 for nothing.

    Faults of catheter and pump confirmed on one day are one action, explained by either: the states
    are exclusive, so one after the other would be impossible.
    """
    if bit == 0:
        return action & 3
    return 0 if bit == 1 else action & (1 << bit)


@part
def _close_leak(g: Any, jump: Any, jump_var: Any) -> None:
    # The requirement that a leak seemed to add goes with it.
    for s in (_LEAKING, _PARTIAL, _COMPENSATED):
        jump[s, _STABLE] = -g[_LEAK_DROP]
        jump_var[s, _STABLE] = g[_LEAK_DROP_VAR]
    jump[_CREEPING, _STABLE] = -g[_CREEP_DROP]
    jump_var[_CREEPING, _STABLE] = g[_LEAK_DROP_VAR]


@part
def _close_leak_adjoint(jump_bar: Any, jump_var_bar: Any, g_bar: Any) -> None:
    for s in (_LEAKING, _PARTIAL, _COMPENSATED):
        g_bar[_LEAK_DROP] -= jump_bar[s, _STABLE]
        g_bar[_LEAK_DROP_VAR] += jump_var_bar[s, _STABLE]
    g_bar[_CREEP_DROP] -= jump_bar[_CREEPING, _STABLE]
    g_bar[_LEAK_DROP_VAR] += jump_var_bar[_CREEPING, _STABLE]


@part
def act(kind: int, g: Any, row: Any, dt: float, p: Any, jump: Any, jump_var: Any) -> None:
    """Fill the weights and jumps (11, 11 each) of one action.

    ``row`` is that of the step and ``dt`` the time since the one before: a fault that is confirmed
    was found in it (:mod:`itb_bayes.kernel.regimes.searching`).
    """
    p[:, :] = 0.0
    jump[:, :] = 0.0
    jump_var[:, :] = 0.0
    if kind & 1:
        odds = odds_catheter(g, row, dt)
        for s in range(_LEAKING, _PUMP):
            p[s, _STABLE] = odds
        _close_leak(g, jump, jump_var)
    if kind & 2:
        p[_PUMP, _STABLE] = odds_pump(g, row, dt)
    if kind & 3:
        return
    for s in range(N_STATE):
        p[s, s] = 1.0
    if kind in (4, 16):
        weight = g[_MISSED] if kind == 4 else 1.0
        for s in range(_LEAKING, _PUMP):
            p[s, s] = 0.0
            p[s, _STABLE] = weight
    if kind in (8, 16):
        p[_PUMP, _PUMP] = 0.0
        p[_PUMP, _STABLE] = 1.0
    if kind == 16:
        for s in range(N_STATE):
            for u in range(N_STATE):
                if p[s, u] > 0.0:
                    jump_var[s, u] = g[_DROP_VAR]
    elif kind == 4:
        _close_leak(g, jump, jump_var)
    if kind == 32:
        for s in (_RISING, _SETTLED):
            p[s, s] = 0.0
            p[s, _STABLE] = 1.0
            jump[s, _STABLE] = -g[_DROP]
            jump_var[s, _STABLE] = g[_DROP_VAR]


@part
def act_adjoint(
    kind: int, g: Any, row: Any, dt: float, p: Any, p_bar: Any, jump_bar: Any,
    jump_var_bar: Any, g_bar: Any,
) -> None:  # fmt: skip
    """Add the reverse of :func:`act` to ``g_bar``."""
    if kind & 1:
        odds_bar = 0.0
        for s in range(_LEAKING, _PUMP):
            odds_bar += p_bar[s, _STABLE]
        odds_catheter_adjoint(g, row, dt, odds_bar, g_bar)
        _close_leak_adjoint(jump_bar, jump_var_bar, g_bar)
    if kind & 2:
        odds_pump_adjoint(g, row, dt, p_bar[_PUMP, _STABLE], g_bar)
    if kind == 4:
        for s in range(_LEAKING, _PUMP):
            g_bar[_MISSED] += p_bar[s, _STABLE]
        _close_leak_adjoint(jump_bar, jump_var_bar, g_bar)
    elif kind == 16:
        for s in range(N_STATE):
            for u in range(N_STATE):
                if p[s, u] > 0.0:
                    g_bar[_DROP_VAR] += jump_var_bar[s, u]
    elif kind == 32:
        for s in (_RISING, _SETTLED):
            g_bar[_DROP] -= jump_bar[s, _STABLE]
            g_bar[_DROP_VAR] += jump_var_bar[s, _STABLE]
