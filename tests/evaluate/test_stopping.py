"""Optional stopping: right filters keep their promise at the first alarm, wrong hazards do not."""

import numpy as np
import pytest

from itb_bayes.evaluate.stopping import (
    Surveillance,
    chart_fault,
    draw_readings,
    filter_fault,
    judge_first_alarms,
)

POPULATION = Surveillance(n_patient=12_000)


@pytest.fixture(scope="module")
def drawn():
    return draw_readings(POPULATION, 4)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_ppv_at_first_alarm_is_at_least_the_threshold(drawn, threshold) -> None:
    onset, readings = drawn
    found = judge_first_alarms(onset, filter_fault(readings, 0.05, 1.0), threshold)
    assert found.ppv >= threshold - 0.01


def test_a_tripled_hazard_breaks_the_promise(drawn) -> None:
    onset, readings = drawn
    found = judge_first_alarms(onset, filter_fault(readings, 0.15, 1.0), 0.8)
    assert found.ppv == pytest.approx(0.62, abs=0.02)


def test_the_filter_is_bayes_rule_over_all_onsets() -> None:
    """Against the sum over every possible onset, for one patient."""
    _, readings = draw_readings(Surveillance(n_patient=3, n_visit=6), 1)
    h, shift = 0.1, 0.7
    got = filter_fault(readings, h, shift)
    for i in range(3):
        for k in range(6):
            x = readings[i, : k + 1]
            weight = [
                h * (1 - h) ** s * np.exp((shift * x[s:] - 0.5 * shift**2).sum())
                for s in range(k + 1)
            ]
            none = (1 - h) ** (k + 1)
            assert got[i, k] == pytest.approx(sum(weight) / (sum(weight) + none))


def test_first_alarms_by_hand() -> None:
    onset = np.array([2, 0, 9, 1, 3])
    score = np.array(
        [[0, 0, 0, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]], float
    )
    found = judge_first_alarms(onset, score, 1.0)
    assert found.ppv == pytest.approx(2 / 3)
    assert found.sensitivity == pytest.approx(2 / 4)
    assert found.median_delay_visits == 1.0
    # before onset and first alarm: 2, 0, 5, 1 and 3 visits, one false alarm
    assert found.false_per_100_years == pytest.approx(100 * 4 * 1 / 11)
    assert found.soon == pytest.approx(1.0)


def test_charts_rise_with_a_fault_and_stay_above_zero(drawn) -> None:
    onset, readings = drawn
    chart = chart_fault(readings, 1.0)
    assert chart.min() == 0.0
    ill = np.arange(POPULATION.n_visit) >= onset[:, None] + 4
    assert chart[ill].mean() > 3 * chart[~ill].mean()


def test_heavy_tails_have_unit_variance() -> None:
    _, readings = draw_readings(Surveillance(n_patient=20_000, hazard=1e-9, tail_df=5.0), 2)
    assert readings.var() == pytest.approx(1.0, rel=0.03)
