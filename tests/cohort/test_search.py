"""Cause to search for a device fault: tone above the goal, or a dose that has climbed."""

import numpy as np
import pytest

from itb_bayes.cohort.search import causes_to_search


def test_a_calm_course_gives_no_cause():
    t = np.arange(0.0, 6.0, 0.25)
    tone, dose = causes_to_search(t, 5.0 + 0.15 * t, np.full(t.size, 1.3))
    assert tone.tolist() == dose.tolist() == [0.0] * t.size


def test_tone_counts_from_the_next_step_on_as_the_mean_of_two():
    reading = np.array([1.0, np.nan, 3.0, 3.0, np.nan, 1.0])
    tone, dose = causes_to_search(np.arange(6.0), np.full(6, 5.0), reading)
    np.testing.assert_allclose(tone, [0.0, 0.0, 0.0, 1.2, 1.5, 1.5])
    assert not dose.any()


def test_a_doubled_dose_is_about_one_and_titration_is_none():
    t = np.arange(0.0, 3.0, 0.25)
    doubled = np.where(t >= 2.0, 5.0 + np.log(2.0), 5.0)
    nothing = np.full(t.size, np.nan)
    tone, dose = causes_to_search(t, doubled, nothing)
    assert not tone.any()
    assert dose[t <= 2.0].max() == 0.0
    assert dose[t > 2.0] == pytest.approx(2.0 * (np.log(2.0) - 0.2))
    titrated = np.where(t >= 0.5, 6.0, 5.0)
    assert not causes_to_search(t, titrated, nothing)[1].any()


def test_a_later_record_changes_nothing_before_it():
    rng = np.random.default_rng(1)
    t = np.cumsum(rng.uniform(0.05, 0.5, 30))
    y, a = 5.0 + np.cumsum(0.1 * rng.standard_normal(30)), rng.uniform(0.0, 4.0, 30)
    whole = causes_to_search(t, y, a)
    for n in (1, 7, 22):
        for all_, cut in zip(whole, causes_to_search(t[:n], y[:n], a[:n]), strict=True):
            np.testing.assert_array_equal(all_[:n], cut)
