"""``itb-bayes fit``: what it prints, what it writes, how it ends."""

import json
from dataclasses import replace

import pytest

from drift_cases import CANARY, instead_of_sampling, run_command, tiny_tables, write_cohort
from itb_bayes.inference.fitted import Fit
from itb_bayes.spec import load_model

SHORT = ("--draws", "250", "--tune", "50", "--seed", "2")


@pytest.fixture
def fit(tiny_folder, tmp_path):
    """Run the command on the tiny cohort with draws from numpy."""

    def run(*options, model="@drift", cohort=tiny_folder, out=tmp_path / "fit", diverging=0):
        with instead_of_sampling(diverging=diverging):
            return run_command("fit", model, cohort, "--out", out, *options)

    return run


def test_a_fit_that_passes_prints_the_population_table(fit, tmp_path):
    done = fit(*SHORT)
    assert (done.code, done.stderr.count("error")) == (0, 0)
    lines = done.stdout.splitlines()
    assert lines[0] == "SYNTHETIC DATA: these patients are simulated."
    assert "cohort tiny: 12 patients" in lines[1]
    assert "  1 readings or patients set aside: see set_aside.csv in the fit" in lines
    assert "gate: passed" in lines
    assert lines[-1] == f"fit written to {tmp_path / 'fit'}"
    header = next(line for line in lines if line.startswith("quantity"))
    assert header.split() == [
        "quantity",
        "group",
        "n",
        "unit",
        "median",
        "5",
        "%",
        "95",
        "%",
        "P(>",
        "0)",
    ]
    assert any(line.startswith("drift of the typical patient") for line in lines)
    assert any("MS - SCI" in line and line.startswith("difference in drift") for line in lines)
    assert CANARY not in done.stdout + done.stderr
    assert Fit.load(tmp_path / "fit").gate.passed


def test_json_is_one_object_on_stdout(fit, tmp_path):
    done = fit(*SHORT, "--json")
    content = json.loads(done.stdout)
    assert done.code == 0
    assert content["gate"]["passed"] is True
    assert {c["name"] for c in content["gate"]["criteria"]} >= {"divergences", "E-BFMI"}
    assert (content["n_patient"], content["synthetic"]) == (12, True)
    assert all(len(content[name]) == 64 for name in ("run", "model", "data"))
    row = next(r for r in content["estimands"] if r["quantity"] == "difference in drift")
    assert set(row["interval"]) == {"q05", "q25", "median", "q75", "q95"}
    assert 0.0 <= row["p_above_zero"] <= 1.0


def test_a_fit_that_fails_its_gate_shows_no_numbers_and_ends_with_5(fit, tmp_path):
    done = fit(*SHORT, diverging=3)
    assert done.code == 5
    assert "gate: NOT PASSED, no numbers are shown" in done.stdout
    assert "drift of the typical patient" not in done.stdout
    assert "divergences: 3 at all chains (asked: none)" in done.stderr
    assert (tmp_path / "fit" / "manifest.json").exists()


def test_json_of_a_failed_gate_has_no_estimands(fit):
    done = fit(*SHORT, "--json", diverging=1)
    content = json.loads(done.stdout)
    assert done.code == 5
    assert content["gate"]["passed"] is False
    assert content["estimands"] == []


def test_until_hides_later_records(fit, tmp_path):
    assert fit(*SHORT, "--until", "2").code in (0, 5)
    assert Fit.load(tmp_path / "fit").plan.series.t_years.max() == 2.0


def test_quiet_says_nothing_on_stderr(fit):
    assert fit(*SHORT, "--quiet").stderr == ""


def test_force_is_needed_to_replace(fit):
    assert fit(*SHORT).code == 0
    again = fit(*SHORT)
    assert again.code == 2
    assert "add --force" in again.stderr
    assert fit(*SHORT, "--force").code == 0


def test_the_command_is_recorded_without_paths(fit, tmp_path):
    fit(*SHORT)
    command = Fit.load(tmp_path / "fit").manifest["command"]
    assert command[:4] == ["itb-bayes", "fit", "@drift", "tiny"]
    assert not any("/" in word for word in command)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"model": "@drfit"}, 3, "drift"),
        ({"model": "nowhere.toml"}, 3, "nowhere.toml"),
        ({"cohort": "nowhere"}, 4, "nowhere"),
        (("--profile", "fast"), 2, "no profile 'fast'"),
        (("--draws", "10"), 2, "draws must be at least 50"),
        (("--chains", "1"), 2, "chains must be at least 2"),
        (("--seed", "-4"), 2, "seed must lie"),
        (("--until", "0"), 2, "must be a number of years"),
        (("--until", "nan"), 2, "--until"),
        (("--until", "0.1"), 3, "has 2 dose readings"),
        (("--colour",), 2, "No such option"),
    ],
)
def test_what_a_user_can_get_wrong(options, code, message, fit, tmp_path):
    done = fit(**options) if isinstance(options, dict) else fit(*options)
    assert done.code == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "fit").exists()


def test_a_cohort_that_is_not_synthetic_is_not_labelled(fit, tmp_path):
    tables = tiny_tables() | {"cohort.toml": 'name = "real"\nsynthetic = false\n'}
    done = fit(*SHORT, cohort=write_cohort(tmp_path / "cohort", tables))
    assert done.code == 0
    assert "SYNTHETIC" not in done.stdout


def test_a_defect_shows_no_value_of_a_patient(fit, monkeypatch):
    from itb_bayes.inference import machinery

    def fail(*arguments, **options):
        raise ZeroDivisionError(f"in {CANARY}")

    broken = replace(machinery.machinery_of(load_model("@drift")), plan=fail)
    monkeypatch.setitem(machinery._MACHINERY, "drift", broken)
    done = fit(*SHORT)
    assert done.code == 6
    assert "internal error (ZeroDivisionError)" in done.stderr
    assert CANARY not in done.stderr
    assert "Traceback" not in done.stderr
    monkeypatch.setenv("ITB_BAYES_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        fit(*SHORT)
