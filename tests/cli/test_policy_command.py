"""``itb-bayes simulate``: what is printed, and what is refused."""

import json

import pytest

from drift_cases import run_command
from itb_bayes.inference.machinery import load_fit
from regimes_fits import make_regimes_fit, save_regimes_fit, small_regimes_fit


@pytest.fixture(scope="module")
def passed(tmp_path_factory):
    made = small_regimes_fit(tmp_path_factory.mktemp("made") / "small", draws=60, width=0.05)
    return save_regimes_fit(made, tmp_path_factory.mktemp("policy") / "fit")


def test_table_and_json_say_the_same(passed):
    table = run_command("simulate", passed, "--policy", "stop-at-1", "--years", "2")
    assert table.code == 0
    assert table.stdout.startswith("SYNTHETIC DATA")
    assert "stop-at-1, µg/day" in table.stdout
    found = json.loads(run_command("simulate", passed, "--years", "2", "--json").stdout)
    assert (found["stop_at_points"], found["synthetic"], found["n_patient"]) == (1.0, True, 6)
    assert f"{found['years'][0]['policy_ug']['median']:.0f} (" in table.stdout


@pytest.mark.parametrize("policy", ["stop-at-9", "stop-at-x", "generous", "stop-at-nan"])
def test_an_unknown_policy_is_refused(passed, policy):
    done = run_command("simulate", passed, "--policy", policy)
    assert done.code == 2
    assert "such as stop-at-1" in done.stderr


def test_years_must_lie_ahead(passed):
    done = run_command("simulate", passed, "--years", "0")
    assert done.code == 2
    assert "--years must lie between" in done.stderr


def test_a_failed_gate_is_refused_or_marked(passed, tmp_path):
    fit = make_regimes_fit(load_fit(passed).plan, passed=False, draws=60, width=0.05)
    failed = save_regimes_fit(fit, tmp_path / "fit")
    assert run_command("simulate", failed).code == 5
    marked = run_command("simulate", failed, "--years", "1", "--allow-unconverged")
    assert marked.code == 0
    assert "GATE NOT PASSED" in marked.stdout


def test_a_drift_fit_is_refused(passed_fit):
    done = run_command("simulate", passed_fit)
    assert done.code == 3
    assert "`simulate` needs one of kind 'regimes'" in done.stderr
