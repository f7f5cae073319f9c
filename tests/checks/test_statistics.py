"""Predictive statistics against direct computations on the patients' records."""

import numpy as np
import pytest
from check_cases import TRUTH, make_plan, simulated_plan, with_log_doses

from itb_bayes.checks.design import YearDesign
from itb_bayes.checks.statistics import (
    UNCHANGED,
    change_statistics,
    level_statistics,
    line_residuals,
    persistence_statistics,
)
from itb_bayes.model.plan import DriftPlan
from itb_bayes.risk.rule import count_rule


@pytest.fixture(scope="module")
def plan() -> DriftPlan:
    return simulated_plan(make_plan(20, 19, step=0.5), TRUTH)


def named(statistics: list) -> dict[str, float]:
    return {s.name: float(s.by_cohort[0]) for s in statistics}


def test_levels(plan: DriftPlan) -> None:
    got = named(level_statistics(plan.panel.y[None], YearDesign.of(plan)))
    ms_year3 = [
        y[np.isclose(t, 3.0)][0]
        for t, y in (plan.panel.patient(i) for i in range(0, plan.n_patient, 2))
    ]
    assert got["geometric mean: MS, year 3 (10 patients)"] == pytest.approx(
        np.exp(np.mean(ms_year3))
    )
    assert got["SD of log dose: MS, year 3 (10 patients)"] == pytest.approx(
        np.std(ms_year3, ddof=1)
    )
    assert len(got) == 2 * 2 * 5


def test_changes(plan: DriftPlan) -> None:
    got = named(change_statistics(plan.panel.y[None], YearDesign.of(plan)))
    ratios, to_ten = [], []
    for i in range(plan.n_patient):
        t, y = plan.panel.patient(i)
        yearly = np.exp(y[np.isclose(t % 1.0, 0.0)])
        ratios += list(yearly[1:] / yearly[:-1])
        to_ten.append(yearly[9] / yearly[0])
    assert got["yearly ratio: mean"] == pytest.approx(np.mean(ratios))
    assert got["yearly ratio: SD"] == pytest.approx(np.std(ratios, ddof=1))
    assert got["yearly ratio: 95 % quantile"] == pytest.approx(np.quantile(ratios, 0.95))
    assert got["mean ratio, year 10 to year 1: all (20 patients)"] == pytest.approx(
        100 * np.mean(to_ten)
    )
    rule = count_rule(plan.series, np.ones(plan.n_patient, dtype=bool))
    assert got["years flagged by the 100 µg rule"] == pytest.approx(100 * rule.rate)
    assert got[UNCHANGED] == 0.0


def test_unchanged_years_are_counted_and_not_judged(plan: DriftPlan) -> None:
    y = plan.panel.y.copy()
    y[: 19 * 5] = np.repeat(y[: 19 * 5 : 19], 19)
    statistics = change_statistics(y[None], YearDesign.of(plan))
    unchanged = next(s for s in statistics if s.name == UNCHANGED)
    assert unchanged.by_cohort[0] == pytest.approx(25.0)
    assert not unchanged.judged


def test_persistence(plan: DriftPlan) -> None:
    got = named(persistence_statistics(plan.panel.y[None], YearDesign.of(plan)))
    spreads, lags = [], []
    for i in range(plan.n_patient):
        t, y = plan.panel.patient(i)
        residual = y - np.polyval(np.polyfit(t, y, 1), t)
        spreads.append(np.sqrt((residual**2).sum() / (t.size - 2)))
        lags.append((residual[1:] * residual[:-1]).sum() / (residual**2).sum())
    assert got["SD of deviations: typical patient (median)"] == pytest.approx(np.median(spreads))
    assert got["autocorrelation of deviations at lag 1"] == pytest.approx(np.mean(lags))


def test_flat_patients_have_no_autocorrelation() -> None:
    plan = make_plan(8, 6)
    got = named(persistence_statistics(plan.panel.y[None], YearDesign.of(plan)))
    assert np.isnan(got["autocorrelation of deviations at lag 1"])
    assert got["SD of deviations: typical patient (median)"] == pytest.approx(0.0, abs=1e-12)


def test_small_cohorts_have_no_statistics() -> None:
    plan = make_plan(4, 3)
    design, y = YearDesign.of(plan), plan.panel.y[None]
    assert level_statistics(y, design) == []
    assert persistence_statistics(y, design) == []
    short = make_plan(8, 1)
    assert change_statistics(short.panel.y[None], YearDesign.of(short)) == []


def test_many_cohorts_at_once_are_each_alone(plan: DriftPlan) -> None:
    design = YearDesign.of(plan)
    stack = np.stack([plan.panel.y, plan.panel.y[::-1]])
    for function in (level_statistics, change_statistics, persistence_statistics):
        together = function(stack, design)
        for k in range(2):
            alone = function(stack[k : k + 1], design)
            for a, b in zip(together, alone, strict=True):
                assert a.by_cohort[k] == pytest.approx(b.by_cohort[0])


def test_reading_in_force_is_that_of_the_rule() -> None:
    plan = make_plan(6, 4)
    series = plan.series
    t = series.t_years.copy()
    t[4:8] = [0.3, 1.4, 2.4, 2.9]  # read between whole years; followed until 2.9
    # For each whole year the reading before it stands, unless it is older than half a year.
    moved = with_log_doses(plan, np.log(series.daily_dose_ug))
    object.__setattr__(moved.series, "t_years", t)
    design = YearDesign.of(moved)
    np.testing.assert_array_equal(design.row[1], [-1, -1, -1, -1])  # older than half a year
    np.testing.assert_array_equal(design.rows_at(3), [2, 10, 14, 18, 22])
    assert design.rows_at(9).size == 0
    assert design.row_pairs(1, 9)[0].size == 0
    assert design.yearly_pairs()[0].size == 5 * 3


def test_line_residuals_are_orthogonal_to_lines() -> None:
    t = np.array([1.0, 1.5, 4.0, 9.0])
    residual = line_residuals(t, np.random.default_rng(0).standard_normal((3, 4)))
    np.testing.assert_allclose(residual.sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(residual @ t, 0.0, atol=1e-11)
