"""Weights of draws for patients whom the fit has not seen."""

import numpy as np
import pytest
from scipy.special import softmax

from itb_bayes.risk.weights import equal_weights, importance_weights


def test_equal_weights():
    weights = equal_weights(400, 3)
    np.testing.assert_allclose(weights.weight, 1.0 / 400)
    np.testing.assert_allclose(weights.weight.sum(axis=0), 1.0)
    assert weights.ess.tolist() == [400.0] * 3
    assert np.isnan(weights.pareto_k).all()
    assert weights.reliable.all()


def test_a_likelihood_that_says_nothing_gives_equal_weights():
    weights = importance_weights(np.full((200, 2), -31.5))
    np.testing.assert_allclose(weights.weight, 1.0 / 200)
    assert np.isnan(weights.pareto_k).all()
    assert weights.reliable.all()
    np.testing.assert_allclose(weights.ess, 200.0)


def test_benign_weights_are_those_of_bayes():
    rng = np.random.default_rng(1)
    log_likelihood = -120.0 + 0.3 * rng.standard_normal((1000, 4))
    weights = importance_weights(log_likelihood)
    want = softmax(log_likelihood, axis=0)
    np.testing.assert_allclose(weights.weight.sum(axis=0), 1.0)
    assert weights.reliable.all()
    assert (weights.pareto_k < 0.5).all()
    # Only the tail is smoothed, and little: the largest of many weights.
    bulk = want < np.quantile(want, 0.8, axis=0)
    for i in range(4):
        np.testing.assert_allclose(weights.weight[bulk[:, i], i], want[bulk[:, i], i], rtol=0.02)
        assert np.corrcoef(weights.weight[:, i], want[:, i])[0, 1] > 0.99
    np.testing.assert_allclose(weights.ess, 1.0 / (want**2).sum(axis=0), rtol=0.05)


def test_bounded_weights_average_as_bayes_says():
    rng = np.random.default_rng(2)
    x = rng.standard_normal(4000)
    log_likelihood = -0.5 * (x - 0.5) ** 2
    weights = importance_weights(log_likelihood[:, None])
    # Normal(0, 1) times a likelihood of unit width about 0.5.
    assert weights.weight[:, 0] @ x == pytest.approx(0.25, abs=0.04)


def test_weights_with_a_heavy_tail_are_not_to_be_believed():
    rng = np.random.default_rng(3)
    log_likelihood = np.column_stack(
        [2.5 * rng.standard_exponential(1000), 0.2 * rng.standard_normal(1000)]
    )
    weights = importance_weights(log_likelihood)
    assert weights.pareto_k[0] > weights.k_limit
    assert weights.reliable.tolist() == [False, True]
    assert weights.ess[0] < 100.0 < weights.ess[1]


def test_a_constant_does_not_matter():
    rng = np.random.default_rng(4)
    log_likelihood = rng.standard_normal((300, 2))
    a, b = importance_weights(log_likelihood), importance_weights(log_likelihood - 5000.0)
    np.testing.assert_allclose(a.weight, b.weight, rtol=1e-9)
    np.testing.assert_allclose(a.pareto_k, b.pareto_k, rtol=1e-6)


@pytest.mark.parametrize(("n", "limit"), [(100, 0.5), (1000, 2 / 3), (10_000, 0.7), (1, 0.0397)])
def test_the_limit_grows_with_the_draws(n, limit):
    assert equal_weights(n, 1).k_limit == pytest.approx(limit, abs=1e-3)
