"""Operations to be expected after a test: at once after a positive one, fading, ended by one."""

import numpy as np
import pytest

from itb_bayes.cohort.tested import (
    EXCLUDED_YEARS,
    FADES_YEARS,
    UNCLEAR,
    after_tests,
    expect_catheter,
    expect_naming,
    expect_pump,
)

DAY = 1.0 / 365.25


def test_what_a_test_leads_to():
    dye = np.array([-1, 0, 1, 2, -1, -1, 1])
    aspiration = np.array([-1, 0, 0, 1, 1, 0, 1])
    want = [np.nan, 0.0, 1.0, UNCLEAR, UNCLEAR, 0.0, 1.0]
    np.testing.assert_array_equal(expect_catheter(dye, aspiration), want)
    np.testing.assert_array_equal(expect_pump(np.array([-1, 0, 1, 2])), [np.nan, 0, 1, UNCLEAR])


def test_expectation_fades_and_adds_up():
    t = np.array([0.0, 1.0, 1.0 + 14 * DAY, 1.2, 3.0])
    expected = np.array([np.nan, 1.0, np.nan, np.nan, np.nan])
    rate = after_tests(t, expected, np.zeros(5, dtype=bool))
    years = rate * np.maximum(np.diff(t, prepend=0.0), DAY)
    np.testing.assert_allclose(years[:2], [0.0, DAY])  # the day of the test itself
    assert years[2:].sum() == pytest.approx(FADES_YEARS, rel=1e-4)
    assert rate[2] == pytest.approx(np.exp(-7 * DAY / FADES_YEARS), rel=0.01)
    assert rate[4] < 0.03


def test_a_fault_is_excluded_by_a_negative_test_where_none_is_positive():
    dye = np.array([-1, 0, 2, 2, 0, 1])
    aspiration = np.array([-1, 0, 1, 0, -1, -1])
    rotor = np.array([-1, -1, -1, -1, 1, -1])
    want = [np.nan, 1.0, 0.0, 1.0, 0.0, 0.0]
    np.testing.assert_array_equal(expect_naming(dye, aspiration, rotor), want)
    unclear = expect_naming(np.array([2]), np.array([-1]), np.array([2]))
    assert np.isnan(unclear).all()


def test_how_fast_it_fades_can_be_told():
    t = np.array([0.0, 1.0, 1.0 + 14 * DAY])
    expected = np.array([np.nan, 1.0, np.nan])
    slow = after_tests(t, expected, np.zeros(3, dtype=bool), EXCLUDED_YEARS)
    assert slow[2] == pytest.approx(np.exp(-7 * DAY / EXCLUDED_YEARS), rel=0.01)


def test_an_operation_and_a_negative_test_end_it():
    t = 0.02 * np.arange(6.0)
    nothing = np.zeros(6, dtype=bool)
    positive = np.array([1.0, np.nan, np.nan, np.nan, np.nan, np.nan])
    operated = nothing.copy()
    operated[2] = True
    rate = after_tests(t, positive, operated)
    assert (rate[:3] > 0.0).all()  # the operation itself was to be expected
    assert not rate[3:].any()
    negative = positive.copy()
    negative[3] = 0.0
    rate = after_tests(t, negative, nothing)
    assert (rate[:4] > 0.0).all()
    assert not rate[4:].any()
    same_day = after_tests(t, positive, np.arange(6) == 0)
    assert same_day[0] == 1.0
    assert not same_day[1:].any()


def test_a_later_record_changes_nothing_before_it():
    rng = np.random.default_rng(1)
    t = np.cumsum(rng.uniform(0.01, 0.2, 30))
    expected = np.where(rng.uniform(size=30) < 0.4, rng.choice([0.0, UNCLEAR, 1.0], 30), np.nan)
    operated = rng.uniform(size=30) < 0.1
    whole = after_tests(t, expected, operated)
    assert (whole >= 0.0).all()
    for n in (1, 7, 22):
        cut = after_tests(t[:n], expected[:n], operated[:n])
        np.testing.assert_array_equal(whole[:n], cut)
