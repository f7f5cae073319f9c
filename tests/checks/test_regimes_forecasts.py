"""Forecasts of a regimes fit: distribution functions that belong to the filter's own densities."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pytest

from itb_bayes.checks import regimes_forecasts as rf
from itb_bayes.checks.regimes_landmarks import first_after, landmark_checks
from itb_bayes.checks.regimes_pit import (
    confirmed,
    first_of_each,
    forecast_checks,
    last_of_each,
    left_out_checks,
)
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.findings import REFILL, SPASM, TONE
from itb_bayes.kernel.regimes.layout import Code, Col, Par, State
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.kernel.regimes_forecast import beliefs_before_reading, expected_readings
from regimes_fits import small_regimes_fit

H = 1e-4


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    return small_regimes_fit(tmp_path_factory.mktemp("regimes") / "cohort")


@pytest.fixture(scope="module")
def draws(fit):
    found = fit.population()
    return RegimesDraws(found.g[:3], found.own[:3])


@dataclass(frozen=True)
class Prefixes:
    """The records up to each day laid out as patients of their own, that day blanked."""

    data: np.ndarray
    codes: np.ndarray
    offsets: np.ndarray
    step: np.ndarray
    patient: np.ndarray

    @classmethod
    def of(cls, plan):
        unread, uncoded = rf.blank_days(plan)
        data, codes, lengths, steps = [], [], [], []
        for first, last in itertools.pairwise(plan.offsets):
            for k in range(first + 1, last):
                data.append(np.concatenate([plan.data[first:k], unread[k : k + 1]]))
                codes.append(np.concatenate([plan.codes[first:k], uncoded[k : k + 1]]))
                lengths.append(k + 1 - first)
                steps.append(k)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        step = np.array(steps)
        return cls(
            np.concatenate(data), np.concatenate(codes), offsets, step, plan.step_patient[step]
        )

    def belief(self, g, own):
        found = trace(g, own[self.patient], self.data, self.codes, self.offsets)[1]
        return found[self.offsets[1:] - 1]


def test_one_step_on_is_the_filter_over_the_records_up_to_then(fit, draws):
    plan, prefixes = fit.plan, Prefixes.of(fit.plan)
    unread, uncoded = rf.blank_days(plan)
    g, own = draws.g[1], np.ascontiguousarray(draws.own[1])
    found = beliefs_before_reading(g, own, plan.data, plan.codes, plan.offsets, unread, uncoded)
    np.testing.assert_allclose(
        found[prefixes.step], prefixes.belief(g, own), rtol=1e-12, atol=1e-12
    )


def without(plan, *columns):
    data = plan.data.copy()
    data[:, columns] = np.nan
    return replace(plan, data=data)


def moved(plan, column, by):
    data = plan.data.copy()
    data[:, column] += by
    return replace(plan, data=data)


def expected_density(plan, draws, channel):
    """Density of each reading under the blanked belief, from the filter's likelihood by state."""
    blanked = Prefixes.of(plan)
    total = np.zeros(blanked.step.size)
    for s in range(draws.n_draw):
        g, own = draws.g[s], np.ascontiguousarray(draws.own[s])
        weight = blanked.belief(g, own)[:, :, 0]
        by_state = trace(g, own, plan.data, plan.codes, plan.offsets)[3]
        total += (weight * np.exp(by_state[blanked.step, channel])).sum(axis=1) / draws.n_draw
    return total


@pytest.mark.parametrize(
    ("name", "column", "channel", "others"),
    [
        ("ashworth", Col.ASHWORTH, TONE, (Col.PENN,)),
        ("refills", Col.REFILL, REFILL, ()),
        ("dose", Col.DOSE_CHANGE, TONE, (Col.ASHWORTH, Col.PENN)),
    ],
)
def test_slopes_of_distributions_are_the_densities_of_the_filter(
    fit, draws, name, column, channel, others
):
    plan = without(fit.plan, *others)
    # The limits of the reading itself, half a step up and down, with the forecast held.
    up = rf.forecast_readings(plan, draws)
    low = held(plan, draws, name, column, -H)
    high = held(plan, draws, name, column, H)
    slope = (high - low) / (2 * H)
    value = plan.data[up.step, column]
    inner = np.isfinite(value) & (np.abs(value) > 2 * H)
    assert inner.sum() > 10
    density = expected_density(plan, draws, channel)
    np.testing.assert_allclose(slope[inner], density[inner], rtol=2e-3, atol=1e-4)


def held(plan, draws, name, column, by):
    """Limits of readings that were moved, under forecasts that were not."""
    blanked = Prefixes.of(plan)
    row = moved(plan, column, by).data[blanked.step]
    total = np.zeros(blanked.step.size)
    for s in range(draws.n_draw):
        g, own = draws.g[s], np.ascontiguousarray(draws.own[s])
        at = blanked.belief(g, own)
        code = plan.codes[blanked.step]
        expected = expected_readings(g, own, blanked.patient, row, code, at)
        total += rf._limits(g, own[blanked.patient], row, expected)[name][0] / draws.n_draw
    return total


def test_a_spasm_score_stands_for_what_rounds_to_it(fit, draws):
    found = rf.forecast_readings(fit.plan, draws)
    value = fit.plan.data[found.step, Col.PENN]
    low, high = found.below["spasms"], found.above["spasms"]
    read = np.isfinite(value)
    assert np.isnan(low[~read]).all()
    assert (high[read] - low[read] > 1e-5).all()
    np.testing.assert_allclose(low[value == 0], 0.0, atol=0.1)
    middle = value == 1
    np.testing.assert_allclose(
        (high - low)[middle], expected_density(without(fit.plan, Col.ASHWORTH, Col.DOSE_CHANGE),
        draws, SPASM)[middle], atol=0.25,
    )  # fmt: skip


def test_a_dose_left_alone_is_an_interval_and_a_changed_one_is_not(fit, draws):
    found = rf.forecast_readings(fit.plan, draws)
    change = fit.plan.data[found.step, Col.DOSE_CHANGE]
    width = found.above["dose"] - found.below["dose"]
    assert (width[change == 0.0] > 0.0).all()
    np.testing.assert_allclose(width[(change != 0.0) & np.isfinite(change)], 0.0, atol=1e-12)
    low, high = found.below["dose"], found.above["dose"]
    read = np.isfinite(change)
    assert ((low[read] >= 0) & (high[read] <= 1 + 1e-12)).all()


def test_later_records_do_not_reach_a_forecast(fit, draws):
    found = rf.forecast_readings(fit.plan, draws)
    half = fit.plan.between(0, 2)
    cut = int(half.offsets[1]) - 3
    data, codes = half.data.copy(), half.codes.copy()
    data[cut:, Col.ASHWORTH] = 4.0
    few = RegimesDraws(draws.g, draws.own[:, :2])
    other = rf.forecast_readings(replace(half, data=data, codes=codes), few)
    same = np.flatnonzero((other.patient == 0) & (other.step < cut))
    np.testing.assert_array_equal(other.below["ashworth"][same], found.below["ashworth"][same])
    at = np.flatnonzero(other.step == cut)
    assert found.below["ashworth"][at] != other.below["ashworth"][at]
    np.testing.assert_array_equal(found.below["refills"][at], other.below["refills"][at])


def test_faults_are_found_in_their_own_states_only(draws):
    g, row = draws.g[0], np.zeros((3, len(Col)))
    row[:, Col.SEARCH] = 0.03
    row[1, Col.CATHETER_TESTED] = row[2, Col.PUMP_TESTED] = 1.0
    rates = rf.found_rates(g, row)
    catheter, pump = rates[:, State.CATHETER_LEAKING, 0], rates[:, State.PUMP, 1]
    assert (rates[:, : State.CATHETER_LEAKING] == 0).all()
    assert (rates[:, State.PUMP, 0] == 0).all()
    assert (rates[:, State.CATHETER_LEAKING : State.PUMP, 0] == catheter[:, None]).all()
    np.testing.assert_allclose(catheter[[0, 2]], 0.03 * g[Par.FOUND_CATHETER])
    np.testing.assert_allclose(catheter[1] - catheter[0], g[Par.FOUND_TESTED])
    np.testing.assert_allclose(pump - g[Par.FOUND_PUMP], [0.0, 0.0, g[Par.FOUND_TESTED]])


def test_the_chance_of_finding_is_that_of_the_states_before_nothing_was_found(draws):
    g, rng = draws.g[0], np.random.default_rng(1)
    before = rng.dirichlet(np.ones(len(State)), 5)
    row, dt = np.zeros((5, len(Col))), rng.uniform(0.05, 0.4, 5)
    row[:, Col.SEARCH] = rng.uniform(0.1, 2.0, 5)
    row[3:, [Col.CATHETER_TESTED, Col.PUMP_TESTED]] = 0.4
    missed = np.exp(-(rf.found_rates(g, row) * dt[:, None, None]).sum(axis=2))
    after = before * missed / (before * missed).sum(axis=1, keepdims=True)
    chances = rf.chances_of_finding(g, after, row, dt)
    np.testing.assert_allclose(chances.sum(axis=1), (before * (1 - missed)).sum(axis=1))
    np.testing.assert_allclose(chances[:, 1], before[:, State.PUMP] * (1 - missed[:, State.PUMP]))


def test_checks_say_what_was_forecast(fit, draws):
    found = rf.forecast_readings(fit.plan, draws)
    results = forecast_checks(fit.plan, found, 1)
    by_name = {result.name: result for result in results}
    assert by_name["pit-ashworth"].passed is None  # six patients are too few to judge
    assert "at least 10 are needed" in by_name["pit-ashworth"].summary
    assert "inside their 90 %" in by_name["pit-dose-all"].summary
    assert "first Ashworth reading" in by_name["pit-ashworth-first"].question
    assert "pit-dose-first" not in by_name
    events = by_name["event-rates"]
    assert events.passed is not None
    assert events.table["observed"].min() > 0.0
    np.testing.assert_array_equal(confirmed(fit.plan), [1.0, 1.0])
    quiet = replace(fit.plan, channels=tuple(c for c in fit.plan.channels if c != "events"))
    assert "event-rates" not in {r.name for r in forecast_checks(quiet, found, 1)}


def test_many_more_faults_than_expected_fail(fit):
    found = rf.forecast_readings(fit.plan, fit.population())
    codes = fit.plan.codes.copy()
    later = np.setdiff1d(np.arange(len(codes)), fit.plan.offsets[:-1])
    codes[later[:12], Code.ACTION] |= 1
    crowded = replace(fit.plan, codes=codes)
    event = {r.name: r for r in forecast_checks(crowded, found, 1)}["event-rates"]
    assert event.passed is False


def test_weights_stand_for_another_posterior(fit, draws):
    by_draw = rf.forecast_draws(fit.plan, draws)
    only = np.zeros((draws.n_draw, fit.plan.n_patient))
    only[1] = 1.0
    only[:, 2] = np.nan
    found = by_draw.average(only)
    alone = rf.forecast_readings(fit.plan, RegimesDraws(draws.g[1:2], draws.own[1:2]))
    kept = found.patient != 2
    for name in rf.CHANNELS:
        np.testing.assert_allclose(found.below[name][kept], alone.below[name][kept])
        assert np.isnan(found.below[name][~kept]).all()
    assert found.expected_faults.shape == (draws.n_draw, 2)


def test_left_out_patients_who_cannot_be_weighed_are_named_in_number(fit, draws):
    results = left_out_checks(fit.plan, rf.forecast_readings(fit.plan, draws), 1, 2)
    assert [r.name for r in results] == [f"loo-pit-{name}" for name in rf.CHANNELS]
    assert all("2 patients whose weights cannot be relied on" in r.summary for r in results)


def test_landmarks_take_the_first_reading_of_the_year_after(fit, draws):
    by_draw = rf.forecast_draws(fit.plan, draws)
    found = by_draw.average()
    pit = found.pit("ashworth", 1)
    first = first_after(fit.plan, found, pit, 1.0)
    expected = []
    for i in range(fit.plan.n_patient):
        own = (found.patient == i) & np.isfinite(pit)
        t = fit.plan.t_years[found.step]
        near = np.flatnonzero(own & (t > 1.0) & (t <= 2.0))
        expected += [pit[near[0]]] if near.size else []
    assert first.tolist() == expected
    results = {r.name: r for r in landmark_checks(fit.plan, by_draw, found, 1)}
    assert results["landmark-1y-ashworth"].passed is None  # six patients are too few to judge
    faults = results["landmark-faults"]
    assert faults.passed is not None
    assert faults.table["observed"].sum() == 2.0
    quiet = replace(fit.plan, channels=("ashworth",))
    assert "landmark-faults" not in {r.name for r in landmark_checks(quiet, by_draw, found, 1)}


def test_last_of_each_takes_one_reading_per_patient():
    patient = np.array([0, 0, 0, 1, 1, 2])
    pit = np.array([0.1, 0.2, np.nan, 0.3, 0.4, np.nan])
    assert last_of_each(patient, pit).tolist() == [0.2, 0.4]
    assert last_of_each(patient, np.full(6, np.nan)).size == 0


def test_readings_of_the_model_have_uniform_pits_and_shifted_ones_do_not(fit):
    """Readings drawn from the forecasts themselves: the distribution functions are honest."""
    rng = np.random.default_rng(3)
    u = rng.random(4000)
    n_state = len(State)
    weight = rng.dirichlet(np.ones(n_state), 4000)
    mean = rng.normal(1.5, 0.5, (4000, n_state))
    sd = np.full((4000, n_state), 0.3)
    state = (weight.cumsum(axis=1) < u[:, None]).sum(axis=1).clip(max=n_state - 1)
    drawn = mean[np.arange(4000), state] + 0.3 * rng.standard_normal(4000)
    pit = rf._robust(drawn, weight, mean, sd, 0.0)
    assert abs(pit.mean() - 0.5) < 0.02
    assert abs(12 * pit.var() - 1.0) < 0.06
    assert abs(rf._robust(drawn + 0.3, weight, mean, sd, 0.0).mean() - 0.5) > 0.08


def test_the_first_reading_of_each_patient_is_the_first_that_was_made():
    patient = np.array([0, 0, 0, 1, 1, 2])
    pit = np.array([np.nan, 0.2, 0.3, 0.4, 0.5, np.nan])
    np.testing.assert_array_equal(first_of_each(patient, pit), [0.2, 0.4])
    np.testing.assert_array_equal(last_of_each(patient, pit), [0.3, 0.5])
