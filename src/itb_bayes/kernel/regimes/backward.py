"""What smoothing and path sampling share: one move of the filter seen from its end.

The filter's belief before a move is a Gaussian for each state, and the move adds a jump and a
Gaussian to the requirement; the spasm offset stays. So given the state and the two quantities after
the move, each state before it has a weight in closed form, and the requirement before it is again
Gaussian: forward filtering, backward sampling (Carter and Kohn 1994, Biometrika 81:541), with the
collapsed beliefs of the filter in place of the exact ones.
"""

import math
from typing import Any

import numpy as np

from itb_bayes.kernel.compiled import entry, part
from itb_bayes.kernel.regimes.actions import N_KIND, act, kind_at
from itb_bayes.kernel.regimes.filter import carry_out, forward_step, normalise
from itb_bayes.kernel.regimes.layout import (
    LOST_SHARE,
    LOST_VAR,
    N_STATE,
    Code,
    Col,
    Own,
    Par,
)
from itb_bayes.kernel.regimes.mixing import FIRST, FROM, N_BELIEF, mix
from itb_bayes.kernel.regimes.reading import wild_at
from itb_bayes.kernel.regimes.response import shift_of
from itb_bayes.kernel.regimes.room import N_STAGE
from itb_bayes.kernel.regimes.step import begin, drift
from itb_bayes.kernel.regimes.tone import N_TONE, expect_tone
from itb_bayes.kernel.regimes.visit import N_KEPT

_T, _DOSE, _ASHWORTH = int(Col.T), int(Col.LOG_DOSE), int(Col.ASHWORTH)
_ACTION = int(Code.ACTION)
_UNTREATED, _TONE_VAR = int(Own.UNTREATED), int(Own.TONE_VAR)
_OUTLIER, _PENN = int(Par.OUTLIER), int(Col.PENN)
_PENN_A, _PENN_B, _PENN_VAR = int(Par.PENN_INTERCEPT), int(Par.PENN_SLOPE), int(Par.PENN_VAR)
_TWO_PI = 2.0 * math.pi

_LEAST = 1e-300

TINY = 1e-12
"""Least variance of a density: a requirement that is known for certain has one too."""


@entry
def run_forward(
    g: Any, own: Any, data: Any, codes: Any, first: int, n: int, onset: Any, onset_var: Any,
    tape: Any, moves: Any, after: Any,
) -> None:  # fmt: skip
    """Run the filter over one patient, keeping its beliefs.

    Parameters
    ----------
    g, own : ndarray, shapes (81,) and (6,)
    data, codes : ndarray
        Steps of all patients; this one's are the ``n`` from ``first`` on.
    onset, onset_var : ndarray, shape (11, 11)
        Of :func:`itb_bayes.kernel.regimes.filter.fill_onset`.
    tape : ndarray, shape (n or more, 5, 11, 6)
        Filled with the beliefs of each step.
    moves : ndarray, shape (n or more, 11, 11)
        Filled with the transitions to each step.
    after : ndarray, shape (11, 6)
        Filled with the belief after the last step's actions.
    """
    p, jump, jump_var = (
        np.zeros((N_STATE, N_STATE)),
        np.zeros((N_STATE, N_STATE)),
        np.zeros((N_STATE, N_STATE)),
    )
    finding, kept = np.empty(N_STATE), np.empty((N_KEPT, N_STATE, N_TONE))
    chain = np.empty((2, N_STATE, N_BELIEF))
    shift = shift_of(own[_UNTREATED])
    begin(g, data[first, _DOSE], tape[0, 0])
    for k in range(n):
        row, code = data[first + k], codes[first + k]
        dt = 0.0 if k == 0 else row[_T] - data[first + k - 1, _T]
        forward_step(
            g, own, shift, row, code, dt, tape[k], moves[k], onset, onset_var, finding, kept
        )
        chain[0] = tape[k, N_STAGE - 1]
        carry_out(g, code[_ACTION], row, dt, chain, p, jump, jump_var)
        if k + 1 < n:
            tape[k + 1, 0] = chain[0]
        else:
            after[:, :] = chain[0]


@part
def list_actions(
    g: Any, action: int, row: Any, dt: float, chain: Any, kinds: Any, p: Any, jump: Any,
    jump_var: Any,
) -> int:  # fmt: skip
    """Fill ``chain[j]`` with the belief before the ``j``-th action of a step; return how many.

    ``chain[0]`` is given; ``kinds`` is filled with what each action is.
    """
    count = 0
    if action == 0:
        return count
    for bit in range(N_KIND):
        kind = kind_at(action, bit)
        if kind != 0:
            act(kind, g, row, dt, p, jump, jump_var)
            mix(chain[count], p, jump, jump_var, chain[count + 1])
            normalise(chain[count + 1])
            kinds[count] = kind
            count += 1
    return count


@part
def added(g: Any, own: Any, t: float, dt: float, gain: Any) -> None:
    """Fill ``gain`` (11, 6) with mean (1) and variance (3) that time adds to the requirement."""
    gain[:, :] = 0.0
    drift(g, own, t, dt, gain)


@part
def link(b: Any, var: float) -> Any:
    """Return how a state's belief ``b`` (6,) is tied to what comes ``var`` later.

    The slope of the requirement on the offset, the variance of the requirement then (given the
    offset), and the share of it that was there before.
    """
    slope = b[4] / b[5] if b[5] > TINY else 0.0
    rest = max(b[3] - slope * b[4], 0.0)
    total = rest + var
    return slope, total, rest / total if total > TINY else 0.0


@part
def log_fit(b: Any, moved: float, slope: float, total: float, need: float, offset: float) -> float:
    """Return the log density of requirement and offset after a move, from a state's belief."""
    var_offset, var_need = max(b[5], TINY), max(total, TINY)
    v_offset = offset - b[2]
    v_need = need - b[1] - moved - slope * v_offset
    density = math.log(var_offset) + v_offset * v_offset / var_offset
    density += math.log(var_need) + v_need * v_need / var_need
    return -0.5 * density


@part
def weigh_sources(
    before: Any, p: Any, jump: Any, jump_var: Any, gain: Any, u: int, need: float, offset: float,
    weight: Any,
) -> float:  # fmt: skip
    """Fill ``weight`` with that of every state that may have led to ``u``; return their sum.

    ``weight[j]`` belongs to ``FROM[FIRST[u] + j]``; the largest is one. Nought is returned where
    nothing can have led there.
    """
    top = -math.inf
    n = FIRST[u + 1] - FIRST[u]
    for j in range(n):
        s = FROM[FIRST[u] + j]
        share = before[s, 0] * p[s, u]
        weight[j] = -math.inf
        if share > 0.0:
            slope, total, _ = link(before[s], jump_var[s, u] + gain[u, 3])
            fit = log_fit(before[s], jump[s, u] + gain[u, 1], slope, total, need, offset)
            weight[j] = math.log(share) + fit
            top = max(top, weight[j])
    whole = 0.0
    for j in range(n):
        weight[j] = math.exp(weight[j] - top) if top > -math.inf else 0.0
        whole += weight[j]
    return whole


@part
def recall_need(b: Any, moved: float, var: float) -> Any:
    """Return the requirement before a move as a line in what came after it.

    Constant, slopes in requirement and offset after the move, and the variance left over.
    """
    slope, _, share = link(b, var)
    constant = (1.0 - share) * (b[1] - slope * b[2]) - share * moved
    return constant, share, slope * (1.0 - share), share * var


@part
def _spasms(g: Any, penn: float, offset: float, tone: float, var: float) -> Any:
    """Return the density of a spasm score as a reading of a tone with this spread, and at all."""
    var = g[_PENN_B] * g[_PENN_B] * var + g[_PENN_VAR]
    v = penn - g[_PENN_A] - g[_PENN_B] * tone - offset
    fits = (1.0 - g[_OUTLIER]) * math.exp(-0.5 * v * v / var) / math.sqrt(_TWO_PI * var)
    return fits, fits + g[_OUTLIER] * wild_at(penn)


@part
def lost_at(
    g: Any, own: Any, shift: float, s: int, b: Any, row: Any, code: Any, need: float, offset: float
) -> Any:
    """Return the probability that a reading of tone put the requirement where it is after it.

    And where it was before if so: mean, slope in the offset, and variance. ``b`` (6,) is the
    belief of state ``s`` just before the visit (:data:`LOST_SHARE`). A spasm score of the visit
    is of the tone that was, and so tells of both.
    """
    if math.isnan(row[_ASHWORTH]):
        return 0.0, b[1], 0.0, b[3]
    tone, slope, extra, _, _, _ = expect_tone(g, own, shift, s, b, row, code)
    noise = own[_TONE_VAR] + extra
    tie, rest, _ = link(b, 0.0)
    total = max(rest, TINY)
    was = b[1] + tie * (offset - b[2])
    here, there = tone + slope * (need - b[1]), tone + slope * (was - b[1])
    v = row[_ASHWORTH] - here
    wild = g[_OUTLIER] * wild_at(row[_ASHWORTH])
    fits = (1.0 - g[_OUTLIER]) * math.exp(-0.5 * v * v / noise) / math.sqrt(_TWO_PI * noise)
    stays, moves = wild * (1.0 - LOST_SHARE), wild * LOST_SHARE
    if not math.isnan(row[_PENN]):
        spread = slope * slope * total + extra
        told = here + v * extra / noise, own[_TONE_VAR] * extra / noise
        fits *= _spasms(g, row[_PENN], offset, told[0], told[1])[1]
        stays *= _spasms(g, row[_PENN], offset, here, extra)[1]
        read, density = _spasms(g, row[_PENN], offset, there, spread)
        moves *= density
        r = read / density
        var = g[_PENN_B] * g[_PENN_B] * spread + g[_PENN_VAR]
        gain = g[_PENN_B] * slope * rest / var
        away = gain * (row[_PENN] - g[_PENN_A] - g[_PENN_B] * there - offset)
        was += r * away
        rest += r * (away * away * (1.0 - r) - gain * gain * var)
        tie -= r * gain * (g[_PENN_B] * slope * tie + 1.0)
    out, about = need - b[1] - link(b, 0.0)[0] * (offset - b[2]), need - row[_DOSE]
    # Both densities share the offset's, which is left out.
    stayed = math.log(max(fits + stays, _LEAST)) - 0.5 * (math.log(total) + out * out / total)
    moved = math.log(max(moves, _LEAST)) - 0.5 * (math.log(LOST_VAR) + about * about / LOST_VAR)
    return 1.0 / (1.0 + math.exp(min(stayed - moved, 700.0))), was, tie, max(rest, 0.0)
