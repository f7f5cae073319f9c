"""``itb-bayes risk``: refusal, marking, formats."""

import json

import pytest

from drift_cases import instead_of_sampling, run_command
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.fit import fit
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.risk.patient import summarise_patients
from itb_bayes.risk.table import COLUMNS


@pytest.fixture(scope="module")
def failed_fit(tiny_cohort, tmp_path_factory):
    """A fit with a divergence, in which P02 has two readings."""
    from drift_cases import base_spec

    out = tmp_path_factory.mktemp("failed") / "fit"
    settings = SamplerSettings(draws=60, tune=50, chains=2)
    with instead_of_sampling(diverging=1):
        fit(base_spec(), tiny_cohort, settings, out, until_years={"P02": 0.5}, quiet=True)
    return out


def test_csv_is_the_long_table(passed_fit):
    done = run_command("risk", passed_fit, "--horizon", "6", "--horizon", "12", "--format", "csv")
    rows = done.rows
    assert (done.code, done.stderr) == (0, "")
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 24
    wanted = summarise_patients(Fit.load(passed_fit), (6.0, 12.0))
    for k, row in enumerate(rows):
        summary = wanted[k // 2]
        forecast = summary.forecasts[k % 2]
        assert row["patient_id"] == summary.patient_id
        assert float(row["horizon_months"]) == forecast.horizon_months
        assert float(row["probability"]) == pytest.approx(forecast.p_rise.value, rel=1e-5)
        assert float(row["low"]) == pytest.approx(forecast.p_rise.low, rel=1e-5, abs=1e-300)
        assert row["synthetic"] == "True"
        assert row["mode"] == "refit"


@pytest.mark.parametrize("options", [("--json",), ("--format", "json")])
def test_json_parses(options, passed_fit):
    done = run_command("risk", passed_fit, *options)
    content = json.loads(done.stdout)
    assert done.code == 0
    assert (content["gate_passed"], content["mode"], content["synthetic"]) == (True, "refit", True)
    assert len(content["patients"]) == 12
    first = content["patients"][0]
    assert first["patient_id"] == "P01"
    assert isinstance(first["rule_flagged"], bool)
    assert len(first["t_years"]) == len(first["dose_ug"])
    assert 0.0 <= first["forecasts"][0]["p_rise"]["value"] <= 1.0


def test_the_table_has_the_highest_probability_first(passed_fit):
    done = run_command("risk", passed_fit)
    lines = done.stdout.splitlines()
    assert lines[0] == "SYNTHETIC DATA: these patients are simulated."
    assert lines[1].startswith("patient  ")
    assert "Research use only; not a medical device." in lines
    ranked = sorted(
        summarise_patients(Fit.load(passed_fit)), key=lambda s: -s.forecasts[0].p_rise.value
    )
    assert [line.split()[0] for line in lines[3:15]] == [s.patient_id for s in ranked]


def test_no_risk_numbers_below_the_gate(failed_fit):
    for output in ("table", "csv", "json"):
        done = run_command("risk", failed_fit, "--format", output)
        assert done.code == 5
        assert done.stdout == ""
        assert "divergences: 1 at all chains" in done.stderr


def test_unconverged_numbers_are_marked_everywhere(failed_fit):
    mark = "GATE NOT PASSED"
    table = run_command("risk", failed_fit, "--allow-unconverged")
    assert table.code == 0
    assert mark in table.stdout
    assert mark in table.stderr
    rows = run_command("risk", failed_fit, "--allow-unconverged", "--format", "csv").rows
    assert {row["status"] for row in rows} == {mark}
    content = json.loads(run_command("risk", failed_fit, "--allow-unconverged", "--json").stdout)
    assert content["gate_passed"] is False


def test_a_short_record_is_said_not_to_be_estimated(failed_fit):
    done = run_command("risk", failed_fit, "--allow-unconverged")
    assert "P02: not estimated: only 2 dose readings over 0.5 years" in done.stdout
    content = json.loads(run_command("risk", failed_fit, "--allow-unconverged", "--json").stdout)
    entry = next(p for p in content["patients"] if p["patient_id"] == "P02")
    assert (entry["status"], entry["forecasts"], entry["drift_percent"]) == (
        "not estimated",
        [],
        None,
    )
    assert entry["last_year_rise_ug"] is None
    rows = run_command("risk", failed_fit, "--allow-unconverged", "--format", "csv").rows
    assert [row["probability"] for row in rows if row["patient_id"] == "P02"] == [""]


@pytest.mark.parametrize("months", ["0", "-3", "61", "nan", "inf", "1e-20"])
def test_horizons_have_limits(months, passed_fit):
    done = run_command("risk", passed_fit, "--horizon", months)
    assert done.code == 2
    assert "--horizon must lie between 0.1 and 60 months" in done.stderr


@pytest.mark.parametrize("months", ["0.1", "60"])
def test_horizons_reach_their_limits(months, passed_fit):
    assert run_command("risk", passed_fit, "--horizon", months, "--json").code == 0


def test_an_unknown_format_and_a_folder_without_a_fit(passed_fit, tmp_path):
    done = run_command("risk", passed_fit, "--format", "xml")
    assert (done.code, "choose one of table, csv, json" in done.stderr) == (2, True)
    done = run_command("risk", tmp_path)
    assert (done.code, "is not a fit" in done.stderr) == (2, True)


def test_the_fixture_is_the_cohort_on_disk(passed_fit, tiny_folder):
    fingerprint = Fit.load(passed_fit).manifest["cohort_fingerprint"]
    assert fingerprint == Cohort.read(tiny_folder).fingerprint
