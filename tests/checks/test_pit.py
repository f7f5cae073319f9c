"""One-step forecasts: uniform when the model is right, caught when it is not."""

import numpy as np
import pytest
from check_cases import IID, TRUTH, make_plan, make_population, simulated_plan, with_log_doses
from scipy.stats import kstest

from itb_bayes.checks.pit import OneStepPit, left_out_check, one_step_pit, pit_checks
from itb_bayes.checks.replicates import thin_population
from itb_bayes.checks.result import CheckResult


def named(results: tuple[CheckResult, ...]) -> dict[str, CheckResult]:
    return {result.name: result for result in results}


def forecasts_of(pit: np.ndarray, unchanged: bool = False) -> OneStepPit:
    return OneStepPit(pit, np.ones(pit.size, dtype=bool), np.full(pit.size, unchanged))


def test_right_model_is_uniform() -> None:
    plan = simulated_plan(make_plan(150, 6), TRUTH)
    got = one_step_pit(plan, make_population(plan, TRUTH, n_draw=10), seed=1)
    assert got.pit.size == 150 * 5
    assert got.is_last.sum() == 150
    assert kstest(got.pit, "uniform").pvalue > 0.01
    checks = named(pit_checks(got))
    assert checks["pit-last"].passed is True
    assert checks["pit-tails"].passed is True
    assert checks["pit-all"].passed is None


def test_missing_persistence_is_caught() -> None:
    # Deviations that hardly fade, taken for independent ones: lines look far too sure.
    lasting = TRUTH | {"within_sd": 0.5, "persistent_share": 0.98, "persistence_years": 8.0}
    plan = simulated_plan(make_plan(150, 6), lasting)
    wrong = lasting | {"persistent_share": 0.02, "persistence_years": 0.02}
    checks = named(pit_checks(one_step_pit(plan, make_population(plan, wrong, n_draw=10), seed=1)))
    assert checks["pit-last"].passed is False
    assert "too narrow" in checks["pit-last"].summary


def test_too_small_deviations_fail_the_tails() -> None:
    plan = simulated_plan(make_plan(100, 5), TRUTH)
    narrow = make_population(plan, IID | {"within_sd": 0.05, "tail_df": 60.0}, n_draw=10)
    checks = named(pit_checks(one_step_pit(plan, narrow, seed=1)))
    assert checks["pit-tails"].passed is False
    assert "too narrow" in checks["pit-last"].summary


def test_last_reading_is_a_full_step_after_the_one_before() -> None:
    plan = simulated_plan(make_plan(12, 4), TRUTH)
    t = plan.series.t_years.copy()
    t[3] = 3.4  # the end of follow-up, soon after the regular reading at 3
    object.__setattr__(plan.series, "t_years", t)
    got = one_step_pit(plan, make_population(plan, TRUTH, n_draw=5), seed=1)
    np.testing.assert_array_equal(np.flatnonzero(got.is_last)[:2], [1, 5])


def test_repeats_are_counted() -> None:
    plan = simulated_plan(make_plan(12, 3), TRUTH)
    y = plan.panel.y.reshape(12, 3).copy()
    y[:6, 2] = y[:6, 1]
    repeated = with_log_doses(plan, y.ravel())
    got = one_step_pit(repeated, make_population(plan, TRUTH, n_draw=5), seed=1)
    assert got.unchanged.sum() == 6
    assert "50 % of them repeat" in named(pit_checks(got))["pit-last"].summary


def test_progress_is_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    plan = simulated_plan(make_plan(2, 2), TRUTH)
    population = make_population(plan, TRUTH, n_draw=5)
    one_step_pit(plan, population, seed=1)
    assert capsys.readouterr().err == ""
    one_step_pit(plan, population, seed=1, quiet=False)
    assert "one-step forecasts: done" in capsys.readouterr().err


def test_few_patients_are_not_judged() -> None:
    for result in pit_checks(forecasts_of(np.linspace(0.1, 0.9, 9))):
        assert result.passed is None
        assert result.summary == "Not computed: 9 forecasts, at least 10 are needed."
    assert pit_checks(forecasts_of(np.empty(0)))[0].passed is None


def test_shift_is_named() -> None:
    high = pit_checks(forecasts_of(np.random.default_rng(1).random(100) ** 0.3))[0]
    assert "doses were higher than forecast" in high.summary
    low = pit_checks(forecasts_of(np.random.default_rng(1).random(100) ** 3))[0]
    assert "doses were lower than forecast" in low.summary


def test_left_out_weights_stand_for_another_population() -> None:
    plan = simulated_plan(make_plan(20, 4), TRUTH)
    population = make_population(plan, TRUTH, n_draw=2)
    n_draw = len(population.cov)
    only = np.zeros((n_draw, 20))
    only[1] = 1.0
    only[:, 3] = np.nan
    got = one_step_pit(plan, population, seed=1, weight=only)
    alone = one_step_pit(plan, thin_population(population, 2), seed=1)
    assert got.left_out.shape == got.pit.shape
    assert np.isnan(got.left_out[9:12]).all()
    assert np.isfinite(np.delete(got.left_out, [9, 10, 11])).all()
    assert not np.allclose(np.delete(got.left_out - got.pit, [9, 10, 11]), 0.0)
    np.testing.assert_allclose(got.pit.shape, alone.pit.shape)
    result = left_out_check(got, 1)
    assert result.passed is not None
    assert "Last readings of 19 patients" in result.summary
    assert "1 patients whose weights cannot be relied on" in result.summary


def test_weights_of_one_draw_give_the_forecast_of_that_draw() -> None:
    plan = simulated_plan(make_plan(6, 3), TRUTH)
    population = make_population(plan, TRUTH, n_draw=1)
    first = np.zeros((len(population.cov), 6))
    first[0] = 1.0
    got = one_step_pit(plan, population, seed=1, weight=first)
    alone = one_step_pit(plan, thin_population(population, 1), seed=1)
    np.testing.assert_allclose(got.left_out, alone.pit)
