"""Calibration of drift models: designs, ranks, and the command; the real thing is slow."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from drift_cases import base_spec, run_command, spec_with
from itb_bayes.checks.prior_draws import draw_prior
from itb_bayes.errors import ModelError
from itb_bayes.evaluate.calibration import drift
from itb_bayes.evaluate.calibration.drift import DriftExperiment, DriftPosteriorExperiment
from itb_bayes.evaluate.calibration.experiment import FIT_FAILED, N_RANKED, run_replicate
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.calibration.verdict import rank_table
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.inference import refit
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.plan import plan_drift
from itb_bayes.spec import ModelSpec


class PriorRefitter:
    """A sampler that returns the prior, whatever the data: parameters look calibrated."""

    made = 0

    def __init__(self, spec, plan):
        PriorRefitter.made += 1
        self.spec, self.plan = spec, plan

    def sample(self, log_dose, settings, cores=None):
        assert log_dose.shape == self.plan.series.t_years.shape
        assert np.isfinite(log_dose).all()
        assert cores == 1
        draws = draw_prior(self.spec, self.plan, settings.draws * 2, settings.seed)
        halves = [
            draws.isel(chain=0, draw=slice(k, None, 2))
            .expand_dims(chain=[k])
            .assign_coords(draw=np.arange(settings.draws))
            for k in (0, 1)
        ]
        posterior = xr.concat(halves, "chain")
        stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, settings.draws), bool))})
        return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


@pytest.fixture
def no_sampler(monkeypatch):
    monkeypatch.setattr(refit, "Refitter", PriorRefitter)
    PriorRefitter.made = 0


SHORT = SamplerSettings(draws=60, tune=60, chains=2)


def test_a_replicate_ranks_parameters_patients_and_likelihood(tiny_plan, no_sampler):
    experiment = DriftExperiment(base_spec(), tiny_plan, SHORT)
    found = run_replicate(experiment, 1, 0)
    assert {"drift[MS]", "within_sd", "slope of patient 3", "log-likelihood"} <= set(found.ranks)
    assert all(0 <= rank <= N_RANKED for rank in found.ranks.values())
    assert found == run_replicate(DriftExperiment(base_spec(), tiny_plan, SHORT), 1, 0)


def test_the_model_is_compiled_once_and_does_not_travel(tiny_plan, no_sampler):
    import pickle

    experiment = DriftExperiment(base_spec(), tiny_plan, SHORT)
    first = [run_replicate(experiment, 1, k) for k in range(3)]
    assert PriorRefitter.made == 1
    sent = pickle.loads(pickle.dumps(experiment))
    assert [run_replicate(sent, 1, k) for k in range(3)] == first
    assert sent.identity == experiment.identity


def test_a_posterior_that_ignores_the_data_is_noticed_by_the_likelihood(
    tiny_plan, no_sampler, tmp_path
):
    experiment = DriftExperiment(base_spec(), tiny_plan, SHORT)
    done = calibrate(experiment, tmp_path, replicates=40, place=Workplace(0), quiet=True)
    table = rank_table(done.table).set_index("quantity")
    assert table.loc["log-likelihood", "p"] < 0.001
    assert table.loc["log-likelihood", "mean_rank"] > 0.8
    assert table.drop("log-likelihood").filter(like="sd", axis=0)["p"].min() > 1e-4


def test_the_design_is_known_and_its_doses_are_not(tiny_plan):
    doses = drift.with_log_dose(tiny_plan, tiny_plan.panel.y + 1.0)
    one, other = DriftExperiment(base_spec(), tiny_plan), DriftExperiment(base_spec(), doses)
    assert one.identity == other.identity
    few = drift.first_patients(tiny_plan, tiny_plan.panel.y, 5)
    assert DriftExperiment(base_spec(), few).identity != one.identity


def test_posterior_calibration_fits_observed_and_replicated_patients(passed_fit, no_sampler):
    fit = Fit.load(passed_fit)
    experiment = DriftPosteriorExperiment(fit, SHORT)
    truth = experiment.draw_truth(np.random.default_rng(1))
    assert dict(truth.sizes)["chain"] == dict(truth.sizes)["draw"] == 1
    data = experiment.simulate(truth, np.random.default_rng(2))
    joined = experiment._joined(data)
    n = fit.plan.panel.n_visit
    np.testing.assert_array_equal(joined[:n], fit.plan.panel.y)
    np.testing.assert_array_equal(joined[n:], data.log_dose)
    found = run_replicate(experiment, 1, 0)
    assert "log-likelihood" in found.ranks
    assert experiment.identity["fit"] == fit.manifest["run"]


def test_doubled_plan_holds_every_patient_twice(tiny_plan):
    both = drift.doubled(tiny_plan)
    n, rows = tiny_plan.n_patient, tiny_plan.panel.n_visit
    assert both.n_patient == 2 * n
    assert both.series.offsets[n] == rows
    np.testing.assert_array_equal(both.series.t_years[rows:], tiny_plan.series.t_years)
    np.testing.assert_array_equal(both.centre_index[n:], tiny_plan.centre_index)
    assert len(set(both.series.patient_ids)) == 2 * n


def test_data_that_cannot_be_fitted_are_kept_as_failed(tiny_plan, monkeypatch):
    class Refusing(PriorRefitter):
        def sample(self, log_dose, settings, cores=None):
            raise ModelError("no start point")

    monkeypatch.setattr(refit, "Refitter", Refusing)
    found = run_replicate(DriftExperiment(base_spec(), tiny_plan, SHORT), 1, 0)
    assert (found.failure, found.ranks) == (FIT_FAILED, {})


COMMON = ("--workers", "0", "--draws", "60", "--tune", "60", "--quiet")


def test_the_command_prints_writes_and_goes_on(tiny_folder, no_sampler, tmp_path):
    words = ("calibrate", "@drift", "--design", tiny_folder, "--out", tmp_path / "c", *COMMON)
    done = run_command(*words, "--replicates", "20")
    assert (done.code, done.stderr) == (0, "")
    assert "SYNTHETIC DATA" in done.stdout
    assert "calibration-ranks" in done.stdout
    html = (tmp_path / "c/calibration.html").read_text()
    assert "<svg" in html
    assert "truths" in html
    assert len(pd.read_csv(tmp_path / "c/ranks.csv")["replicate"].unique()) == 20
    done = run_command(*words, "--replicates", "22", "--json")
    content = json.loads(done.stdout)
    assert [check["name"] for check in content["checks"]] == [
        "calibration-ranks",
        "calibration-fits",
    ]
    assert len(pd.read_csv(tmp_path / "c/ranks.csv")["replicate"].unique()) == 22


def test_the_command_calibrates_a_posterior(passed_fit, no_sampler, tmp_path):
    done = run_command(
        "calibrate", "@drift", "--posterior", passed_fit, "--out", tmp_path / "c",
        "--replicates", "20", *COMMON,
    )  # fmt: skip
    assert done.code == 0, done.stderr
    html = (tmp_path / "c/calibration.html").read_text()
    assert "posterior of run" in html


def test_what_a_user_can_get_wrong(passed_fit, tiny_folder, tmp_path, monkeypatch):
    out = ("--out", tmp_path / "c")
    done = run_command("calibrate", "@drift", "--posterior", passed_fit, "--design", "x", *out)
    assert (done.code, "leave --design out" in done.stderr) == (2, True)
    done = run_command("calibrate", "@drift-no-centre", "--posterior", passed_fit, *out)
    assert (done.code, "is a fit of another model" in done.stderr) == (2, True)
    other = ModelSpec(format=1, kind="other", name="other", version="1", title="x")
    monkeypatch.setattr("itb_bayes.spec.load_model", lambda name: other)
    done = run_command("calibrate", "@other", *out)
    assert (done.code, "cannot be calibrated by this version" in done.stderr) == (3, True)


@pytest.mark.slow
def test_drift_model_is_calibrated_and_two_workers_change_nothing(tiny_cohort, tmp_path):
    spec = spec_with(centre="no")
    experiment = DriftExperiment(spec, plan_drift(spec, tiny_cohort))
    done = calibrate(experiment, tmp_path / "two", replicates=60, seed=11, quiet=True)
    assert rank_table(done.table)["p"].min() > 0.05 / 60
    calibrate(experiment, tmp_path / "one", replicates=20, seed=11, place=Workplace(0), quiet=True)
    few = pd.read_csv(tmp_path / "one/ranks.csv")
    many = pd.read_csv(tmp_path / "two/ranks.csv")
    pd.testing.assert_frame_equal(many.loc[many["replicate"] < 20], few)
