"""Explanations of patients: now, within a horizon, and of the dose."""

from dataclasses import replace

import numpy as np
import pytest

from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.regimes_states import COLLAPSE, filter_patients, filter_visits
from itb_bayes.kernel.regimes.future import onset_within
from itb_bayes.kernel.regimes.layout import (
    EXPLANATION_OF_STATE,
    EXPLANATIONS,
    N_STATE,
    Code,
    Col,
    Own,
    Par,
    State,
)
from itb_bayes.kernel.regimes.oracle_moves import named, transition_matrix
from itb_bayes.risk import explanations
from itb_bayes.risk.explanations import (
    blank,
    explain_patients,
    muted,
    visit_gap,
    weighted_probability,
    weighted_quantiles,
)
from itb_bayes.risk.weights import PatientWeights, equal_weights
from regimes_fits import make_regimes_fit


@pytest.fixture(scope="module")
def draws(regimes_fit):
    return regimes_fit.population()


@pytest.fixture(scope="module")
def refit(regimes_fit, draws):
    return explain_patients(
        regimes_fit.plan, draws, mode="refit", horizons_months=(24.0, 6.0, 12.0)
    )


def numbers(patient):
    present = {name: p.value for name, p in patient.present.items()}
    onset = {key: p.value for key, p in patient.onset.items()}
    return present | onset | {months: p.value for months, p in patient.rise.items()}


def test_what_is_present_sums_to_one(refit):
    for patient in refit[:5]:
        assert tuple(patient.present) == EXPLANATIONS
        values = [p.value for p in patient.present.values()]
        assert sum(values) == pytest.approx(1.0, abs=1e-12)
        for p in (*patient.present.values(), *patient.onset.values(), *patient.rise.values()):
            assert 0.0 <= p.low <= p.high <= 1.0
            assert 0.0 <= p.value <= 1.0
            assert 0.0 <= p.mcse < 0.1


def test_what_is_present_is_the_mean_of_the_filter(regimes_fit, draws, refit):
    states = filter_patients(regimes_fit.plan, draws)
    for i, patient in enumerate(refit[:5]):
        want = states.now[:, i].mean(axis=0)
        np.testing.assert_allclose([p.value for p in patient.present.values()], want)
        assert patient.as_of_years == regimes_fit.plan.t_last[i]
    np.testing.assert_allclose(states.now.sum(axis=2), 1.0)
    np.testing.assert_allclose(states.after[:, :, :, 0].sum(axis=2), 1.0)


def test_visits_end_where_patients_do(regimes_fit, draws):
    plan = regimes_fit.plan
    probability, total = filter_visits(plan, draws)
    states = filter_patients(plan, draws)
    last = plan.offsets[1:] - 1
    np.testing.assert_allclose(probability[:, last], states.now, atol=1e-6)
    np.testing.assert_allclose(total[:, last], states.log_likelihood, rtol=1e-9)


def test_progress_is_told(regimes_fit, draws):
    told = []
    explain_patients(regimes_fit.plan, draws, mode="refit", on_progress=told.append)
    assert told == list(range(1, draws.n_draw + 1))
    told.clear()
    filter_visits(regimes_fit.plan, draws, told.append)
    assert told[-1] == draws.n_draw


def test_onsets_rise_with_the_horizon(refit):
    for patient in refit[:5]:
        for name in EXPLANATIONS:
            values = [patient.onset[months, name].value for months in (6.0, 12.0, 24.0)]
            order = -1.0 if name == "none" else 1.0
            assert (np.diff(values) * order > 0.0).all(), name
            assert 0.0 < min(values) <= max(values) < 1.0
        none = patient.onset[12.0, "none"].value
        others = [patient.onset[12.0, name].value for name in EXPLANATIONS[1:]]
        assert max(others) <= 1.0 - none <= sum(others) + 1e-12


def test_onsets_are_those_of_a_simulated_chain(regimes_fit, draws):
    """Walk the plain transition matrices at random, month by month, and count who enters."""
    g, own = draws.g[0].copy(), draws.own[0, 1].copy()
    # Rates high enough that everything happens to somebody within a year.
    for par, value in {
        Par.TRIGGER_ONSET: 0.8,
        Par.TOLERANCE_EARLY: 0.3,
        Par.TOLERANCE_LATE: 0.2,
        Par.CATHETER_FIRST: 0.3,
        Par.CATHETER_LATER: 0.2,
        Par.PUMP_HAZARD: 0.5,
    }.items():
        g[par] = value
    own[Own.PROGRESSION_ONSET] = 0.2
    start = np.array([0.55, 0.05, 0.05, 0.05, 0.1, 0.05, 0.03, 0.04, 0.02, 0.03, 0.03])
    t, catheter, pump = 3.7, 0.4, 5.0
    rng = np.random.default_rng(12)
    n = 40_000
    state = rng.choice(N_STATE, n, p=start)
    group = np.array(EXPLANATION_OF_STATE)
    entered = np.zeros((n, 6), dtype=bool)
    for k in range(1, 13):
        now = k / 12.0
        matrix = transition_matrix(
            named(g, Par), named(own, Own), t + now, 1 / 12, catheter + now, pump + now
        )
        u = rng.random(n)
        following = np.minimum(
            (u[:, None] > np.cumsum(matrix, axis=1)[state]).sum(axis=1), N_STATE - 1
        )
        fresh = (group[following] != group[state]) & (group[following] > 0)
        entered[np.flatnonzero(fresh), group[following][fresh]] = True
        state = following
    want = entered.mean(axis=0)
    want[0] = 1.0 - entered[:, 1:].any(axis=1).mean()
    got = onset_within(g, own, start, t, catheter, pump, 1.0)
    error = np.sqrt(want * (1.0 - want) / n)
    assert (np.abs(got - want) < 4.5 * error).all(), (got, want)
    assert got.min() > 0.01


def test_an_explanation_that_is_there_has_no_onset(draws):
    g, own = draws.g[0], draws.own[0, 0]
    for state, name in ((State.PUMP, "pump"), (State.CATHETER_PARTIAL, "catheter")):
        now = np.zeros(N_STATE)
        now[state] = 1.0
        got = dict(zip(EXPLANATIONS, onset_within(g, own, now, 2.0, 2.0, 2.0, 1.0), strict=True))
        assert got[name] == 0.0
        assert got["none"] == 1.0


def test_conditional_numbers_are_those_of_weighted_draws(regimes_fit):
    plan = regimes_fit.plan
    draws = make_regimes_fit(plan, draws=60, width=0.05).population()
    found = explain_patients(plan, draws, mode="conditional")
    states = filter_patients(plan, draws)
    weights = explanations.importance_weights(states.log_likelihood)
    told = 0
    for i, patient in enumerate(found):
        assert patient.ess == pytest.approx(weights.ess[i])
        assert patient.pareto_k == pytest.approx(weights.pareto_k[i], nan_ok=True)
        if patient.status == "estimated":
            told += 1
            want = weights.weight[:, i] @ states.now[:, i]
            np.testing.assert_allclose([p.value for p in patient.present.values()], want)
    assert told >= 3


def test_conditional_is_refit_where_all_draws_are_as_likely(regimes_fit, draws):
    plan = regimes_fit.plan
    same = RegimesDraws(np.repeat(draws.g[:1], 8, axis=0), np.repeat(draws.own[:1], 8, axis=0))
    conditional = explain_patients(plan, same, mode="conditional", seed=3)
    refitted = explain_patients(plan, same, mode="refit", seed=3)
    for a, b in zip(conditional, refitted, strict=True):
        assert numbers(a) == pytest.approx(numbers(b))
        assert a.status == b.status
    assert [patient.mode for patient in conditional] == ["conditional"] * 6


def test_the_population_does_not_read_a_patient(regimes_fit, draws):
    plan = regimes_fit.plan
    rng = np.random.default_rng(5)
    data, codes = plan.data.copy(), plan.codes.copy()
    for column in (Col.ASHWORTH, Col.PENN, Col.REFILL, Col.EDSS):
        data[:, column] = rng.uniform(0.0, 3.0, len(data))
    codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]] = 1
    codes[:, [Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER]] = 1
    other = replace(plan, data=data, codes=codes)
    a = explain_patients(plan, draws, mode="population")
    b = explain_patients(other, draws, mode="population")
    assert [numbers(x) for x in a] == [numbers(y) for y in b]
    assert all(patient.status == "estimated" for patient in a)
    assert numbers(a[0]) != numbers(explain_patients(plan, draws, mode="refit")[0])


def test_silence_of_the_clinic_is_no_evidence_for_the_population(regimes_fit, draws):
    mute = muted(draws)
    silent = [Par.TOLERANCE_LABEL, Par.PROGRESSION_LABEL, Par.TRIGGER_LABEL, Par.ALARM]
    assert (mute.g[:, silent] == 0).all()
    assert (mute.g[:, Par.FOUND_PUMP] == draws.g[:, Par.FOUND_PUMP]).all()
    assert (draws.g[:, Par.TOLERANCE_LABEL] > 0.0).all()
    plan = blank(regimes_fit.plan)
    plan.data[:, Col.EXCLUDED] = 1.0  # tolerance could be named all the time
    loud = filter_patients(plan, draws).now.mean(axis=0)
    quiet = filter_patients(plan, mute).now.mean(axis=0)
    tolerance = EXPLANATIONS.index("tolerance")
    assert (quiet[:, tolerance] >= loud[:, tolerance]).all()


def test_blank_keeps_operations_and_times(regimes_fit):
    plan = regimes_fit.plan
    bare = blank(plan)
    np.testing.assert_array_equal(bare.codes[:, Code.ACTION], plan.codes[:, Code.ACTION])
    np.testing.assert_array_equal(bare.t_years, plan.t_years)
    assert np.isnan(bare.data[:, [Col.ASHWORTH, Col.PENN, Col.DOSE_CHANGE]]).all()
    assert np.isfinite(plan.data[:, Col.ASHWORTH]).any()


def test_few_visits_give_no_numbers(refit):
    patient = refit[5]
    assert patient.status == "not estimated: fewer than 3 visits with a reading or a dose"
    assert (patient.present, patient.onset, patient.rise, patient.dose_ug) == ({}, {}, {}, {})
    assert patient.dose_now_ug > 0.0


def test_unreliable_weights_give_no_numbers(regimes_fit, draws, monkeypatch):
    n = draws.n_draw

    def weigh(log_likelihood):
        good = equal_weights(n, log_likelihood.shape[1])
        k = np.array([0.1, 0.9, 0.2, np.nan, 0.1, 0.1])
        return PatientWeights(good.weight, k, good.ess, good.k_limit)

    monkeypatch.setattr(explanations, "importance_weights", weigh)
    found = explain_patients(regimes_fit.plan, draws, mode="conditional")
    assert found[1].status.startswith("not estimated: importance weights unreliable (Pareto k 0.90")
    assert (found[1].present, found[1].rise) == ({}, {})
    assert [patient.status == "estimated" for patient in found[:5]] == [
        True,
        False,
        True,
        True,
        True,
    ]


def test_the_dose_forecast(refit, regimes_fit):
    patient = refit[0]
    assert set(patient.rise) == set(patient.dose_ug) == {6.0, 12.0, 24.0}
    for low, middle, high in patient.dose_ug.values():
        assert 0.0 < low < middle < high
    last = regimes_fit.plan.data[regimes_fit.plan.offsets[1] - 1]
    change = last[Col.DOSE_CHANGE] if np.isfinite(last[Col.DOSE_CHANGE]) else 0.0
    assert patient.dose_now_ug == pytest.approx(np.exp(last[Col.LOG_DOSE] + change))
    width = [np.log(high / low) for low, _, high in patient.dose_ug.values()]
    assert width == sorted(width)


def test_a_patient_is_forecast_alike_whoever_is_beside_him(regimes_fit, draws, refit):
    plan = regimes_fit.plan
    alone = explain_patients(
        plan.between(3, 4), draws.of_patient(3), mode="refit", horizons_months=(6.0, 12.0, 24.0)
    )
    assert numbers(alone[0]) == pytest.approx(numbers(refit[3]), rel=1e-12)
    assert alone[0].dose_ug == refit[3].dose_ug


def test_without_dose_changes_there_is_no_forecast(regimes_fit, draws):
    plan = regimes_fit.plan
    mute = replace(plan, channels=tuple(c for c in plan.channels if c != "dose"))
    found = explain_patients(mute, draws, mode="refit")
    assert found[0].rise == {}
    assert found[0].present


def test_gaps_between_visits(regimes_fit):
    plan = regimes_fit.plan
    assert visit_gap(plan, 0) == pytest.approx(0.25, abs=0.01)
    single = plan.between(0, 1)
    first = replace(single, data=single.data[:1], codes=single.codes[:1], offsets=np.array([0, 1]))
    assert visit_gap(first, 0) == 0.25


def test_weighted_quantiles():
    values = np.array([3.0, 1.0, 2.0, 4.0])
    equal = np.full(4, 0.25)
    assert weighted_quantiles(values, equal, (0.05, 0.5, 0.95)) == [1.0, 2.0, 4.0]
    heavy = np.array([0.0, 0.0, 1.0, 0.0])
    assert weighted_quantiles(values, heavy, (0.05, 0.95)) == [2.0, 2.0]
    rng = np.random.default_rng(1)
    x = rng.standard_normal(20_001)
    got = weighted_quantiles(x, np.full(x.size, 1.0 / x.size), (0.05, 0.5, 0.95))
    np.testing.assert_allclose(got, np.quantile(x, (0.05, 0.5, 0.95)), atol=1e-3)


def test_weighted_probability():
    p = weighted_probability(np.array([0.1, 0.3]), np.array([0.25, 0.75]))
    assert p.value == pytest.approx(0.25)
    assert (p.low, p.high) == (0.1, 0.3)
    assert p.mcse == pytest.approx(np.sqrt(0.0625 * 0.15**2 + 0.5625 * 0.05**2))


def test_states_collapse_to_explanations():
    assert COLLAPSE.sum(axis=1).tolist() == [1.0] * N_STATE
    assert COLLAPSE.argmax(axis=1).tolist() == list(EXPLANATION_OF_STATE)


def test_range_of_a_rise_is_not_the_scatter_of_paths():
    rng = np.random.default_rng(3)
    weight = np.full(4000, 1.0 / 4000)
    same = explanations._chance_of_paths(rng.random((4000, 20)) < 0.3, weight)
    assert same.value == pytest.approx(0.3, abs=0.01)
    assert same.high - same.low < 0.08  # the shares themselves spread from 0.15 to 0.5
    truth = rng.uniform(0.1, 0.9, 4000)
    wide = explanations._chance_of_paths(rng.random((4000, 20)) < truth[:, None], weight)
    assert (wide.low, wide.high) == pytest.approx((0.14, 0.86), abs=0.04)
    never = explanations._chance_of_paths(np.zeros((50, 20), dtype=bool), np.full(50, 0.02))
    assert (never.value, never.low, never.high) == (0.0, 0.0, 0.0)
