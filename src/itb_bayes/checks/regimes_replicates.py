"""Replicated cohorts of a regimes model: the design of a plan, with new courses of its patients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.actions import Action
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.layout import Code, Col
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.simulate.regimes_course import draw_courses

Array = NDArray[np.float64]
Index = NDArray[np.int64]

N_REPLICATE = 120
STEP_BUDGET = 160_000
"""Steps that are drawn in all: less than a minute on one core."""

FAULT_BITS = (int(Action.CATHETER_CONFIRMED), int(Action.PUMP_CONFIRMED))
LARGEST_LOG_DOSE = 700.0


@dataclass(frozen=True, eq=False)
class CourseSet:
    """Courses of cohorts with one design; first axis is the cohort.

    Attributes
    ----------
    plan : RegimesPlan
        The design: times, patients, diagnoses.
    log_dose : ndarray, shape (n_cohort, n_step)
        In force after each day (µg/day).
    tone : ndarray, shape (n_cohort, n_step)
        Ashworth readings (0-4); NaN where none is taken.
    change : ndarray, shape (n_cohort, n_step)
        Log change of the dose at the day's decision; NaN where none was taken.
    faults : ndarray of bool, shape (n_cohort, n_step, 2)
        Confirmed faults of catheter and pump.
    """

    plan: RegimesPlan
    log_dose: Array
    tone: Array
    change: Array
    faults: NDArray[np.bool_]

    @property
    def n_cohort(self) -> int:
        """Number of cohorts."""
        return len(self.log_dose)


def choose_patients(plan: RegimesPlan, n_replicate: int, seed: int) -> Index:
    """Return the patients that are replicated: all, or a random part of a large cohort."""
    lengths = np.diff(plan.offsets)
    order = np.random.default_rng([seed, 0xC0]).permutation(plan.n_patient)
    within = np.cumsum(lengths[order]) * n_replicate <= STEP_BUDGET
    return np.sort(order[: max(int(within.sum()), 1)])


def replicate_courses(
    plan: RegimesPlan,
    draws: RegimesDraws,
    seed: int,
    n_replicate: int = N_REPLICATE,
    on_replicate: Callable[[int], None] | None = None,
) -> CourseSet:
    """Draw cohorts from the model, one for each of evenly spaced population draws.

    Visits, diagnoses, which channel is recorded when, holidays and elective operations are those
    of the plan; regimes, requirements, readings, dose changes and faults are drawn anew.

    Parameters
    ----------
    plan : RegimesPlan
    draws : RegimesDraws
        Of the patients of the plan.
    seed : int
    n_replicate : int
    on_replicate : callable, optional
        Called with the number of cohorts done.
    """
    keep = np.linspace(0, draws.n_draw - 1, min(n_replicate, draws.n_draw)).round().astype(int)
    data, codes = [], []
    for r, s in enumerate(keep):
        course = draw_courses(
            draws.g[s], draws.own[s], plan.data, plan.codes, plan.offsets,
            np.random.default_rng([seed, 0xC1, r]), tone_seen="ashworth" in plan.channels,
        )  # fmt: skip
        data.append(course.data)
        codes.append(course.codes)
        if on_replicate is not None:
            on_replicate(r + 1)
    return course_set(plan, np.stack(data), np.stack(codes))


def course_set(plan: RegimesPlan, data: Array, codes: Index) -> CourseSet:
    """Read courses off the steps of cohorts, shapes (n_cohort, n_step, ...) of a plan's columns."""
    change = data[:, :, Col.DOSE_CHANGE]
    log_dose = np.empty(change.shape)
    log_dose[:, :-1] = data[:, 1:, Col.LOG_DOSE]
    ends = plan.offsets[1:] - 1
    log_dose[:, ends] = data[:, ends, Col.LOG_DOSE] + np.nan_to_num(change[:, ends])
    action = codes[:, :, Code.ACTION]
    return CourseSet(
        plan,
        np.clip(log_dose, -LARGEST_LOG_DOSE, LARGEST_LOG_DOSE),
        data[:, :, Col.ASHWORTH],
        change,
        np.stack([(action & bit) > 0 for bit in FAULT_BITS], axis=2),
    )


def with_observed(replicated: CourseSet) -> CourseSet:
    """Return a set with the observed cohort in front."""
    plan = replicated.plan
    own = course_set(plan, plan.data[None], plan.codes[None])
    return CourseSet(
        plan,
        np.concatenate([own.log_dose, replicated.log_dose]),
        np.concatenate([own.tone, replicated.tone]),
        np.concatenate([own.change, replicated.change]),
        np.concatenate([own.faults, replicated.faults]),
    )
