"""The titration policy: what the clinician does to the dose, acting on the reading.

With ``e`` the reading above the centre's goal (points, the noise of the reading included), the dose
stays unchanged with probability ``still * exp(-e**2 / (2 still_var))``; otherwise its log changes
by a Gaussian around ``gain * e``. Where the reading was written down, the policy says nothing about
the patient beyond it, and a share of decisions follows no rule (an admission, a largest dose, a
withdrawal that is treated otherwise): unchanged as often as not, or changed by anything up to a
factor of 2.7 (``WIDEST_CHANGE``). Where it was not, the dose change is a reading in its place.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import N_STATE, OUTLIER_DENSITY, WIDEST_CHANGE, Col, Own, Par
from itb_bayes.kernel.regimes.reading import absorb, absorb_adjoint
from itb_bayes.kernel.regimes.tone import expect_tone, pull_tone, recall_tone

_LOG_2PI = math.log(2.0 * math.pi)
_LOG_HALF = math.log(0.5)
_LOG_ANY = math.log(0.25 / WIDEST_CHANGE)
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
        return log_still, _LOG_HALF
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
    it is what the change answers to, give or take. The parts are the chances of a reading that is
    an outlier, and of leaving the dose alone if it is none and if it is one.
    """
    answered = row[_CHANGE] / g[_GAIN]
    var = g[_VAR] / (g[_GAIN] * g[_GAIN])
    told = ((tone - own[_GOAL]) * var + answered * spread) / (spread + var)
    wild = g[_OUTLIER] * OUTLIER_DENSITY / like
    plain = _left_alone(g, told, spread * var / (spread + var))
    other = _left_alone(g, answered, var)
    return (1.0 - wild) * plain + wild * other, wild, plain, other


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
    _, wild, plain, other = _still(g, own, row, tone, spread, like)
    e_bar, narrow_bar = _left_alone_adjoint(
        g, told, spread * var / total, still_bar * (1.0 - wild), g_bar
    )
    answered_bar, var_bar = _left_alone_adjoint(g, answered, var, still_bar * wild, g_bar)
    expected_bar = e_bar * var / total
    answered_bar += e_bar * spread / total
    spread_bar = e_bar * (answered - told) / total + narrow_bar * var * var / (total * total)
    var_bar += e_bar * (expected - told) / total + narrow_bar * spread * spread / (total * total)
    # The chance of an outlier, by the log of its odds.
    odds_bar = still_bar * (other - plain) * wild * (1.0 - wild)
    v = answered - expected
    g_bar[_OUTLIER] += odds_bar / (outlier * (1.0 - outlier))
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
def read_dose(
    g: Any, own: Any, shift: float, row: Any, codes: Any, b: Any, out: Any, kept: Any
) -> None:
    """Update every state (11, 6) by a dose change whose reading was not written down.

    ``kept`` (11, 4) serves the reverse.
    """
    width = g[_STILL_VAR]
    unchanged = row[_CHANGE] == 0.0
    for s in range(N_STATE):
        tone, slope, extra, kept[s, 0], kept[s, 1], kept[s, 2] = expect_tone(
            g, own, shift, s, b[s], row, codes
        )
        noise = own[_TONE_VAR] + extra
        if unchanged:
            kept[s, 3] = absorb(
                b[s], own[_GOAL], tone, slope, 0.0, noise + width, g[_OUTLIER], out[s]
            )
            out[s, 0] *= g[_STILL] * math.sqrt(2.0 * math.pi * width)
            continue
        x = own[_GOAL] + row[_CHANGE] / g[_GAIN]
        wide = noise + g[_VAR] / (g[_GAIN] * g[_GAIN])
        kept[s, 3] = absorb(b[s], x, tone, slope, 0.0, wide, g[_OUTLIER], out[s])
        spread = slope * slope * b[s, 3] + noise
        still = _still(g, own, row, tone, spread, kept[s, 3])[0]
        out[s, 0] *= (1.0 - still) / g[_GAIN]


@part
def read_dose_adjoint(
    g: Any, own: Any, row: Any, codes: Any, b: Any, out: Any, kept: Any,
    bar: Any, g_bar: Any, own_bar: Any,
) -> None:  # fmt: skip
    """Turn ``bar`` (11, 6) into the adjoint of the belief before :func:`read_dose`.

    ``out`` is what it made of ``b``.
    """
    width = g[_STILL_VAR]
    unchanged = row[_CHANGE] == 0.0
    for s in range(N_STATE):
        tone, slope, extra = recall_tone(g, own, s, b[s], kept[s])
        noise = own[_TONE_VAR] + extra
        ell_bar = bar[s, 0] * out[s, 0]
        tone_bar = slope_bar = noise_bar = width_bar = goal_bar = gain_bar = 0.0
        if unchanged:
            g_bar[_STILL] += ell_bar / g[_STILL]
            width_bar += 0.5 * ell_bar / width
            bar[s, 0] *= g[_STILL] * math.sqrt(2.0 * math.pi * width)
            expected_bar, h_bar, wide_bar, outlier_bar = absorb_adjoint(
                b[s],
                own[_GOAL],
                tone,
                slope,
                0.0,
                noise + width,
                g[_OUTLIER],
                kept[s, 3],
                bar[s],
            )
            goal_bar -= expected_bar
            width_bar += wide_bar
        else:
            gain = g[_GAIN]
            x = own[_GOAL] + row[_CHANGE] / gain
            wide = noise + g[_VAR] / (gain * gain)
            spread = slope * slope * b[s, 3] + noise
            still = _still(g, own, row, tone, spread, kept[s, 3])[0]
            tone_bar, spread_bar = _still_adjoint(
                g, own, row, tone, spread, kept[s, 3], -ell_bar / (1.0 - still), g_bar, own_bar
            )
            noise_bar = spread_bar
            slope_bar = 2.0 * spread_bar * slope * b[s, 3]
            gain_bar -= ell_bar / gain
            bar[s, 0] *= (1.0 - still) / gain
            expected_bar, h_bar, wide_bar, outlier_bar = absorb_adjoint(
                b[s], x, tone, slope, 0.0, wide, g[_OUTLIER], kept[s, 3], bar[s]
            )
            bar[s, 3] += spread_bar * slope * slope
            goal_bar -= expected_bar
            gain_bar += expected_bar * row[_CHANGE] / (gain * gain)
            g_bar[_VAR] += wide_bar / (gain * gain)
            gain_bar -= 2.0 * wide_bar * g[_VAR] / (gain * gain * gain)
        tone_bar += expected_bar
        slope_bar += h_bar
        noise_bar += wide_bar
        g_bar[_OUTLIER] += outlier_bar
        g_bar[_GAIN] += gain_bar
        g_bar[_STILL_VAR] += width_bar
        own_bar[_GOAL] += goal_bar
        own_bar[_TONE_VAR] += noise_bar
        pull_tone(
            g, own, s, b[s], kept[s], row, codes, tone_bar, slope_bar, noise_bar,
            bar[s], g_bar, own_bar,
        )  # fmt: skip
