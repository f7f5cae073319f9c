"""Calibration without a sampler: exact ranks among candidates, and a planted sign error."""

import numpy as np
import pytest

from drift_cases import run_command
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError, UsageError
from itb_bayes.evaluate.calibration.candidates import (
    CandidateExperiment,
    joined,
    log_likelihoods,
    truth_pit,
)
from itb_bayes.evaluate.calibration.experiment import N_RANKED, run_replicate
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.calibration.verdict import calibration_checks, rank_table
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.inference.pointwise import regimes_pointwise
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.layout import Par
from itb_bayes.model.regimes_plan import plan_regimes
from itb_bayes.resources import demo_cohort_dir
from regimes_fits import regimes_cohort, regimes_spec, small_regimes_fit

FREE = ("trigger_per_year",)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return plan_regimes(regimes_spec(), regimes_cohort(tmp_path_factory.mktemp("r") / "cohort"))


def test_the_rank_of_a_truth_among_weighted_candidates_is_uniform():
    """Truth and candidates from a normal prior, one noisy reading: any number of candidates."""
    rng = np.random.default_rng(1)
    pits = []
    for _ in range(4000):
        theta = rng.standard_normal(6)
        y = theta[0] + 0.4 * rng.standard_normal()
        weight = np.exp(-0.5 * ((y - theta) / 0.4) ** 2)
        pits.append(truth_pit(theta, weight / weight.sum(), rng.random()))
    assert np.mean(pits) == pytest.approx(0.5, abs=0.015)
    assert 12 * np.var(pits) == pytest.approx(1.0, abs=0.05)


def test_a_pit_stays_below_one_and_shares_ties():
    assert truth_pit(np.array([3.0, 1.0, 2.0]), np.array([0.0, 0.5, 0.5]), 0.9) < 1.0
    assert truth_pit(np.array([1.0, 1.0, 0.0]), np.array([0.25, 0.25, 0.5]), 0.5) == 0.75


def test_candidates_differ_in_the_free_parameters_alone(plan):
    experiment = CandidateExperiment(regimes_spec(), plan, (*FREE, "drift"), 5)
    truth = experiment.draw_truth(np.random.default_rng(1))
    data = experiment.simulate(truth, np.random.default_rng(2))
    found = data.candidates
    assert found.sizes["draw"] == 6
    for name in found.data_vars:
        values = found[name].to_numpy()[0]
        np.testing.assert_array_equal(values[0], truth[name].to_numpy()[0, 0])
        assert (np.ptp(values, axis=0) > 0).all() == (name in (*FREE, "drift"))
    again = joined(truth, truth, FREE)
    np.testing.assert_array_equal(again["drift"].to_numpy()[0, 1], truth["drift"].to_numpy()[0, 0])


def test_a_replicate_ranks_what_is_free(plan):
    experiment = CandidateExperiment(regimes_spec(), plan, (*FREE, "drift"), 20)
    found = run_replicate(experiment, 1, 0)
    assert set(found.ranks) == {
        "trigger_per_year", *(f"drift[{d}]" for d in plan.diagnoses), "log-likelihood"
    }  # fmt: skip
    assert all(0 <= rank <= N_RANKED for rank in found.ranks.values())
    assert found == run_replicate(experiment, 1, 0)
    other = CandidateExperiment(regimes_spec(), plan, FREE, 20)
    assert other.identity != experiment.identity


def test_likelihoods_are_those_of_the_fit(tmp_path):
    fit = small_regimes_fit(tmp_path / "cohort")
    draws = fit.population()
    expected = regimes_pointwise(fit.plan, draws, fit.thinned)["records"].sum("patient")
    np.testing.assert_allclose(log_likelihoods(fit.plan, draws), expected.to_numpy().ravel())


def test_unknown_parameters_and_none_are_refused(plan):
    with pytest.raises(ModelError, match="samples no parameter 'nonsense'"):
        CandidateExperiment(regimes_spec(), plan, ("nonsense",))
    with pytest.raises(UsageError, match="at least one parameter"):
        CandidateExperiment(regimes_spec(), plan, ())


def reversed_sign(draws: RegimesDraws) -> RegimesDraws:
    """The log of the rate departs from its prior's median the other way."""
    median = regimes_spec().resolved_priors["trigger_per_year"].quantile(0.5)
    g = draws.g.copy()
    g[:, Par.TRIGGER_ONSET] = median**2 / g[:, Par.TRIGGER_ONSET]
    return RegimesDraws(g, draws.own)


def test_a_sign_error_in_a_rate_fails_and_the_right_code_passes(tmp_path):
    """Eight patients of the clinic; the whole clinic is in docs/results/sbc-regimes-sign.md."""
    whole = plan_regimes(regimes_spec(), Cohort.read(demo_cohort_dir()))
    clinic = whole.between(0, 8)
    for name, planted in (("right", None), ("wrong", reversed_sign)):
        experiment = CandidateExperiment(regimes_spec(), clinic, FREE, 40, planted)
        done = calibrate(experiment, tmp_path / name, replicates=40, place=Workplace(0), quiet=True)
        assert calibration_checks(done)[0].passed is (name == "right"), rank_table(done.table)


def test_the_command_calibrates_what_is_free(tmp_path):
    regimes_cohort(tmp_path / "source").write(tmp_path / "cohort")
    common = ("--design", tmp_path / "cohort", "--replicates", "20", "--workers", "0", "--quiet")
    done = run_command(
        "calibrate", "@regimes", "--free", "trigger_per_year", *common, "--out", tmp_path / "c"
    )
    assert done.code == 0, done.stderr
    assert "no sampler" in (tmp_path / "c/calibration.html").read_text()
    done = run_command("calibrate", "@drift", "--free", "drift", *common, "--out", tmp_path / "d")
    assert (done.code, "for models of kind 'regimes'" in done.stderr) == (3, True)
    done = run_command(
        "calibrate", "@regimes", "--free", "drift", "--posterior", tmp_path, "--out", tmp_path / "e"
    )
    assert (done.code, "leave --posterior out" in done.stderr) == (2, True)
