"""Alarms, episodes caught, delays, and thresholds matched by false alarms."""

import numpy as np
import pandas as pd
import pytest

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.surveillance import (
    count_alarms,
    false_alarm_rate,
    matched_threshold,
    sensitivity_gain,
    summarise_alarms,
)
from itb_bayes.evaluate.watch import Watch, watch_visits


def visits_at(days: dict[str, list[int]]) -> pd.DataFrame:
    rows = [(pid, day) for pid, own in days.items() for day in own]
    return pd.DataFrame(rows, columns=["patient_id", "day"])


def episodes_at(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["patient_id", "start_day", "end_day"])


@pytest.fixture
def two_patients() -> Watch:
    """A with a fault from day 150 to 420; B, ill from day 50 to 60 only, has no visit in it."""
    visits = visits_at({"A": [0, 100, 200, 300, 400, 500], "B": [0, 100, 200]})
    return watch_visits(visits, episodes_at(("A", 150, 420), ("B", 50, 60), ("C", 0, 9)))


def test_visits_and_episodes_are_laid_out(two_patients: Watch) -> None:
    assert two_patients.truth.tolist() == [False, False, True, True, True, *[False] * 4]
    assert np.flatnonzero(two_patients.ended).tolist() == [5]
    assert two_patients.years == pytest.approx([500 / 365.25, 200 / 365.25])
    assert (two_patients.n_unseen, two_patients.episode_start.tolist()) == (1, [150])
    assert (two_patients.episode_first[0], two_patients.episode_stop[0]) == (2, 5)


def test_the_first_alarm_of_an_episode_catches_it_once(two_patients: Watch) -> None:
    score = np.array([0.9, 0.1, 0.2, 0.8, 0.1, 0.1, 0.1, 0.7, 0.9])
    counts = count_alarms(two_patients, score, 0.5)
    assert counts.false_alarms.tolist() == [1, 1]
    assert counts.delay_days.tolist() == [150.0]
    again = np.array([0.1, 0.1, 0.8, 0.2, 0.9, 0.1, 0.1, 0.1, 0.1])
    assert count_alarms(two_patients, again, 0.5).delay_days.tolist() == [50.0]
    summary = summarise_alarms(two_patients, again, 0.5, n_resample=50)
    assert (summary.n_false, summary.n_episode, summary.n_caught) == (0, 1, 1)
    assert (summary.ppv.value, summary.sensitivity.value) == (1.0, 1.0)
    assert summary.delay_months.value == pytest.approx(50 / 365.25 * 12)


def test_an_alarm_that_stands_since_before_the_onset_catches_nothing(two_patients: Watch) -> None:
    score = np.array([0.1, 0.9, 0.9, 0.9, 0.9, 0.1, 0.0, 0.0, 0.0])
    counts = count_alarms(two_patients, score, 0.5)
    assert counts.false_alarms.tolist() == [1, 0]
    assert np.isnan(counts.delay_days).all()


def test_a_repair_ends_the_alarm_so_that_a_new_one_can_be_raised(two_patients: Watch) -> None:
    score = np.array([0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.0, 0.0, 0.0])
    assert count_alarms(two_patients, score, 0.5).false_alarms.tolist() == [1, 0]


def test_a_threshold_is_reached_when_the_score_equals_it(two_patients: Watch) -> None:
    score = np.array([0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert count_alarms(two_patients, score, 0.5).delay_days.tolist() == [50.0]
    assert np.isnan(count_alarms(two_patients, score, 0.51).delay_days).all()


def slow_rate(
    days: dict[str, list[int]], truth: np.ndarray, score: np.ndarray, threshold: float
) -> float:
    """Count false alarms visit by visit (nobody has an episode that ends between visits)."""
    count, years, row = 0, 0.0, 0
    for own in days.values():
        standing = False
        years += (own[-1] - own[0]) / 365.25
        for _ in own:
            now = score[row] >= threshold
            count += now and not standing and not truth[row]
            standing = now
            row += 1
    return 100 * count / years


def test_false_alarm_rate_and_matched_threshold_by_brute_force() -> None:
    rng = np.random.default_rng(8)
    days = {f"P{k}": np.cumsum(rng.integers(5, 90, 30)).tolist() for k in range(40)}
    score = np.concatenate([np.cumsum(rng.normal(0, 1, 30)) for _ in days])
    watch = watch_visits(visits_at(days), episodes_at())
    nothing = np.zeros(score.size, dtype=bool)
    levels = np.unique(score)[::-1]
    slow = np.array([slow_rate(days, nothing, score, level) for level in levels])
    fast = [false_alarm_rate(watch, score, level) for level in levels]
    assert fast == pytest.approx(slow)
    for wanted in (3.0, 10.0, 25.0):
        passed = np.flatnonzero(slow > wanted)[0]
        found = matched_threshold(watch, score, wanted)
        # Coarse steps may jump a brief excess; the rate asked for is never passed.
        assert false_alarm_rate(watch, score, found) <= wanted
        assert found <= levels[passed - 1]


def test_no_threshold_is_low_enough_or_high_enough(two_patients: Watch) -> None:
    score = np.array([0.9, 0.1, 0.2, 0.8, 0.1, 0.1, 0.9, 0.2, 0.2])
    assert matched_threshold(two_patients, score, 0.0) == np.inf
    assert np.isnan(summarise_alarms(two_patients, score, np.inf, n_resample=9).ppv.value)
    assert matched_threshold(two_patients, score, 1e6) == 0.1


def test_intervals_resample_patients_the_long_way() -> None:
    rng = np.random.default_rng(10)
    days = {f"P{k}": list(range(0, 2000, 100)) for k in range(15)}
    ill = [(f"P{k}", int(s), int(s) + 450) for k, s in enumerate(rng.integers(200, 1400, 15))]
    watch = watch_visits(visits_at(days), episodes_at(*ill))
    score = rng.random(watch.day.size) + 0.25 * watch.truth
    counts = count_alarms(watch, score, 0.9)
    got = summarise_alarms(watch, score, 0.9, n_resample=40, seed=3)
    drawn = np.random.default_rng(3).multinomial(15, np.full(15, 1 / 15), size=40)
    rates, delays, ppv = [], [], []
    for weight in drawn:
        who = np.repeat(np.arange(15), weight)
        delay = counts.delay_days[who]
        false = counts.false_alarms[who].sum()
        rates.append(100 * false / watch.years[who].sum())
        delays.append(np.nanmedian(delay) / 365.25 * 12)
        ppv.append(np.isfinite(delay).sum() / (np.isfinite(delay).sum() + false))
    for found, long_way in (
        (got.false_per_100_years, rates),
        (got.delay_months, delays),
        (got.ppv, ppv),
    ):
        assert (found.low, found.high) == pytest.approx(np.quantile(long_way, [0.025, 0.975]))


def test_gain_in_sensitivity_is_paired() -> None:
    days = {name: [0, 100, 200] for name in "ABCD"}
    watch = watch_visits(visits_at(days), episodes_at(*((name, 50, 300) for name in "ABCD")))
    sees_all = np.tile([0.0, 1.0, 0.0], 4)
    sees_half = np.where(np.arange(12) < 6, sees_all, 0.0)
    first, second = (count_alarms(watch, score, 0.5) for score in (sees_all, sees_half))
    gain = sensitivity_gain(watch, first, second, n_resample=400)
    assert gain.value == 0.5
    assert 0.0 <= gain.low < 0.5 < gain.high <= 1.0
    same = sensitivity_gain(watch, first, first, n_resample=40)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_what_cannot_be_judged_is_refused(two_patients: Watch) -> None:
    with pytest.raises(UsageError, match="no visit"):
        watch_visits(visits_at({}), episodes_at())
    for days in ({"A": [100, 0]}, {"A": [5, 5]}):
        with pytest.raises(UsageError, match="sorted by patient"):
            watch_visits(visits_at(days), episodes_at())
    mixed = pd.DataFrame({"patient_id": ["A", "B", "A"], "day": [0, 0, 1]})
    with pytest.raises(UsageError, match="sorted by patient"):
        watch_visits(mixed, episodes_at())
    with pytest.raises(UsageError, match="fill missing"):
        count_alarms(two_patients, np.full(9, np.nan), 0.5)
