"""Tone expected in a state, over all requirements that the state thinks possible.

Tone saturates at both ends, so a tangent at the mean requirement goes wrong wherever the
requirement is not well known: it sees no effect of a requirement far off, and one reading then
moves the mean without measure. Three points of the requirement (Gauss-Hermite) give mean,
regression slope and left-over variance of the tone instead (statistical linearisation; Arasaratnam
et al. 2007, Proc IEEE 95:953). While a device fault lets a share of the dose through, that share
differs from visit to visit: its spread joins that of the requirement.

The tone of a visit is carried beside requirement and offset until its last reading is met: mean,
variance, covariance with requirement and with offset (4,).
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import Code, Col, Own, Par, State
from itb_bayes.kernel.regimes.response import respond, respond_adjoint

_TRIGGER, _SEVERE = int(State.TRIGGER), int(State.CATHETER_SEVERE)
_UNTREATED, _DOSE, _BOLUS = int(Own.UNTREATED), int(Col.LOG_DOSE), int(Code.BOLUS)
_HILL, _POTENCY = int(Par.HILL), int(Par.BOLUS_POTENCY)
_LOSS, _LOSS_VAR = int(Par.LOSS_SEVERE), int(Par.LOSS_SEVERE_VAR)
_TRIGGER_TONE, _TRIGGER_VAR = int(Par.TRIGGER_TONE), int(Par.TRIGGER_TONE_VAR)
_ROOT_3 = math.sqrt(3.0)

TINY_VAR = 1e-16
"""Added to the spread of the gap: three points of a requirement that is known must differ."""

N_TONE = 4
"""Tone of a visit: mean, variance, covariances with requirement and spasm offset."""


@part
def _gap(g: Any, s: int, mean: float, row: Any, codes: Any) -> float:
    gap = mean - row[_DOSE] - g[_POTENCY] * codes[_BOLUS]
    return gap + g[_LOSS + s - _SEVERE] if s >= _SEVERE else gap


@part
def _spread(g: Any, s: int, var: float) -> float:
    var += TINY_VAR
    return math.sqrt(var + g[_LOSS_VAR + s - _SEVERE]) if s >= _SEVERE else math.sqrt(var)


@part
def _moments(g: Any, s: int, var: float, sd: float, low: float, mid: float, high: float) -> Any:
    """Return mean, regression slope and left-over variance of three tones."""
    tone = (low + 4.0 * mid + high) / 6.0
    slope = (high - low) / (2.0 * _ROOT_3 * sd)
    extra = ((low - tone) ** 2 + 4.0 * (mid - tone) ** 2 + (high - tone) ** 2) / 6.0
    extra -= slope * slope * var
    if s == _TRIGGER:
        return tone + g[_TRIGGER_TONE], slope, extra + g[_TRIGGER_VAR]
    return tone, slope, extra


@part
def expect_tone(g: Any, own: Any, shift: float, s: int, b: Any, row: Any, codes: Any) -> Any:
    """Return expected tone, its slope in the requirement, the variance left over, and three shares.

    ``b`` (6,) is the belief of state ``s``; ``shift`` is
    :func:`~itb_bayes.kernel.regimes.response.shift_of` the patient's untreated tone; the shares are
    kept for :func:`pull_tone`.
    """
    at, sd = _gap(g, s, b[1], row, codes), _spread(g, s, b[3])
    away = _ROOT_3 * sd
    untreated, hill = own[_UNTREATED], g[_HILL]
    low, low_share = respond(at - away, untreated, hill, shift)
    mid, mid_share = respond(at, untreated, hill, shift)
    high, high_share = respond(at + away, untreated, hill, shift)
    tone, slope, extra = _moments(g, s, b[3], sd, low, mid, high)
    return tone, slope, extra, low_share, mid_share, high_share


@part
def begin_tone(
    g: Any, own: Any, shift: float, s: int, b: Any, row: Any, codes: Any, shares: Any, t: Any
) -> None:
    """Fill ``t`` (4,) with the tone of a visit; ``shares`` (3,) serve the reverse."""
    tone, slope, extra, shares[0], shares[1], shares[2] = expect_tone(
        g, own, shift, s, b, row, codes
    )
    t[0] = tone
    t[1] = slope * slope * b[3] + extra
    t[2] = slope * b[3]
    t[3] = slope * b[4]


@part
def begin_tone_adjoint(
    g: Any, own: Any, s: int, b: Any, shares: Any, row: Any, codes: Any, t_bar: Any,
    bar: Any, g_bar: Any, own_bar: Any,
) -> None:  # fmt: skip
    """Add the reverse of :func:`begin_tone` to ``bar`` (6,), ``g_bar`` and ``own_bar``."""
    slope = own[_UNTREATED] * (shares[2] - shares[0]) / (2.0 * _ROOT_3 * _spread(g, s, b[3]))
    slope_bar = 2.0 * slope * b[3] * t_bar[1] + b[3] * t_bar[2] + b[4] * t_bar[3]
    bar[3] += slope * (slope * t_bar[1] + t_bar[2])
    bar[4] += slope * t_bar[3]
    pull_tone(g, own, s, b, shares, row, codes, t_bar[0], slope_bar, t_bar[1], bar, g_bar, own_bar)


@part
def pull_tone(
    g: Any, own: Any, s: int, b: Any, kept: Any, row: Any, codes: Any,
    tone_bar: float, slope_bar: float, extra_bar: float, bar: Any, g_bar: Any, own_bar: Any,
) -> None:  # fmt: skip
    """Add the reverse of :func:`expect_tone` to ``bar`` (6,), ``g_bar`` and ``own_bar``."""
    untreated, hill = own[_UNTREATED], g[_HILL]
    at, sd = _gap(g, s, b[1], row, codes), _spread(g, s, b[3])
    tone = untreated * (kept[0] + 4.0 * kept[1] + kept[2]) / 6.0
    slope = untreated * (kept[2] - kept[0]) / (2.0 * _ROOT_3 * sd)
    if s == _TRIGGER:
        g_bar[_TRIGGER_TONE] += tone_bar
        g_bar[_TRIGGER_VAR] += extra_bar
    # Left-over variance: that of the three tones less slope^2 var.
    slope_bar -= 2.0 * slope * b[3] * extra_bar
    bar[3] -= slope * slope * extra_bar
    sd_bar = -slope_bar * slope / sd
    gap_bar = 0.0
    for k in range(3):
        place = (k - 1) * _ROOT_3
        weight = 4.0 / 6.0 if k == 1 else 1.0 / 6.0
        here_bar = weight * (tone_bar + 2.0 * (untreated * kept[k] - tone) * extra_bar)
        here_bar += (k - 1) * slope_bar / (2.0 * _ROOT_3 * sd)
        one, untreated_bar, hill_bar = respond_adjoint(
            at + place * sd, untreated, hill, kept[k], here_bar
        )
        gap_bar += one
        sd_bar += place * one
        own_bar[_UNTREATED] += untreated_bar
        g_bar[_HILL] += hill_bar
    var_bar = 0.5 * sd_bar / sd
    bar[1] += gap_bar
    bar[3] += var_bar
    g_bar[_POTENCY] -= gap_bar * codes[_BOLUS]
    if s >= _SEVERE:
        g_bar[_LOSS + s - _SEVERE] += gap_bar
        g_bar[_LOSS_VAR + s - _SEVERE] += var_bar
