"""Calibration curve and the band of perfect calibration."""

import numpy as np
import pytest

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.reliability import (
    draw_outcomes,
    equal_event_edges,
    quantile_edges,
    reliability_curve,
)


def visits_of(n_patient: int, n_visit: int, gap: float) -> tuple[np.ndarray, np.ndarray]:
    patient = np.repeat(np.arange(n_patient), n_visit)
    return patient, np.tile(np.arange(n_visit) * gap, n_patient)


def stated_by(rng: np.random.Generator, patient: np.ndarray) -> np.ndarray:
    """Probabilities that differ between patients and wander within one."""
    level = rng.normal(-2.0, 1.0, patient.max() + 1)[patient]
    return 1.0 / (1.0 + np.exp(-(level + rng.normal(0, 0.4, patient.size))))


def test_bins_hold_the_mean_probability_and_the_share_observed() -> None:
    patient, t = np.array([0, 0, 0, 1, 1]), np.array([0.0, 1.0, 2.0, 0.0, 1.0])
    probability = np.array([0.1, 0.2, 0.6, 0.5, 0.8])
    truth = np.array([False, True, True, False, True])
    curve = reliability_curve(
        patient, t, probability, truth, persistence_years=1.0, edges=np.array([0.5]), n_draw=50
    )
    low, high = curve.bins
    assert (low.n_visit, low.n_patient) == (2, 1)
    assert (low.stated, low.observed) == pytest.approx((0.15, 0.5))
    assert (high.n_visit, high.n_patient) == (3, 2)
    assert (high.stated, high.observed) == pytest.approx((1.9 / 3, 2 / 3))


def test_empty_bins_are_left_out() -> None:
    patient, t = visits_of(4, 2, 1.0)
    curve = reliability_curve(
        patient,
        t,
        np.full(8, 0.3),
        np.zeros(8, dtype=bool),
        persistence_years=1.0,
        edges=np.array([0.1, 0.2, 0.9]),
        n_draw=20,
    )
    assert [item.n_visit for item in curve.bins] == [8]


def test_drawn_outcomes_have_the_stated_probability_and_persist() -> None:
    patient, t = visits_of(3, 4, 0.5)
    probability = np.tile([0.2, 0.2, 0.6, 0.2], 3)
    drawn = draw_outcomes(patient, t, probability, 1.0, 40_000, np.random.default_rng(1))
    assert drawn.mean(axis=0) == pytest.approx(probability, abs=0.012)
    correlation = np.corrcoef(drawn.astype(float).T)
    # Equal probabilities half a year apart: exp(-0.5); a year and a half: exp(-1.5).
    assert correlation[0, 1] == pytest.approx(np.exp(-0.5), abs=0.02)
    assert correlation[0, 3] == pytest.approx(np.exp(-1.5), abs=0.02)
    assert np.abs(correlation[:4, 4:]).max() < 0.02


def test_the_band_holds_perfectly_calibrated_curves_and_independence_would_not() -> None:
    rng = np.random.default_rng(2)
    patient, t = visits_of(60, 20, 0.2)
    held, held_if_independent = 0, 0
    for trial in range(60):
        probability = stated_by(rng, patient)
        truth = draw_outcomes(patient, t, probability, 1.5, 1, rng)[0]
        arguments = (patient, t, probability, truth)
        held += reliability_curve(*arguments, persistence_years=1.5, n_draw=200, seed=trial).inside
        held_if_independent += reliability_curve(
            *arguments, persistence_years=1e-6, n_draw=200, seed=trial
        ).inside
    assert held >= 51
    assert held_if_independent <= 30


def test_overconfident_probabilities_leave_the_band() -> None:
    rng = np.random.default_rng(6)
    patient, t = visits_of(200, 10, 0.3)
    probability = stated_by(rng, patient)
    truth = draw_outcomes(patient, t, probability, 1.0, 1, rng)[0]
    odds = probability / (1 - probability)
    too_sure = odds**2.5 / (1 + odds**2.5)
    found = reliability_curve(patient, t, too_sure, truth, persistence_years=1.0, n_draw=300)
    assert not found.inside
    assert not all(item.inside_pointwise for item in found.bins)
    assert all(item.band_low <= item.low <= item.high <= item.band_high for item in found.bins)


def test_edges_by_visits_and_by_expected_cases() -> None:
    probability = np.array([0.0] * 90 + [0.1] * 5 + [0.5] * 4 + [0.9])
    assert quantile_edges(probability, 2) == pytest.approx([0.0])
    assert equal_event_edges(probability, 3) == pytest.approx([0.5])
    assert equal_event_edges(np.zeros(5), 3) == pytest.approx([0.0])


def test_what_cannot_be_a_calibration_curve_is_refused() -> None:
    patient, t = np.array([0, 0]), np.array([0.0, 1.0])
    truth, fair = np.array([True, False]), np.array([0.5, 0.5])
    for bad in (np.array([0.5, 1.5]), np.array([0.5, np.nan])):
        with pytest.raises(UsageError, match="between 0 and 1"):
            reliability_curve(patient, t, bad, truth, persistence_years=1.0)
    for who, when in ((patient, t[::-1]), (np.array([1, 0]), t)):
        with pytest.raises(UsageError, match="sorted by patient"):
            reliability_curve(who, when, fair, truth, persistence_years=1.0)
    with pytest.raises(UsageError, match="above zero"):
        reliability_curve(patient, t, fair, truth, persistence_years=float("nan"))


def test_parameters_that_are_not_known_widen_the_band_for_all_visits_together() -> None:
    rng = np.random.default_rng(5)
    patient, t = visits_of(80, 20, 0.2)
    held, held_if_known = 0, 0
    for trial in range(60):
        level = np.log(stated_by(rng, patient))
        # One draw of the parameters makes all probabilities higher or lower.
        by_draw = np.minimum(np.exp(level + rng.normal(0, 0.4, 100)[:, None]), 1.0)
        probability = by_draw.mean(axis=0)
        true = by_draw[rng.integers(100)]
        truth = draw_outcomes(patient, t, true, 1.5, 1, rng)[0]
        arguments = (patient, t, probability, truth)
        held += reliability_curve(
            *arguments, persistence_years=1.5, by_draw=by_draw, n_draw=300, seed=trial
        ).inside
        held_if_known += reliability_curve(
            *arguments, persistence_years=1.5, n_draw=300, seed=trial
        ).inside
    assert held >= 51
    assert held_if_known <= 40


def test_draws_that_all_say_the_same_leave_the_band_as_it_was() -> None:
    patient, t = visits_of(20, 5, 0.5)
    probability = stated_by(np.random.default_rng(3), patient)
    truth = np.zeros(patient.size, dtype=bool)
    curves = [
        reliability_curve(
            patient, t, probability, truth, persistence_years=1.0, by_draw=by_draw, n_draw=150
        )
        for by_draw in (None, np.tile(probability, (7, 1)))
    ]
    assert curves[0] == curves[1]


@pytest.mark.parametrize(
    ("by_draw", "message"),
    [
        (
            np.full((3, 4), 0.1),
            r"row of 6 visits for each draw of the parameters; its shape is .*\(3, 4\)",
        ),
        (np.full(6, 0.1), "a row of 6 visits"),
        (np.empty((0, 6)), "a row of 6 visits"),
        (np.full((2, 6), 1.5), "between 0 and 1"),
    ],
)
def test_draws_that_are_not_of_these_visits_are_refused(by_draw: np.ndarray, message: str) -> None:
    patient, t = visits_of(2, 3, 1.0)
    with pytest.raises(UsageError, match=message):
        reliability_curve(
            patient, t, np.full(6, 0.2), np.zeros(6, dtype=bool), persistence_years=1.0,
            by_draw=by_draw, n_draw=20,
        )  # fmt: skip
