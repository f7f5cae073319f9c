"""Ordinal scores and means of several: against brute force."""

from itertools import product

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from itb_bayes.kernel.ashworth import (
    LOGISTIC_SD,
    MAX_MUSCLES,
    SCORES,
    category_log_probabilities,
    compositions,
    expected_score,
    mean_log_probability,
    thresholds,
)

WIDTH = np.array([1.2, 0.9, 1.0])


def test_thresholds_keep_their_ends_whatever_the_widths() -> None:
    np.testing.assert_allclose(thresholds(np.ones(3)), [0.5, 1.5, 2.5, 3.5])
    free = thresholds(WIDTH)
    assert free[0] == 0.5
    assert free[-1] == pytest.approx(3.5)
    np.testing.assert_allclose(np.diff(free) / np.diff(free)[2], WIDTH / WIDTH[2])


def test_categories_are_differences_of_the_logistic() -> None:
    cuts, sd = thresholds(WIDTH), 0.6
    for tone in (-2.0, 0.3, 2.2, 5.0):
        below = expit((cuts - tone) * LOGISTIC_SD / sd)
        expected = np.diff(np.concatenate([[0.0], below, [1.0]]))
        got = np.exp(category_log_probabilities(np.array(tone), cuts, sd))
        np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-15)
        assert got.sum() == pytest.approx(1.0)


def test_categories_stay_finite_far_from_the_scale() -> None:
    far = category_log_probabilities(np.array([-60.0, 60.0]), thresholds(np.ones(3)), 0.2)
    assert np.isfinite(far).all()
    np.testing.assert_allclose(logsumexp(far, axis=1), 0.0, atol=1e-12)


@pytest.mark.parametrize("scale", ["ashworth", "mas"])
def test_expected_score_is_the_mean_over_categories(scale: str) -> None:
    scores = np.array(SCORES[scale])
    cuts = thresholds(np.ones(scores.size - 2))
    tone = np.array([-1.0, 0.4, 2.0, 3.9])
    p = np.exp(category_log_probabilities(tone, cuts, 0.5))
    np.testing.assert_allclose(
        expected_score(tone, np.broadcast_to(cuts, (4, cuts.size)), np.full(4, 0.5), scores),
        p @ scores,
    )


@pytest.mark.parametrize("scale, n", [("ashworth", 1), ("ashworth", 4), ("mas", 3)])
def test_compositions_are_all_ways_to_a_sum(scale: str, n: int) -> None:
    scores = SCORES[scale]
    p = np.random.default_rng(1).dirichlet(np.ones(len(scores)))
    by_sum: dict[int, float] = {}
    for ratings in product(range(len(scores)), repeat=n):
        total = round(2 * sum(scores[r] for r in ratings))
        by_sum[total] = by_sum.get(total, 0.0) + float(np.prod(p[list(ratings)]))
    found = compositions(n, scale)
    assert set(found) == set(by_sum)
    for total, ways in found.items():
        assert np.exp(logsumexp(ways.log_ways + ways.counts @ np.log(p))) == pytest.approx(
            by_sum[total]
        )


def test_compositions_agree_with_convolution() -> None:
    log_p = category_log_probabilities(np.array(1.1), thresholds(WIDTH), 0.7)
    for n in (1, 4, MAX_MUSCLES):
        for total in (0, n, 3 * n):
            ways = compositions(n, "ashworth")[2 * total]
            assert logsumexp(ways.log_ways + ways.counts @ log_p) == pytest.approx(
                mean_log_probability(log_p, n, total)
            )


@pytest.mark.parametrize("n", [0, MAX_MUSCLES + 1])
def test_a_number_of_muscles_out_of_reach_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="number of muscles"):
        compositions(n, "ashworth")
