"""Posterior predictive checks of the joint model: doses, tone, faults, and how they go together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from itb_bayes.checks.design import YearDesign
from itb_bayes.checks.predictive import compare, dose_bands
from itb_bayes.checks.regimes_replicates import (
    N_REPLICATE,
    CourseSet,
    choose_patients,
    replicate_courses,
    with_observed,
)
from itb_bayes.checks.regimes_statistics import (
    LOWERED,
    before_fault_statistics,
    decision_statistics,
    fault_statistics,
    feedback_statistics,
    tone_statistics,
)
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.statistics import (
    MINIMUM_PATIENTS,
    MINIMUM_READINGS,
    UNCHANGED,
    Statistic,
    change_statistics,
    level_statistics,
    persistence_statistics,
)
from itb_bayes.inference.regimes_fitted import RegimesFit

LEAST_WITH = 0.5
"""Share of the replicated cohorts that must have a statistic for it to be shown."""

STILL_YEARS = "years in which the dose is never changed"
"""This model can leave a dose alone, so it is judged by it."""


def joint_checks(
    fit: RegimesFit, on_replicate: Callable[[int], None] | None = None
) -> tuple[CheckResult, ...]:
    """Compare the cohort with new courses of its patients, drawn from the model.

    Parameters
    ----------
    fit : RegimesFit
        Of a large cohort a random part of the patients is looked at.
    on_replicate : callable, optional
        Called with the number of replicated cohorts done.
    """
    chosen = choose_patients(fit.plan, N_REPLICATE, fit.seed)
    plan = fit.plan.select(chosen)
    courses = with_observed(
        replicate_courses(plan, fit.population(plan), fit.seed, on_replicate=on_replicate)
    )
    results = compare_courses(courses)
    if chosen.size == fit.plan.n_patient:
        return results
    note = f" {chosen.size} of {fit.plan.n_patient} patients, chosen at random."
    return tuple(replace(result, summary=result.summary + note) for result in results)


def compare_courses(courses: CourseSet) -> tuple[CheckResult, ...]:
    """Compare the first cohort of a set with the others."""
    plan = courses.plan
    design = YearDesign.laid_out(plan.diagnoses, plan.diagnosis_index, plan.t_years, plan.offsets)
    dose = courses.log_dose
    decisions = decision_statistics(courses)
    direction = [s for s in decisions if s.name == LOWERED]
    changes = [
        replace(s, name=STILL_YEARS, judged=True) if s.name == UNCHANGED else s
        for s in change_statistics(dose, design)
    ]
    return (
        compare(
            "predictive-doses",
            "Would new patients of these diagnoses have doses like those observed?",
            level_statistics(dose, design),
            f"no diagnosis has {MINIMUM_PATIENTS} patients followed to year 1",
            figure="bands",
            plot=dose_bands(dose[1:], design, dose[0]),
        ),
        compare(
            "predictive-decisions",
            "Would their doses be left alone as often (and, not judged, otherwise moved as far)?",
            [s for s in decisions if s.name != LOWERED],
            "too few decisions about the dose after the first half year",
        ),
        compare(
            "predictive-changes",
            "Would their doses change from year to year, and persist, as the observed did?",
            direction + changes + persistence_statistics(dose, design),
            f"fewer than {MINIMUM_PATIENTS} yearly comparisons after the first year",
        ),
        compare(
            "predictive-tone",
            "Would their Ashworth scores have the observed level, spread and persistence?",
            tone_statistics(courses),
            f"fewer than {MINIMUM_PATIENTS} patients have {MINIMUM_READINGS} readings",
        ),
        compare(
            "predictive-faults",
            "Would as many faults be confirmed?",
            fault_statistics(courses),
            "there is no follow-up",
        ),
        compare(
            "predictive-feedback",
            "Would doses answer spasticity, and spasticity doses, as they do?",
            _filled(feedback_statistics(courses)),
            "no reading is answered by a dose change",
        ),
        compare(
            "predictive-associations",
            "Would tone and dose rise before a fault is confirmed as they do?",
            _filled(before_fault_statistics(courses)),
            "no fault is confirmed",
        ),
    )


def _filled(statistics: list[Statistic]) -> list[Statistic]:
    """Drop statistics that too few cohorts have; cohorts without one count as typical there."""
    out = []
    for statistic in statistics:
        values = statistic.by_cohort
        there = np.isfinite(values)
        if there[0] and there[1:].mean() >= LEAST_WITH:
            typical = np.median(values[1:][there[1:]])
            out.append(replace(statistic, by_cohort=np.where(there, values, typical)))
    return out
