"""Draws moved to a patient, and the sampling behind them."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from drift_cases import tree_of
from itb_bayes.errors import ModelError
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.risk import moved, scoring
from itb_bayes.risk.moved import Mover, temper, tilt
from itb_bayes.risk.refit import Refit
from itb_bayes.risk.scoring import score_cohort
from itb_bayes.risk.weights import importance_weights
from itb_bayes.spec.distributions import distribution
from regimes_fits import make_regimes_fit, regimes_cohort, regimes_posterior


def gaussian_draws(n, shape=(3, 3), seed=0):
    return np.random.default_rng(seed).standard_normal((n, shape[0]))


def test_a_line_moves_a_gaussian_by_its_slope():
    points = gaussian_draws(4000)
    slope = np.array([1.0, -2.0, 0.5])
    direction, mean, scale = tilt(points, points @ slope - 7.0)
    np.testing.assert_allclose(direction, slope / np.linalg.norm(slope), atol=1e-9)
    assert mean == pytest.approx(np.linalg.norm(slope), rel=1e-9)
    assert scale == pytest.approx(1.0, rel=1e-9)


def test_a_reading_narrows_along_its_direction():
    """A Gaussian prior and a Gaussian reading of one coordinate: the textbook posterior."""
    points = gaussian_draws(4000)
    direction, mean, scale = tilt(points, norm.logpdf(points[:, 1], 3.0, 1.0))
    assert abs(direction[1]) > 0.995
    assert direction[1] * mean == pytest.approx(1.5, rel=0.02)
    assert scale == pytest.approx(np.sqrt(0.5), rel=0.02)


@pytest.mark.parametrize("steepness", [0.01, 3.0, 500.0])
def test_tempered_weights_keep_their_share(steepness):
    log_weight = steepness * gaussian_draws(1000)[:, 0]
    weight = temper(log_weight, 0.25)
    assert weight.mean() == pytest.approx(1.0)
    assert weight.sum() ** 2 / (weight**2).sum() >= 0.25 * 1000 * 0.999


def prior_fit(plan, draws=400):
    """Return a fit whose draws are independent draws of every prior."""
    fit = make_regimes_fit(plan, draws=draws)
    rng = np.random.default_rng(2)
    arrays = {}
    for name, array in fit.posterior.data_vars.items():
        prior = fit.spec.resolved_priors[str(name)]
        dim = next((d for d in array.dims if d not in ("chain", "draw")), None)
        labels = [""] if dim is None else [str(x) for x in array[dim].to_numpy()]
        values = np.stack(
            [
                distribution(prior.by.get(label, prior)).ppf(0.2 + 0.6 * rng.random((2, draws)))
                for label in labels
            ],
            axis=-1,
        )
        arrays[name] = (array.dims, values if dim else values[..., 0])
    posterior = xr.Dataset(arrays, fit.posterior.coords)
    return type(fit)(fit.spec, fit.plan, tree_of(posterior), fit.gate, fit.manifest)


def test_draws_come_back_from_their_scores(regimes_fit):
    mover = Mover(prior_fit(regimes_fit.plan, draws=60))
    got = mover.draws_at(mover.scores, mover.fit.plan)
    want = regimes_draws(mover.fit.plan, mover.fit.posterior)
    np.testing.assert_allclose(got.g, want.g, rtol=1e-9)
    np.testing.assert_allclose(got.own, want.own, rtol=1e-9)
    covariance = np.cov(mover.round_draws.T)
    np.testing.assert_allclose(covariance, np.eye(len(covariance)), atol=1e-4)


def test_unmoved_draws_have_the_weights_of_the_patient_alone(regimes_fit, monkeypatch):
    """What the fitted cohort says cancels: the density of moved draws is that of the posterior."""
    fit = prior_fit(regimes_fit.plan, draws=60)
    one = fit.plan.between(0, 1)
    ll = filter_patients(one, regimes_draws(one, fit.posterior)).log_likelihood[:, 0]
    monkeypatch.setattr(moved, "ROUNDS", 1)
    stay = np.zeros(Mover(fit).scores.shape[1])
    stay[0] = 1.0
    monkeypatch.setattr(moved, "tilt", lambda points, heights: (stay, 0.0, 1.0))
    got = Mover(fit).move(one, ll)
    want = importance_weights(ll[:, None])
    np.testing.assert_allclose(got.weights.weight, want.weight, rtol=1e-6, atol=1e-12)
    assert got.rounds == 1


def test_moving_stops_as_soon_as_weights_can_be_believed(regimes_fit):
    fit = make_regimes_fit(regimes_fit.plan, draws=60, width=0.05)
    one = fit.plan.between(0, 1)
    ll = filter_patients(one, regimes_draws(one, fit.posterior)).log_likelihood[:, 0]
    found = Mover(fit).move(one, ll)
    assert (found.rounds, found.weights.reliable[0]) == (1, True)
    assert found.draws.own.shape == (120, 1, 6)


@pytest.fixture(scope="module")
def apart(regimes_fit):
    """A fit whose draws lie so far apart that no patient's weights can be believed."""
    return make_regimes_fit(regimes_fit.plan, draws=60, width=0.98)


@pytest.fixture
def cohort(tmp_path):
    return regimes_cohort(tmp_path / "small")


@pytest.fixture
def never_moved(monkeypatch):
    """Moved draws are as bad as the others: sampling is what is left."""

    def move(self, one, log_likelihood):
        draws = regimes_draws(one, self.fit.posterior)
        return moved.MovedDraws(draws, importance_weights(log_likelihood[:, None]), 3)

    monkeypatch.setattr(Mover, "move", move)


def unreliable(table):
    first = table.groupby("patient_id", sort=False).head(1)
    return list(first.loc[first["status"].str.startswith(scoring.UNRELIABLE), "patient_id"])


def test_sampling_takes_the_patient_into_the_fitted_cohort(apart, cohort, never_moved):
    failed = unreliable(score_cohort(apart, cohort))
    assert failed
    asked, said = [], []

    def sample(self, plan, settings):
        asked.append((plan, settings))
        return tree_of(regimes_posterior(apart.spec, apart.plan, 4, 300, width=0.02))

    with mock.patch.object(Refit, "sample", sample):
        table = score_cohort(apart, cohort, fallback=Refit(apart, said.append))
    assert not unreliable(table)
    rows = table[table["mode"] == "refit"]
    assert list(rows["patient_id"].unique()) == failed
    assert len(asked) == len(failed)
    plan, settings = asked[0]
    assert plan.patient_ids == (*apart.plan.patient_ids, failed[0])
    assert plan.data.shape[0] > apart.plan.data.shape[0]
    assert (settings.metric, settings.seed) == ("whitened", apart.seed)
    assert said[:2] == [
        "moving draws",
        "moved draws will not do either, sampling with this patient",
    ]
    assert rows["pareto_k"].isna().all()
    present = rows[rows["quantity"] == "present"]
    np.testing.assert_allclose(present.groupby("patient_id")["probability"].sum(), 1.0)


def test_sampling_that_does_not_converge_gives_no_numbers(apart, cohort, never_moved):
    def sample(self, plan, settings):
        posterior = regimes_posterior(apart.spec, apart.plan, 4, 100, width=0.5)
        return tree_of(posterior + 0.1 * posterior["chain"])

    with mock.patch.object(Refit, "sample", sample):
        table = score_cohort(apart, cohort, fallback=Refit(apart))
    rows = table[table["mode"] == "refit"]
    assert len(rows)
    assert rows["probability"].isna().all()
    assert rows["status"].str.contains("did not converge (R-hat of parameters", regex=False).all()


def test_moved_draws_are_told_with_their_diagnostic(apart, cohort, monkeypatch):
    near = make_regimes_fit(apart.plan, draws=60, width=0.05)

    def move(self, one, log_likelihood):
        draws = regimes_draws(one, near.posterior)
        ll = filter_patients(one, draws).log_likelihood
        return moved.MovedDraws(draws, importance_weights(ll), 1)

    monkeypatch.setattr(Mover, "move", move)
    rows = score_cohort(apart, cohort, fallback=Refit(apart))
    rows = rows[(rows["mode"] == "refit") & (rows["quantity"] == "present")]
    assert set(rows["explanation"]) == set(EXPLANATIONS)
    assert (rows["pareto_k"] < 0.7).all()
    assert set(rows["status"]) == {"estimated"}


def test_sampling_is_compiled_once_for_the_fits_groups(apart):
    with mock.patch("itb_bayes.inference.refit.RegimesRefitter") as refitter:
        refit = Refit(apart)
        for _ in range(2):
            refit.sample(apart.plan.followed_by(apart.plan.between(0, 1)), "settings")
    refitter.assert_called_once_with(apart.spec, apart.plan)
    assert refitter.return_value.sample.call_count == 2


def test_a_fit_without_records_has_no_fallback(apart):
    bare = type(apart)(
        apart.spec, apart.plan.between(0, 0), apart.draws, apart.gate, apart.manifest
    )
    with pytest.raises(ModelError, match="holds no records"):
        Refit(bare)


def test_all_draws_are_tried_before_anything_else(apart, cohort):
    """Few draws fail; whoever all draws suffice for is told by them."""
    near = make_regimes_fit(apart.plan, draws=200, width=0.3)
    few = scoring.ScoringRequest(draws_per_chain=25)
    everything = scoring.ScoringRequest(draws_per_chain=200)
    table, whole = score_cohort(near, cohort, few), score_cohort(near, cohort, everything)
    with mock.patch.object(scoring, "n_draws", return_value=0):
        first = score_cohort(near, cohort, few)
    failed = unreliable(first)
    assert failed
    for patient in failed:
        mine, theirs = (x[x["patient_id"] == patient].reset_index() for x in (table, whole))
        np.testing.assert_allclose(mine["probability"], theirs["probability"], rtol=1e-9)
    saved = set(failed) - set(unreliable(table))
    assert saved
    kept = table[~table["patient_id"].isin(failed)].reset_index(drop=True)
    alike = first[~first["patient_id"].isin(failed)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alike)


def test_visits_of_unreliable_weights_are_scored_by_all_draws(apart, cohort):
    near = make_regimes_fit(apart.plan, draws=200, width=0.3)
    for request in (
        scoring.ScoringRequest(every_visit=True, draws_per_chain=25),
        scoring.ScoringRequest(smoothed=True, draws_per_chain=25),
    ):
        table = score_cohort(near, cohort, request)
        with mock.patch.object(scoring, "n_draws", return_value=0):
            first = score_cohort(near, cohort, request)
        doubtful = [
            x["status"].str.startswith(scoring.UNRELIABLE).sum() for x in (first, table)
        ]  # fmt: skip
        assert doubtful[0] > doubtful[1]
        assert list(table["patient_id"]) == list(first["patient_id"])
