"""What is read at one visit: tone, or the dose change in its place, then spasms.

Everything read at a visit is of one tone (:mod:`itb_bayes.kernel.regimes.tone`), so tone is
expected once and carried from reading to reading.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import LOST_SHARE, N_STATE, Col, Own, Par
from itb_bayes.kernel.regimes.policy import habit, habit_adjoint, read_dose, read_dose_adjoint
from itb_bayes.kernel.regimes.reading import absorb, absorb_adjoint, wild_at
from itb_bayes.kernel.regimes.tone import N_TONE, begin_tone, begin_tone_adjoint

_ASHWORTH, _PENN = int(Col.ASHWORTH), int(Col.PENN)
_DOSE, _CHANGE = int(Col.LOG_DOSE), int(Col.DOSE_CHANGE)
_TONE_VAR, _OUTLIER = int(Own.TONE_VAR), int(Par.OUTLIER)
_PENN_A, _PENN_B, _PENN_VAR = int(Par.PENN_INTERCEPT), int(Par.PENN_SLOPE), int(Par.PENN_VAR)

_SHARES = slice(0, 3)
_BY_TONE, _BY_SPASMS = 3, 4
_BEFORE, _AFTER, _LAST = slice(5, 9), slice(9, 13), slice(13, 17)

N_KEPT = 5 + 3 * N_TONE
"""Kept of each state for the reverse: tone over untreated tone at three points, likelihoods of tone
(or dose) and spasms, tone before its reading, after it, and after the spasms."""


@part
def read_visit(
    g: Any, own: Any, shift: float, row: Any, codes: Any, b: Any, toned: Any, out: Any, kept: Any
) -> float:
    """Update every state (11, 6): ``b`` by tone or dose to ``toned``, that by spasms to ``out``.

    ``kept`` (11, 17) serves the reverse. Returns what the dose change says of the policy where the
    reading behind it was written down: the same in all states.
    """
    by_tone, by_dose = not math.isnan(row[_ASHWORTH]), not math.isnan(row[_CHANGE])
    by_spasms = not math.isnan(row[_PENN])
    if not (by_tone or by_dose or by_spasms):
        toned[:, :] = b
        out[:, :] = b
        return 0.0
    for s in range(N_STATE):
        before, after = kept[s, _BEFORE], kept[s, _AFTER]
        begin_tone(g, own, shift, s, b[s], row, codes, kept[s, _SHARES], before)
        if by_tone:
            kept[s, _BY_TONE] = absorb(
                b[s], before, row[_ASHWORTH] - before[0], before[2], before[3], before[1],
                before[1] + own[_TONE_VAR], g[_OUTLIER], wild_at(row[_ASHWORTH]), LOST_SHARE,
                row[_DOSE],
                toned[s], after,
            )  # fmt: skip
        elif by_dose:
            kept[s, _BY_TONE] = read_dose(g, own, row, b[s], before, toned[s], after)
        else:
            toned[s] = b[s]
            after[:] = before
        if by_spasms:
            kept[s, _BY_SPASMS] = _read_spasms(g, row, toned[s], after, out[s], kept[s, _LAST])
        else:
            out[s] = toned[s]
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
    t_bar[:] = 0.0
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

    ``t_bar`` (4,) is room to work in.
    """
    by_tone, by_dose = not math.isnan(row[_ASHWORTH]), not math.isnan(row[_CHANGE])
    by_spasms = not math.isnan(row[_PENN])
    if not (by_tone or by_dose or by_spasms):
        return
    if by_tone and by_dose:
        habit_adjoint(g, own, row, g_bar, own_bar)
    for s in range(N_STATE):
        before, after = kept[s, _BEFORE], kept[s, _AFTER]
        t_bar[:] = 0.0
        if by_spasms:
            _read_spasms_adjoint(g, row, toned[s], after, kept[s, _BY_SPASMS], bar[s], t_bar, g_bar)
        if by_tone:
            v_bar, g0_bar, g1_bar, gt_bar, s_bar, outlier_bar, _ = absorb_adjoint(
                b[s], before, row[_ASHWORTH] - before[0], before[2], before[3], before[1],
                before[1] + own[_TONE_VAR], g[_OUTLIER], wild_at(row[_ASHWORTH]), LOST_SHARE,
                row[_DOSE],
                kept[s, _BY_TONE], bar[s], t_bar,
            )  # fmt: skip
            g_bar[_OUTLIER] += outlier_bar
            own_bar[_TONE_VAR] += s_bar
            t_bar[0] -= v_bar
            t_bar[1] += gt_bar + s_bar
            t_bar[2] += g0_bar
            t_bar[3] += g1_bar
        elif by_dose:
            read_dose_adjoint(
                g, own, row, b[s], before, toned[s], kept[s, _BY_TONE], bar[s], t_bar,
                g_bar, own_bar,
            )  # fmt: skip
        begin_tone_adjoint(
            g, own, s, b[s], kept[s, _SHARES], row, codes, t_bar, bar[s], g_bar, own_bar
        )
