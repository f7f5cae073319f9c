"""A particle filter of the regimes model: the oracle of what the switching filter approximates.

Nothing is collapsed or linearised here. A particle is a regime with one requirement and one spasm
offset; every reading meets the saturating response itself, the share that a fault takes away and
what a trigger adds are drawn anew at every visit, and what a dose change says is integrated over
the unseen reading in closed form. Each regime holds equally many particles of its own weight, drawn
by stratified resampling among all particles that could have come there, so that rare regimes are as
well represented as common ones; the likelihood stays unbiased. Transitions, findings and actions
hold no approximation beyond those of the model and are those of
:mod:`itb_bayes.kernel.regimes.oracle`.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.regimes.layout import (
    LOST_SHARE,
    LOST_VAR,
    N_INTACT,
    START_ELSEWHERE,
    UNRULED_NOT_CHANGED,
    Code,
    Col,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes.oracle import (
    UNRULED_CHANGED,
    findings,
    habit,
    normal,
    wild_density,
)
from itb_bayes.kernel.regimes.oracle_moves import (
    actions,
    drift,
    named,
    transition_matrix,
)

Array = NDArray[Any]
N_STATE = len(State)


@dataclass
class Cloud:
    """Particles: ``need`` and ``offset`` (11, m), and their weights (11, m), which sum to one."""

    need: Array
    offset: Array
    weight: Array

    @property
    def probability(self) -> Array:
        """Probability of each state, shape (11,)."""
        return self.weight.sum(axis=1)

    def normalise(self) -> float:
        """Make the weights sum to one; return the log of what they summed to."""
        total = self.weight.sum()
        self.weight = self.weight / total
        return float(np.log(total))


def particle_filter(
    g: Array, own: Array, data: Array, codes: Array, n: int, rng: np.random.Generator
) -> tuple[float, Array]:
    """Run the particle filter over one patient.

    Parameters
    ----------
    g, own : ndarray, shapes (n_par,) and (6,)
        As :func:`itb_bayes.kernel.regimes.filter.regimes_log_likelihood`, of one patient.
    data, codes : ndarray, shapes (n_step, 15) and (n_step, 8)
        Their steps.
    n : int
        Particles of each of the eleven regimes.
    rng : numpy.random.Generator

    Returns
    -------
    (log_likelihood, probability) : float and ndarray, shape (n_step, 11)
        Filtered probabilities, everything of the day known, before its actions.
    """
    pars, me = named(g, Par), named(own, Own)
    cloud = begin(pars, float(data[0, Col.LOG_DOSE]), n, rng)
    probability = np.empty((len(data), N_STATE))
    ll = 0.0
    for k in range(len(data)):
        row, code = named(data[k], Col), named(codes[k], Code)
        dt = 0.0 if k == 0 else row.t - data[k - 1, Col.T]
        if dt > 0.0:
            cloud = _move(cloud, *onsets(pars, me, row, dt), rng)
            wander(pars, me, row, dt, cloud, rng)
        ll += meet(pars, me, row, code, dt, cloud, rng)
        probability[k] = cloud.probability
        for weights, jump, jump_var in actions(pars, int(code.action), row, dt):
            cloud = _move(cloud, weights, jump, jump_var, rng)
            ll += cloud.normalise()
    return ll, probability


def begin(g: SimpleNamespace, log_dose: float, n: int, rng: np.random.Generator) -> Cloud:
    """Return ``n`` particles of each regime before the first step."""
    start = np.full(N_STATE, START_ELSEWHERE)
    start[State.STABLE] = 1.0 - START_ELSEWHERE * (N_STATE - 1)
    need = log_dose + g.start_gap + np.sqrt(g.start_var) * rng.standard_normal((N_STATE, n))
    offset = np.sqrt(g.penn_patient_var) * rng.standard_normal((N_STATE, n))
    return Cloud(need, offset, np.repeat(start[:, None] / n, n, axis=1))


def onsets(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, dt: float
) -> tuple[Array, Array, Array]:
    """Return weights, jumps and their variances (11, 11 each) of the moves between two steps."""
    p = transition_matrix(g, own, row.t, dt, row.catheter_age, row.pump_age)
    jump, jump_var = np.zeros((2, N_STATE, N_STATE))
    jump[State.STABLE, State.TOLERANCE_SETTLED] = g.tolerance_step
    jump_var[State.STABLE, State.TOLERANCE_SETTLED] = g.tolerance_step_var
    jump[:N_INTACT, State.CATHETER_PARTIAL] = g.leak_step
    jump_var[:N_INTACT, State.CATHETER_PARTIAL] = g.leak_step_var
    return p, jump, jump_var


def wander(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, dt: float, cloud: Cloud,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Let the requirement of every particle drift and wander for a time, in place."""
    mean, var = drift(g, own, row.t, dt)
    noise = rng.standard_normal(cloud.need.shape)
    cloud.need += mean[:, None] + np.sqrt(var)[:, None] * noise


def draw_sources(
    cloud: Cloud, sources: Array, share: Array, rng: np.random.Generator
) -> tuple[Array, Array, float]:
    """Draw the particles that come into one regime, by stratified resampling.

    Parameters
    ----------
    cloud : Cloud
    sources : ndarray of int, shape (k,)
        Regimes that they may come from.
    share : ndarray, shape (k,)
        Of each of these regimes, what goes over.
    rng : numpy.random.Generator

    Returns
    -------
    (state, particle, weight) : ndarrays of int, shape (m,), and float
        Where each comes from, and the weight of each.
    """
    n = cloud.need.shape[1]
    ladder = np.cumsum(cloud.weight[sources] * share[:, None])
    rungs = (np.arange(n) + rng.uniform(size=n)) / n * ladder[-1]
    picked = np.minimum(np.searchsorted(ladder, rungs), ladder.size - 1)
    return sources[picked // n], picked % n, float(ladder[-1] / n)


def _move(cloud: Cloud, p: Array, jump: Array, jump_var: Array, rng: np.random.Generator) -> Cloud:
    """Draw the particles of every regime among those that ``p[from, to]`` brings there."""
    n = cloud.need.shape[1]
    need, offset = np.empty_like(cloud.need), np.empty_like(cloud.offset)
    weight = np.zeros_like(cloud.weight)
    for u in range(N_STATE):
        sources = np.flatnonzero((p[:, u] > 0.0) & (cloud.probability > 0.0))
        if sources.size == 0:
            need[u], offset[u] = cloud.need[u], cloud.offset[u]
            continue
        s, i, weight[u] = draw_sources(cloud, sources, p[sources, u], rng)
        need[u] = cloud.need[s, i] + jump[s, u]
        if jump_var[sources, u].any():
            need[u] += np.sqrt(jump_var[s, u]) * rng.standard_normal(n)
        offset[u] = cloud.offset[s, i]
    return Cloud(need, offset, weight)


def meet(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, code: SimpleNamespace,
    dt: float, cloud: Cloud, rng: np.random.Generator,
) -> float:  # fmt: skip
    """Weigh the particles by everything seen at a step; return the log-likelihood."""
    ll = 0.0
    if not np.isnan([row.ashworth, row.dose_change, row.penn]).all():
        # Everything read at a visit is of one tone.
        tone = _tone(g, own, row, code, cloud, rng)
    if not np.isnan(row.ashworth):
        density = _robust(g, row.ashworth, tone, own.tone_var)
        cloud.weight *= density
        # Who read something wild may have a requirement that is not where it was thought.
        lost = LOST_SHARE * g.outlier * wild_density(row.ashworth) / density
        anew = row.log_dose + np.sqrt(LOST_VAR) * rng.standard_normal(tone.shape)
        cloud.need = np.where(rng.uniform(size=tone.shape) < lost, anew, cloud.need)
        if not np.isnan(row.dose_change):
            ll += float(habit(g, own, row))
    elif not np.isnan(row.dose_change):
        cloud.weight *= _dose_density(g, own, row, tone)
    if not np.isnan(row.penn):
        mean = g.penn_intercept + g.penn_slope * tone + cloud.offset
        cloud.weight *= _robust(g, row.penn, mean, g.penn_var)
    found = findings(g, row, code, dt)
    cloud.weight *= np.exp(found - found.max())[:, None]
    return ll + float(found.max()) + cloud.normalise()


def _tone(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, code: SimpleNamespace,
    cloud: Cloud, rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return the tone of every particle at one visit, shape (11, m)."""
    gap = cloud.need - row.log_dose - g.bolus_potency * code.bolus
    for s, loss, var in (
        (State.CATHETER_SEVERE, g.loss_severe, g.loss_severe_var),
        (State.PUMP, g.loss_pump, g.loss_pump_var),
    ):
        gap[s] += loss + np.sqrt(var) * rng.standard_normal(gap.shape[1])
    tone = own.untreated / (1.0 + (own.untreated - 1.0) * np.exp(-g.hill * gap))
    trigger = rng.standard_normal(gap.shape[1])
    tone[State.TRIGGER] += g.trigger_tone + np.sqrt(g.trigger_tone_var) * trigger
    return tone


def _robust(g: SimpleNamespace, x: float, mean: Array, var: float) -> Array:
    density = (1.0 - g.outlier) * normal(x, mean, var) + g.outlier * wild_density(x)
    return np.asarray(density)


def _dose_density(
    g: SimpleNamespace, own: SimpleNamespace, row: SimpleNamespace, tone: Array
) -> Array:
    """Return the density of a dose change, the reading that it answers to integrated out.

    With a reading ``x`` the dose is left alone with probability ``a(x) = still exp(-(x - goal)^2 /
    (2 still_var))`` and otherwise changed by a Gaussian around ``gain (x - goal)``; ``x`` is
    Gaussian around ``tone``; or the decision follows no rule.
    """

    def left_alone(mean: Any, var: Any) -> Any:
        scale = g.still * np.sqrt(2.0 * np.pi * g.still_var)
        return scale * normal(mean, own.goal, var + g.still_var)

    noise = own.tone_var
    if row.dose_change == 0.0:
        return (1.0 - g.outlier) * left_alone(tone, noise) + g.outlier * UNRULED_NOT_CHANGED
    answered = own.goal + row.dose_change / g.gain
    var = g.dose_var / g.gain**2
    told_var = noise * var / (noise + var)
    told = told_var * (tone / noise + answered / var)
    plain = normal(answered, tone, noise + var) * (1.0 - left_alone(told, told_var))
    return (1.0 - g.outlier) * plain / g.gain + g.outlier * UNRULED_CHANGED
