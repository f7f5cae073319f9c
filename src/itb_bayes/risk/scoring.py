"""Scoring of patients that a regimes fit has not seen, without refitting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import RegimesDraws, regimes_draws
from itb_bayes.inference.regimes_states import filter_visits
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.layout import Col
from itb_bayes.model.regimes_plan import RegimesPlan, plan_scoring
from itb_bayes.risk.courses import smooth_visits
from itb_bayes.risk.explanation_table import (
    SMOOTHED,
    explanation_table,
    unscored_table,
    visit_table,
)
from itb_bayes.risk.explanations import (
    MINIMUM_READINGS,
    UNRELIABLE,
    PatientExplanations,
    blank,
    explain_patients,
    muted,
)
from itb_bayes.risk.refit import Refit, explain_on, once_more
from itb_bayes.risk.regimes_patient import judge_explained
from itb_bayes.risk.weights import importance_weights

DRAWS_PER_CHAIN = 100
"""Draws of each chain that score a patient; all, where the weights of these cannot be believed."""

PATIENTS_AT_ONCE = 20
"""Patients whose visits are held in memory together."""


@dataclass(frozen=True)
class ScoringRequest:
    """What is asked of a scoring run.

    Attributes
    ----------
    mode : str
        ``conditional`` or ``population``.
    horizons_months : tuple of float
    every_visit : bool
        Filtered probabilities at each visit instead of numbers as of the last record.
    draws_per_chain : int
        Tried first; a patient whose weights they leave unreliable is scored by all draws.
    smoothed : bool
        Probabilities at each visit given the whole record.
    """

    mode: str = "conditional"
    horizons_months: tuple[float, ...] = (12.0,)
    every_visit: bool = False
    draws_per_chain: int = DRAWS_PER_CHAIN
    smoothed: bool = False


def score_cohort(
    fit: RegimesFit,
    cohort: Cohort,
    request: ScoringRequest | None = None,
    *,
    until_years: Mapping[str, float] | None = None,
    refuse_stale: bool = False,
    on_progress: Callable[[int], None] | None = None,
    fallback: Refit | None = None,
) -> pd.DataFrame:
    """Score every patient of a cohort by a fit that has not seen them.

    Parameters
    ----------
    fit : RegimesFit
    cohort : Cohort
    request : ScoringRequest, optional
    until_years : mapping, optional
        As-of time of each patient; later records are not looked at.
    refuse_stale : bool
        Give no numbers for patients whose record ended long before ``until_years`` (they would be
        as of then, not as of the as-of time), or does not support any. Rows of ``every_visit`` are
        each as of their own time.
    on_progress : callable, optional
        Called with the number of patients done.
    fallback : Refit, optional
        For patients whose weights cannot be believed, not even over all draws of the fit; without
        it they get no numbers.

    Returns
    -------
    pandas.DataFrame
        Columns of :data:`itb_bayes.risk.explanation_table.COLUMNS`; patients without a dose on
        record have one row at the end that says so.

    Raises
    ------
    ModelError
        If no patient has a dose on record.
    """
    request = request or ScoringRequest()
    plan = plan_scoring(fit.plan, cohort, until_years=until_years)
    kept = thin(fit.posterior, request.draws_per_chain)
    tables = []
    for first in range(0, plan.n_patient, PATIENTS_AT_ONCE):
        part = plan.between(first, min(first + PATIENTS_AT_ONCE, plan.n_patient))
        draws = regimes_draws(part, kept)
        if request.every_visit or request.smoothed:
            tables += _every_visit(fit, part, draws, request)
        else:
            found = explain_patients(
                part, draws, mode=request.mode, horizons_months=request.horizons_months,
                seed=fit.seed,
            )  # fmt: skip
            if refuse_stale and request.mode != "population":
                found = withhold_unsupported(part, found, until_years or {})
            found = _once_more(fit, part, found, draws.n_draw, request, fallback)
            tables.append(explanation_table(fit, found))
        if on_progress is not None:
            on_progress(first + part.n_patient)
    known = set(plan.patient_ids)
    left_out = [who for who in cohort.patients["patient_id"].astype(str) if who not in known]
    if left_out:
        tables.append(unscored_table(fit, left_out, request.mode))
    return pd.concat(tables, ignore_index=True)


def _once_more(
    fit: RegimesFit, plan: RegimesPlan, found: Sequence[PatientExplanations], n_draw: int,
    request: ScoringRequest, fallback: Refit | None,
) -> tuple[PatientExplanations, ...]:  # fmt: skip
    """Return explanations, those of unreliable weights by all draws, or by the fallback."""
    out = []
    horizons = tuple(sorted(set(request.horizons_months)))
    for i, said in enumerate(found):
        more = fallback is not None or n_draw < n_draws(fit.posterior)
        if said.status.startswith(UNRELIABLE) and more:
            one = plan.between(i, i + 1)
            said = explain_on(one, once_more(fit, one, fallback), horizons, fit.seed)
        out.append(said)
    return tuple(out)


def n_draws(posterior: xr.Dataset) -> int:
    """Return the number of draws of all chains."""
    return int(posterior.sizes["chain"] * posterior.sizes["draw"])


def withhold_unsupported(
    plan: RegimesPlan,
    found: Sequence[PatientExplanations],
    until_years: Mapping[str, float],
) -> tuple[PatientExplanations, ...]:
    """Return explanations without numbers where a record does not support any.

    The judgement is that of the pages (:func:`itb_bayes.risk.regimes_patient.judge_explained`): a
    record that ended long before its as-of time, a diagnosis that was not fitted, a dose in force
    outside what was studied. Without an as-of time a record is judged by its own end.
    """
    out = []
    for i, said in enumerate(found):
        status, reasons = judge_explained(plan, i, until_years.get(said.patient_id))
        asked = said.present or said.status.startswith(UNRELIABLE)
        if status == "not estimated" and asked:
            said = said.withheld(f"not estimated: {'; '.join(reasons)}")
        out.append(said)
    return tuple(out)


def _every_visit(
    fit: RegimesFit, plan: RegimesPlan, draws: RegimesDraws, request: ScoringRequest
) -> list[pd.DataFrame]:
    """Return filtered or smoothed probabilities at each step, a table for each patient.

    A patient with a step of unreliable weights is scored by all draws of the fit.
    """
    table = _visits(fit, plan, draws, request)
    unreliable = table["status"].str.startswith(UNRELIABLE)
    again = (
        set(table.loc[unreliable, "patient_id"]) if draws.n_draw < n_draws(fit.posterior) else ()
    )
    tables = []
    for i, patient_id in enumerate(plan.patient_ids):
        if patient_id in again:
            one = plan.between(i, i + 1)
            tables.append(_visits(fit, one, regimes_draws(one, fit.posterior), request))
        else:
            tables.append(table[table["patient_id"] == patient_id])
    return tables


def _visits(
    fit: RegimesFit, plan: RegimesPlan, draws: RegimesDraws, request: ScoringRequest
) -> pd.DataFrame:
    """Return probabilities at each step, the draws weighted by what is used there.

    Filtered: by what was known then. Smoothed: by the whole record.
    """
    mode, shown = request.mode, plan
    if mode == "population":
        shown, draws = blank(plan), muted(draws)
    probability, total = filter_visits(shown, draws)
    if request.smoothed:
        # One set of weights for a patient, by all their records: those of their last step.
        probability, total = smooth_visits(shown, draws), total[:, plan.offsets[1:] - 1]
    status = np.full(plan.offsets[-1], "estimated", dtype=object)
    weight = np.full((draws.n_draw, plan.offsets[-1]), 1.0 / draws.n_draw)
    if mode == "conditional":
        weights = importance_weights(total)
        at = plan.step_patient if request.smoothed else slice(None)
        weight = weights.weight[:, at]
        status[~weights.reliable[at]] = f"{UNRELIABLE}; fit again"
    if mode != "population":
        status[_too_few(plan, request.smoothed)] = (
            f"not estimated: fewer than {MINIMUM_READINGS} visits with a reading or a dose"
        )
    quantity = SMOOTHED if request.smoothed else "present"
    return visit_table(fit, shown, probability, weight, mode, status, quantity)


def _too_few(plan: RegimesPlan, whole: bool) -> NDArray[np.bool_]:
    """Return at which steps the record so far, or the whole record, is too short for numbers."""
    spoken = np.isfinite(plan.data[:, Col.ASHWORTH])
    spoken |= np.isfinite(plan.data[:, Col.DOSE_CHANGE])
    before = np.concatenate([[0], np.cumsum(spoken)])
    lengths = np.diff(plan.offsets)
    known = np.repeat(before[plan.offsets[1:]], lengths) if whole else before[1:]
    return np.asarray(known - before[np.repeat(plan.offsets[:-1], lengths)] < MINIMUM_READINGS)
