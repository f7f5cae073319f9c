"""The titration policy: what the clinician does to the dose, acting on the reading.

With ``e`` the reading above the centre's goal (points, the noise of the reading included), the dose
stays unchanged with probability ``still * exp(-e**2 / (2 still_var))``; otherwise its log changes
by a Gaussian around ``gain * e``. Where the reading was written down, the policy says nothing about
the patient beyond it; where it was not, the dose change is a reading in its place.
"""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import N_STATE, Col, Own, Par
from itb_bayes.kernel.regimes.reading import absorb, absorb_adjoint
from itb_bayes.kernel.regimes.step import expect_tone, pull_tone, recall_tone

_LOG_2PI = math.log(2.0 * math.pi)
_GAIN, _VAR = int(Par.GAIN), int(Par.DOSE_VAR)
_STILL, _STILL_VAR, _OUTLIER = int(Par.STILL), int(Par.STILL_VAR), int(Par.OUTLIER)
_GOAL, _TONE_VAR = int(Own.GOAL), int(Own.TONE_VAR)
_ASHWORTH, _CHANGE = int(Col.ASHWORTH), int(Col.DOSE_CHANGE)


@part
def habit(g: Any, own: Any, row: Any) -> float:
    """Return the log-likelihood of the dose change given the reading that was written down."""
    e = row[_ASHWORTH] - own[_GOAL]
    # In logs: a reading far from the goal leaves no dose alone, but that must not be impossible.
    log_still = math.log(g[_STILL]) - 0.5 * e * e / g[_STILL_VAR]
    if row[_CHANGE] == 0.0:
        return log_still
    v = row[_CHANGE] - g[_GAIN] * e
    changed = math.log1p(-math.exp(log_still))
    return changed - 0.5 * (_LOG_2PI + math.log(g[_VAR]) + v * v / g[_VAR])


@part
def habit_adjoint(g: Any, own: Any, row: Any, g_bar: Any, own_bar: Any) -> None:
    """Add the gradient of :func:`habit`."""
    e = row[_ASHWORTH] - own[_GOAL]
    width = g[_STILL_VAR]
    if row[_CHANGE] == 0.0:
        log_still_bar = 1.0
        e_bar = 0.0
    else:
        v = row[_CHANGE] - g[_GAIN] * e
        still = g[_STILL] * math.exp(-0.5 * e * e / width)
        log_still_bar = -still / (1.0 - still)
        e_bar = g[_GAIN] * v / g[_VAR]
        g_bar[_GAIN] += e * v / g[_VAR]
        g_bar[_VAR] += 0.5 * (v * v / g[_VAR] - 1.0) / g[_VAR]
    g_bar[_STILL] += log_still_bar / g[_STILL]
    g_bar[_STILL_VAR] += log_still_bar * 0.5 * e * e / (width * width)
    e_bar -= log_still_bar * e / width
    own_bar[_GOAL] -= e_bar


@part
def read_dose(
    g: Any, own: Any, shift: float, row: Any, codes: Any, b: Any, out: Any, kept: Any
) -> None:
    """Update every state (9, 6) by a dose change whose reading was not written down.

    ``kept`` (9, 2) serves the reverse.
    """
    width = g[_STILL_VAR]
    unchanged = row[_CHANGE] == 0.0
    for s in range(N_STATE):
        tone, slope, extra, kept[s, 0] = expect_tone(g, own, shift, s, b[s, 1], row, codes)
        noise = own[_TONE_VAR] + extra
        if unchanged:
            kept[s, 1] = absorb(
                b[s], own[_GOAL], tone, slope, 0.0, noise + width, g[_OUTLIER], out[s]
            )
            out[s, 0] *= g[_STILL] * math.sqrt(2.0 * math.pi * width)
            continue
        x = own[_GOAL] + row[_CHANGE] / g[_GAIN]
        wide = noise + g[_VAR] / (g[_GAIN] * g[_GAIN])
        kept[s, 1] = absorb(b[s], x, tone, slope, 0.0, wide, g[_OUTLIER], out[s])
        e = tone + slope * (out[s, 1] - b[s, 1]) - own[_GOAL]
        spread = slope * slope * out[s, 3] + noise + width
        still = g[_STILL] * math.sqrt(width / spread) * math.exp(-0.5 * e * e / spread)
        out[s, 0] *= (1.0 - still) / g[_GAIN]


@part
def read_dose_adjoint(
    g: Any, own: Any, row: Any, codes: Any, b: Any, out: Any, kept: Any,
    bar: Any, g_bar: Any, own_bar: Any,
) -> None:  # fmt: skip
    """Turn ``bar`` (9, 6) into the adjoint of the belief before :func:`read_dose`.

    ``out`` is what it made of ``b``.
    """
    width = g[_STILL_VAR]
    unchanged = row[_CHANGE] == 0.0
    for s in range(N_STATE):
        tone, slope, extra = recall_tone(g, own, s, kept[s, 0])
        noise = own[_TONE_VAR] + extra
        ell_bar = bar[s, 0] * out[s, 0]
        tone_bar = slope_bar = noise_bar = width_bar = goal_bar = gain_bar = 0.0
        if unchanged:
            g_bar[_STILL] += ell_bar / g[_STILL]
            width_bar += 0.5 * ell_bar / width
            bar[s, 0] *= g[_STILL] * math.sqrt(2.0 * math.pi * width)
            expected_bar, h_bar, wide_bar, outlier_bar = absorb_adjoint(
                b[s], own[_GOAL], tone, slope, 0.0, noise + width, g[_OUTLIER], kept[s, 1],
                bar[s],
            )
            goal_bar -= expected_bar
            width_bar += wide_bar
        else:
            gain = g[_GAIN]
            x = own[_GOAL] + row[_CHANGE] / gain
            wide = noise + g[_VAR] / (gain * gain)
            e = tone + slope * (out[s, 1] - b[s, 1]) - own[_GOAL]
            spread = slope * slope * out[s, 3] + noise + width
            still = g[_STILL] * math.sqrt(width / spread) * math.exp(-0.5 * e * e / spread)
            still_bar = -ell_bar / (1.0 - still) * still
            g_bar[_STILL] += still_bar / g[_STILL]
            e_bar = -still_bar * e / spread
            spread_bar = still_bar * 0.5 * (e * e / spread - 1.0) / spread
            width_bar += 0.5 * still_bar / width + spread_bar
            noise_bar += spread_bar
            tone_bar += e_bar
            goal_bar -= e_bar
            moved = out[s, 1] - b[s, 1]
            slope_bar += e_bar * moved + 2.0 * spread_bar * slope * out[s, 3]
            bar[s, 1] += e_bar * slope
            bar[s, 3] += spread_bar * slope * slope
            gain_bar -= ell_bar / gain
            bar[s, 0] *= (1.0 - still) / gain
            expected_bar, h_bar, wide_bar, outlier_bar = absorb_adjoint(
                b[s], x, tone, slope, 0.0, wide, g[_OUTLIER], kept[s, 1], bar[s]
            )
            bar[s, 1] -= e_bar * slope
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
            g, own, s, b[s, 1], kept[s, 0], row, codes, tone_bar, slope_bar, noise_bar,
            bar, g_bar, own_bar,
        )  # fmt: skip
