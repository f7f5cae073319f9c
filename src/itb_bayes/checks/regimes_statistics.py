"""Statistics of whole courses that the model did not fit one by one."""

import numpy as np
from numpy.typing import NDArray

from itb_bayes.checks.regimes_replicates import CourseSet
from itb_bayes.checks.statistics import MINIMUM_PATIENTS, MINIMUM_READINGS, Statistic

Array = NDArray[np.float64]

SETTLED_YEARS = 0.5
"""Visits before this are titration."""

BEFORE_YEARS = 0.5
"""Time before a confirmed fault that is looked at."""

CALM_POINTS = 2.0
"""Readings up to this (the goal is about one point) are calm.

How the dose answers high readings depends on how many faults there are. At calm ones it shows the
clinic's policy alone, so that too many faults are not told twice, once as a policy that is wrong.
"""

ABOVE_OWN_MEAN = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
"""Bounds of the classes of readings that weight shares: points above the patient's mean."""

LEAST_PAIRS = 10
LEFT_ALONE = "decisions that leave the dose alone, at readings as observed"
LOWERED = "changes that lower the dose"


def decision_statistics(courses: CourseSet) -> list[Statistic]:
    """Return how often the dose is left alone, and how far it is moved otherwise.

    Judged is how often it is left alone, directly standardised: a cohort's shares within classes of
    readings, weighted by how often the observed cohort has each class. A class is how far the
    reading lies above the patient's mean; no reading is one of its own. Then too many faults (more
    high readings), another Ashworth scale, and a model that knows the share but not what it depends
    on do not fail this check beside the one of their own. At calm readings alone the last of them
    did: if the share is the same at all readings, it is too low at calm ones.

    How far it is moved is shown and not judged: it follows from how the dose answers the reading
    (:func:`feedback_statistics`) and from how many readings are high.
    """
    late = settled(courses)
    change = courses.change[:, late]
    taken = np.isfinite(change)
    if taken[0].sum() < LEAST_PAIRS:
        return []
    above, _ = _less_own_means(courses, courses.tone, late)
    classes = np.where(np.isfinite(above), np.digitize(above, ABOVE_OWN_MEAN) + 1, 0)
    still = change == 0.0
    moved = np.where(still, np.nan, change)
    with np.errstate(invalid="ignore"):
        down = np.nansum(moved < 0.0, axis=1) / np.maximum(np.isfinite(moved).sum(axis=1), 1)
    share = still.sum(axis=1) / np.maximum(taken.sum(axis=1), 1)
    standardised = _standardised(still, np.where(taken, classes, -1))
    return [
        Statistic(LEFT_ALONE, "%", 100.0 * standardised),
        Statistic(LOWERED, "%", 100.0 * down),
        Statistic("decisions that leave the dose alone, as they come", "%", 100.0 * share, False),
        Statistic("size of a change (root mean square)", "log", _root_mean_square(moved), False),
    ]


def _standardised(values: NDArray[np.bool_], classes: NDArray[np.int64]) -> Array:
    """Return each row's mean, had it the first row's numbers of every class.

    Parameters
    ----------
    values, classes : ndarray, shape (n_cohort, n_value)
        Values of class -1 are missing. Classes that a row lacks are left out of its mean.
    """
    total, weight = np.zeros(len(values)), np.zeros(len(values))
    for k in range(int(classes.max()) + 1):
        member = classes == k
        count = member.sum(axis=1)
        there = np.where(count > 0, float(count[0]), 0.0)
        total += there * (values & member).sum(axis=1) / np.maximum(count, 1)
        weight += there
    return total / np.maximum(weight, 1.0)


def _high(courses: CourseSet) -> NDArray[np.bool_]:
    """Return which readings are not calm; none is where none was written down."""
    high: NDArray[np.bool_] = np.nan_to_num(courses.tone, nan=0.0) > CALM_POINTS
    return high


def tone_statistics(courses: CourseSet) -> list[Statistic]:
    """Return centre, spread and persistence of the Ashworth readings."""
    plan, tone = courses.plan, courses.tone
    means, spreads = [], []
    lag_sum, lag_count = np.zeros(courses.n_cohort), np.zeros(courses.n_cohort)
    late = settled(courses)
    for i in range(plan.n_patient):
        rows = np.arange(plan.offsets[i], plan.offsets[i + 1])
        rows = rows[late[rows] & np.isfinite(tone[0, rows])]
        if rows.size < MINIMUM_READINGS:
            continue
        own = tone[:, rows]
        away = own - own.mean(axis=1, keepdims=True)
        square = (away**2).sum(axis=1)
        means.append(own.mean(axis=1))
        spreads.append(np.sqrt(square / (rows.size - 1)))
        lag_sum += np.divide(
            (away[:, 1:] * away[:, :-1]).sum(axis=1), square, out=np.zeros(square.size),
            where=square > 0,
        )  # fmt: skip
        lag_count += square > 0
    if len(means) < MINIMUM_PATIENTS:
        return []
    by_patient, within = np.stack(means, axis=1), np.stack(spreads, axis=1)
    persistence: Array = lag_sum / np.maximum(lag_count, 1.0)
    typical, restless = np.quantile(within, (0.5, 0.9), axis=1)
    return [
        Statistic("mean Ashworth", "points", by_patient.mean(axis=1)),
        Statistic("SD of patients' mean Ashworth", "points", by_patient.std(axis=1, ddof=1)),
        Statistic("SD within a typical patient (median)", "points", typical),
        Statistic("SD within a restless patient (90 %)", "points", restless),
        Statistic("autocorrelation of Ashworth at lag 1", "correlation", persistence),
    ]  # fmt: skip


def fault_statistics(courses: CourseSet) -> list[Statistic]:
    """Return confirmed faults per 100 patient-years under observation."""
    plan = courses.plan
    years = float((plan.t_last - plan.t_years[plan.offsets[:-1]]).sum())
    counts = courses.faults.sum(axis=1)
    rates = counts.astype(np.float64) * (100.0 / years)
    names = ("confirmed faults of the catheter", "confirmed faults of the pump")
    return [Statistic(name, "per 100 patient-years", rates[:, k]) for k, name in enumerate(names)]


def feedback_statistics(courses: CourseSet) -> list[Statistic]:
    """Return how the dose answers the reading, and the next reading the dose.

    A model may get doses and readings right alone and these wrong. Readings and changes are
    compared within patients, so that one who was scored on another scale does not hide that the
    dose answers; calm readings only (:data:`CALM_POINTS`).
    """
    out = []
    late = settled(courses)
    tone = np.where(_high(courses), np.nan, courses.tone)
    answered = late & np.isfinite(courses.tone[0]) & np.isfinite(courses.change[0])
    if answered.sum() >= LEAST_PAIRS:
        out.append(
            Statistic(
                "change of the dose per point of that day's reading, within patients",
                "log per point",
                _slope(*_less_own_means(courses, tone, answered)),
            )
        )
    now, later = _next_readings(courses)
    if now.size >= LEAST_PAIRS:
        out.append(
            Statistic(
                "change of the next reading by change of the dose",
                "points per log",
                _slope(courses.change[:, now], tone[:, later] - tone[:, now]),
            )
        )
    return out


def before_fault_statistics(courses: CourseSet) -> list[Statistic]:
    """Return how tone and dose rise before a fault is confirmed."""
    tone, dose = _before_faults(courses)
    return [
        Statistic(
            "Ashworth in the half year before a fault, above the patient's mean", "points", tone
        ),
        Statistic("rise of the log dose in the half year before a fault", "log", dose),
    ]


def settled(courses: CourseSet) -> NDArray[np.bool_]:
    """Return which steps lie after titration."""
    late: NDArray[np.bool_] = courses.plan.t_years >= SETTLED_YEARS
    return late


def _next_readings(courses: CourseSet) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    plan = courses.plan
    usable = settled(courses) & np.isfinite(courses.tone[0]) & np.isfinite(courses.change[0])
    rows = np.flatnonzero(usable)
    pairs = plan.step_patient[rows[1:]] == plan.step_patient[rows[:-1]]
    return rows[:-1][pairs], rows[1:][pairs]


def _before_faults(courses: CourseSet) -> tuple[Array, Array]:
    """Return means over confirmed faults; NaN in cohorts without any."""
    plan = courses.plan
    tone, dose = np.full(courses.n_cohort, np.nan), np.full(courses.n_cohort, np.nan)
    for c in range(courses.n_cohort):
        tones, rises = [], []
        for k in np.flatnonzero(courses.faults[c].any(axis=1)):
            i = int(plan.step_patient[k])
            own = np.arange(plan.offsets[i], plan.offsets[i + 1])
            near = own[(own < k) & (plan.t_years[own] >= plan.t_years[k] - BEFORE_YEARS)]
            if not near.size:
                continue
            rises.append(courses.log_dose[c, near[-1]] - courses.log_dose[c, near[0]])
            read = near[np.isfinite(courses.tone[c, near])]
            if read.size:
                tones.append(courses.tone[c, read].mean() - np.nanmean(courses.tone[c, own]))
        tone[c] = np.mean(tones) if tones else np.nan
        dose[c] = np.mean(rises) if rises else np.nan
    return tone, dose


def _less_own_means(courses: CourseSet, tone: Array, rows: NDArray[np.bool_]) -> list[Array]:
    """Return readings and changes at some steps, of every cohort, less the patient's mean of each.

    Means are over the steps that have both.
    """
    patient = courses.plan.step_patient[rows]
    there = np.isfinite(tone[:, rows]) & np.isfinite(courses.change[:, rows])
    member = np.zeros((patient.size, courses.plan.n_patient))
    member[np.arange(patient.size), patient] = 1.0
    out = []
    for values in (tone[:, rows], courses.change[:, rows]):
        mean = (np.where(there, values, 0.0) @ member) / np.maximum(there @ member, 1.0)
        out.append(np.where(there, values - mean[:, patient], np.nan))
    return out


def _slope(x: Array, y: Array) -> Array:
    """Return the least-squares slope of y on x of each row, over the pairs that both have.

    A slope, unlike a correlation, stays when the spread of readings is another.
    """
    both = np.isfinite(x) & np.isfinite(y)
    n = np.maximum(both.sum(axis=1, keepdims=True), 1)
    x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
    dx = np.where(both, x - x.sum(axis=1, keepdims=True) / n, 0.0)
    dy = np.where(both, y - y.sum(axis=1, keepdims=True) / n, 0.0)
    spread = (dx**2).sum(axis=1)
    return np.divide((dx * dy).sum(axis=1), spread, out=np.zeros(len(spread)), where=spread > 0)


def _root_mean_square(values: Array) -> Array:
    there = np.isfinite(values)
    total = np.where(there, values, 0.0) ** 2
    return np.sqrt(total.sum(axis=1) / np.maximum(there.sum(axis=1), 1))
