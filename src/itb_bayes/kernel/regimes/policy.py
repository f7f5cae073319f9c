"""The titration policy: what the clinician does to the dose, acting on the reading.

With ``e`` the reading above the centre's goal (points, the noise of the reading included), the dose
stays unchanged with probability ``still * exp(-e**2 / (2 still_var))``; otherwise its log changes
by a Gaussian around ``gain * e``. Where the reading was written down, the policy says nothing about
the patient beyond it, and a share of decisions follows no rule (an admission, a largest dose, a
withdrawal that is treated otherwise): unchanged as often as not, or changed by anything up to a
factor of 2.7 (``WIDEST_CHANGE``). Where it was not, the dose change is a reading in its place; one
that says nothing is then such a decision without a rule.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import UNRULED_NOT_CHANGED, WIDEST_CHANGE, Col, Own, Par
from itb_bayes.kernel.regimes.reading import absorb, absorb_adjoint

_LOG_2PI = math.log(2.0 * math.pi)
_ANY_CHANGE = (1.0 - UNRULED_NOT_CHANGED) * 0.5 / WIDEST_CHANGE
"""Density of a change of the log dose that follows no rule, chance of any change included."""
_LOG_NOT_CHANGED, _LOG_ANY = math.log(UNRULED_NOT_CHANGED), math.log(_ANY_CHANGE)
_UNRULED = int(Par.UNRULED)
_GAIN, _VAR = int(Par.GAIN), int(Par.DOSE_VAR)
_STILL, _STILL_VAR, _OUTLIER = int(Par.STILL), int(Par.STILL_VAR), int(Par.OUTLIER)
_GOAL, _TONE_VAR = int(Own.GOAL), int(Own.TONE_VAR)
_ASHWORTH, _CHANGE = int(Col.ASHWORTH), int(Col.DOSE_CHANGE)


@part
def _by_rule(g: Any, own: Any, row: Any) -> Any:
    """Return log-likelihoods of the dose change by the rule and without one."""
    e = row[_ASHWORTH] - own[_GOAL]
    # In logs: a reading far from the goal leaves no dose alone, but that must not be impossible.
    log_still = math.log(g[_STILL]) - 0.5 * e * e / g[_STILL_VAR]
    if row[_CHANGE] == 0.0:
        return log_still, _LOG_NOT_CHANGED
    v = row[_CHANGE] - g[_GAIN] * e
    changed = math.log1p(-math.exp(log_still))
    return changed - 0.5 * (_LOG_2PI + math.log(g[_VAR]) + v * v / g[_VAR]), _LOG_ANY


@part
def habit(g: Any, own: Any, row: Any) -> float:
    """Return the log-likelihood of the dose change given the reading that was written down."""
    ruled, unruled = _by_rule(g, own, row)
    return math.log((1.0 - g[_UNRULED]) * math.exp(ruled) + g[_UNRULED] * math.exp(unruled))


@part
def habit_adjoint(g: Any, own: Any, row: Any, g_bar: Any, own_bar: Any) -> None:
    """Add the gradient of :func:`habit`."""
    ruled, unruled = _by_rule(g, own, row)
    share = g[_UNRULED]
    by_rule, by_none = (1.0 - share) * math.exp(ruled), share * math.exp(unruled)
    bar = by_rule / (by_rule + by_none)
    g_bar[_UNRULED] += (1.0 - bar) / share - bar / (1.0 - share)
    e = row[_ASHWORTH] - own[_GOAL]
    width = g[_STILL_VAR]
    if row[_CHANGE] == 0.0:
        log_still_bar = bar
        e_bar = 0.0
    else:
        v = row[_CHANGE] - g[_GAIN] * e
        still = g[_STILL] * math.exp(-0.5 * e * e / width)
        log_still_bar = -bar * still / (1.0 - still)
        e_bar = bar * g[_GAIN] * v / g[_VAR]
        g_bar[_GAIN] += bar * e * v / g[_VAR]
        g_bar[_VAR] += bar * 0.5 * (v * v / g[_VAR] - 1.0) / g[_VAR]
    g_bar[_STILL] += log_still_bar / g[_STILL]
    g_bar[_STILL_VAR] += log_still_bar * 0.5 * e * e / (width * width)
    e_bar -= log_still_bar * e / width
    own_bar[_GOAL] -= e_bar


@part
def _left_alone(g: Any, e: float, var: float) -> float:
    """Return the chance that a dose is left alone at a reading about ``e`` above the goal."""
    wide = var + g[_STILL_VAR]
    return g[_STILL] * math.sqrt(g[_STILL_VAR] / wide) * math.exp(-0.5 * e * e / wide)


@part
def _left_alone_adjoint(g: Any, e: float, var: float, chance_bar: float, g_bar: Any) -> Any:
    """Add the reverse of :func:`_left_alone`; return the adjoints of ``e`` and ``var``."""
    wide = var + g[_STILL_VAR]
    log_bar = chance_bar * _left_alone(g, e, var)
    wide_bar = log_bar * 0.5 * (e * e / wide - 1.0) / wide
    g_bar[_STILL] += log_bar / g[_STILL]
    g_bar[_STILL_VAR] += 0.5 * log_bar / g[_STILL_VAR] + wide_bar
    return -log_bar * e / wide, wide_bar


@part
def _still(g: Any, own: Any, row: Any, tone: float, spread: float, like: float) -> Any:
    """Return the chance that a dose that was changed would have been left alone, and its parts.

    The reading, of variance ``spread`` around ``tone`` before the change, is known better after it:
    it is what the change answers to, give or take. The parts are the chances of a decision without
    a rule, and of leaving the dose alone if it has one.
    """
    answered = row[_CHANGE] / g[_GAIN]
    var = g[_VAR] / (g[_GAIN] * g[_GAIN])
    told = ((tone - own[_GOAL]) * var + answered * spread) / (spread + var)
    wild = g[_OUTLIER] * _ANY_CHANGE * g[_GAIN] / like
    plain = _left_alone(g, told, spread * var / (spread + var))
    return (1.0 - wild) * plain, wild, plain


@part
def _still_adjoint(
    g: Any, own: Any, row: Any, tone: float, spread: float, like: float, still_bar: float,
    g_bar: Any, own_bar: Any,
) -> Any:  # fmt: skip
    """Add the reverse of :func:`_still`; return the adjoints of ``tone`` and ``spread``."""
    gain, outlier = g[_GAIN], g[_OUTLIER]
    answered = row[_CHANGE] / gain
    var = g[_VAR] / (gain * gain)
    total = spread + var
    expected = tone - own[_GOAL]
    told = (expected * var + answered * spread) / total
    _, wild, plain = _still(g, own, row, tone, spread, like)
    e_bar, narrow_bar = _left_alone_adjoint(
        g, told, spread * var / total, still_bar * (1.0 - wild), g_bar
    )
    expected_bar, answered_bar = e_bar * var / total, e_bar * spread / total
    spread_bar = e_bar * (answered - told) / total + narrow_bar * var * var / (total * total)
    var_bar = e_bar * (expected - told) / total + narrow_bar * spread * spread / (total * total)
    # The chance of a decision without a rule, by the log of its odds.
    odds_bar = -still_bar * plain * wild * (1.0 - wild)
    v = answered - expected
    g_bar[_OUTLIER] += odds_bar / (outlier * (1.0 - outlier))
    g_bar[_GAIN] += odds_bar / gain
    expected_bar -= odds_bar * v / total
    answered_bar += odds_bar * v / total
    total_bar = -odds_bar * 0.5 * (v * v / total - 1.0) / total
    spread_bar += total_bar
    var_bar += total_bar
    g_bar[_VAR] += var_bar / (gain * gain)
    g_bar[_GAIN] -= (answered_bar * answered + 2.0 * var_bar * var) / gain
    own_bar[_GOAL] -= expected_bar
    return expected_bar, spread_bar


@part
def _scale_of_still(g: Any) -> float:
    """Return what makes a Gaussian density of the reading the chance of leaving the dose alone."""
    return g[_STILL] * math.sqrt(2.0 * math.pi * g[_STILL_VAR])


@part
def read_dose(g: Any, own: Any, row: Any, b: Any, t: Any, out: Any, t_out: Any) -> float:
    """Update one state (6,) and its tone (4,) by a dose change whose reading was not written down.

    Returns the likelihood of the reading that the change stands for, which serves the reverse.
    """
    if row[_CHANGE] == 0.0:
        scale = _scale_of_still(g)
        like = absorb(
            b, t, own[_GOAL] - t[0], t[2], t[3], t[1], t[1] + own[_TONE_VAR] + g[_STILL_VAR],
            g[_OUTLIER], UNRULED_NOT_CHANGED / scale, 0.0, 0.0, out, t_out,
        )  # fmt: skip
        out[0] *= scale
        return like
    x = own[_GOAL] + row[_CHANGE] / g[_GAIN]
    spread = t[1] + own[_TONE_VAR]
    like = absorb(
        b, t, x - t[0], t[2], t[3], t[1], spread + g[_VAR] / (g[_GAIN] * g[_GAIN]),
        g[_OUTLIER], _ANY_CHANGE * g[_GAIN], 0.0, 0.0, out, t_out,
    )  # fmt: skip
    still = _still(g, own, row, t[0], spread, like)[0]
    out[0] *= (1.0 - still) / g[_GAIN]
    return like


@part
def read_dose_adjoint(
    g: Any, own: Any, row: Any, b: Any, t: Any, out: Any, like: float,
    bar: Any, t_bar: Any, g_bar: Any, own_bar: Any,
) -> None:  # fmt: skip
    """Turn ``bar`` (6,) and ``t_bar`` (4,) into the adjoints before :func:`read_dose`, in place.

    ``out`` is what it made of ``b``, ``like`` what it returned.
    """
    ell_bar = bar[0] * out[0]
    if row[_CHANGE] == 0.0:
        scale = _scale_of_still(g)
        bar[0] *= scale
        v_bar, g0_bar, g1_bar, gt_bar, s_bar, outlier_bar, density_bar = absorb_adjoint(
            b, t, own[_GOAL] - t[0], t[2], t[3], t[1], t[1] + own[_TONE_VAR] + g[_STILL_VAR],
            g[_OUTLIER], UNRULED_NOT_CHANGED / scale, 0.0, 0.0, like, bar, t_bar,
        )  # fmt: skip
        g_bar[_STILL] += (ell_bar - density_bar) / g[_STILL]
        g_bar[_STILL_VAR] += 0.5 * (ell_bar - density_bar) / g[_STILL_VAR] + s_bar
        tone_bar, spread_bar = -v_bar, s_bar
    else:
        gain = g[_GAIN]
        x = own[_GOAL] + row[_CHANGE] / gain
        spread = t[1] + own[_TONE_VAR]
        still = _still(g, own, row, t[0], spread, like)[0]
        tone_bar, spread_bar = _still_adjoint(
            g, own, row, t[0], spread, like, -ell_bar / (1.0 - still), g_bar, own_bar
        )
        bar[0] *= (1.0 - still) / gain
        v_bar, g0_bar, g1_bar, gt_bar, s_bar, outlier_bar, density_bar = absorb_adjoint(
            b, t, x - t[0], t[2], t[3], t[1], spread + g[_VAR] / (gain * gain),
            g[_OUTLIER], _ANY_CHANGE * gain, 0.0, 0.0, like, bar, t_bar,
        )  # fmt: skip
        g_bar[_VAR] += s_bar / (gain * gain)
        gain_bar = (density_bar - ell_bar) / gain - v_bar * row[_CHANGE] / (gain * gain)
        g_bar[_GAIN] += gain_bar - 2.0 * s_bar * g[_VAR] / (gain * gain * gain)
        tone_bar -= v_bar
        spread_bar += s_bar
    own_bar[_GOAL] += v_bar
    own_bar[_TONE_VAR] += spread_bar
    g_bar[_OUTLIER] += outlier_bar
    t_bar[0] += tone_bar
    t_bar[1] += gt_bar + spread_bar
    t_bar[2] += g0_bar
    t_bar[3] += g1_bar
