"""Predictive checks pass the right model and catch planted wrong ones."""

import numpy as np
import pytest
from check_cases import IID, TRUTH, make_plan, make_population, simulated_plan, with_log_doses

from itb_bayes.checks.predictive import (
    compare,
    predictive_checks,
    predictive_distance,
    tail_probability,
)
from itb_bayes.checks.replicates import replicate_log_doses, thin_population
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.statistics import Statistic


def verdicts(results: tuple[CheckResult, ...]) -> dict[str, bool | None]:
    return {result.name: result.passed for result in results}


def test_right_population_passes() -> None:
    plan = simulated_plan(make_plan(60, 12), TRUTH)
    got = predictive_checks(plan, make_population(plan, TRUTH), seed=1)
    assert set(verdicts(got).values()) == {True}


def test_missing_persistence_is_caught() -> None:
    plan = simulated_plan(make_plan(60, 12), TRUTH)
    got = {r.name: r for r in predictive_checks(plan, make_population(plan, IID), seed=1)}
    found = got["predictive-persistence"]
    assert found.passed is False
    table = found.table.set_index("statistic")
    row = table.loc["autocorrelation of deviations at lag 1"]
    assert row["observed"] > row["q95"]
    assert row["tail_probability"] < 0.01


def test_wrong_level_and_wrong_drift_are_caught() -> None:
    plan = simulated_plan(make_plan(60, 12), TRUTH)
    high = make_population(plan, TRUTH | {"level": (6.2, 6.0)})
    assert verdicts(predictive_checks(plan, high, seed=1))["predictive-levels"] is False
    falling = make_population(plan, TRUTH | {"drift": (-0.05, -0.05)})
    assert verdicts(predictive_checks(plan, falling, seed=1))["predictive-changes"] is False


def test_false_alarms_are_rare() -> None:
    # 40 right models, three checks each at a joint level of 1 %: 1.2 alarms expected.
    plan = make_plan(12, 6)
    population = make_population(plan, TRUTH, n_draw=50)
    replicated = replicate_log_doses(plan, population, seed=99)
    alarms = 0
    for k in range(40):
        results = predictive_checks(with_log_doses(plan, replicated[k]), population, seed=k)
        alarms += sum(result.passed is False for result in results)
    assert alarms <= 5


def test_same_seed_same_tables() -> None:
    plan = simulated_plan(make_plan(12, 5), TRUTH)
    population = make_population(plan, TRUTH)
    first, again = (predictive_checks(plan, population, seed=4) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        assert a.table.equals(b.table)
        assert a.summary == b.summary
    other = predictive_checks(plan, population, seed=5)
    assert not other[0].table.equals(first[0].table)


def test_repeats_are_named() -> None:
    plan = simulated_plan(make_plan(20, 6), TRUTH)
    y = plan.panel.y.reshape(20, 6).copy()
    y[:, 3] = y[:, 2]
    repeated = with_log_doses(plan, y.ravel())
    result = predictive_checks(repeated, make_population(plan, TRUTH), seed=1)[1]
    assert "In 20 % of patient-years the dose did not change at all" in result.summary


def test_nothing_to_compare_says_why() -> None:
    plan = simulated_plan(make_plan(4, 2), TRUTH)
    for result in predictive_checks(plan, make_population(plan, TRUTH, n_draw=20), seed=1):
        assert result.passed is None
        assert result.summary.startswith("Not computed: ")


def test_statistics_that_do_not_exist_are_not_judged() -> None:
    values = np.array([np.nan, 0.1, 0.2, 0.3])
    fine = np.array([0.2, 0.1, 0.2, 0.3])
    result = compare("x", "?", [Statistic("a", "", values), Statistic("b", "", fine)], "none")
    assert result.passed is True
    assert list(result.table["judged"]) == [False, True]
    assert np.isnan(result.table["tail_probability"].iloc[0])


def test_tail_probability_counts() -> None:
    predicted = np.arange(99.0)
    assert tail_probability(-1.0, predicted) == pytest.approx(0.02)
    assert tail_probability(49.0, predicted) == 1.0


def test_distance_is_in_half_intervals_of_its_side() -> None:
    predicted = np.concatenate([np.linspace(-1.0, 0.0, 501), np.linspace(0.0, 10.0, 501)[1:]])
    low, high = np.quantile(predicted, (0.05, 0.95))
    for value in (low, high):
        assert predictive_distance(np.concatenate([[value], predicted]))[0] == pytest.approx(1.0)
    constant = predictive_distance(np.array([2.0, 1.0, 1.0]))
    assert constant[0] == np.inf
    assert constant[1] == 0.0


def test_replicates_have_the_moments_of_the_model() -> None:
    plan = make_plan(400, 3)
    population = make_population(plan, TRUTH, n_draw=5)
    y = replicate_log_doses(plan, population, seed=2)
    first = y.reshape(20, 400, 3)[:, plan.diagnosis_index == 0, 0]
    assert first.mean() == pytest.approx(5.2, abs=0.05)
    sigma2 = np.exp(2 * population.scalars[:, 0]).mean()
    v = sigma2 * 12 / (12 - 2)  # mean of an inverse gamma volatility with 12 degrees of freedom
    assert first.std() == pytest.approx(np.sqrt(0.6**2 + v), rel=0.05)


def test_thinning_keeps_both_ends() -> None:
    plan = make_plan(4, 3)
    population = make_population(plan, TRUTH, n_draw=50)
    thin = thin_population(population, 7)
    assert len(thin.cov) == 7
    np.testing.assert_array_equal(thin.scalars[[0, -1]], population.scalars[[0, -1]])
    assert len(thin_population(population, 10_000).cov) == 200
