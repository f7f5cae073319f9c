"""Courses drawn from the regimes model: they are those the filter expects."""

import itertools

import numpy as np
import pytest

from itb_bayes.cohort.tested import EXCLUDED_UNSEEN
from itb_bayes.kernel.regimes.layout import (
    N_STATE,
    TOLERANCE_STATES,
    Code,
    Col,
    Par,
    State,
)
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.simulate.regimes_course import draw_courses
from regimes_cases import blank_steps, patients, population, stack

BUSY = {
    "TRIGGER_ONSET": 0.6, "TOLERANCE_EARLY": 0.06, "TOLERANCE_LATE": 0.06, "CATHETER_FIRST": 0.12,
    "CATHETER_LATER": 0.1, "PUMP_HAZARD": 0.2, "FOUND_CATHETER": 0.8, "WORK_UP": 0.6,
}  # fmt: skip
"""Rates at which everything happens to many patients within some years."""


def design(n_patient, n_step=24, years=6.0, seed=1):
    """Return own, data, codes, offsets of quarterly visits with every channel."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0.0, years, n_step)
    data, codes = blank_steps(t)
    data[:, [Col.ASHWORTH, Col.DOSE_CHANGE, Col.PENN]] = 0.0
    data[::2, Col.REFILL] = 0.0
    data[4::4, Col.EDSS], data[4::4, Col.EDSS_YEARS] = 0.0, 1.0
    parts = []
    for _ in range(n_patient):
        own_codes = codes.copy()
        own_codes[rng.uniform(size=n_step) < 0.03, Code.ACTION] = 32
        parts.append((data.copy(), own_codes))
    return stack(parts, patients(n_patient))


@pytest.fixture(scope="module")
def busy():
    g = population(**BUSY)
    own, data, codes, offsets = design(700)
    return g, own, offsets, draw_courses(
        g, own, data, codes, offsets, np.random.default_rng(4)
    )  # fmt: skip


def test_the_design_is_kept(busy):
    _, own, offsets, drawn = busy
    _, data, codes, _ = design(700)
    np.testing.assert_array_equal(drawn.data[:, Col.T], data[:, Col.T])
    for column in (Col.ASHWORTH, Col.PENN, Col.REFILL, Col.EDSS):
        np.testing.assert_array_equal(np.isnan(drawn.data[:, column]), np.isnan(data[:, column]))
    np.testing.assert_array_equal(drawn.codes[:, Code.ACTION] & 32, codes[:, Code.ACTION] & 32)
    found = drawn.codes[:, Code.ACTION] & 3 > 0
    assert np.isnan(drawn.data[found, Col.DOSE_CHANGE]).all()
    assert len(own) == len(offsets) - 1


def test_work_ups_follow_the_cause_to_search_and_operations_follow_them(busy):
    g, _, offsets, drawn = busy
    tested = drawn.codes[:, Code.ROTOR] >= 0
    np.testing.assert_array_equal(tested, drawn.codes[:, Code.DYE] >= 0)
    blocked = drawn.codes[tested, Code.ASPIRATION] == 1
    np.testing.assert_array_equal(drawn.codes[tested, Code.DYE] == 2, blocked)
    dt = np.diff(drawn.data[:, Col.T], prepend=0.0)
    dt[offsets[:-1]] = 0.0
    alarm = g[Par.ALARM] * np.isin(drawn.state, (State.CATHETER_SEVERE, State.PUMP))
    chance = -np.expm1(-(g[Par.WORK_UP] * drawn.data[:, Col.SEARCH] + alarm) * dt)
    spread = np.sqrt((chance * (1.0 - chance)).sum())
    assert abs(tested.sum() - chance.sum()) < 3.0 * spread
    # A positive test is followed by an operation far more often than not.
    positive = np.flatnonzero(
        (drawn.codes[:, Code.DYE] == 1) & (drawn.state >= 5) & (drawn.state < 10)
    )
    positive = positive[~np.isin(positive + 1, offsets)]
    found = (drawn.codes[positive, Code.ACTION] | drawn.codes[positive + 1, Code.ACTION]) & 1
    assert found.mean() > 0.7


def test_tolerance_is_named_as_far_as_a_fault_is_excluded(busy):
    g, *_, offsets, drawn = busy
    excluded = drawn.data[:, Col.EXCLUDED]
    tests = drawn.codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]]
    clean = (tests == 0).any(axis=1) & (tests != 1).all(axis=1)
    clean[offsets[1:] - 1] = False
    assert clean.sum() > 20
    assert np.median(excluded[1:][clean[:-1]]) > 0.3
    tolerant = np.isin(drawn.state, TOLERANCE_STATES)
    dt = np.diff(drawn.data[:, Col.T], prepend=0.0)
    dt[offsets[:-1]] = 0.0
    rate = g[Par.TOLERANCE_LABEL] * excluded * dt
    chance = -np.expm1(-rate[tolerant])
    named = drawn.codes[tolerant, Code.TOLERANCE].sum()
    assert abs(named - chance.sum()) < 3.0 * np.sqrt((chance * (1.0 - chance)).sum())


def test_without_the_channel_nothing_is_tested():
    own, data, codes, offsets = design(5)
    drawn = draw_courses(
        population(WORK_UP=0.0, ALARM=0.0), own, data, codes, offsets, np.random.default_rng(1)
    )
    assert (drawn.codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]] == -1).all()
    assert not drawn.data[:, [Col.CATHETER_TESTED, Col.PUMP_TESTED]].any()
    np.testing.assert_array_equal(
        drawn.data[:, Col.EXCLUDED], EXCLUDED_UNSEEN * drawn.data[:, Col.SEARCH]
    )


def test_the_dose_in_force_is_the_sum_of_its_changes(busy):
    *_, offsets, drawn = busy
    for first, last in itertools.pairwise(offsets):
        moved = np.diff(drawn.data[first:last, Col.LOG_DOSE])
        changes = drawn.data[first : last - 1, Col.DOSE_CHANGE]
        said = np.isfinite(changes)
        np.testing.assert_allclose(moved[said], changes[said], atol=1e-12)
        assert (drawn.codes[first : last - 1, Code.ACTION][~said] & 3 > 0).all()


def test_a_repair_ends_the_fault_and_the_part_is_new(busy):
    *_, offsets, drawn = busy
    done = drawn.codes[:, Code.ACTION]
    last = np.zeros(len(done), dtype=bool)
    last[offsets[1:] - 1] = True
    for bit, age, faults in (
        (1, Col.CATHETER_AGE, range(State.CATHETER_LEAKING, State.PUMP)),
        (2, Col.PUMP_AGE, [State.PUMP]),
    ):
        found = np.flatnonzero((done & bit > 0) & ~last)
        assert found.size > 50
        assert np.isin(drawn.state[found], list(faults)).all()
        step = drawn.data[found + 1, Col.T] - drawn.data[found, Col.T]
        np.testing.assert_allclose(drawn.data[found + 1, age], step)


def test_filtered_probabilities_are_calibrated_where_the_model_is_right(busy):
    """Of the visits at which a state is said to have probability p, p are in it.

    Steps at which a fault is found are left out: what is said there does not hold the finding yet.
    The collapsed filter is an approximation: off by less than chance over 700 patients here. With
    three seeds the averages lie, in standard errors: progression 3.5, 0.5 and 1.6 too high,
    catheter 2.3, 2.2 and 0.9 too low.
    """
    g, own, offsets, drawn = busy
    belief = trace(g, own, drawn.data, drawn.codes, offsets)[1][:, :, 0]
    assert set(drawn.state) == set(range(N_STATE))
    open_ = drawn.codes[:, Code.ACTION] & 3 == 0
    for states in ([0], [1], [2, 3], [4], [5, 6, 7, 8, 9], [10]):
        said, true = belief[:, states].sum(axis=1), np.isin(drawn.state, states)
        for low, high in ((0.0, 1.0), (0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.98)):
            band = (said >= low) & (said < high) & open_
            if band.sum() >= 400:
                by_patient = np.add.reduceat((said - true) * band, offsets[:-1])
                assert abs(by_patient.sum()) < 3.5 * np.sqrt((by_patient**2).sum())


def test_likelihood_is_highest_near_the_truth(busy):
    g, own, offsets, drawn = busy
    best = trace(g, own, drawn.data, drawn.codes, offsets)[0].sum()
    for name in ("GAIN", "HILL", "TRIGGER_TONE", "PENN_SLOPE", "TITRATION", "STILL_VAR"):
        for factor in (0.7, 1.4):
            other = g.copy()
            other[Par[name]] *= factor
            assert trace(other, own, drawn.data, drawn.codes, offsets)[0].sum() < best


def test_same_seed_same_course():
    own, data, codes, offsets = design(5)
    g = population(**BUSY)
    a, b = (draw_courses(g, own, data, codes, offsets, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(a.data, b.data)
    np.testing.assert_array_equal(a.codes, b.codes)
    np.testing.assert_array_equal(a.state, b.state)
