"""Forecasts at landmarks: which readings they are about, and who fails."""

import numpy as np
import pytest
from check_cases import TRUTH, make_plan, make_population, simulated_plan

from itb_bayes.checks.landmarks import landmark_checks, readings_at


@pytest.mark.parametrize(
    ("times", "landmark", "found"),
    [
        ([0.0, 1.0, 2.0, 3.0], 1.0, (2, 2)),
        ([0.0, 0.5, 1.6, 1.9, 2.3], 1.0, (2, 3)),
        ([0.0, 1.0, 1.5], 1.0, None),
        ([1.5, 2.0], 1.0, None),
        ([0.0, 4.0, 7.0], 5.0, None),
    ],
)
def test_the_forecast_is_of_the_last_reading_of_the_year_after(times, landmark, found):
    assert readings_at(np.array(times), landmark) == found


def test_the_right_model_passes_and_a_wrong_drift_does_not():
    plan = simulated_plan(make_plan(80, 7), TRUTH)
    right = landmark_checks(plan, make_population(plan, TRUTH, n_draw=5), 1)
    assert [r.name for r in right] == ["landmark-1y", "landmark-2y", "landmark-5y"]
    for result in right:
        assert result.passed is True, result.summary
        table = result.table.set_index("quantity")
        assert table.loc["patients", "observed"] == 80
        assert abs(table.loc["inside their 90 % interval (%)", "observed"] - 90) < 12
    falling = TRUTH | {"drift": (-0.5, -0.5)}
    wrong = landmark_checks(plan, make_population(plan, falling, n_draw=5), 1)
    assert wrong[0].passed is False
    assert "higher than forecast" in wrong[0].summary


def test_rises_are_counted_beside_their_expectation():
    plan = simulated_plan(make_plan(30, 4), TRUTH)
    result = landmark_checks(plan, make_population(plan, TRUTH, n_draw=5), 1)[1]
    rises = result.table.set_index("quantity").loc["rises of more than 100 µg/day"]
    y = np.exp(plan.panel.y.reshape(30, 4))
    assert rises["observed"] == (y[:, 2] - y[:, 1] > 100.0).sum()
    assert 0.0 < rises["expected"] < 30.0


def test_few_patients_are_not_judged():
    plan = simulated_plan(make_plan(6, 4), TRUTH)
    for result in landmark_checks(plan, make_population(plan, TRUTH, n_draw=5), 1):
        assert result.passed is None
        assert "at least 10 are needed" in result.summary
