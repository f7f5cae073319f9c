"""What a regimes fit says about each patient, with everything a page needs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Col
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.risk.evidence import EvidenceLine, strongest_evidence
from itb_bayes.risk.explanations import (
    MINIMUM_READINGS,
    UNRELIABLE,
    PatientExplanations,
    explain_patient,
    log_dose_after,
)
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.next_tests import NextTest, next_tests
from itb_bayes.risk.patient import (
    LIMITED_READINGS,
    Forecast,
    Probability,
    Status,
    implausible_dose,
    stale_reason,
)
from itb_bayes.risk.prior_scaling import PriorScaling, Scaled
from itb_bayes.risk.refit import MODE, UNSEEN_MODE, Grounds, Refit, once_more
from itb_bayes.risk.rule import AFTER_YEARS, OLDEST_READING_YEARS, RuleCount, yearly_rises
from itb_bayes.risk.rule import RISE_UG as RULE_UG
from itb_bayes.risk.weights import equal_weights, importance_weights

Array = NDArray[np.float64]

NO_DIAGNOSIS = "other"
"""Shown for a diagnosis that was not among those fitted."""

LINES_FOR, LINES_AGAINST, LINES = 3, 2, 5


@dataclass(frozen=True)
class ExplainedPatient:
    """One patient as of their last record.

    Attributes
    ----------
    index : int
        Position in the fit.
    diagnosis : str
    status : {"ok", "limited", "not estimated"}
    reasons : tuple of str
        Why the status is not "ok".
    said : PatientExplanations
        Probabilities now and ahead; they are not to be shown where the status is "not estimated".
    t_years, dose_ug : ndarray, shape (n_step,)
        Dose in force from each step on.
    last_year_rise_ug : float
        Change of the dose over the last year; NaN where that reaches into the first year.
    forecasts : tuple of Forecast
        Empty where not estimated.
    leading : str
        The most probable explanation but "none"; empty where not estimated.
    evidence : tuple of EvidenceLine
        For and against ``leading``.
    tests : tuple of NextTest
        The one worth most first.
    scaled : tuple of Scaled
        What the explanations would be under weaker and stronger priors; empty where not estimated,
        or where the draws of the fit had to be left for others.
    """

    index: int
    diagnosis: str
    status: Status
    reasons: tuple[str, ...]
    said: PatientExplanations
    t_years: Array
    dose_ug: Array
    last_year_rise_ug: float
    forecasts: tuple[Forecast, ...]
    leading: str
    evidence: tuple[EvidenceLine, ...]
    tests: tuple[NextTest, ...]
    scaled: tuple[Scaled, ...] = ()


def summarise_explained(
    fit: RegimesFit,
    horizons_months: tuple[float, ...] = (3.0, 6.0, 9.0, 12.0),
    on_progress: Callable[[int, int], None] | None = None,
    *,
    unseen: RegimesPlan | None = None,
    as_of_years: Mapping[str, float] | None = None,
    fallback: Refit | None = None,
    wanted: Collection[int] | None = None,
) -> tuple[ExplainedPatient, ...]:
    """Summarise every patient of a fit, or of a plan that the fit has not seen.

    Parameters
    ----------
    fit : RegimesFit
        A fit that passed its gate (see :meth:`RegimesFit.require_gate`).
    horizons_months : tuple of float
        Increasing forecast horizons; onsets are asked for at the last.
    on_progress : callable, optional
        Called with work done and all work: one unit per draw filtered and per patient.
    unseen : RegimesPlan, optional
        Patients that the fit has not seen, laid out by
        :func:`itb_bayes.model.regimes_plan.plan_scoring`: the draws are weighted by each patient's
        own records (mode "conditional").
    as_of_years : mapping of patient_id to float, optional
        As-of time of patients (years since implant): a record that ended long before gives no
        numbers. Without it a record is judged by its own end.
    fallback : Refit, optional
        For unseen patients whose weights cannot be believed, not even over all draws of the fit;
        without it they get no numbers.
    wanted : collection of int, optional
        Unseen patients whose numbers are asked for, so that no more are taken once more by all
        draws; all by default.
    """
    plan = fit.plan if unseen is None else unseen
    draws = fit.population(unseen)
    total = draws.n_draw + plan.n_patient
    told = on_progress or (lambda done, of: None)
    states = filter_patients(plan, draws, lambda done: told(done, total))
    mode = MODE if unseen is None else UNSEEN_MODE
    weights = (
        equal_weights(draws.n_draw, plan.n_patient)
        if unseen is None
        else importance_weights(states.log_likelihood)
    )
    scaling = PriorScaling.of(fit.spec, fit.thinned)
    until = dict(as_of_years or {})
    ask = _Asked(plan, Grounds(draws, states, weights, mode), scaling, horizons_months, fit.seed)
    out = map_in_threads(
        lambda i: _summarise(ask, i, until.get(plan.patient_ids[i])),
        plan.n_patient,
        lambda done: told(draws.n_draw + done, total),
    )
    if unseen is None:
        return tuple(out)
    again = _OnceMore(fit, unseen, horizons_months, until, fallback)
    return tuple(
        again.summarise(i) if _unforeseen(summary) and (wanted is None or i in wanted) else summary
        for i, summary in enumerate(out)
    )


def dose_course(plan: RegimesPlan, patient: int) -> tuple[Array, Array]:
    """Return times of a patient's steps and the dose (µg/day) in force from each on."""
    own = plan.data[int(plan.offsets[patient]) : int(plan.offsets[patient + 1])]
    after = np.append(own[1:, Col.LOG_DOSE], log_dose_after(own[-1]))
    return own[:, Col.T].copy(), np.exp(after)


def count_group_rule(plan: RegimesPlan, patients: NDArray[np.bool_]) -> RuleCount:
    """Count flags of the 100 µg rule among the chosen patients (mask of shape (n_patient,))."""
    flagged = at_risk = 0
    for i in np.flatnonzero(patients):
        rises = yearly_rises(*dose_course(plan, int(i)))
        flagged += int((rises > RULE_UG).sum())
        at_risk += rises.size
    return RuleCount(flagged, at_risk)


def judge_explained(
    plan: RegimesPlan, patient: int, as_of_years: float | None = None
) -> tuple[Status, tuple[str, ...]]:
    """Return whether a patient's record supports numbers, and why not.

    Parameters
    ----------
    plan : RegimesPlan
    patient : int
    as_of_years : float, optional
        As-of time, years since implant; the end of the record where not given.
    """
    own = plan.data[int(plan.offsets[patient]) : int(plan.offsets[patient + 1])]
    if plan.diagnosis_index[patient] < 0:
        return "not estimated", ("the diagnosis is none of those fitted",)
    spoken = np.isfinite(own[:, Col.ASHWORTH]) | np.isfinite(own[:, Col.DOSE_CHANGE])
    n = int(spoken.sum())
    if n < MINIMUM_READINGS:
        visits = "visit" if n == 1 else "visits"
        why = f"only {n} {visits} with a reading of tone or a dose; {MINIMUM_READINGS} are needed"
        return "not estimated", (why,)
    stale = stale_reason("reading of tone or dose", own[spoken, Col.T], own[-1, Col.T], as_of_years)
    if stale:
        return "not estimated", (stale,)
    beyond = implausible_dose(float(np.exp(log_dose_after(own[-1]))))
    if beyond:
        return "not estimated", (beyond,)
    reasons = []
    if n < LIMITED_READINGS:
        reasons.append(f"{n} visits with a reading: the numbers lean on other patients")
    if not np.isfinite(own[:, Col.ASHWORTH]).any():
        reasons.append("no Ashworth score on record: a rising dose is all that speaks")
    if plan.centres and plan.centre_index[patient] < 0:
        reasons.append("a centre that was not fitted: its habits are taken for the mean of others'")
    return ("limited" if reasons else "ok"), tuple(reasons)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What all patients of one summary share; ``grounds`` are of all of them."""

    plan: RegimesPlan
    grounds: Grounds
    scaling: PriorScaling | None
    horizons: tuple[float, ...]
    seed: int


def _summarise(ask: _Asked, i: int, as_of_years: float | None) -> ExplainedPatient:
    plan, on = ask.plan, ask.grounds
    draws, states, weights = on.draws, on.states, on.weights
    said = explain_patient(
        plan, draws, states, weights, i, on.mode, ask.horizons, ask.seed,
        onset_horizons=ask.horizons[-1:],
    )  # fmt: skip
    said = on.allowed(said)
    status, reasons = judge_explained(plan, i, as_of_years)
    if status != "not estimated" and not said.present:
        status, reasons = "not estimated", (said.status.removeprefix("not estimated: "),)
    t, dose = dose_course(plan, i)
    estimated = status != "not estimated"
    diagnosis = int(plan.diagnosis_index[i])
    leading = ""
    evidence: tuple[EvidenceLine, ...] = ()
    tests: tuple[NextTest, ...] = ()
    if estimated:
        leading = max(EXPLANATIONS[1:], key=lambda name: said.present[name].value)
        likely = draws_like(draws, weights.weight[:, i])
        evidence = _both_sides(strongest_evidence(plan, likely, i, leading, lines=40))
        tests = next_tests(draws.g, states.after[:, i, :, 0], weights.weight[:, i])
    return ExplainedPatient(
        index=i,
        diagnosis=plan.diagnoses[diagnosis] if diagnosis >= 0 else NO_DIAGNOSIS,
        status=status,
        reasons=reasons,
        said=said,
        t_years=t,
        dose_ug=dose,
        last_year_rise_ug=_last_year_rise(t, dose),
        forecasts=_forecasts(said) if estimated else (),
        leading=leading,
        evidence=evidence,
        tests=tests,
        scaled=(
            ask.scaling.told(states.now[:, i], None if on.mode == MODE else weights.weight[:, i])
            if estimated and ask.scaling is not None
            else ()
        ),
    )


@dataclass(frozen=True, eq=False)
class _OnceMore:
    """Summaries of unseen patients whom the draws for all do not foretell.

    First by all draws of the fit, then by the posterior with the patient in it.
    """

    fit: RegimesFit
    plan: RegimesPlan
    horizons: tuple[float, ...]
    until: Mapping[str, float]
    fallback: Refit | None

    @cached_property
    def scaling(self) -> PriorScaling:
        return PriorScaling.of(self.fit.spec, self.fit.posterior)

    def summarise(self, i: int) -> ExplainedPatient:
        one = self.plan.between(i, i + 1)
        grounds = once_more(self.fit, one, self.fallback)
        # Priors are scaled on draws of the fit; others are not weighted for it.
        scaling = self.scaling if grounds.mode == UNSEEN_MODE else None
        ask = _Asked(one, grounds, scaling, self.horizons, self.fit.seed)
        return replace(_summarise(ask, 0, self.until.get(one.patient_ids[0])), index=i)


def _unforeseen(found: ExplainedPatient) -> bool:
    """Return whether nothing but the weights of the draws stands in the way of numbers."""
    return found.reasons == (found.said.status.removeprefix("not estimated: "),) and (
        found.said.status.startswith(UNRELIABLE)
    )


def draws_like(draws: RegimesDraws, weight: Array) -> RegimesDraws:
    """Return as many draws of equal weight as stand for weighted ones (systematic resampling).

    Draws of equal weight are returned as they are, in their order.
    """
    n = draws.n_draw
    points = (np.arange(n) + 0.5) / n
    chosen = np.minimum(np.searchsorted(np.cumsum(weight), points), n - 1)
    return RegimesDraws(draws.g[chosen], draws.own[chosen])


def _forecasts(said: PatientExplanations) -> tuple[Forecast, ...]:
    found = []
    for months, p in said.rise.items():
        rise = Probability(p.value, p.low, p.high, p.mcse)
        levels = Interval(*said.dose_levels_ug[months])
        found.append(Forecast(months, levels, said.dots_ug[months], rise))
    return tuple(found)


def _both_sides(found: tuple[EvidenceLine, ...]) -> tuple[EvidenceLine, ...]:
    """Return the strongest lines of both sides, at most five, the strongest first."""
    speaking = [line for line in found if line.log_ratio > 0.0]
    against = [line for line in found if line.log_ratio < 0.0]
    n_for = max(LINES_FOR, LINES - len(against))
    n_against = max(LINES_AGAINST, LINES - len(speaking))
    kept = [*speaking[:n_for], *against[:n_against]]
    return tuple(sorted(kept, key=lambda line: (-abs(line.log_ratio), line.t_years)))


def _last_year_rise(t_years: Array, dose_ug: Array) -> float:
    before = float(t_years[-1]) - 1.0
    if before < AFTER_YEARS:
        return float("nan")
    held = int(np.searchsorted(t_years, before + 1e-6, side="right")) - 1
    if held < 0 or before - t_years[held] > OLDEST_READING_YEARS:
        return float("nan")
    return float(dose_ug[-1] - dose_ug[held])
