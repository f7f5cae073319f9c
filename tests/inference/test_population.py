"""From posterior draws to what kernels read, and to the estimands."""

import numpy as np
import pytest

from drift_cases import (
    base_spec,
    permuted_chains,
    point_posterior,
    read_cohort,
    spec_with,
    tree_of,
)
from itb_bayes.checks.prior_draws import draw_prior
from itb_bayes.inference.estimands import contrast_pairs, drift_estimands
from itb_bayes.inference.gate import judge
from itb_bayes.inference.population import flatten, population_draws
from itb_bayes.kernel.drift_oracle import correlation, design
from itb_bayes.kernel.drift_simulate import simulate_effects
from itb_bayes.kernel.structure import Process, Structure, stationary_scale
from itb_bayes.model.plan import plan_drift

YEARS = np.array([1.0, 7.0, 10.0])


def test_a_population_by_hand(tiny_cohort):
    spec = spec_with("none", "patient_t", "yes", "yes", ["sex"], ["age_at_implant"])
    plan = plan_drift(spec, tiny_cohort)
    posterior = point_posterior(
        spec, plan, chains=1, draws=1, spread=0.0,
        level=[5.0, 5.5], drift=[0.02, 0.07], level_sd=0.6, drift_sd=0.03, correlation_01=0.75,
        within_sd=0.1, tail_df=5.0, titration_depth=0.7, titration_depth_sd=0.2,
        titration_follows_level=0.5, titration_years=0.4, centre_level_sd=0.3,
        centre_drift_sd=0.01, centre_level_z=[1.0, -2.0], centre_drift_z=[0.5, 3.0],
        covariate_level=0.15, covariate_drift=-0.004,
    )  # fmt: skip
    got = population_draws(spec, plan, posterior)
    # Patient 1: SCI, north, F, 37 years. Patient 3: the canary, SCI, south, M, 41 years.
    level = [5.5 + 0.3 * 1.0 + 0.15, 5.5 - 0.3 * 2.0]
    drift = [0.07 + 0.01 * 0.5 - 0.004 * -0.8, 0.07 + 0.01 * 3.0 - 0.004 * -0.4]
    centre = spec.resolved_priors["level"].params["mean"]
    for patient, y, b in zip((1, 3), level, drift, strict=True):
        want = [y, b, 0.7 + 0.5 * (y - centre)]
        np.testing.assert_allclose(got.mean_of(patient)[0], want)
        np.testing.assert_allclose(got.means(0)[patient], want)
    both = 0.5 * 0.6 * 0.03
    np.testing.assert_allclose(
        got.cov[0],
        [
            [0.36, both, 0.18],
            [both, 0.0009, 0.5 * both],
            [0.18, 0.5 * both, 0.25 * 0.36 + 0.04],
        ],
    )
    np.testing.assert_allclose(got.scalars[0], [np.log(0.1), np.log(5.0), 0.0, 0.0, np.log(0.4)])


def test_draws_are_flattened_chain_by_chain(tiny_plan):
    spec = base_spec()
    posterior = permuted_chains(spec, tiny_plan, chains=3, draws=4)
    flat = flatten(posterior)
    np.testing.assert_array_equal(flat["level_sd"], posterior["level_sd"].to_numpy().ravel())
    np.testing.assert_array_equal(flat["level"][5], posterior["level"][1, 1])
    whole = population_draws(spec, tiny_plan, posterior)
    one = population_draws(spec, tiny_plan, posterior.isel(chain=[1], draw=[1]))
    np.testing.assert_array_equal(whole.cov[5], one.cov[0])
    np.testing.assert_array_equal(whole.means(5), one.means(0))


def test_the_yearly_change_is_what_persistence_leaves_alone():
    """Whatever the persistence, W changes by variance share * sd^2 within a year."""
    t = np.array([0.0, 1.0])
    for ell in (0.1, 1.0, 25.0, 1e6):
        log_sigma, share = stationary_scale(np.log(0.2), 0.7, ell, np)
        cov = np.exp(2 * log_sigma) * correlation(t, share, ell, Process.OU)
        independent = np.exp(2 * log_sigma) * (1 - share)
        change = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1] - 2 * independent
        assert independent == pytest.approx(0.3 * 0.04)
        assert change == pytest.approx(0.7 * 0.04, rel=1e-6)


@pytest.mark.parametrize("titration", ["yes", "no"])
def test_estimands_agree_with_simulated_patients(titration, tiny_cohort):
    spec = spec_with(titration=titration, centre="no")
    plan = plan_drift(spec, tiny_cohort)
    posterior = point_posterior(
        spec, plan, chains=1, draws=1, spread=0.0, level=[5.0, 5.5], drift=[0.02, 0.07],
        level_sd=0.6, drift_sd=0.03, correlation_01=0.7, titration_depth=0.7,
        titration_depth_sd=0.2, titration_follows_level=0.5, titration_years=0.4,
    )  # fmt: skip
    got = drift_estimands(spec, plan, posterior).isel(chain=0, draw=0)
    np.testing.assert_allclose(got["drift_percent"], 100 * np.expm1([0.02, 0.07]))
    np.testing.assert_allclose(got["drift_contrast_percent"], [100 * (np.exp(0.02) - np.exp(0.07))])
    assert got["contrast"].to_numpy().tolist() == ["MS - SCI"]
    population = population_draws(spec, plan, posterior)
    rng = np.random.default_rng(3)
    x = design(YEARS, 0.4, Structure(Process.NONE, False, titration == "yes"))
    ratios = {}
    for k, group in enumerate(("MS", "SCI")):  # patients 0 and 1
        mean = population.means(0)[k]
        typical = np.exp(x @ mean)
        assert float(got["dose_year1_ug"].sel(diagnosis=group)) == pytest.approx(typical[0])
        np.testing.assert_allclose(
            got["ratio_typical"].sel(diagnosis=group), 100 * typical[1:] / typical[0]
        )
        effects = simulate_effects(np.tile(mean, (400_000, 1)), population.cov[0], rng)
        dose = np.exp(effects @ x.T)
        ratios[group] = 100 * (dose[:, 1:] / dose[:, :1]).mean(axis=0)
        np.testing.assert_allclose(got["ratio_mean"].sel(diagnosis=group), ratios[group], rtol=2e-3)
    difference = got["ratio_mean"].sel(diagnosis="MS") - got["ratio_mean"].sel(diagnosis="SCI")
    np.testing.assert_allclose(got["ratio_contrast"].isel(contrast=0), difference)


def test_the_ms_sci_contrast_comes_first():
    assert contrast_pairs(("CP", "MS", "SCI")) == [("MS", "SCI"), ("CP", "SCI")]
    assert contrast_pairs(("CP", "HSP", "MS")) == [("MS", "CP"), ("HSP", "CP")]
    assert contrast_pairs(("MS",)) == []


def test_a_cohort_of_one_diagnosis_has_no_contrast_and_can_be_judged(tmp_path):
    rows = [f"{p},{t},{100 + 9 * t}" for p in "ABCDE" for t in (0, 0.5, 1, 2, 3)]
    cohort = read_cohort(tmp_path, "".join(f"{p},MS,3\n" for p in "ABCDE"), "\n".join(rows) + "\n")
    spec = spec_with(titration="no", centre="no")
    plan = plan_drift(spec, cohort)
    posterior = permuted_chains(spec, plan)
    estimands = drift_estimands(spec, plan, posterior)
    assert estimands["drift_contrast_percent"].shape == (4, 250, 0)
    assert estimands["ratio_contrast"].shape == (4, 250, 0, 2)
    assert estimands.sizes["diagnosis"] == 1
    # Nothing there to converge, and nothing that would stop the gate from being computed.
    assert len(judge(tree_of(posterior), {"population estimands": estimands}).criteria) == 8


def test_prior_contrast_is_centred_on_zero(tiny_plan):
    """Published cohorts disagree on the sign, so the prior must not choose one."""
    spec = base_spec()
    draws = draw_prior(spec, tiny_plan, 4000, seed=2)
    contrast = drift_estimands(spec, tiny_plan, draws)["drift_contrast_percent"].to_numpy()
    assert abs((contrast > 0).mean() - 0.5) < 0.03
