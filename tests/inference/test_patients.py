"""Conditionals of patients: of their own records only (no effect of another patient is reused)."""

from dataclasses import replace

import numpy as np
import pytest

from drift_cases import permuted_chains, point_posterior, spec_with
from itb_bayes.inference.patients import conditionals_of, draw_patients
from itb_bayes.inference.pointwise import patient_log_likelihood
from itb_bayes.inference.population import PopulationDraws, population_draws
from itb_bayes.kernel import drift_oracle
from itb_bayes.model.covariates import Covariates
from itb_bayes.model.plan import DriftPlan, plan_drift


def reordered(plan: DriftPlan, order: np.ndarray) -> DriftPlan:
    """Return the plan with its patients in another order, or only some of them."""
    series = plan.series
    rows = [np.arange(series.offsets[i], series.offsets[i + 1]) for i in order]
    flat = np.concatenate(rows)
    return replace(
        plan,
        series=replace(
            series,
            patient_ids=tuple(series.patient_ids[i] for i in order),
            patient=np.repeat(np.arange(len(order)), [r.size for r in rows]),
            t_years=series.t_years[flat],
            daily_dose_ug=series.daily_dose_ug[flat],
            dose_year_before_ug=series.dose_year_before_ug[order],
            n_rows=series.n_rows[order],
            ended=tuple(series.ended[i] for i in order),
        ),
        diagnosis_index=plan.diagnosis_index[order],
        centre_index=plan.centre_index[order],
        level_covariates=Covariates((), np.empty((len(order), 0))),
        drift_covariates=Covariates((), np.empty((len(order), 0))),
    )


@pytest.fixture(scope="module")
def case(tiny_cohort):
    spec = spec_with("ou", "patient_t", "yes", "yes")
    plan = plan_drift(spec, tiny_cohort)
    return spec, plan, permuted_chains(spec, plan, chains=2, draws=50)


def conditionals(plan: DriftPlan, population: PopulationDraws, i: int, t, y):
    """Conditionals of patient ``i`` given readings, all patients on one random stream."""
    same = replace(
        population,
        level_mean=population.level_mean[:, [i]],
        drift_mean=population.drift_mean[:, [i]],
        depth_mean=population.depth_mean[:, i : i + 1],
    )
    return conditionals_of(plan, same, 0, t, y, np.array([t[-1] + 1.0]), np.array([5.6]), seed=3)


def test_a_patients_result_does_not_depend_on_who_else_is_there(case):
    spec, plan, posterior = case
    order = np.random.default_rng(1).permutation(plan.n_patient)
    other = reordered(plan, order[:7])
    a, b = population_draws(spec, plan, posterior), population_draws(spec, other, posterior)
    for new, old in enumerate(order[:7]):
        t, y = plan.panel.patient(old)
        t_new, y_new = other.panel.patient(new)
        np.testing.assert_array_equal(t, t_new)
        one = conditionals(plan, a, old, t, y)
        two = conditionals(other, b, new, t_new, y_new)
        for name in ("effect", "effect_mean", "volatility", "future", "exceed"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_removing_the_last_patients_leaves_the_first_ones_bit_for_bit(case):
    spec, plan, posterior = case
    few = reordered(plan, np.arange(4))
    whole = draw_patients(plan, population_draws(spec, plan, posterior), seed=5)
    part = draw_patients(few, population_draws(spec, few, posterior), seed=5)
    np.testing.assert_array_equal(part.drift, whole.drift[:, :4])
    np.testing.assert_array_equal(part.p_rise, whole.p_rise[:, :4])
    assert not np.array_equal(whole.drift[:, 0], whole.drift[:, 2])


def test_a_patient_without_information_has_the_spread_of_the_population(tiny_cohort):
    """A new patient is drawn from the population; they never get the effect of an old one."""
    spec = spec_with("ou", "gaussian", "no", "no")
    plan = plan_drift(spec, tiny_cohort)
    posterior = point_posterior(
        spec, plan, chains=4, draws=2500, spread=0.0, level=[5.0, 5.0], drift=[0.03, 0.08],
        level_sd=0.5, drift_sd=0.04, correlation_01=0.5, within_sd=500.0, persistent_share=0.1,
        persistence_years=0.01,
    )  # fmt: skip
    population = population_draws(spec, plan, posterior)
    t, y = np.array([1.0]), np.array([9.9])  # one reading, all noise
    for i, mean in ((0, 0.03), (1, 0.08)):
        got = conditionals(plan, population, i, t, y)
        np.testing.assert_allclose(got.effect_mean[:, 1], mean, atol=1e-4)
        assert got.effect[:, 1].mean() == pytest.approx(mean, abs=0.002)
        assert got.effect[:, 1].std() == pytest.approx(0.04, rel=0.04)
        assert got.effect[:, 0].std() == pytest.approx(0.5, rel=0.04)


def test_horizons_and_thresholds_are_those_of_each_patient(case):
    spec, plan, posterior = case
    population = population_draws(spec, plan, posterior)
    counted = []
    got = draw_patients(
        plan, population, seed=2, horizons_months=(3.0, 24.0), on_patient=counted.append
    )
    assert got.future_log_dose.shape == (100, 12, 2)
    assert got.horizons_months == (3.0, 24.0)
    assert counted == list(range(1, 13))
    t, y = plan.panel.patient(4)
    threshold = np.full(2, np.log(plan.series.daily_dose_now_ug[4] + 100.0))
    want = conditionals_of(plan, population, 4, t, y, t[-1] + np.array([0.25, 2.0]), threshold, 2)
    np.testing.assert_array_equal(got.p_rise[:, 4], want.exceed)
    np.testing.assert_array_equal(got.future_log_dose[:, 4], want.future)
    np.testing.assert_array_equal(got.level[:, 4], want.effect[:, 0])
    np.testing.assert_array_equal(got.volatility[:, 4], want.volatility)
    again = draw_patients(plan, population, seed=3, horizons_months=(3.0, 24.0))
    assert not np.array_equal(again.drift, got.drift)
    np.testing.assert_array_equal(again.drift_mean, got.drift_mean)


@pytest.mark.parametrize(
    "terms",
    [("ou", "patient_t", "yes", "yes"), ("none", "gaussian", "no", "no"),
     ("random_walk", "patient_t", "no", "yes")],
    ids=lambda terms: terms[0],
)  # fmt: skip
def test_pointwise_likelihood_equals_the_dense_reference(terms, tiny_cohort):
    spec = spec_with(*terms)
    plan = plan_drift(spec, tiny_cohort)
    plan = reordered(plan, np.array([3, 4, 9]))
    posterior = permuted_chains(spec, plan, chains=2, draws=2)
    got = patient_log_likelihood(spec, plan, posterior)
    assert got.dims == ("chain", "draw", "patient")
    population = population_draws(spec, plan, posterior)
    for s in range(4):
        log_sigma, log_nu, share, log_ell, log_h = population.scalars[s]
        want = drift_oracle.log_likelihood(
            plan.panel, plan.structure, population.means(s), population.cov[s], log_sigma,
            np.exp(log_nu), share, np.exp(log_ell), np.exp(log_h), n_node=1601,
        )  # fmt: skip
        np.testing.assert_allclose(got.to_numpy().reshape(4, 3)[s], want, rtol=1e-7, atol=1e-7)
