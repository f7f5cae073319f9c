"""The switching filter: log-likelihood of every patient with its gradient, in one pass each way.

Regimes are summed out and the wandering requirement is integrated out, state by state, by a
collapsed Kalman recursion (:mod:`itb_bayes.kernel.regimes.mixing`). The gradient is the exact
derivative of this recursion, written by hand and run backwards over the stored beliefs.
"""

import math
from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.regimes.actions import N_KIND, act, act_adjoint, kind_at
from itb_bayes.kernel.regimes.findings import (
    labels,
    labels_adjoint,
    neuro,
    neuro_adjoint,
    refill,
    refill_adjoint,
    tests,
    tests_adjoint,
)
from itb_bayes.kernel.regimes.layout import (
    N_INTACT,
    N_OWN,
    N_PAR,
    N_STATE,
    Code,
    Col,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes.mixing import copy, mix, mix_adjoint
from itb_bayes.kernel.regimes.response import shift_of
from itb_bayes.kernel.regimes.room import make_room
from itb_bayes.kernel.regimes.searching import (
    undetected,
    undetected_adjoint,
    worked_up,
    worked_up_adjoint,
)
from itb_bayes.kernel.regimes.step import (
    begin,
    begin_adjoint,
    drift,
    drift_adjoint,
    undrift,
)
from itb_bayes.kernel.regimes.transition import transition, transition_adjoint
from itb_bayes.kernel.regimes.visit import read_visit, read_visit_adjoint

_T, _DOSE = int(Col.T), int(Col.LOG_DOSE)
_CATHETER_AGE, _PUMP_AGE = int(Col.CATHETER_AGE), int(Col.PUMP_AGE)
_ACTION = int(Code.ACTION)
_STEP, _STEP_VAR = int(Par.TOLERANCE_STEP), int(Par.TOLERANCE_STEP_VAR)
_LEAK_STEP, _LEAK_STEP_VAR = int(Par.LEAK_STEP), int(Par.LEAK_STEP_VAR)
_PARTIAL = int(State.CATHETER_PARTIAL)
_STABLE, _SETTLED = int(State.STABLE), int(State.TOLERANCE_SETTLED)
_UNTREATED = int(Own.UNTREATED)


@part
def fill_onset(g: Any, jump: Any, jump_var: Any) -> None:
    """Fill the jumps of the requirement on entering a state."""
    jump[:, :] = 0.0
    jump_var[:, :] = 0.0
    jump[_STABLE, _SETTLED] = g[_STEP]
    jump_var[_STABLE, _SETTLED] = g[_STEP_VAR]
    for s in range(N_INTACT):
        jump[s, _PARTIAL] = g[_LEAK_STEP]
        jump_var[s, _PARTIAL] = g[_LEAK_STEP_VAR]


@part
def normalise(b: Any) -> float:
    """Make the probabilities of a belief sum to one; return the log of what they summed to."""
    total = 0.0
    for s in range(N_STATE):
        total += b[s, 0]
    for s in range(N_STATE):
        b[s, 0] /= total
    return math.log(total)


@part
def normalise_adjoint(b: Any, log_total: float, ll_bar: float, bar: Any) -> None:
    """Turn ``bar`` into the adjoint of the belief before it was normalised to ``b``."""
    inner = 0.0
    for s in range(N_STATE):
        inner += bar[s, 0] * b[s, 0]
    scale = math.exp(-log_total)
    for s in range(N_STATE):
        bar[s, 0] = (bar[s, 0] + ll_bar - inner) * scale


@part
def gather(g: Any, row: Any, code: Any, dt: float, out: Any) -> None:
    """Fill ``out`` (11,) with the log-likelihood of all findings of a step."""
    out[:] = 0.0
    tests(g, code, out)
    refill(g, row, out)
    neuro(g, row, out)
    labels(g, row, code, dt, out)
    undetected(g, row, dt, out)
    worked_up(g, row, code, dt, out)


@part
def forward_step(
    g: Any, own: Any, shift: float, row: Any, code: Any, dt: float, stage: Any,
    p: Any, jump: Any, jump_var: Any, finding: Any, kept: Any,
) -> Any:  # fmt: skip
    """Carry ``stage[0]`` through one step up to its actions.

    ``p`` (11, 11) is filled with the transition, ``finding`` (11,) with the likelihood of findings,
    ``kept`` (5, 11, 4) with what the reverse needs.
    Returns the log of what the probabilities summed to before they were normalised, and the rest of
    the log-likelihood: of the dose change given the reading, and the largest of the findings, which
    is taken out of ``finding``.
    """
    if dt > 0.0:
        transition(g, own, row[_T], dt, row[_CATHETER_AGE], row[_PUMP_AGE], p)
        mix(stage[0], p, jump, jump_var, stage[1])
    else:
        copy(stage[0], stage[1])
    drift(g, own, row[_T], dt, stage[1])
    spoken = read_visit(g, own, shift, row, code, stage[1], stage[2], stage[3], kept)
    gather(g, row, code, dt, finding)
    # Findings may speak so strongly that every weight would vanish: the largest is taken out.
    top = finding[0]
    for s in range(1, N_STATE):
        top = max(top, finding[s])
    copy(stage[3], stage[4])
    for s in range(N_STATE):
        finding[s] = math.exp(finding[s] - top)
        stage[4, s, 0] *= finding[s]
    return normalise(stage[4]), spoken + top


@entry
def regimes_log_likelihood(g: Any, own: Any, data: Any, codes: Any, offsets: Any) -> Any:
    """Return the log-likelihood of each patient and its gradient.

    Parameters
    ----------
    g : ndarray, shape (81,)
        Population parameters; :class:`itb_bayes.kernel.regimes.layout.Par`.
    own : ndarray, shape (n_patient, 6)
        Parameters of each patient; :class:`~itb_bayes.kernel.regimes.layout.Own`.
    data, codes : ndarray, shape (n_step, 15) and (n_step, 8)
        Columns of :class:`~itb_bayes.kernel.regimes.layout.Col` and ``Code``.
    offsets : ndarray of int64, shape (n_patient + 1,)

    Returns
    -------
    (ll, g_bar, own_bar) : ndarrays, shapes (n_patient,), (n_patient, 81), (n_patient, 6)
    """
    n_patient = offsets.size - 1
    longest = 1
    for i in range(n_patient):
        longest = max(longest, offsets[i + 1] - offsets[i])
    ll = np.zeros(n_patient)
    g_bar = np.zeros((n_patient, N_PAR))
    own_bar = np.zeros((n_patient, N_OWN))
    room = make_room(longest)
    fill_onset(g, room.onset, room.onset_var)
    for i in range(n_patient):
        first, n = offsets[i], offsets[i + 1] - offsets[i]
        ll[i] = _forward(g, own[i], data, codes, first, n, room)
        _reverse(g, own[i], data, codes, first, n, room, g_bar[i], own_bar[i])
    return ll, g_bar, own_bar


@part
def _forward(g: Any, own: Any, data: Any, codes: Any, first: int, n: int, room: Any) -> float:
    """Run the filter over one patient, whose steps are the ``n`` from ``first`` on."""
    ll = 0.0
    begin(g, data[first, _DOSE], room.tape[0, 0])
    shift = shift_of(own[_UNTREATED])
    for k in range(n):
        row, code, stage = data[first + k], codes[first + k], room.tape[k]
        dt = 0.0 if k == 0 else row[_T] - data[first + k - 1, _T]
        room.totals[k], spoken = forward_step(
            g, own, shift, row, code, dt, stage, room.moves[k], room.onset, room.onset_var,
            room.findings[k], room.kept[k],
        )  # fmt: skip
        copy(stage[4], room.chain[0])
        ll += room.totals[k] + spoken
        ll += carry_out(g, code[_ACTION], row, dt, room.chain, room.p, room.jump, room.jump_var)
        if k + 1 < n:
            copy(room.chain[0], room.tape[k + 1, 0])
    return ll


@part
def _reverse(
    g: Any, own: Any, data: Any, codes: Any, first: int, n: int, room: Any, g_bar: Any, own_bar: Any
) -> None:
    """Add the gradient of one patient's log-likelihood, of which :func:`_forward` has just run."""
    bar, found_bar = room.bar, room.finding_bar
    bar[:, :] = 0.0
    for k in range(n - 1, -1, -1):
        row, code, stage = data[first + k], codes[first + k], room.tape[k]
        dt = 0.0 if k == 0 else row[_T] - data[first + k - 1, _T]
        if code[_ACTION] != 0:
            copy(stage[4], room.chain[0])
            _undo(g, code[_ACTION], row, dt, room, g_bar)
        normalise_adjoint(stage[4], room.totals[k], 1.0, bar)
        for s in range(N_STATE):
            bar[s, 0] *= room.findings[k, s]
            found_bar[s] = bar[s, 0] * stage[3, s, 0]
        tests_adjoint(g, code, found_bar, g_bar)
        refill_adjoint(g, row, found_bar, g_bar)
        neuro_adjoint(g, row, found_bar, g_bar)
        labels_adjoint(g, row, code, dt, found_bar, g_bar)
        undetected_adjoint(row, dt, found_bar, g_bar)
        worked_up_adjoint(g, row, code, dt, found_bar, g_bar)
        read_visit_adjoint(
            g, own, row, code, stage[1], stage[2], room.kept[k], bar, room.tone_bar, g_bar, own_bar
        )  # fmt: skip
        drift_adjoint(g, row[_T], dt, bar, g_bar, own_bar)
        if dt > 0.0:
            undrift(g, own, row[_T], dt, stage[1])
            mix_adjoint(
                stage[0], room.moves[k], room.onset, room.onset_var, stage[1], bar,
                room.spare_bar, room.p_bar, room.jump_bar, room.jump_var_bar,
            )  # fmt: skip
            transition_adjoint(
                g, own, row[_T], dt, row[_CATHETER_AGE], row[_PUMP_AGE], room.p_bar, g_bar, own_bar
            )  # fmt: skip
            _onset_adjoint(room.jump_bar, room.jump_var_bar, g_bar)
            copy(room.spare_bar, bar)
    begin_adjoint(bar, g_bar)


@part
def _onset_adjoint(jump_bar: Any, jump_var_bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`fill_onset` to ``g_bar``."""
    g_bar[_STEP] += jump_bar[_STABLE, _SETTLED]
    g_bar[_STEP_VAR] += jump_var_bar[_STABLE, _SETTLED]
    for s in range(N_INTACT):
        g_bar[_LEAK_STEP] += jump_bar[s, _PARTIAL]
        g_bar[_LEAK_STEP_VAR] += jump_var_bar[s, _PARTIAL]


@part
def carry_out(
    g: Any, action: int, row: Any, dt: float, chain: Any, p: Any, jump: Any, jump_var: Any
) -> float:
    """Carry ``chain[0]`` through the actions of a step, in place; return the log-likelihood."""
    ll = 0.0
    if action == 0:
        return ll
    for bit in range(N_KIND):
        kind = kind_at(action, bit)
        if kind != 0:
            act(kind, g, row, dt, p, jump, jump_var)
            mix(chain[0], p, jump, jump_var, chain[1])
            ll += normalise(chain[1])
            copy(chain[1], chain[0])
    return ll


@part
def _undo(g: Any, action: int, row: Any, dt: float, room: Any, g_bar: Any) -> None:
    """Turn ``room.bar`` into the adjoint of ``room.chain[0]``, the belief before the actions."""
    chain, p, jump, jump_var = room.chain, room.p, room.jump, room.jump_var
    count = 0
    for bit in range(N_KIND):
        kind = kind_at(action, bit)
        if kind != 0:
            act(kind, g, row, dt, p, jump, jump_var)
            mix(chain[count], p, jump, jump_var, chain[count + 1])
            room.acted[count] = normalise(chain[count + 1])
            room.kinds[count] = kind
            count += 1
    for j in range(count - 1, -1, -1):
        normalise_adjoint(chain[j + 1], room.acted[j], 1.0, room.bar)
        act(room.kinds[j], g, row, dt, p, jump, jump_var)
        mix(chain[j], p, jump, jump_var, chain[j + 1])
        mix_adjoint(
            chain[j], p, jump, jump_var, chain[j + 1], room.bar,
            room.spare_bar, room.p_bar, room.jump_bar, room.jump_var_bar,
        )  # fmt: skip
        act_adjoint(
            room.kinds[j], g, row, dt, p, room.p_bar, room.jump_bar, room.jump_var_bar, g_bar
        )
        copy(room.spare_bar, room.bar)
