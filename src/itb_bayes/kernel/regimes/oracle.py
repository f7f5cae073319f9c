"""Plain numpy reference of the switching filter: dense matrices, one concept per function.

Slow and obvious on purpose, and written apart from the compiled code: tests compare
:mod:`itb_bayes.kernel.regimes.filter` with it. Every function also takes complex parameters, so a
complex step gives the gradient to machine precision.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.regimes.layout import (
    CATHETER_STATES,
    LOST_SHARE,
    LOST_VAR,
    OFF_SCALE_DENSITY,
    SCALE_POINTS,
    SHORTEST_YEARS,
    START_ELSEWHERE,
    TOLERANCE_STATES,
    UNRULED_NOT_CHANGED,
    WIDEST_CHANGE,
    Code,
    Col,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes.oracle_moves import (
    actions,
    drift,
    found_rates,
    named,
    transition_matrix,
    work_up_rate,
)

Array = NDArray[Any]

UNRULED_CHANGED = (1.0 - UNRULED_NOT_CHANGED) / (2.0 * WIDEST_CHANGE)
"""Density of a change of the log dose that follows no rule, chance of any change included."""
REFILL_WILD_SHARE = 0.02
REFILL_WILD_DENSITY = 1.0
S = State
_OF_TONE = np.array([0.0, 0.0, 1.0])


@dataclass
class Belief:
    """Probability (11,), mean (11, 2) and covariance (11, 2, 2) of requirement and spasm offset."""

    probability: Array
    mean: Array
    covariance: Array


@dataclass(frozen=True)
class OracleResult:
    """What the reference filter says.

    Attributes
    ----------
    log_likelihood : ndarray, shape (n_patient,)
    probability : ndarray, shape (n_step, 11)
        Filtered probabilities, everything of the day known, before its actions.
    mean : ndarray, shape (n_step, 11, 2)
    covariance : ndarray, shape (n_step, 11, 2, 2)
    """

    log_likelihood: Array
    probability: Array
    mean: Array
    covariance: Array


def oracle_log_likelihood(
    g: Array, own: Array, data: Array, codes: Array, offsets: Array
) -> OracleResult:
    """Run the reference filter over all patients.

    Parameters
    ----------
    g, own, data, codes, offsets
        As :func:`itb_bayes.kernel.regimes.filter.regimes_log_likelihood`; ``g`` and ``own`` may be
        complex.

    Returns
    -------
    OracleResult
    """
    kind = np.result_type(g, own, np.float64)
    n_patient, n_step = len(offsets) - 1, int(offsets[-1])
    result = OracleResult(
        np.zeros(n_patient, kind),
        np.zeros((n_step, len(S)), kind),
        np.zeros((n_step, len(S), 2), kind),
        np.zeros((n_step, len(S), 2, 2), kind),
    )
    pars = named(g, Par)
    for i in range(n_patient):
        me = named(own[i], Own)
        belief = start(pars, data[offsets[i], Col.LOG_DOSE], kind)
        for k in range(offsets[i], offsets[i + 1]):
            row, code = named(data[k], Col), named(codes[k], Code)
            dt = 0.0 if k == offsets[i] else row.t - data[k - 1, Col.T]
            result.log_likelihood[i] += step(pars, me, row, code, dt, belief)
            result.probability[k] = belief.probability
            result.mean[k], result.covariance[k] = belief.mean, belief.covariance
            for weights, jump, jump_var in actions(pars, int(code.action), row, dt):
                mix(belief, weights, jump, jump_var)
                result.log_likelihood[i] += normalise(belief)
    return result


def start(g: SimpleNamespace, log_dose: float, kind: Any) -> Belief:
    """Return the belief before the first step: stable, but nothing is impossible."""
    probability = np.full(len(S), START_ELSEWHERE, kind)
    probability[S.STABLE] = 1.0 - START_ELSEWHERE * (len(S) - 1)
    mean = np.zeros((len(S), 2), kind)
    mean[:, 0] = log_dose + g.start_gap
    covariance = np.zeros((len(S), 2, 2), kind)
    covariance[:, 0, 0] = g.start_var
    covariance[:, 1, 1] = g.penn_patient_var
    return Belief(probability, mean, covariance)


def step(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, code: SimpleNamespace,
    dt: float, belief: Belief,
) -> Any:  # fmt: skip
    """Carry the belief through the time before a step and its evidence; return log-likelihood."""
    if dt > 0.0:
        jump, jump_var = np.zeros((2, len(S), len(S)), belief.mean.dtype)
        jump[S.STABLE, S.TOLERANCE_SETTLED] = g.tolerance_step
        jump_var[S.STABLE, S.TOLERANCE_SETTLED] = g.tolerance_step_var
        intact = [s for s in S if s < S.CATHETER_LEAKING]
        jump[intact, S.CATHETER_PARTIAL] = g.leak_step
        jump_var[intact, S.CATHETER_PARTIAL] = g.leak_step_var
        p = transition_matrix(g, own, row.t, dt, row.catheter_age, row.pump_age)
        mix(belief, p, jump, jump_var)
    mean, var = drift(g, own, row.t, dt)
    belief.mean[:, 0] += mean
    belief.covariance[:, 0, 0] += var
    ll = 0.0
    if not np.isnan([row.ashworth, row.dose_change, row.penn]).all():
        visit = with_tone(g, own, row, code, belief)
        if not np.isnan(row.ashworth):
            lost = (LOST_SHARE, row.log_dose)
            wild = wild_density(row.ashworth)
            read(visit, row.ashworth, _OF_TONE, own.tone_var, g.outlier, wild, lost)
            if not np.isnan(row.dose_change):
                ll += habit(g, own, row)
        elif not np.isnan(row.dose_change):
            read_dose(g, own, row, visit)
        if not np.isnan(row.penn):
            slopes = np.array([0.0, 1.0, g.penn_slope])
            wild = wild_density(row.penn)
            read(visit, row.penn - g.penn_intercept, slopes, g.penn_var, g.outlier, wild)
        belief.probability = visit.probability
        belief.mean, belief.covariance = visit.mean[:, :2], visit.covariance[:, :2, :2]
    found = findings(g, row, code, dt)
    top = found.real.max()
    belief.probability = belief.probability * np.exp(found - top)
    return ll + top + normalise(belief)


def mix(belief: Belief, p: Array, jump: Array, jump_var: Array) -> None:
    """Move along ``p[from, to]`` and replace every mixture by the Gaussian of equal moments."""
    joint = belief.probability[:, None] * p
    total = joint.sum(axis=0)
    mean, covariance = belief.mean.copy(), belief.covariance.copy()
    for u in np.flatnonzero(total.real > 0.0):
        share = joint[:, u] / total[u]
        means = belief.mean.copy()
        means[:, 0] += jump[:, u]
        mean[u] = share @ means
        around = means - mean[u]
        within = belief.covariance.copy()
        within[:, 0, 0] += jump_var[:, u]
        covariance[u] = np.einsum("s,sij->ij", share, within)
        covariance[u] += np.einsum("s,si,sj->ij", share, around, around)
    belief.probability, belief.mean, belief.covariance = total, mean, covariance


def normalise(belief: Belief) -> Any:
    """Make probabilities sum to one; return the log of what they summed to."""
    total = belief.probability.sum()
    belief.probability = belief.probability / total
    return np.log(total)


def with_tone(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, code: SimpleNamespace,
    belief: Belief,
) -> Belief:  # fmt: skip
    """Return the belief with a third quantity, the tone of this visit; arrays (11, 3 ...).

    Mean of the tone, its regression on the requirement and what that leaves over, at three points
    of the gap. Everything read at the visit is of this one tone.
    """
    mean, var = belief.mean[:, 0], belief.covariance[:, 0, 0]
    gap = mean - row.log_dose - g.bolus_potency * code.bolus
    spread = var + 1e-16  # a requirement that is known has three points too
    # The share that a fault lets through differs from visit to visit.
    gap[S.CATHETER_SEVERE] += g.loss_severe
    spread[S.CATHETER_SEVERE] += g.loss_severe_var
    gap[S.PUMP] += g.loss_pump
    spread[S.PUMP] += g.loss_pump_var
    weights = np.array([1.0, 4.0, 1.0]) / 6.0
    away = np.sqrt(3.0 * spread)[:, None] * np.array([-1.0, 0.0, 1.0])
    tones = own.untreated / (1.0 + (own.untreated - 1.0) * np.exp(-g.hill * (gap[:, None] + away)))
    expected = tones @ weights
    around = tones - expected[:, None]
    slope = (around * away) @ weights / spread
    left = around**2 @ weights - slope**2 * var
    expected[S.TRIGGER] += g.trigger_tone
    left[S.TRIGGER] += g.trigger_tone_var
    turn = np.zeros((len(S), 3, 2), belief.mean.dtype)
    turn[:, :2], turn[:, 2, 0] = np.eye(2), slope
    covariance = turn @ belief.covariance @ turn.transpose(0, 2, 1)
    covariance[:, 2, 2] += left
    return Belief(
        belief.probability.copy(), np.concatenate([belief.mean, expected[:, None]], 1), covariance
    )


def read(
    belief: Belief, x: Any, slopes: Array, noise: Any, outlier: Any, density: Any,
    lost: tuple[float, float] = (0.0, 0.0),
) -> None:  # fmt: skip
    """Meet a reading that says nothing with probability ``outlier``; keep two moments.

    ``slopes`` (3,) say what it reads of requirement, offset and tone. It has the given ``density``
    if it says nothing. Of those readings a share (first of ``lost``) puts the requirement about the
    second of it; the tone of the day was what it was.
    """
    share, about = lost
    for s in S:
        before, cov = belief.mean[s], belief.covariance[s]
        var = slopes @ cov @ slopes + noise
        gain = cov @ slopes / var
        v = x - slopes @ before
        fits = (1.0 - outlier) * normal(v, 0.0, var)
        wild = outlier * density
        elsewhere, loose = before.copy(), cov.copy()
        elsewhere[0] = about
        loose[0] = loose[:, 0] = 0.0
        loose[0, 0] = LOST_VAR
        parts = (
            (fits, before + gain * v, cov - np.outer(gain, gain) * var),
            (wild * (1.0 - share), before, cov),
            (wild * share, elsewhere, loose),
        )
        total = fits + wild
        mean = sum(weight * at for weight, at, _ in parts) / total
        covariance = sum(
            weight * (spread + np.outer(at - mean, at - mean)) for weight, at, spread in parts
        )
        belief.probability[s] *= total
        belief.mean[s], belief.covariance[s] = mean, covariance / total


def wild_density(x: float) -> float:
    """Return the density of a reading that says nothing."""
    return 1.0 / SCALE_POINTS if 0.0 <= x <= SCALE_POINTS else OFF_SCALE_DENSITY


def normal(x: Any, mean: Any, var: Any) -> Any:
    """Return the Gaussian density."""
    return np.exp(-0.5 * (x - mean) ** 2 / var) / np.sqrt(2.0 * np.pi * var)


def habit(g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace) -> Any:
    """Return the log-probability of the dose change given the reading written down."""
    e = row.ashworth - own.goal
    log_still = np.log(g.still) - 0.5 * e**2 / g.still_var
    if row.dose_change == 0.0:
        return np.log((1.0 - g.unruled) * np.exp(log_still) + g.unruled * UNRULED_NOT_CHANGED)
    by_rule = (1.0 - np.exp(log_still)) * normal(row.dose_change, g.gain * e, g.dose_var)
    return np.log((1.0 - g.unruled) * by_rule + g.unruled * UNRULED_CHANGED)


def read_dose(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, belief: Belief
) -> None:
    """Meet a dose change whose reading was not written down.

    A dose left alone is a reading of the goal, a changed one of what the change answers to. That it
    was changed at all is weighed at the reading as it is known once the change is.
    """
    constant = g.still * np.sqrt(2.0 * np.pi * g.still_var)
    if row.dose_change == 0.0:
        wild = UNRULED_NOT_CHANGED / constant
        read(belief, own.goal, _OF_TONE, own.tone_var + g.still_var, g.outlier, wild)
        belief.probability *= constant
        return
    answered = own.goal + row.dose_change / g.gain
    var = g.dose_var / g.gain**2
    expected = belief.mean[:, 2]
    prior = belief.covariance[:, 2, 2] + own.tone_var
    told_var = 1.0 / (1.0 / prior + 1.0 / var)
    told = told_var * (expected / prior + answered / var)
    # E[exp(-x**2 / 2w)] of a Gaussian x is its density under the added variance, up to a constant.
    left_alone = constant * normal(told, own.goal, told_var + g.still_var)
    fits = (1.0 - g.outlier) * normal(answered, expected, prior + var) * (1.0 - left_alone)
    any_change = g.gain * UNRULED_CHANGED  # uniform as a change, not as a reading
    weight = belief.probability * (fits + g.outlier * any_change) / g.gain
    read(belief, answered, _OF_TONE, own.tone_var + var, g.outlier, any_change)
    belief.probability = weight


def findings(g: SimpleNamespace, row: SimpleNamespace, code: SimpleNamespace, dt: float) -> Array:
    """Return the log-likelihood (11,) of tests, refill, score, labels and of nothing confirmed."""
    return np.stack([_finding(g, row, code, dt, s) for s in S])


def _finding(
    g: SimpleNamespace, row: SimpleNamespace, code: SimpleNamespace, dt: float, s: State
) -> Any:
    total = 0.0
    leaks = s in CATHETER_STATES
    for result, chance in (
        (code.dye, g.dye_sensitivity if leaks else g.dye_false),
        (code.aspiration, g.blocked_fault if leaks else g.blocked_intact),
        (code.rotor, g.rotor_sensitivity if s == S.PUMP else g.rotor_false),
    ):
        total += {0: np.log(1.0 - chance), 1: np.log(chance)}.get(int(result), 0.0)
    if not np.isnan(row.refill):
        mean = g.refill_pump if s == S.PUMP else 0.0
        var = g.refill_var * (1.0 + 1.0 / (row.refill_count + 1.0))
        var += g.refill_pump_var if s == S.PUMP else 0.0
        plain = (1.0 - REFILL_WILD_SHARE) * normal(row.refill, mean, var)
        total += np.log(plain + REFILL_WILD_SHARE * REFILL_WILD_DENSITY)
    if not np.isnan(row.edss):
        rate = g.edss_rate + (g.edss_progression if s == S.PROGRESSION else 0.0)
        v = row.edss - rate * row.edss_years
        total -= 0.5 * (np.log(2.0 * np.pi * g.edss_var) + v**2 / g.edss_var)
    for written, rate in (
        (code.tolerance, row.excluded * _tolerance_label_rate(g, s)),
        (
            code.progression,
            g.progression_label if s == S.PROGRESSION else g.progression_label_false,
        ),
        (code.trigger, g.trigger_label if s == S.TRIGGER else g.trigger_label_false),
    ):
        years = max(dt, SHORTEST_YEARS)
        total += np.log(-np.expm1(-rate * years)) if written == 1 else -rate * dt
    rate = work_up_rate(g, row, s)
    if max(code.dye, code.aspiration, code.rotor) >= 0:
        total += np.log(-np.expm1(-rate * max(dt, SHORTEST_YEARS)))
    else:
        total -= rate * dt
    return total - found_rates(g, row).get(s, 0.0) * dt


def _tolerance_label_rate(g: SimpleNamespace, s: State) -> Any:
    if s in TOLERANCE_STATES:
        return g.tolerance_label
    # A slow leak looks like tolerance.
    looks_like_it = S.CATHETER_LEAKING <= s < S.CATHETER_SEVERE
    return g.tolerance_label_leak if looks_like_it else g.tolerance_label_false
