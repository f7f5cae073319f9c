"""What explains a rising dose: probabilities now and within a horizon, per patient."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.actions import Action
from itb_bayes.cohort.search import QUIET
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.regimes_states import StateDraws, filter_patients
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.kernel.regimes.future import (
    NORMALS_A_VISIT,
    UNIFORMS_A_VISIT,
    dose_paths,
    onset_within,
)
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Code, Col, Par
from itb_bayes.model.regimes_plan import RegimesPlan, blank_channels
from itb_bayes.risk.weights import PatientWeights, equal_weights, importance_weights

Array = NDArray[np.float64]

RISE_UG = 100.0
"""Heetla 2009: a rise of more than 100 ug/day within a year."""

PATHS_PER_DRAW = 20

DOSE_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
DOT_LEVELS = tuple((k + 0.5) / 20 for k in range(20))
"""Quantiles of a future dose: five for a fan, and 20 equally likely doses."""

_WRITTEN_DOWN = (
    Par.TOLERANCE_LABEL, Par.TOLERANCE_LABEL_LEAK, Par.TOLERANCE_LABEL_FALSE,
    Par.PROGRESSION_LABEL, Par.PROGRESSION_LABEL_FALSE,
    Par.TRIGGER_LABEL, Par.TRIGGER_LABEL_FALSE, Par.WORK_UP, Par.ALARM,
)  # fmt: skip

NO_RULE = -1.0
"""Stands for a policy without a stop rule."""

UNRELIABLE = "not estimated: importance weights unreliable"
"""How the status of a patient begins whose weights cannot be believed."""

MINIMUM_READINGS = 3
"""Readings of tone, or dose changes, that a patient needs before numbers are given."""


@dataclass(frozen=True)
class Probability:
    """A probability with everything integrated out.

    Attributes
    ----------
    value : float
        Mean over the posterior.
    low, high : float
        5 and 95 % quantiles over plausible population parameters (not of the patient).
    mcse : float
        Monte Carlo standard error of ``value``.
    """

    value: float
    low: float
    high: float
    mcse: float


@dataclass(frozen=True)
class PatientExplanations:
    """What the model says about one patient as of their last record.

    Attributes
    ----------
    patient_id : str
    as_of_years : float
        Time of the last record used, years since implant.
    mode : str
        ``refit``, ``conditional`` or ``population``.
    status : str
        ``estimated``, or why no number is given.
    present : dict
        Explanation to its probability now; they sum to one. Empty where not estimated.
    onset : dict
        (horizon in months, explanation) to the probability of a new onset within it.
    rise : dict
        Horizon in months to the probability that the dose then lies more than 100 ug/day above
        the present one.
    dose_ug : dict
        Horizon in months to the 5, 50 and 95 % quantiles of the dose then.
    dose_now_ug : float
    pareto_k, ess : float
        Of the importance weights; NaN and the number of draws where the patient was fitted.
    """

    patient_id: str
    as_of_years: float
    mode: str
    status: str
    present: dict[str, Probability]
    onset: dict[tuple[float, str], Probability]
    rise: dict[float, Probability]
    dose_ug: dict[float, tuple[float, float, float]]
    dose_now_ug: float
    pareto_k: float
    ess: float
    dose_levels_ug: dict[float, tuple[float, ...]] = field(default_factory=dict)
    dots_ug: dict[float, tuple[float, ...]] = field(default_factory=dict)

    def withheld(self, status: str) -> "PatientExplanations":
        """Return these without their numbers, and why."""
        return replace(
            self, status=status, present={}, onset={}, rise={}, dose_ug={}, dose_levels_ug={},
            dots_ug={},
        )  # fmt: skip


def weighted_probability(values: Array, weight: Array) -> Probability:
    """Summarise conditional probabilities of the draws, shape (n_draw,), under their weights."""
    mean = float(weight @ values)
    low, high = weighted_quantiles(values, weight, (0.05, 0.95))
    mcse = float(np.sqrt((weight**2) @ (values - mean) ** 2))
    return Probability(mean, low, high, mcse)


def weighted_quantiles(values: Array, weight: Array, levels: tuple[float, ...]) -> list[float]:
    """Return quantiles of weighted values, both of shape (n,), weights summing to one."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order])
    at = np.minimum(np.searchsorted(cumulative, levels), values.size - 1)
    return [float(x) for x in values[order][at]]


def explain_patients(
    plan: RegimesPlan,
    draws: RegimesDraws,
    *,
    mode: str,
    horizons_months: tuple[float, ...] = (12.0,),
    seed: int = 1,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[PatientExplanations, ...]:
    """Explain every patient of a plan as of their last record.

    Parameters
    ----------
    plan : RegimesPlan
    draws : RegimesDraws
        Of the patients of ``plan``.
    mode : str
        ``refit`` (they were part of the fit: equal weights), ``conditional`` (they were not:
        importance weights) or ``population`` (nothing of their own is used but operations).
    horizons_months : tuple of float
    seed : int
        Each patient has a random stream of their own for the dose forecast, by seed and name:
        their numbers are the same whoever is explained beside them.
    on_progress : callable, optional
        Called with the number of draws filtered.
    """
    if mode == "population":
        plan, draws = blank(plan), muted(draws)
    states = filter_patients(plan, draws, on_progress)
    weights = (
        importance_weights(states.log_likelihood)
        if mode == "conditional"
        else equal_weights(draws.n_draw, plan.n_patient)
    )
    horizons = tuple(sorted(set(horizons_months)))
    return tuple(
        map_in_threads(
            lambda i: explain_patient(plan, draws, states, weights, i, mode, horizons, seed),
            plan.n_patient,
        )
    )


def blank(plan: RegimesPlan) -> RegimesPlan:
    """Return a plan in which nothing was read, found or said: operations alone are left."""
    data, codes = plan.data.copy(), plan.codes.copy()
    blank_channels(data, codes, ("events",))
    data[:, Col.SEARCH] = QUIET
    return replace(plan, data=data, codes=codes)


def muted(draws: RegimesDraws) -> RegimesDraws:
    """Return draws under which nothing is ever named or tested: silence is then no evidence."""
    g = draws.g.copy()
    g[:, _WRITTEN_DOWN] = 0.0
    return RegimesDraws(g, draws.own)


def explain_patient(
    plan: RegimesPlan, draws: RegimesDraws, states: StateDraws, weights: PatientWeights, i: int,
    mode: str, horizons: tuple[float, ...], seed: int, *,
    onset_horizons: tuple[float, ...] | None = None,
) -> PatientExplanations:  # fmt: skip
    """Explain patient ``i`` from filtered states; see :func:`explain_patients`.

    Parameters
    ----------
    plan, draws, mode, seed
        As :func:`explain_patients`.
    states : StateDraws
        Of all patients of ``plan``.
    weights : PatientWeights
    i : int
    horizons : tuple of float
        Months, increasing.
    onset_horizons : tuple of float, optional
        Horizons at which onsets are asked for; all where not given.
    """
    last = int(plan.offsets[i + 1])
    row, code = plan.data[last - 1], plan.codes[last - 1]
    dose = log_dose_after(row)
    status = _status(plan, weights, i, mode)
    present: dict[str, Probability] = {}
    onset: dict[tuple[float, str], Probability] = {}
    rise: dict[float, Probability] = {}
    quantiles: dict[float, list[float]] = {}
    if status == "estimated":
        weight = weights.weight[:, i]
        for e, name in enumerate(EXPLANATIONS):
            present[name] = weighted_probability(states.now[:, i, e], weight)
        onset = _onsets(draws, states, weight, i, row, code, onset_horizons or horizons)
        rise, quantiles = _rises(plan, draws, states, weight, i, dose, row, code, horizons, seed)
    return PatientExplanations(
        patient_id=plan.patient_ids[i],
        as_of_years=float(row[Col.T]),
        mode=mode,
        status=status,
        present=present,
        onset=onset,
        rise=rise,
        dose_ug={h: (q[0], q[2], q[4]) for h, q in quantiles.items()},
        dose_now_ug=float(np.exp(dose)),
        pareto_k=float(weights.pareto_k[i]),
        ess=float(weights.ess[i]),
        dose_levels_ug={h: tuple(q[: len(DOSE_LEVELS)]) for h, q in quantiles.items()},
        dots_ug={h: tuple(q[len(DOSE_LEVELS) :]) for h, q in quantiles.items()},
    )


def _status(plan: RegimesPlan, weights: PatientWeights, i: int, mode: str) -> str:
    own = slice(int(plan.offsets[i]), int(plan.offsets[i + 1]))
    spoken = np.isfinite(plan.data[own, Col.ASHWORTH]) | np.isfinite(
        plan.data[own, Col.DOSE_CHANGE]
    )
    if mode != "population" and int(spoken.sum()) < MINIMUM_READINGS:
        return f"not estimated: fewer than {MINIMUM_READINGS} visits with a reading or a dose"
    if mode == "conditional" and not weights.reliable[i]:
        return (
            f"{UNRELIABLE} (Pareto k {weights.pareto_k[i]:.2f} above {weights.k_limit:.2f}); "
            "score with --refit, or fit again with this patient"
        )
    return "estimated"


def log_dose_after(row: Array) -> float:
    """Return the log dose in force after a step: that before it, and the change made at it."""
    change = row[Col.DOSE_CHANGE]
    return float(row[Col.LOG_DOSE] + (change if np.isfinite(change) else 0.0))


def part_ages(row: Array, code: NDArray[np.int64]) -> tuple[float, float]:
    """Return the ages of catheter and pump after the last step's actions."""
    action = int(code[Code.ACTION])
    new_catheter = Action.CATHETER_CONFIRMED | Action.CATHETER_REVISED | Action.REIMPLANTED
    new_pump = Action.PUMP_CONFIRMED | Action.PUMP_REPLACED | Action.REIMPLANTED
    return (
        0.0 if action & new_catheter else float(row[Col.CATHETER_AGE]),
        0.0 if action & new_pump else float(row[Col.PUMP_AGE]),
    )


def _onsets(
    draws: RegimesDraws, states: StateDraws, weight: Array, i: int, row: Array,
    code: NDArray[np.int64], horizons: tuple[float, ...],
) -> dict[tuple[float, str], Probability]:  # fmt: skip
    catheter, pump = part_ages(row, code)
    out: dict[tuple[float, str], Probability] = {}
    for months in horizons:
        values = np.array(
            [
                onset_within(
                    draws.g[s], draws.own[s, i], states.after[s, i, :, 0], row[Col.T],
                    catheter, pump, months / 12.0,
                )
                for s in range(draws.n_draw)
            ]
        )  # fmt: skip
        for e, name in enumerate(EXPLANATIONS):
            out[months, name] = weighted_probability(values[:, e], weight)
    return out


def _rises(
    plan: RegimesPlan, draws: RegimesDraws, states: StateDraws, weight: Array, i: int,
    dose: float, row: Array, code: NDArray[np.int64], horizons: tuple[float, ...], seed: int,
) -> tuple[dict[float, Probability], dict[float, list[float]]]:  # fmt: skip
    if "dose" not in plan.channels:
        return {}, {}
    catheter, pump = part_ages(row, code)
    gap = visit_gap(plan, i)
    years = np.array(horizons) / 12.0
    n_visit = int(np.ceil(years[-1] / gap)) + 1
    rng = np.random.default_rng([seed, 0x5C, zlib.crc32(plan.patient_ids[i].encode())])
    n_draw = draws.n_draw
    paths = np.empty((n_draw, PATHS_PER_DRAW, years.size))
    for s in range(n_draw):
        paths[s] = dose_paths(
            draws.g[s], draws.own[s, i], states.after[s, i], dose, float(code[Code.BOLUS]),
            row[Col.T], catheter, pump, gap, years,
            rng.standard_normal((PATHS_PER_DRAW, 1 + NORMALS_A_VISIT * n_visit)),
            rng.random((PATHS_PER_DRAW, 1 + UNIFORMS_A_VISIT * n_visit)), NO_RULE,
            "ashworth" in plan.channels,
        )  # fmt: skip
    threshold = np.log(np.exp(dose) + RISE_UG)
    rise, quantiles = {}, {}
    each = np.repeat(weight / PATHS_PER_DRAW, PATHS_PER_DRAW)
    for h, months in enumerate(horizons):
        rise[months] = _chance_of_paths(paths[:, :, h] > threshold, weight)
        found = weighted_quantiles(paths[:, :, h].ravel(), each, DOSE_LEVELS + DOT_LEVELS)
        quantiles[months] = [float(np.exp(log_dose)) for log_dose in found]
    return rise, quantiles


def _chance_of_paths(hit: NDArray[np.bool_], weight: Array) -> Probability:
    """Return the probability of an event of which each draw has some paths, shape (n_draw, n_path).

    The few paths of a draw scatter; drawn towards the mean until only the spread between draws is
    left, their shares give a range that is not simulation error.
    """
    share = hit.mean(axis=1)
    told = weighted_probability(share, weight)
    spread = float(weight @ (share - told.value) ** 2)
    noise = float(weight @ (share * (1.0 - share))) / (hit.shape[1] - 1)
    if spread <= 0.0:
        return told
    kept = np.sqrt(max(spread - noise, 0.0) / spread)
    low, high = weighted_quantiles(told.value + kept * (share - told.value), weight, (0.05, 0.95))
    return replace(told, low=max(low, 0.0), high=min(high, 1.0))


def visit_gap(plan: RegimesPlan, i: int) -> float:
    """Return the usual time between visits of a patient, years (median of the last eight)."""
    t = plan.t_years[plan.offsets[i] : plan.offsets[i + 1]]
    gaps = np.diff(t)[-8:]
    gaps = gaps[gaps > 0.0]
    return float(np.clip(np.median(gaps), 0.04, 1.0)) if gaps.size else 0.25
