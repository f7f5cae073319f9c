"""What is said of each patient."""

from dataclasses import fields, replace

import numpy as np
import pytest

from drift_cases import base_spec, fit_of, permuted_chains, spec_with
from itb_bayes.inference.fitted import Fit, thin
from itb_bayes.inference.population import flatten
from itb_bayes.model.plan import plan_drift
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.patient import Probability, judge_record, summarise_patients
from itb_bayes.risk.rule import count_rule
from itb_bayes.risk.table import COLUMNS, risk_table

HORIZONS = (6.0, 12.0)


@pytest.fixture(scope="module")
def short_fit(tiny_cohort) -> Fit:
    """A fit in which P01 has three readings, P02 two, and the others all of theirs."""
    until = {"P01": 1.0, "P02": 0.5}
    spec = spec_with()
    plan = plan_drift(spec, tiny_cohort, until_years=until)
    return fit_of(spec, plan, permuted_chains(spec, plan, 4, 100))


@pytest.fixture(scope="module")
def summaries(short_fit):
    return summarise_patients(short_fit, HORIZONS)


def test_intervals_are_quantiles():
    got = Interval.of(np.arange(101.0).reshape(1, 101))
    assert got == Interval(5.0, 25.0, 50.0, 75.0, 95.0)


def test_a_probability_has_a_spread_and_an_error():
    got = Probability.of(np.array([0.0, 0.2, 0.4, 0.6]))
    assert got.value == pytest.approx(0.3)
    assert (got.low, got.high) == pytest.approx((0.03, 0.57))
    assert got.mcse == pytest.approx(np.std([0, 0.2, 0.4, 0.6], ddof=1) / 2)


def test_probabilities_are_averages_of_exact_conditionals(short_fit, summaries):
    draws = short_fit.patients(HORIZONS)
    for i, summary in enumerate(summaries):
        now = short_fit.plan.series.daily_dose_now_ug[i]
        for k, forecast in enumerate(summary.forecasts):
            exact = draws.p_rise[:, i, k]
            assert forecast.p_rise == Probability.of(exact)
            counted = np.exp(draws.future_log_dose[:, i, k]) > now + 100.0
            assert forecast.p_rise.value == pytest.approx(counted.mean(), abs=0.12)
            assert forecast.p_rise.low <= forecast.p_rise.high
    assert sum(len(s.forecasts) for s in summaries) == 2 * 11


def test_forecasts_and_drift_are_quantiles_of_the_draws(short_fit, summaries):
    draws = short_fit.patients(HORIZONS)
    last = summaries[-1]
    i = last.index
    assert last.drift_percent == Interval.of(100 * np.expm1(draws.drift[:, i]))
    d = short_fit.plan.diagnosis_index[i]
    typical = flatten(thin(short_fit.posterior))["drift"].to_numpy()[:, d]
    assert last.drift_above_diagnosis == pytest.approx((draws.drift[:, i] > typical).mean())
    forecast = last.forecasts[1]
    dose = np.exp(draws.future_log_dose[:, i, 1])
    assert forecast.dose_ug == Interval.of(dose)
    assert len(forecast.dots_ug) == 20
    assert list(forecast.dots_ug) == sorted(forecast.dots_ug)
    assert forecast.dots_ug[0] == pytest.approx(np.quantile(dose, 0.025))
    assert forecast.dots_ug[-1] == pytest.approx(np.quantile(dose, 0.975))


def test_what_was_recorded_is_told_as_it_was(short_fit, summaries):
    plan = short_fit.plan
    assert [s.patient_id for s in summaries] == list(plan.series.patient_ids)
    for i, s in enumerate(summaries):
        t, y = plan.panel.patient(i)
        assert s.as_of_years == t[-1]
        np.testing.assert_allclose(s.dose_ug, np.exp(y))
        assert s.dose_now_ug == s.dose_ug[-1]
        assert s.diagnosis == ("MS", "SCI")[i % 2]
        assert s.centre == ("north" if i % 3 else "south")
        assert s.rule_flagged == (s.last_year_rise_ug > 100.0)
        mask = plan.diagnosis_index == i % 2
        assert s.group_rule == count_rule(plan.series, mask)


def test_short_records_give_no_numbers(summaries):
    limited, none = summaries[0], summaries[1]
    assert (limited.patient_id, limited.status) == ("P01", "limited")
    assert "3 dose readings: the estimate leans on other patients" in limited.reasons[0]
    assert limited.forecasts
    assert (none.patient_id, none.status) == ("P02", "not estimated")
    assert "only 2 dose readings over 0.5 years" in none.reasons[0]
    assert none.forecasts == ()
    assert none.drift_percent is None
    assert none.drift_above_diagnosis is None
    assert np.isnan(none.last_year_rise_ug)
    assert not none.rule_flagged


@pytest.mark.parametrize(
    ("t", "n_rows", "ended", "status"),
    [
        ([0, 0.5, 0.9], 9, "", "not estimated"), ([0, 2.0], 9, "", "not estimated"),
        ([0, 0.5, 1.0], 9, "", "limited"), ([0, 1, 2, 3, 4], 9, "", "limited"),
        ([0, 1, 2, 3, 4, 5], 9, "", "ok"), ([0, 1, 2, 3, 4, 5], 1, "", "limited"),
        ([0, 1, 2, 3, 4, 5], 9, "died", "not estimated"),
    ],
)  # fmt: skip
def test_how_much_record_is_enough(t, n_rows, ended, status):
    got, reasons = judge_record(np.array(t, float), n_rows, ended)
    assert got == status
    assert bool(reasons) == (status != "ok")


def test_the_risk_table_is_long_with_the_columns_scripts_rely_on(short_fit, summaries):
    table = risk_table(short_fit, summaries)
    promised = ["patient_id", "t_years", "quantity", "horizon_months", "explanation",
                "probability", "low", "high", "mode", "model", "run"]  # fmt: skip
    assert tuple(table.columns) == COLUMNS
    assert [name for name in COLUMNS if name in promised] == promised
    assert len(table) == 2 * 11 + 1
    none = table[table["patient_id"] == "P02"]
    assert none["status"].tolist() == ["not estimated"]
    assert none[["probability", "low", "high", "mcse", "horizon_months"]].isna().all(axis=None)
    rest = table[table["patient_id"] != "P02"]
    assert rest["horizon_months"].tolist() == list(HORIZONS) * 11
    assert set(table["explanation"]) == {"rise_over_100_ug"}
    assert set(table["quantity"]) == {"at"}
    assert set(table["mode"]) == {"refit"}
    assert set(table["model"]) == {f"{base_spec().name} {base_spec().version}"}
    assert set(table["run"]) == {short_fit.run_id}
    assert table["synthetic"].all()
    assert rest["probability"].between(0, 1).all()
    assert (rest["low"] <= rest["high"]).all()


def test_a_fit_without_centres_names_none(tiny_cohort):
    spec = spec_with(centre="no")
    plan = plan_drift(spec, tiny_cohort)
    fitted = fit_of(spec, plan, permuted_chains(spec, plan, 2, 20))
    assert {s.centre for s in summarise_patients(fitted)} == {None}


def test_summaries_are_values(summaries):
    """Frozen, so that a page cannot change what another page says."""
    with pytest.raises(AttributeError):
        summaries[0].dose_now_ug = 1.0
    assert {f.name for f in fields(summaries[0])} >= {"status", "reasons", "forecasts"}
    assert replace(summaries[0], status="ok").status == "ok"


@pytest.mark.parametrize(
    ("dose_ug", "told"), [(9.9, True), (10.0, False), (2000.0, False), (4910.0, True)]
)
def test_a_dose_in_force_beyond_what_was_studied_gives_no_numbers(dose_ug, told):
    status, reasons = judge_record(np.arange(8.0), 8, "", None, dose_ug)
    assert (status == "not estimated") == told
    assert ("the dose in force lies outside 10 to 2000 µg/day" in " ".join(reasons)) == told
