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
from itb_bayes.kernel.regimes.mixing import N_BELIEF, mix, mix_adjoint
from itb_bayes.kernel.regimes.response import shift_of
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
from itb_bayes.kernel.regimes.tone import N_TONE
from itb_bayes.kernel.regimes.transition import transition, transition_adjoint
from itb_bayes.kernel.regimes.visit import N_KEPT, read_visit, read_visit_adjoint

_T, _DOSE = int(Col.T), int(Col.LOG_DOSE)
_CATHETER_AGE, _PUMP_AGE = int(Col.CATHETER_AGE), int(Col.PUMP_AGE)
_ACTION = int(Code.ACTION)
_STEP, _STEP_VAR = int(Par.TOLERANCE_STEP), int(Par.TOLERANCE_STEP_VAR)
_LEAK_STEP, _LEAK_STEP_VAR = int(Par.LEAK_STEP), int(Par.LEAK_STEP_VAR)
_PARTIAL = int(State.CATHETER_PARTIAL)
_STABLE, _RISING = int(State.STABLE), int(State.TOLERANCE_RISING)
_UNTREATED = int(Own.UNTREATED)

N_STAGE = 5
"""Beliefs kept of each step: before it, at its time, after tone, after spasms, weighted."""


@part
def fill_onset(g: Any, jump: Any, jump_var: Any) -> None:
    """Fill the jumps of the requirement on entering a state."""
    jump[:, :] = 0.0
    jump_var[:, :] = 0.0
    jump[_STABLE, _RISING] = g[_STEP]
    jump_var[_STABLE, _RISING] = g[_STEP_VAR]
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
    labels(g, code, dt, out)
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
        stage[1] = stage[0]
    drift(g, own, row[_T], dt, stage[1])
    spoken = read_visit(g, own, shift, row, code, stage[1], stage[2], stage[3], kept)
    gather(g, row, code, dt, finding)
    # Findings may speak so strongly that every weight would vanish: the largest is taken out.
    top = finding.max()
    stage[4] = stage[3]
    for s in range(N_STATE):
        finding[s] = math.exp(finding[s] - top)
        stage[4, s, 0] *= finding[s]
    return normalise(stage[4]), spoken + top


@entry
def regimes_log_likelihood(g: Any, own: Any, data: Any, codes: Any, offsets: Any) -> Any:
    """Return the log-likelihood of each patient and its gradient.

    Parameters
    ----------
    g : ndarray, shape (80,)
        Population parameters; :class:`itb_bayes.kernel.regimes.layout.Par`.
    own : ndarray, shape (n_patient, 6)
        Parameters of each patient; :class:`~itb_bayes.kernel.regimes.layout.Own`.
    data, codes : ndarray, shape (n_step, 14) and (n_step, 8)
        Columns of :class:`~itb_bayes.kernel.regimes.layout.Col` and ``Code``.
    offsets : ndarray of int64, shape (n_patient + 1,)

    Returns
    -------
    (ll, g_bar, own_bar) : ndarrays, shapes (n_patient,), (n_patient, 80), (n_patient, 6)
    """
    n_patient = offsets.size - 1
    longest = 1
    for i in range(n_patient):
        longest = max(longest, offsets[i + 1] - offsets[i])
    ll = np.zeros(n_patient)
    g_bar = np.zeros((n_patient, N_PAR))
    own_bar = np.zeros((n_patient, N_OWN))
    tape = np.empty((longest, N_STAGE, N_STATE, N_BELIEF))
    totals = np.empty(longest)
    findings = np.empty((longest, N_STATE))
    kept = np.empty((longest, N_KEPT, N_STATE, N_TONE))
    moves = np.zeros((longest, N_STATE, N_STATE))
    p, jump, jump_var = (
        np.zeros((N_STATE, N_STATE)),
        np.zeros((N_STATE, N_STATE)),
        np.zeros((N_STATE, N_STATE)),
    )
    onset, onset_var = np.zeros_like(p), np.zeros_like(p)
    fill_onset(g, onset, onset_var)
    p_bar, jump_bar, jump_var_bar = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    chain = np.empty((N_KIND + 1, N_STATE, N_BELIEF))
    bar, spare = np.empty((N_STATE, N_BELIEF)), np.empty((N_STATE, N_BELIEF))
    finding_bar, t_bar = np.empty(N_STATE), np.empty((N_STATE, N_TONE))
    for i in range(n_patient):
        first, n = offsets[i], offsets[i + 1] - offsets[i]
        begin(g, data[first, _DOSE], tape[0, 0])
        shift = shift_of(own[i, _UNTREATED])
        for k in range(n):
            row, code = data[first + k], codes[first + k]
            dt = 0.0 if k == 0 else row[_T] - data[first + k - 1, _T]
            totals[k], spoken = forward_step(
                g, own[i], shift, row, code, dt, tape[k], moves[k], onset, onset_var,
                findings[k], kept[k],
            )  # fmt: skip
            ll[i] += totals[k] + spoken
            chain[0] = tape[k, 4]
            ll[i] += carry_out(g, code[_ACTION], row, dt, chain, p, jump, jump_var)
            if k + 1 < n:
                tape[k + 1, 0] = chain[0]
        bar[:, :] = 0.0
        for k in range(n - 1, -1, -1):
            row, code = data[first + k], codes[first + k]
            dt = 0.0 if k == 0 else row[_T] - data[first + k - 1, _T]
            if code[_ACTION] != 0:
                chain[0] = tape[k, 4]
                undo(
                    g, code[_ACTION], row, dt, chain, bar, spare, p, jump, jump_var,
                    p_bar, jump_bar, jump_var_bar, g_bar[i],
                )  # fmt: skip
            normalise_adjoint(tape[k, 4], totals[k], 1.0, bar)
            for s in range(N_STATE):
                bar[s, 0] *= findings[k, s]
                finding_bar[s] = bar[s, 0] * tape[k, 3, s, 0]
            tests_adjoint(g, code, finding_bar, g_bar[i])
            refill_adjoint(g, row, finding_bar, g_bar[i])
            neuro_adjoint(g, row, finding_bar, g_bar[i])
            labels_adjoint(g, code, dt, finding_bar, g_bar[i])
            undetected_adjoint(row, dt, finding_bar, g_bar[i])
            worked_up_adjoint(g, row, code, dt, finding_bar, g_bar[i])
            read_visit_adjoint(
                g, own[i], row, code, tape[k, 1], tape[k, 2], kept[k], bar, t_bar, g_bar[i],
                own_bar[i],
            )  # fmt: skip
            drift_adjoint(g, row[_T], dt, bar, g_bar[i], own_bar[i])
            if dt > 0.0:
                undrift(g, own[i], row[_T], dt, tape[k, 1])
                mix_adjoint(
                    tape[k, 0], moves[k], onset, onset_var, tape[k, 1], bar,
                    spare, p_bar, jump_bar, jump_var_bar,
                )  # fmt: skip
                transition_adjoint(
                    g, own[i], row[_T], dt, row[_CATHETER_AGE], row[_PUMP_AGE],
                    p_bar, g_bar[i], own_bar[i],
                )  # fmt: skip
                g_bar[i, _STEP] += jump_bar[_STABLE, _RISING]
                g_bar[i, _STEP_VAR] += jump_var_bar[_STABLE, _RISING]
                for s in range(N_INTACT):
                    g_bar[i, _LEAK_STEP] += jump_bar[s, _PARTIAL]
                    g_bar[i, _LEAK_STEP_VAR] += jump_var_bar[s, _PARTIAL]
                bar[:, :] = spare
        begin_adjoint(bar, g_bar[i])
    return ll, g_bar, own_bar


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
            chain[0] = chain[1]
    return ll


@part
def undo(
    g: Any, action: int, row: Any, dt: float, chain: Any, bar: Any, spare: Any, p: Any,
    jump: Any, jump_var: Any, p_bar: Any, jump_bar: Any, jump_var_bar: Any, g_bar: Any,
) -> None:  # fmt: skip
    """Turn ``bar`` into the adjoint of ``chain[0]``, the belief before the actions."""
    count = 0
    totals = np.empty(N_KIND)
    kinds = np.empty(N_KIND, dtype=np.int64)
    for bit in range(N_KIND):
        kind = kind_at(action, bit)
        if kind != 0:
            act(kind, g, row, dt, p, jump, jump_var)
            mix(chain[count], p, jump, jump_var, chain[count + 1])
            totals[count] = normalise(chain[count + 1])
            kinds[count] = kind
            count += 1
    for j in range(count - 1, -1, -1):
        normalise_adjoint(chain[j + 1], totals[j], 1.0, bar)
        act(kinds[j], g, row, dt, p, jump, jump_var)
        mix(chain[j], p, jump, jump_var, chain[j + 1])
        mix_adjoint(
            chain[j], p, jump, jump_var, chain[j + 1], bar,
            spare, p_bar, jump_bar, jump_var_bar,
        )  # fmt: skip
        act_adjoint(kinds[j], g, row, dt, p, p_bar, jump_bar, jump_var_bar, g_bar)
        bar[:, :] = spare
