"""Brier, IPA and AUC against brute force; intervals from resampled patients."""

import numpy as np
import pytest

from itb_bayes.evaluate.accuracy import (
    area_under_curve,
    brier_score,
    index_of_accuracy,
    interval,
    ratio,
    score_accuracy,
)
from itb_bayes.evaluate.resampling import PatientResamples


def brute_area(score: np.ndarray, truth: np.ndarray) -> float:
    positive, negative = score[truth], score[~truth]
    pairs = positive[:, None] - negative[None, :]
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


@pytest.mark.parametrize("digits", [1, 8])
def test_area_is_the_share_of_pairs_in_order_with_ties_half(digits: int) -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(300) < 0.2
    score = np.round(rng.random(300) + 0.3 * truth, digits)
    assert area_under_curve(score, truth) == pytest.approx(brute_area(score, truth), abs=1e-12)


def test_weighted_area_equals_repeating_the_rows() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(80) < 0.3
    score = np.round(rng.random(80), 1)
    times = rng.integers(0, 4, 80)
    repeated = np.repeat(np.arange(80), times)
    assert area_under_curve(score, truth, times.astype(float)) == pytest.approx(
        brute_area(score[repeated], truth[repeated]), abs=1e-12
    )


def test_area_without_a_positive_or_a_negative_or_a_visit_is_not_defined() -> None:
    score = np.array([0.1, 0.2])
    assert np.isnan(area_under_curve(score, np.array([False, False])))
    assert np.isnan(area_under_curve(score, np.array([True, True])))
    assert np.isnan(area_under_curve(np.empty(0), np.empty(0, dtype=bool)))


def test_ipa_is_zero_for_the_base_rate_one_for_the_truth_and_negative_for_noise() -> None:
    truth = np.array([True, False, False, False])
    assert index_of_accuracy(np.full(4, 0.25), truth) == pytest.approx(0.0)
    assert index_of_accuracy(truth.astype(float), truth) == 1.0
    assert index_of_accuracy(1.0 - truth, truth) == pytest.approx(1 - 1 / (0.25 * 0.75))
    assert np.isnan(index_of_accuracy(np.full(4, 0.2), np.zeros(4, dtype=bool)))
    assert brier_score(np.array([0.5, 0.0]), np.array([True, True])) == 0.625


def test_intervals_are_those_of_resampled_patients_done_the_long_way() -> None:
    rng = np.random.default_rng(5)
    patient = np.repeat(np.arange(12), rng.integers(2, 9, 12))
    truth = (patient % 4 == 0) & (rng.random(patient.size) < 0.8)
    probability = np.clip(0.2 + 0.4 * truth + rng.normal(0, 0.15, patient.size), 0, 1)
    got = score_accuracy(patient, probability, truth, n_resample=60, seed=9)
    ipa, area, expected = [], [], []
    for weight in PatientResamples(12, 60, 9):
        rows = np.repeat(np.arange(patient.size), weight[patient])
        ipa.append(index_of_accuracy(probability[rows], truth[rows]))
        if truth[rows].any():
            area.append(brute_area(probability[rows], truth[rows]))
            expected.append(probability[rows].mean() / truth[rows].mean())
    for found, long_way in (
        (got.ipa, ipa),
        (got.auc, area),
        (got.expected_over_observed, expected),
    ):
        low, high = np.nanquantile(long_way, [0.025, 0.975])
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-10)
    assert got.auc.value == pytest.approx(brute_area(probability, truth))
    assert (got.n_visit, got.n_patient, got.n_positive) == (patient.size, 12, truth.sum())
    assert got.base_rate == pytest.approx(truth.mean())
    assert got.brier.value == pytest.approx(brier_score(probability, truth))


def test_an_interval_without_any_known_value_is_not_a_number() -> None:
    found = interval(2.0, np.full(5, np.nan))
    assert found.value == 2.0
    assert np.isnan([found.low, found.high]).all()


def test_a_condition_nobody_has_is_scored_without_ipa() -> None:
    got = score_accuracy(
        np.array([0, 0, 1]), np.array([0.1, 0.2, 0.0]), np.zeros(3, dtype=bool), n_resample=20
    )
    assert np.isnan([got.ipa.value, got.auc.value, got.expected_over_observed.value]).all()
    assert got.brier.value == pytest.approx(0.05 / 3)


def test_dividing_by_zero_gives_no_number() -> None:
    found = ratio(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    assert np.isnan(found[0])
    assert found[1] == 0.5


def test_resamples_are_multinomial_counts_kept_small() -> None:
    resamples = PatientResamples(7, 120, 3)
    want = np.random.default_rng(3).multinomial(7, np.full(7, 1 / 7), size=120)
    np.testing.assert_array_equal(np.array(list(resamples)), want)
    values = np.random.default_rng(1).normal(size=7)
    np.testing.assert_allclose(resamples.totals(values), want @ values, rtol=1e-12)
    np.testing.assert_array_equal(resamples.of(np.array([2, 2, 5])), want[:, [2, 2, 5]])
