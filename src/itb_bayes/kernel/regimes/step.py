"""The parts of one filter step that concern the requirement: drift, tone and spasm readings."""

import math
from typing import Any

from itb_bayes.kernel.compiled import part
from itb_bayes.kernel.regimes.layout import N_STATE, START_ELSEWHERE, Code, Col, Own, Par, State
from itb_bayes.kernel.regimes.reading import absorb, absorb_adjoint
from itb_bayes.kernel.regimes.response import respond, respond_adjoint, shift_of

_RISING, _WORSE = int(State.TOLERANCE_RISING), int(State.PROGRESSION)
_TRIGGER, _LEAKING = int(State.TRIGGER), int(State.CATHETER_LEAKING)
_CREEPING, _SEVERE = int(State.CATHETER_CREEPING), int(State.CATHETER_SEVERE)
_DRIFT, _UNTREATED, _TONE_VAR = int(Own.DRIFT), int(Own.UNTREATED), int(Own.TONE_VAR)
_T, _DOSE = int(Col.T), int(Col.LOG_DOSE)
_ASHWORTH, _PENN, _BOLUS = int(Col.ASHWORTH), int(Col.PENN), int(Code.BOLUS)
_WANDER = int(Par.WANDER_VAR)
_TITRATION, _TITRATION_YEARS = int(Par.TITRATION), int(Par.TITRATION_YEARS)
_TITRATION_VAR = int(Par.TITRATION_VAR)
_START, _START_VAR = int(Par.START_GAP), int(Par.START_VAR)
_T_RATE, _T_VAR = int(Par.TOLERANCE_RATE), int(Par.TOLERANCE_VAR)
_P_RATE, _P_VAR = int(Par.PROGRESSION_RATE), int(Par.PROGRESSION_VAR)
_HILL, _LOSS, _LOSS_VAR = int(Par.HILL), int(Par.LOSS_SEVERE), int(Par.LOSS_SEVERE_VAR)
_LEAK_RATE, _LEAK_VAR = int(Par.LEAK_RATE), int(Par.LEAK_VAR)
_CREEP_RATE, _CREEP_VAR = int(Par.CREEP_RATE), int(Par.CREEP_VAR)
_TRIGGER_TONE, _TRIGGER_VAR = int(Par.TRIGGER_TONE), int(Par.TRIGGER_TONE_VAR)
_OUTLIER, _PENN_A, _PENN_B = int(Par.OUTLIER), int(Par.PENN_INTERCEPT), int(Par.PENN_SLOPE)
_PENN_VAR, _PENN_PATIENT = int(Par.PENN_VAR), int(Par.PENN_PATIENT_VAR)
_POTENCY = int(Par.BOLUS_POTENCY)
_ROOT_3 = math.sqrt(3.0)


@part
def begin(g: Any, log_dose: float, b: Any) -> None:
    """Fill the belief (11, 6) before the first step."""
    for s in range(N_STATE):
        b[s, 0] = START_ELSEWHERE
        b[s, 1] = log_dose + g[_START]
        b[s, 2] = 0.0
        b[s, 3] = g[_START_VAR]
        b[s, 4] = 0.0
        b[s, 5] = g[_PENN_PATIENT]
    b[0, 0] = 1.0 - (N_STATE - 1) * START_ELSEWHERE


@part
def begin_adjoint(bar: Any, g_bar: Any) -> None:
    """Add the reverse of :func:`begin` to ``g_bar``."""
    for s in range(N_STATE):
        g_bar[_START] += bar[s, 1]
        g_bar[_START_VAR] += bar[s, 3]
        g_bar[_PENN_PATIENT] += bar[s, 5]


@part
def drift(g: Any, own: Any, t: float, dt: float, b: Any) -> None:
    """Let the requirement of every state (11, 6) move over the time ``dt`` that ends at ``t``."""
    fading = math.exp(-(t - dt) / g[_TITRATION_YEARS]) - math.exp(-t / g[_TITRATION_YEARS])
    mean = own[_DRIFT] * dt + g[_TITRATION] * fading
    var = g[_WANDER] * dt + g[_TITRATION_VAR] * fading * fading
    for s in range(N_STATE):
        b[s, 1] += mean
        b[s, 3] += var
    b[_RISING, 1] += g[_T_RATE] * dt
    b[_RISING, 3] += g[_T_VAR] * dt
    b[_WORSE, 1] += g[_P_RATE] * dt
    b[_WORSE, 3] += g[_P_VAR] * dt
    b[_LEAKING, 1] += g[_LEAK_RATE] * dt
    b[_LEAKING, 3] += g[_LEAK_VAR] * dt
    b[_CREEPING, 1] += g[_CREEP_RATE] * dt
    b[_CREEPING, 3] += g[_CREEP_VAR] * dt


@part
def undrift(g: Any, own: Any, t: float, dt: float, b: Any) -> None:
    """Take back what :func:`drift` added to the means of a belief."""
    fading = math.exp(-(t - dt) / g[_TITRATION_YEARS]) - math.exp(-t / g[_TITRATION_YEARS])
    mean = own[_DRIFT] * dt + g[_TITRATION] * fading
    for s in range(N_STATE):
        b[s, 1] -= mean
    b[_RISING, 1] -= g[_T_RATE] * dt
    b[_WORSE, 1] -= g[_P_RATE] * dt
    b[_LEAKING, 1] -= g[_LEAK_RATE] * dt
    b[_CREEPING, 1] -= g[_CREEP_RATE] * dt


@part
def drift_adjoint(g: Any, t: float, dt: float, bar: Any, g_bar: Any, own_bar: Any) -> None:
    """Add the reverse of :func:`drift`; the adjoint of the belief is unchanged by it."""
    h = g[_TITRATION_YEARS]
    start, end = math.exp(-(t - dt) / h), math.exp(-t / h)
    fading = start - end
    mean_bar = var_bar = 0.0
    for s in range(N_STATE):
        mean_bar += bar[s, 1]
        var_bar += bar[s, 3]
    own_bar[_DRIFT] += mean_bar * dt
    g_bar[_TITRATION] += mean_bar * fading
    g_bar[_WANDER] += var_bar * dt
    g_bar[_TITRATION_VAR] += var_bar * fading * fading
    fading_bar = mean_bar * g[_TITRATION] + 2.0 * var_bar * g[_TITRATION_VAR] * fading
    g_bar[_TITRATION_YEARS] += fading_bar * ((t - dt) * start - t * end) / (h * h)
    g_bar[_T_RATE] += bar[_RISING, 1] * dt
    g_bar[_T_VAR] += bar[_RISING, 3] * dt
    g_bar[_P_RATE] += bar[_WORSE, 1] * dt
    g_bar[_P_VAR] += bar[_WORSE, 3] * dt
    g_bar[_LEAK_RATE] += bar[_LEAKING, 1] * dt
    g_bar[_LEAK_VAR] += bar[_LEAKING, 3] * dt
    g_bar[_CREEP_RATE] += bar[_CREEPING, 1] * dt
    g_bar[_CREEP_VAR] += bar[_CREEPING, 3] * dt


@part
def _gap(g: Any, mean: float, row: Any, codes: Any) -> float:
    return mean - row[_DOSE] - g[_POTENCY] * codes[_BOLUS]


@part
def _through_fault(g: Any, own: Any, shift: float, s: int, gap: float) -> Any:
    """Return expected tone, slope and variance of a reading while a fault lets a share through.

    The share differs from reading to reading, and tone saturates: three points (Gauss-Hermite) keep
    the two moments, where a tangent at the mean loss would miss the readings that look normal.
    """
    at = gap + g[_LOSS + s - _SEVERE]
    away = _ROOT_3 * math.sqrt(g[_LOSS_VAR + s - _SEVERE])
    low, low_slope, _ = respond(at - away, own[_UNTREATED], g[_HILL], shift)
    mid, mid_slope, _ = respond(at, own[_UNTREATED], g[_HILL], shift)
    high, high_slope, _ = respond(at + away, own[_UNTREATED], g[_HILL], shift)
    tone = (low + 4.0 * mid + high) / 6.0
    slope = (low_slope + 4.0 * mid_slope + high_slope) / 6.0
    extra = ((low - tone) ** 2 + 4.0 * (mid - tone) ** 2 + (high - tone) ** 2) / 6.0
    return tone, slope, extra


@part
def expect_tone(g: Any, own: Any, shift: float, s: int, mean: float, row: Any, codes: Any) -> Any:
    """Return expected tone, its slope in the requirement, the state's own variance, and the share.

    ``shift`` is :func:`~itb_bayes.kernel.regimes.response.shift_of` the patient's untreated tone;
    the share is kept for :func:`pull_tone` (0 where a fault lets several through).
    """
    gap = _gap(g, mean, row, codes)
    if s >= _SEVERE:
        tone, slope, extra = _through_fault(g, own, shift, s, gap)
        return tone, slope, extra, 0.0
    tone, slope, share = respond(gap, own[_UNTREATED], g[_HILL], shift)
    if s == _TRIGGER:
        return tone + g[_TRIGGER_TONE], slope, g[_TRIGGER_VAR], share
    return tone, slope, 0.0, share


@part
def recall_tone(g: Any, own: Any, s: int, mean: float, share: float, row: Any, codes: Any) -> Any:
    """Return what :func:`expect_tone` did, from the share it kept where there is one."""
    if s >= _SEVERE:
        shift = shift_of(own[_UNTREATED])
        return _through_fault(g, own, shift, s, _gap(g, mean, row, codes))
    tone = own[_UNTREATED] * share
    slope = tone * g[_HILL] * (1.0 - share)
    if s == _TRIGGER:
        return tone + g[_TRIGGER_TONE], slope, g[_TRIGGER_VAR]
    return tone, slope, 0.0


@part
def pull_tone(
    g: Any, own: Any, s: int, mean: float, share: float, row: Any, codes: Any,
    tone_bar: float, slope_bar: float, extra_bar: float, bar: Any, g_bar: Any, own_bar: Any,
) -> None:  # fmt: skip
    """Add the reverse of :func:`expect_tone` to ``bar[s]``, ``g_bar`` and ``own_bar``."""
    gap = _gap(g, mean, row, codes)
    if s >= _SEVERE:
        gap_bar = _pull_through_fault(
            g, own, s, gap, tone_bar, slope_bar, extra_bar, g_bar, own_bar
        )
    else:
        if s == _TRIGGER:
            g_bar[_TRIGGER_TONE] += tone_bar
            g_bar[_TRIGGER_VAR] += extra_bar
        gap_bar, untreated_bar, hill_bar = respond_adjoint(
            gap, own[_UNTREATED], g[_HILL], share, tone_bar, slope_bar
        )
        own_bar[_UNTREATED] += untreated_bar
        g_bar[_HILL] += hill_bar
    bar[s, 1] += gap_bar
    g_bar[_POTENCY] -= gap_bar * codes[_BOLUS]


@part
def _pull_through_fault(
    g: Any, own: Any, s: int, gap: float,
    tone_bar: float, slope_bar: float, extra_bar: float, g_bar: Any, own_bar: Any,
) -> float:  # fmt: skip
    """Add the reverse of :func:`_through_fault`; return the adjoint of the gap."""
    at = gap + g[_LOSS + s - _SEVERE]
    sd = math.sqrt(g[_LOSS_VAR + s - _SEVERE])
    shift = shift_of(own[_UNTREATED])
    tone = _through_fault(g, own, shift, s, gap)[0]
    total = sd_bar = 0.0
    for k in range(-1, 2):
        weight = 4.0 / 6.0 if k == 0 else 1.0 / 6.0
        away = k * _ROOT_3
        here, _, share = respond(at + away * sd, own[_UNTREATED], g[_HILL], shift)
        here_bar = weight * (tone_bar + 2.0 * (here - tone) * extra_bar)
        gap_bar, untreated_bar, hill_bar = respond_adjoint(
            at + away * sd, own[_UNTREATED], g[_HILL], share, here_bar, weight * slope_bar
        )
        total += gap_bar
        sd_bar += away * gap_bar
        own_bar[_UNTREATED] += untreated_bar
        g_bar[_HILL] += hill_bar
    g_bar[_LOSS + s - _SEVERE] += total
    if sd > 0.0:
        g_bar[_LOSS_VAR + s - _SEVERE] += 0.5 * sd_bar / sd
    return total


@part
def read_tone(
    g: Any, own: Any, shift: float, row: Any, codes: Any, b: Any, out: Any, kept: Any
) -> None:
    """Update every state (11, 6) by mean Ashworth; ``kept`` (11, 2) serves the reverse."""
    for s in range(N_STATE):
        tone, slope, extra, kept[s, 0] = expect_tone(g, own, shift, s, b[s, 1], row, codes)
        noise = own[_TONE_VAR] + extra
        kept[s, 1] = absorb(b[s], row[_ASHWORTH], tone, slope, 0.0, noise, g[_OUTLIER], out[s])


@part
def read_tone_adjoint(
    g: Any, own: Any, row: Any, codes: Any, b: Any, kept: Any, bar: Any, g_bar: Any, own_bar: Any
) -> None:
    """Turn ``bar`` (11, 6) into the adjoint of the belief before :func:`read_tone`."""
    for s in range(N_STATE):
        tone, slope, extra = recall_tone(g, own, s, b[s, 1], kept[s, 0], row, codes)
        noise = own[_TONE_VAR] + extra
        tone_bar, slope_bar, noise_bar, outlier_bar = absorb_adjoint(
            b[s], row[_ASHWORTH], tone, slope, 0.0, noise, g[_OUTLIER], kept[s, 1], bar[s]
        )
        g_bar[_OUTLIER] += outlier_bar
        own_bar[_TONE_VAR] += noise_bar
        pull_tone(
            g, own, s, b[s, 1], kept[s, 0], row, codes, tone_bar, slope_bar, noise_bar,
            bar, g_bar, own_bar,
        )  # fmt: skip


@part
def read_spasms(
    g: Any, own: Any, shift: float, row: Any, codes: Any, b: Any, out: Any, kept: Any
) -> None:
    """Update every state (11, 6) by the spasm frequency; ``kept`` (11, 2) serves the reverse."""
    beta = g[_PENN_B]
    for s in range(N_STATE):
        tone, slope, extra, kept[s, 0] = expect_tone(g, own, shift, s, b[s, 1], row, codes)
        expected = g[_PENN_A] + beta * tone + b[s, 2]
        noise = g[_PENN_VAR] + beta * beta * extra
        kept[s, 1] = absorb(
            b[s], row[_PENN], expected, beta * slope, 1.0, noise, g[_OUTLIER], out[s]
        )


@part
def read_spasms_adjoint(
    g: Any, own: Any, row: Any, codes: Any, b: Any, kept: Any, bar: Any, g_bar: Any, own_bar: Any
) -> None:
    """Turn ``bar`` (11, 6) into the adjoint of the belief before :func:`read_spasms`."""
    beta = g[_PENN_B]
    for s in range(N_STATE):
        tone, slope, extra = recall_tone(g, own, s, b[s, 1], kept[s, 0], row, codes)
        expected = g[_PENN_A] + beta * tone + b[s, 2]
        noise = g[_PENN_VAR] + beta * beta * extra
        expected_bar, h_bar, noise_bar, outlier_bar = absorb_adjoint(
            b[s], row[_PENN], expected, beta * slope, 1.0, noise, g[_OUTLIER], kept[s, 1], bar[s]
        )
        g_bar[_OUTLIER] += outlier_bar
        g_bar[_PENN_A] += expected_bar
        bar[s, 2] += expected_bar
        g_bar[_PENN_VAR] += noise_bar
        g_bar[_PENN_B] += expected_bar * tone + h_bar * slope + noise_bar * 2.0 * beta * extra
        pull_tone(
            g, own, s, b[s, 1], kept[s, 0], row, codes, beta * expected_bar, beta * h_bar,
            noise_bar * beta * beta, bar, g_bar, own_bar,
        )  # fmt: skip
