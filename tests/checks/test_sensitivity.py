"""Sensitivity of patients' probabilities to priors and channels."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from itb_bayes.checks.sensitivity import (
    channel_sensitivity,
    leave_out,
    prior_sensitivity,
    shift_of_probabilities,
    silence,
)
from itb_bayes.inference.pointwise import regimes_pointwise
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Code, Par
from itb_bayes.risk.prior_scaling import log_priors, power_weights
from regimes_fits import small_regimes_fit


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    return small_regimes_fit(tmp_path_factory.mktemp("regimes") / "cohort")


@pytest.fixture(scope="module")
def now(fit):
    return regimes_pointwise(fit.plan, fit.population(), fit.thinned)["now"]


def test_weights_raise_a_density_to_a_power():
    """Weighted normal draws have the variance of the normal density to that power."""
    draws = np.random.default_rng(1).standard_normal(200_000)
    own = stats.norm.logpdf(draws)
    for power in (0.9, 1.25):
        weight = power_weights(own, power)
        assert weight.sum() == pytest.approx(1.0)
        # p(x) p(x)^(power - 1) is normal with precision `power`
        assert (weight * draws**2).sum() == pytest.approx(1.0 / power, rel=0.03)


def test_log_priors_are_those_of_the_model_file(fit):
    found = log_priors(fit.spec, fit.posterior)
    assert set(found) == set(fit.posterior.data_vars)
    prior = fit.spec.resolved_priors["dose_gain"]
    value = fit.posterior["dose_gain"].to_numpy().ravel()
    law = stats.lognorm(s=prior.params["sigma"], scale=np.exp(prior.params["mu"]))
    if prior.family == "normal":
        law = stats.norm(prior.params["mean"], prior.params["sd"])
    np.testing.assert_allclose(found["dose_gain"], law.logpdf(value))
    assert found["drift"].shape == value.shape


def test_a_prior_that_decides_a_patient_is_noticed(fit, now):
    """A probability that follows one parameter's prior density moves when that is scaled."""
    wide, prior = fit.posterior.copy(deep=True), fit.spec.resolved_priors["trigger_tone"]
    spread = np.linspace(0.02, 0.98, now.sizes["chain"] * now.sizes["draw"])
    wide["trigger_tone"].to_numpy()[:] = np.reshape(
        [prior.quantile(u) for u in spread], wide["trigger_tone"].shape
    )
    density = log_priors(fit.spec, wide)["trigger_tone"]
    p = np.where(density < np.quantile(density, 0.5), 0.98, 0.02)
    table = np.zeros((p.size, fit.plan.n_patient, len(EXPLANATIONS)))
    table[:, :, 0] = 1.0
    table[:, 0, 0], table[:, 0, 1] = 1.0 - p, p
    made = xr.DataArray(table.reshape(now.shape), dims=now.dims, coords=now.coords)
    result = prior_sensitivity(fit.spec, wide, made)
    single = result.table.set_index("prior")
    assert result.table["prior"].iloc[0] == "all priors together"
    assert single["largest_change"].iloc[1:].idxmax() == "trigger_tone"
    assert single.loc["trigger_tone", "explanation"] in ("none", "trigger")


def test_probabilities_that_no_prior_moves_pass(fit, now):
    flat = xr.full_like(now, 1.0 / len(EXPLANATIONS))
    narrow = fit.posterior.map(lambda x: x.mean() + 1e-6 * (x - x.mean()), keep_attrs=True)
    result = prior_sensitivity(fit.spec, narrow, flat)
    assert result.table["largest_change"].max() < 1e-6
    assert result.passed in (True, None)


def test_too_few_weighted_draws_are_not_judged(fit, now):
    result = prior_sensitivity(fit.spec, fit.posterior, now)
    assert result.passed is None  # sixty draws in all
    assert "too few to judge" in result.summary


def test_shift_counts_first_explanations_that_change():
    before = np.array([[0.6, 0.4], [0.9, 0.1], [0.3, 0.7]])
    after = np.array([[0.4, 0.6], [0.8, 0.2], [0.3, 0.7]])
    shift = shift_of_probabilities(before, after)
    assert shift.changed == 1
    assert shift.largest == pytest.approx(0.2)
    assert shift.mean == pytest.approx((0.2 + 0.1 + 0.0) / 3)


def test_channels_are_left_out_one_by_one(fit, now):
    seen = []
    result = channel_sensitivity(
        fit.plan, fit.population(), fit.thinned, now, lambda done, total: seen.append((done, total))
    )
    assert sorted(result.table["channel"]) == sorted(fit.plan.channels)
    assert result.table["largest_change"].gt(0).any()
    assert seen[-1] == (len(fit.plan.channels),) * 2
    assert result.passed is None


def test_what_is_left_out_says_nothing_by_its_silence_either(fit):
    draws = fit.population()
    quiet = silence(draws, "labels")
    assert (quiet.g[:, Par.TRIGGER_LABEL] == 0).all()
    assert (quiet.g[:, Par.FOUND_PUMP] > 0).all()
    assert (silence(draws, "events").g[:, Par.FOUND_PUMP] == 0).all()
    assert silence(draws, "refills") is draws
    assert (leave_out(fit.plan, "tests").codes[:, Code.DYE] == -1).all()
    assert fit.plan.codes[:, Code.DYE].max() == 1
