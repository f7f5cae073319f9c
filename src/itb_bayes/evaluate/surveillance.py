"""Alarms from a score given at every visit: false alarms, sensitivity, delay, PPV.

An alarm is the first visit at which the score reaches the threshold. It stands as long as the
score stays there; a new alarm is possible only after the score fell below the threshold or an
episode of the condition ended (a fault was repaired). An episode is caught by the first alarm
raised while it lasts; later alarms of the same episode count neither way. An alarm that was false
when it was raised and still stands at the onset catches nothing: it has been looked into and has
nothing new to say. Otherwise a chart that never comes down would seem to see everything coming.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.accuracy import (
    Array,
    Estimate,
    Flags,
    interval,
    ratio,
)
from itb_bayes.evaluate.resampling import PatientResamples
from itb_bayes.evaluate.visits import DAYS_PER_YEAR
from itb_bayes.evaluate.watch import Watch

Index = NDArray[np.int64]
_DAYS_PER_MONTH = DAYS_PER_YEAR / 12.0
_COARSE_STEPS = 200


@dataclass(frozen=True)
class AlarmCounts:
    """What alarms a score gave at one threshold.

    Attributes
    ----------
    threshold : float
    false_alarms : ndarray, shape (n_patient,)
        Alarms at a visit without the condition.
    delay_days : ndarray, shape (n_episode,)
        From onset to the first alarm of the episode; NaN where it was missed.
    """

    threshold: float
    false_alarms: Array
    delay_days: Array


@dataclass(frozen=True)
class AlarmSummary:
    """Surveillance at one threshold, with 95 % patient-bootstrap intervals (threshold held).

    Attributes
    ----------
    threshold : float
    n_false, n_episode, n_caught : int
        False alarms; episodes with a visit, and those caught.
    ppv : Estimate
        At the first alarm: episodes caught / (episodes caught + false alarms).
    false_per_100_years : Estimate
    sensitivity : Estimate
        Share of the episodes with a visit that were caught.
    delay_months : Estimate
        Median from onset to alarm of the episodes caught.
    """

    threshold: float
    n_false: int
    n_episode: int
    n_caught: int
    ppv: Estimate
    false_per_100_years: Estimate
    sensitivity: Estimate
    delay_months: Estimate


def count_alarms(watch: Watch, score: Array, threshold: float) -> AlarmCounts:
    """Return the alarms of a score at a threshold.

    Raises
    ------
    UsageError
        If a score is missing.
    """
    if np.isnan(score).any():
        raise UsageError("Every visit needs a score; fill missing ones first.")
    alarm = _alarms(watch, score, threshold)
    false_alarms = np.bincount(watch.patient, alarm & ~watch.truth, watch.n_patient)
    upcoming = _next_true(alarm)[watch.episode_first]
    caught = upcoming < watch.episode_stop
    at = watch.day[np.minimum(upcoming, watch.day.size - 1)]
    delay = np.where(caught, at - watch.episode_start, np.nan)
    return AlarmCounts(threshold, false_alarms, delay)


def _alarms(watch: Watch, score: Array, threshold: float) -> Flags:
    standing = score >= threshold
    new = np.ones(score.size, dtype=bool)
    new[1:] = (np.diff(watch.patient) != 0) | ~standing[:-1] | watch.ended[1:]
    raised: Flags = standing & new
    return raised


def _next_true(flags: Flags) -> Index:
    """Return the index of the next True at or after each place; the length where there is none."""
    marks = np.where(flags, np.arange(flags.size), flags.size)
    return np.minimum.accumulate(marks[::-1])[::-1].astype(np.int64)


def false_alarm_rate(watch: Watch, score: Array, threshold: float) -> float:
    """Return the false alarms per 100 patient-years."""
    alarm = _alarms(watch, score, threshold)
    return float(100.0 * np.sum(alarm & ~watch.truth) / watch.years.sum())


def matched_threshold(watch: Watch, score: Array, per_100_years: float) -> float:
    """Return the lowest threshold whose false-alarm rate is no higher than a stated one.

    The rate does not always fall as the threshold rises (two spells of a lower threshold may be
    one), so the search goes down from the highest score and stops where the rate is first passed.

    Returns
    -------
    float
        One of the scores; infinity (no alarm at all) where even the highest is passed.
    """
    levels = np.unique(score)[::-1]
    steps = np.unique(np.geomspace(1, levels.size, min(_COARSE_STEPS, levels.size)).astype(int)) - 1
    best = -1
    for earlier, step in pairwise([-1, *steps.tolist()]):
        if false_alarm_rate(watch, score, levels[step]) <= per_100_years:
            best = step
            continue
        for between in range(earlier + 1, step):
            if false_alarm_rate(watch, score, levels[between]) > per_100_years:
                break
            best = between
        break
    return float(levels[best]) if best >= 0 else float("inf")


def summarise_alarms(
    watch: Watch, score: Array, threshold: float, *, n_resample: int = 1000, seed: int = 1
) -> AlarmSummary:
    """Summarise the alarms of a score at a threshold, with patient-bootstrap intervals."""
    counts = count_alarms(watch, score, threshold)
    resamples = PatientResamples(watch.n_patient, n_resample, seed)
    caught = np.isfinite(counts.delay_days)
    episodes = np.bincount(watch.episode_patient, minlength=watch.n_patient).astype(float)
    caught_by = np.bincount(watch.episode_patient, caught, watch.n_patient)

    def estimate(over: Array, under: Array, scale: float = 1.0) -> Estimate:
        point = float(scale * ratio(np.asarray(over.sum()), np.asarray(under.sum())))
        return interval(point, scale * ratio(resamples.totals(over), resamples.totals(under)))

    return AlarmSummary(
        threshold=threshold,
        n_false=int(counts.false_alarms.sum()),
        n_episode=int(episodes.sum()),
        n_caught=int(caught.sum()),
        ppv=estimate(caught_by, caught_by + counts.false_alarms),
        false_per_100_years=estimate(counts.false_alarms, watch.years, 100.0),
        sensitivity=estimate(caught_by, episodes),
        delay_months=_median_delay(
            counts.delay_days[caught] / _DAYS_PER_MONTH, resamples.of(watch.episode_patient[caught])
        ),
    )


def _median_delay(delay_months: Array, weights: NDArray[np.uint16]) -> Estimate:
    if not delay_months.size:
        return Estimate(float("nan"), float("nan"), float("nan"))
    resampled = np.array(
        [np.median(np.repeat(delay_months, row)) if row.any() else np.nan for row in weights]
    )
    return interval(float(np.median(delay_months)), resampled)


def sensitivity_gain(
    watch: Watch, score: AlarmCounts, other: AlarmCounts, *, n_resample: int = 1000, seed: int = 1
) -> Estimate:
    """Return sensitivity minus that of a comparator, with the paired patient-bootstrap interval."""
    resamples = PatientResamples(watch.n_patient, n_resample, seed)
    episodes = np.bincount(watch.episode_patient, minlength=watch.n_patient).astype(float)
    difference = np.isfinite(score.delay_days).astype(float) - np.isfinite(other.delay_days)
    gained = np.bincount(watch.episode_patient, difference, watch.n_patient)
    point = float(ratio(np.asarray(gained.sum()), np.asarray(episodes.sum())))
    return interval(point, ratio(resamples.totals(gained), resamples.totals(episodes)))
