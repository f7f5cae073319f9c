"""`itb-bayes check` and `compare` of regimes fits."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from drift_cases import run_command
from itb_bayes.checks.loo import PatientLoo, leave_patients_out, loo_check
from itb_bayes.checks.regimes_suite import check_regimes, pointwise_of, probability_list
from itb_bayes.cli.checks import sampler_words
from itb_bayes.inference.pointwise import regimes_pointwise
from itb_bayes.inference.regimes_states import filter_patients
from regimes_fits import (
    IDS,
    make_regimes_fit,
    plan_regimes,
    regimes_cohort,
    save_regimes_fit,
    small_regimes_fit,
    spec_of,
)


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    return small_regimes_fit(tmp_path_factory.mktemp("regimes") / "cohort")


def saved(fit, folder):
    return save_regimes_fit(fit, folder)


@pytest.fixture(scope="module")
def folder(fit, tmp_path_factory):
    return saved(fit, tmp_path_factory.mktemp("fits") / "fit")


def test_check_prints_and_writes_in_the_order_of_a_report(folder, tmp_path):
    done = run_command("check", folder, "--out", tmp_path / "checks", "--quiet")
    assert (done.code, done.stderr) == (0, "")
    content = json.loads((tmp_path / "checks/checks.json").read_text())
    names = [check["name"] for check in content["checks"]]
    assert names[:4] == ["convergence", "ranks", "prior-posterior", "probabilities"]
    assert names[-3:] == ["loo", "sensitivity-priors", "sensitivity-channels"]
    assert {"loo-pit-dose", "landmark-2y-ashworth", "landmark-faults"} <= set(names)
    assert {"pit-ashworth", "pit-spasms", "pit-dose", "pit-refills", "event-rates"} <= set(names)
    html = (tmp_path / "checks/checks.html").read_text()
    assert "Synthetic data" in html
    assert "switching filter" in html
    everything = html + (tmp_path / "checks/checks.json").read_text()
    assert not any(f">{pid}<" in everything or f'"{pid}"' in everything for pid in IDS)


def test_a_fit_that_failed_its_gate_is_checked_and_exits_5(tmp_path):
    fit = small_regimes_fit(tmp_path / "cohort", passed=False)
    folder = saved(fit, tmp_path / "fit")
    done = run_command("check", folder, "--quiet")
    assert done.code == 5
    assert "FAIL  convergence" in done.stdout
    assert "use no number of it" in done.stderr


def test_the_same_fit_gives_the_same_results(fit):
    one, other = check_regimes(fit), check_regimes(fit)
    assert [r.as_dict() for r in one] == [r.as_dict() for r in other]


def test_pointwise_is_what_the_filter_says(fit):
    draws = fit.population()
    states = filter_patients(fit.plan, draws)
    found = regimes_pointwise(fit.plan, draws, fit.thinned)
    shape = (draws.n_draw, fit.plan.n_patient)
    np.testing.assert_array_equal(found["records"].to_numpy().reshape(shape), states.log_likelihood)
    np.testing.assert_array_equal(found["now"].to_numpy().reshape(*shape, -1), states.now)


def test_expected_patients_sum_to_all_of_them(fit):
    now = regimes_pointwise(fit.plan, fit.population(), fit.thinned)["now"]
    table = probability_list(now).table
    assert table["patients_first"].sum() == fit.plan.n_patient
    assert np.isfinite(table["patients_expected_q50"]).all()


def test_one_patient_who_decides_is_named_by_number_only():
    rng = np.random.default_rng(3)
    posterior = xr.Dataset({"x": (("chain", "draw"), rng.standard_normal((4, 250)))})
    density = rng.normal(-1.0, 0.05, (4, 250, 8))
    density[:, :, 2] = 8.0 * rng.standard_t(2, (4, 250))
    loo = leave_patients_out(posterior, xr.DataArray(density, dims=("chain", "draw", "patient")))
    assert loo.n_bad == 1
    result = loo_check(loo, 3)
    assert result.passed is None
    assert "1 of 8 patients have a Pareto k above" in result.summary
    assert "fit again without the patient" in result.summary
    calm = loo_check(PatientLoo(np.array([-1.0, -2.0]), np.array([0.1, 0.2]), 0.7, 1.0), 3)
    assert "fit again" not in calm.summary


def test_compare_fits_of_one_cohort(tmp_path, folder):
    cohort = regimes_cohort(tmp_path / "cohort")
    plan = plan_regimes(spec_of(), cohort)
    other = make_regimes_fit(plan, spec_of().model_copy(update={"name": "wider"}), width=0.6)
    done = run_command("compare", folder, save_regimes_fit(other, tmp_path / "other"))
    assert "not computed: only" in done.stdout
    assert done.code == 0, done.stderr
    assert "left-out patients" in done.stdout


def test_compare_refuses_other_channels_and_other_kinds(tmp_path, folder, passed_fit):
    cohort = regimes_cohort(tmp_path / "cohort")
    fewer = plan_regimes(spec_of(refills="no"), cohort)
    other = save_regimes_fit(make_regimes_fit(fewer), tmp_path / "other")
    done = run_command("compare", folder, other)
    assert (done.code, "with the same channels on" in done.stderr) == (2, True)
    done = run_command("compare", folder, passed_fit)
    assert (done.code, "are of different kinds" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", ["check", "compare", "checklist"])
def test_kinds_without_checks_are_refused(command, tmp_path, monkeypatch):
    other = SimpleNamespace(spec=SimpleNamespace(kind="spasticity"))
    monkeypatch.setattr("itb_bayes.inference.machinery.load_fit", lambda folder: other)
    done = run_command(command, *[tmp_path] * (1 + (command == "compare")))
    assert (done.code, "of kind 'spasticity'" in done.stderr) == (3, True)


def test_pointwise_of_the_checks_is_that_of_the_fit(fit):
    expected = regimes_pointwise(fit.plan, fit.population(), fit.thinned)
    xr.testing.assert_equal(pointwise_of(fit.plan, fit.population(), fit.thinned), expected)


def test_what_a_manifest_does_not_know_is_not_said():
    settings = {"chains": 2, "draws": 30, "tune": 0, "seed": 1}
    assert sampler_words(settings) == "NUTS, 2 chains, 30 draws each, 0 of warm-up"
    assert sampler_words(settings | {"target_accept": 0.95}).endswith("target acceptance 0.95")
    assert sampler_words({}) == "NUTS, settings not recorded"
