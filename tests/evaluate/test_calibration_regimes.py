"""Calibration of regimes models: data of the model, ranks, and the command."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from drift_cases import run_command, tree_of
from itb_bayes.evaluate.calibration.experiment import N_RANKED, run_replicate
from itb_bayes.evaluate.calibration.regimes import RegimesExperiment, RegimesPosteriorExperiment
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.calibration.verdict import rank_table
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.inference import refit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.kernel.regimes.layout import Col
from itb_bayes.model.regimes_plan import plan_regimes
from regimes_fits import (
    regimes_cohort,
    regimes_posterior,
    regimes_spec,
    save_regimes_fit,
    small_regimes_fit,
)

SHORT = SamplerSettings(draws=60, tune=60, chains=2)


class PriorRefitter:
    """A sampler that returns the prior, whatever the data."""

    made = 0

    def __init__(self, spec, plan):
        PriorRefitter.made += 1
        self.spec, self.plan = spec, plan

    def sample(self, plan, settings, cores=None):
        assert cores == 1
        assert plan.data.shape == self.plan.data.shape
        return tree_of(
            regimes_posterior(
                self.spec, self.plan, 2, settings.draws, seed=settings.seed, width=1.0
            )
        )


@pytest.fixture
def no_sampler(monkeypatch):
    monkeypatch.setattr(refit, "RegimesRefitter", PriorRefitter)
    PriorRefitter.made = 0


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return plan_regimes(regimes_spec(), regimes_cohort(tmp_path_factory.mktemp("r") / "cohort"))


def test_a_replicate_ranks_parameters_and_likelihood(plan, no_sampler):
    experiment = RegimesExperiment(regimes_spec(), plan, SHORT)
    found = run_replicate(experiment, 1, 0)
    patients = {f"P(device fault) of patient {i}" for i in (1, 2, 3)}
    assert {"dose_gain", "drift[MS]", "log-likelihood", *patients} <= set(found.ranks)
    assert all(0 <= rank <= N_RANKED for rank in found.ranks.values())
    sent = pickle.loads(pickle.dumps(experiment))
    assert run_replicate(sent, 1, 0) == found
    assert PriorRefitter.made == 2


def test_data_are_drawn_on_the_design(plan):
    experiment = RegimesExperiment(regimes_spec(), plan, SHORT)
    truth = experiment.draw_truth(np.random.default_rng(1))
    data = experiment.simulate(truth, np.random.default_rng(2))
    np.testing.assert_array_equal(data.t_years, plan.t_years)
    read = np.isfinite(plan.data[:, Col.ASHWORTH])
    np.testing.assert_array_equal(np.isfinite(data.data[:, Col.ASHWORTH]), read)
    assert (data.data[read, Col.ASHWORTH] != plan.data[read, Col.ASHWORTH]).all()


def test_readings_are_no_part_of_the_design(plan):
    data = plan.data.copy()
    data[:, Col.ASHWORTH] += 0.5
    other = RegimesExperiment(regimes_spec(), replace(plan, data=data))
    assert other.identity == RegimesExperiment(regimes_spec(), plan).identity
    data = data.copy()
    data[:, Col.T] += 0.1
    later = RegimesExperiment(regimes_spec(), replace(plan, data=data))
    assert later.identity != other.identity


def test_a_posterior_that_ignores_the_data_is_noticed(plan, no_sampler, tmp_path):
    experiment = RegimesExperiment(regimes_spec(), plan, SHORT)
    done = calibrate(experiment, tmp_path, replicates=20, place=Workplace(0), quiet=True)
    table = rank_table(done.table).set_index("quantity")
    assert table.loc["log-likelihood", "p"] < 0.001
    assert table.loc["log-likelihood", "mean_rank"] > 0.8


def test_the_command_takes_regimes_models(no_sampler, tmp_path):
    regimes_cohort(tmp_path / "source").write(tmp_path / "cohort")
    common = ("--workers", "0", "--draws", "60", "--tune", "60", "--quiet")
    done = run_command(
        "calibrate", "@regimes", "--design", tmp_path / "cohort", "--out", tmp_path / "c",
        "--replicates", "20", *common,
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "days of record" in (tmp_path / "c/calibration.html").read_text()


def test_posterior_replicates_join_observed_and_new_patients(tmp_path, no_sampler):
    fit = small_regimes_fit(tmp_path / "cohort")
    experiment = RegimesPosteriorExperiment(fit, SHORT)
    truth = experiment.draw_truth(np.random.default_rng(1))
    assert dict(truth.sizes)["chain"] == dict(truth.sizes)["draw"] == 1
    data = experiment.simulate(truth, np.random.default_rng(2))
    n, rows = fit.plan.n_patient, len(fit.plan.data)
    assert data.n_patient == 2 * n
    np.testing.assert_array_equal(data.data[rows:], fit.plan.data)
    np.testing.assert_array_equal(data.codes[rows:], fit.plan.codes)
    np.testing.assert_array_equal(data.offsets[n:], fit.plan.offsets + rows)
    assert not np.array_equal(data.data[:rows], fit.plan.data, equal_nan=True)
    assert len(set(data.patient_ids)) == 2 * n
    assert experiment.identity["fit"] == fit.manifest["run"]
    assert experiment.identity != RegimesExperiment(fit.spec, fit.plan, SHORT).identity


def test_the_command_calibrates_a_posterior(tmp_path, monkeypatch):
    class AnySize(PriorRefitter):
        def sample(self, plan, settings, cores=None):
            assert plan.n_patient == 2 * self.plan.n_patient
            return tree_of(regimes_posterior(self.spec, self.plan, 2, 60, seed=settings.seed))

    monkeypatch.setattr(refit, "RegimesRefitter", AnySize)
    folder = save_regimes_fit(small_regimes_fit(tmp_path / "cohort"), tmp_path / "fit")
    done = run_command(
        "calibrate", "@regimes", "--posterior", folder, "--out", tmp_path / "c",
        "--replicates", "20", "--workers", "0", "--quiet",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "posterior of run" in (tmp_path / "c/calibration.html").read_text()
    done = run_command("calibrate", "@drift", "--posterior", folder, "--out", tmp_path / "d")
    assert (done.code, "is a fit of another model" in done.stderr) == (2, True)


def test_other_groups_are_refused_by_the_compiled_model(tmp_path, monkeypatch):
    monkeypatch.setattr(refit, "compile_model", lambda model: None)
    fit = small_regimes_fit(tmp_path / "cohort")
    refitter = refit.RegimesRefitter(fit.spec, fit.plan)
    other = replace(fit.plan, channels=fit.plan.channels[:-1])
    with pytest.raises(ValueError, match="other groups or channels"):
        refitter.sample(other, SHORT)


@pytest.mark.slow
def test_a_real_fit_of_data_of_the_model(plan):
    experiment = RegimesExperiment(regimes_spec(), plan, SamplerSettings(100, 150, 2, 0.9))
    found = run_replicate(experiment, 3, 0)
    assert found.failure == ""
    assert found.r_hat < 1.5
