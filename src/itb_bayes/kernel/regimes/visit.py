"""What is read at one visit: tone, or the dose change in its place, then spasms.

Everything read at a visit is of one tone (:mod:`itb_bayes.kernel.regimes.tone`), so tone is
expected once and carried from reading to reading.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import LOST_SHARE, N_STATE, Col, Own, Par
from itb_bayes.kernel.regimes.mixing import copy
from itb_bayes.kernel.regimes.policy import habit, habit_adjoint, read_dose, read_dose_adjoint
from itb_bayes.kernel.regimes.reading import absorb, absorb_adjoint, wild_at
from itb_bayes.kernel.regimes.tone import begin_tone, begin_tone_adjoint

_ASHWORTH, _PENN = int(Col.ASHWORTH), int(Col.PENN)
_DOSE, _CHANGE = int(Col.LOG_DOSE), int(Col.DOSE_CHANGE)
_TONE_VAR, _OUTLIER = int(Own.TONE_VAR), int(Par.OUTLIER)
_PENN_A, _PENN_B, _PENN_VAR = int(Par.PENN_INTERCEPT), int(Par.PENN_SLOPE), int(Par.PENN_VAR)

_SHARES, _LIKES, _BEFORE, _AFTER, _LAST = range(5)
_BY_TONE, _BY_SPASMS = 0, 1

N_KEPT = 5
"""Kept of each state (of four numbers) for the reverse: tone over untreated tone at three points;
likelihoods of tone (or dose) and of spasms; tone before its reading, after it, and room for what is
left of it after the spasms, which nothing reads."""


@part
def read_visit(
    g: Any, own: Any, shift: float, row: Any, codes: Any, b: Any, toned: Any, out: Any, kept: Any
) -> float:
    """Update every state (11, 6): ``b`` by tone or dose to ``toned``, that by spasms to ``out``.

    ``kept`` (5, 11, 4) serves the reverse. Returns what the dose change says of the policy where
    the reading behind it was written down: the same in all states.
    """
    by_tone, by_dose = not math.isnan(row[_ASHWORTH]), not math.isnan(row[_CHANGE])
    by_spasms = not math.isnan(row[_PENN])
    if not (by_tone or by_dose or by_spasms):
        copy(b, toned)
        copy(b, out)
        return 0.0
    for s in range(N_STATE):
        begin_tone(g, own, shift, s, b[s], row, codes, kept[_SHARES, s], kept[_BEFORE, s])
    if by_tone:
        wild = wild_at(row[_ASHWORTH])
        for s in range(N_STATE):
            t = kept[_BEFORE, s]
            kept[_LIKES, s, _BY_TONE] = absorb(
                b[s], t, row[_ASHWORTH] - t[0], t[2], t[3], t[1], t[1] + own[_TONE_VAR],
                g[_OUTLIER], wild, LOST_SHARE, row[_DOSE], toned[s], kept[_AFTER, s],
            )  # fmt: skip
    elif by_dose:
        for s in range(N_STATE):
            kept[_LIKES, s, _BY_TONE] = read_dose(
                g, own, row, b[s], kept[_BEFORE, s], toned[s], kept[_AFTER, s]
            )
    else:
        copy(b, toned)
        copy(kept[_BEFORE], kept[_AFTER])
    if by_spasms:
        for s in range(N_STATE):
            kept[_LIKES, s, _BY_SPASMS] = _read_spasms(
                g, row, toned[s], kept[_AFTER, s], out[s], kept[_LAST, s]
            )
    else:
        copy(toned, out)
    return habit(g, own, row) if by_tone and by_dose else 0.0


@part
def _spasms_expected(g: Any, b: Any, t: Any) -> Any:
    """Return mean, covariances with requirement and offset, and variance of a spasm score."""
    beta = g[_PENN_B]
    g0, g1 = beta * t[2] + b[4], beta * t[3] + b[5]
    return g[_PENN_A] + beta * t[0] + b[2], g0, g1, beta * (beta * t[1] + t[3]) + g1 + g[_PENN_VAR]


@part
def _read_spasms(g: Any, row: Any, b: Any, t: Any, out: Any, t_out: Any) -> float:
    expected, g0, g1, s = _spasms_expected(g, b, t)
    v = row[_PENN] - expected
    # Nothing is read of this tone after the spasms: what they say of it is not worked out.
    return absorb(
        b, t, v, g0, g1, 0.0, s, g[_OUTLIER], wild_at(row[_PENN]), 0.0, 0.0, out, t_out
    )  # fmt: skip


@part
def _read_spasms_adjoint(
    g: Any, row: Any, b: Any, t: Any, like: float, bar: Any, t_bar: Any, g_bar: Any
) -> None:
    beta = g[_PENN_B]
    expected, g0, g1, s = _spasms_expected(g, b, t)
    v_bar, g0_bar, g1_bar, _, s_bar, outlier_bar, _ = absorb_adjoint(
        b, t, row[_PENN] - expected, g0, g1, 0.0, s, g[_OUTLIER], wild_at(row[_PENN]), 0.0, 0.0,
        like, bar, t_bar,
    )  # fmt: skip
    g_bar[_OUTLIER] += outlier_bar
    g_bar[_PENN_A] -= v_bar
    g_bar[_PENN_VAR] += s_bar
    g_bar[_PENN_B] += g0_bar * t[2] + g1_bar * t[3] - v_bar * t[0]
    g_bar[_PENN_B] += 2.0 * s_bar * (beta * t[1] + t[3])
    t_bar[0] -= beta * v_bar
    t_bar[1] += beta * beta * s_bar
    t_bar[2] += beta * g0_bar
    t_bar[3] += beta * (g1_bar + 2.0 * s_bar)
    bar[2] -= v_bar
    bar[4] += g0_bar
    bar[5] += g1_bar + s_bar


@part
def read_visit_adjoint(
    g: Any, own: Any, row: Any, codes: Any, b: Any, toned: Any, kept: Any, bar: Any,
    t_bar: Any, g_bar: Any, own_bar: Any,
) -> None:  # fmt: skip
    """Turn ``bar`` (11, 6) into the adjoint of the belief before :func:`read_visit`.

    ``t_bar`` (11, 4) is room to work in.
    """
    by_tone, by_dose = not math.isnan(row[_ASHWORTH]), not math.isnan(row[_CHANGE])
    by_spasms = not math.isnan(row[_PENN])
    if not (by_tone or by_dose or by_spasms):
        return
    if by_tone and by_dose:
        habit_adjoint(g, own, row, g_bar, own_bar)
    t_bar[:, :] = 0.0
    if by_spasms:
        for s in range(N_STATE):
            _read_spasms_adjoint(
                g, row, toned[s], kept[_AFTER, s], kept[_LIKES, s, _BY_SPASMS], bar[s], t_bar[s],
                g_bar,
            )  # fmt: skip
    if by_tone:
        wild = wild_at(row[_ASHWORTH])
        for s in range(N_STATE):
            t = kept[_BEFORE, s]
            v_bar, g0_bar, g1_bar, gt_bar, s_bar, outlier_bar, _ = absorb_adjoint(
                b[s], t, row[_ASHWORTH] - t[0], t[2], t[3], t[1], t[1] + own[_TONE_VAR],
                g[_OUTLIER], wild, LOST_SHARE, row[_DOSE], kept[_LIKES, s, _BY_TONE],
                bar[s], t_bar[s],
            )  # fmt: skip
            g_bar[_OUTLIER] += outlier_bar
            own_bar[_TONE_VAR] += s_bar
            t_bar[s, 0] -= v_bar
            t_bar[s, 1] += gt_bar + s_bar
            t_bar[s, 2] += g0_bar
            t_bar[s, 3] += g1_bar
    elif by_dose:
        for s in range(N_STATE):
            read_dose_adjoint(
                g, own, row, b[s], kept[_BEFORE, s], toned[s], kept[_LIKES, s, _BY_TONE], bar[s],
                t_bar[s], g_bar, own_bar,
            )  # fmt: skip
    for s in range(N_STATE):
        begin_tone_adjoint(
            g, own, s, b[s], kept[_SHARES, s], row, codes, t_bar[s], bar[s], g_bar, own_bar
        )
