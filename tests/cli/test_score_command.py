"""``itb-bayes score``, and ``risk`` and ``fit`` of regimes fits: formats, marking, refusal."""

import io
import json
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from drift_cases import run_command, tree_of, write_cohort
from itb_bayes.inference.machinery import load_fit
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.risk.explanation_table import COLUMNS
from itb_bayes.risk.regimes_patient import summarise_explained
from itb_bayes.risk.regimes_population import regimes_table
from itb_bayes.risk.scoring import score_cohort
from regimes_fits import (
    IDS,
    regimes_cohort,
    regimes_posterior,
    regimes_tables,
)

MARK = "GATE NOT PASSED"


@pytest.mark.parametrize("command", ["score", "risk"])
def test_csv_is_the_long_table(command, passed, cohort):
    target = (passed, cohort) if command == "score" else (passed,)
    options = ("--horizon", "6", "--horizon", "12", "--format", "csv")
    done = run_command(command, *target, *options)
    rows = done.rows
    assert (done.code, done.stderr) == (0, "")
    assert tuple(rows[0]) == COLUMNS == (
        "patient_id", "t_years", "quantity", "horizon_months", "explanation", "probability",
        "low", "high", "mcse", "mode", "model", "run", "status", "pareto_k", "synthetic",
    )  # fmt: skip
    own = [row for row in rows if row["patient_id"] == "R1"]
    assert [row["quantity"] for row in own] == ["present"] * 6 + ["within"] * 12 + ["at"] * 2
    assert [row["explanation"] for row in own[:6]] == list(EXPLANATIONS)
    assert [row["horizon_months"] for row in own[6:]] == ["6"] * 6 + ["12"] * 6 + ["6", "12"]
    assert sum(float(row["probability"]) for row in own[:6]) == pytest.approx(1.0, abs=1e-5)
    assert {row["mode"] for row in rows} == {"conditional" if command == "score" else "refit"}
    assert {row["synthetic"] for row in rows} == {"True"}
    assert {row["status"] for row in own} == {"estimated"}
    short = [row for row in rows if row["patient_id"] == "R6"]
    assert [row["probability"] for row in short] == [""]
    assert short[0]["status"].startswith("not estimated: fewer than 3 visits")


def test_csv_is_what_the_library_scores(passed, cohort, tmp_path):
    done = run_command("score", passed, cohort, "--format", "csv")
    printed = pd.read_csv(io.StringIO(done.stdout))
    table = score_cohort(load_fit(passed), regimes_cohort(tmp_path))
    for name in ("probability", "low", "high", "mcse", "pareto_k"):
        np.testing.assert_allclose(printed[name], table[name], rtol=1e-5, atol=1e-12)
    assert list(printed["explanation"].fillna("")) == list(table["explanation"].fillna(""))


@pytest.mark.parametrize("options", [("--json",), ("--format", "json")])
@pytest.mark.parametrize("command", ["score", "risk"])
def test_json_parses(command, options, passed, cohort):
    target = (passed, cohort) if command == "score" else (passed,)
    content = json.loads(run_command(command, *target, *options).stdout)
    assert (content["gate_passed"], content["synthetic"]) == (True, True)
    assert content["run"] == load_fit(passed).manifest["run"]
    assert content["model"].startswith("regimes ")
    first = content["rows"][0]
    assert set(first) == set(COLUMNS)
    assert (first["patient_id"], first["explanation"]) == ("R1", "none")
    assert first["horizon_months"] is None
    assert 0.0 <= first["probability"] <= 1.0
    last = content["rows"][-1]
    assert (last["patient_id"], last["probability"], last["explanation"]) == ("R6", None, None)


@pytest.mark.parametrize("command", ["score", "risk"])
def test_the_table_has_a_line_for_each_patient(command, passed, cohort):
    target = (passed, cohort) if command == "score" else (passed,)
    done = run_command(command, *target, "--horizon", "6", "--horizon", "24")
    lines = done.stdout.splitlines()
    assert (done.code, lines[0]) == (0, "SYNTHETIC DATA: these patients are simulated.")
    assert lines[1].startswith("patient  ")
    assert lines[1].endswith("+100 µg/day in 6 months  +100 µg/day in 24 months")
    assert [name for name in EXPLANATIONS if name in lines[1].split()] == list(EXPLANATIONS)
    body = lines[3 : lines.index("")]
    listed = [line.split()[0].rstrip(":") for line in body]
    assert sorted(listed) == list(IDS)
    assert body[-1].startswith("R6: not estimated: fewer than 3 visits")
    assert "Research use only; not a medical device." in lines
    table = pd.read_csv(io.StringIO(run_command(command, *target, "--format", "csv").stdout))
    present = table[(table["quantity"] == "present") & (table["explanation"] == "none")]
    order = present.sort_values("probability")["patient_id"].to_list()
    assert listed[: len(order)] == order


def test_each_visit_has_a_line(passed, cohort):
    done = run_command("score", passed, cohort, "--every-visit")
    lines = done.stdout.splitlines()
    assert lines[1].split()[:2] == ["patient", "year"]
    assert "+100" not in lines[1]
    assert sum(line.startswith("R1 ") for line in lines) >= 6
    rows = run_command("score", passed, cohort, "--every-visit", "--format", "csv").rows
    assert {row["quantity"] for row in rows} == {"present"}
    assert len(rows) % 6 == 0


def test_as_of_hides_later_records(passed, cohort):
    rows = run_command("score", passed, cohort, "--as-of", "1", "--format", "csv").rows
    assert max(float(row["t_years"]) for row in rows) < 1.01


def test_a_record_that_ended_long_before_the_as_of_time_gives_no_numbers(passed, cohort):
    rows = run_command("score", passed, cohort, "--as-of", "2.8", "--format", "csv").rows
    old = [row for row in rows if row["patient_id"] == "R4"]  # last visit in year 1.5
    assert [row["probability"] for row in old] == [""]
    assert float(old[0]["t_years"]) == pytest.approx(1.5, abs=0.001)
    assert old[0]["status"] == (
        "not estimated: the last reading of tone or dose is 16 months older than the as-of date; "
        "at most 12 are accepted"
    )
    assert {row["status"] for row in rows if row["patient_id"] == "R1"} == {"estimated"}
    alike = run_command(
        "score", passed, cohort, "--as-of", "2.8", "--every-visit", "--format", "csv"
    ).rows
    assert any(row["probability"] for row in alike if row["patient_id"] == "R4")


def test_risk_withholds_what_the_pages_withhold(passed):
    rows = run_command("risk", passed, "--as-of", "2.8", "--format", "csv").rows
    old = [row for row in rows if row["patient_id"] == "R4"]  # last visit in year 1.5
    assert [row["probability"] for row in old] == [""]
    assert old[0]["status"] == (
        "not estimated: the last reading of tone or dose is 16 months older than the as-of date; "
        "at most 12 are accepted"
    )
    assert {row["status"] for row in rows if row["patient_id"] == "R1"} == {"estimated"}
    own_end = run_command("risk", passed, "--format", "csv").rows
    given = {row["patient_id"] for row in own_end if row["probability"]}
    summaries = summarise_explained(load_fit(passed))
    assert given == {s.said.patient_id for s in summaries if s.status != "not estimated"}


@pytest.mark.parametrize(
    ("patient", "as_of", "why"),
    [("R6", None, "only 1 visit with a reading"), ("R4", "2.8", "16 months older than the as-of")],
)
def test_no_evidence_is_told_of_a_record_that_supports_no_numbers(passed, patient, as_of, why):
    asked = () if as_of is None else ("--as-of", as_of)
    done = run_command("risk", passed, "--patient", patient, *asked)
    lines = done.stdout.splitlines()
    assert (done.code, len(lines)) == (0, 2)
    assert lines[1].startswith(f"{patient}: not estimated: ")
    assert why in lines[1]


def test_risk_as_of_a_time_that_the_fit_has_seen_beyond_is_refused(passed):
    done = run_command("risk", passed, "--as-of", "1")
    assert (done.code, done.stdout) == (2, "")
    assert "patients have records after the as-of time" in done.stderr


def test_a_day_is_refused_for_a_cohort_without_dates(passed, cohort):
    done = run_command("score", passed, cohort, "--as-of", "2020-01-01")
    assert done.code == 2
    assert "has times since implant, not dates" in done.stderr


def test_the_population_mode(passed, cohort):
    done = run_command("score", passed, cohort, "--mode", "population", "--format", "csv")
    rows = done.rows
    assert {row["mode"] for row in rows} == {"population"}
    assert {row["pareto_k"] for row in rows} == {""}


@pytest.mark.parametrize("command", ["score", "risk"])
def test_no_numbers_below_the_gate(command, failed, cohort):
    target = (failed, cohort) if command == "score" else (failed,)
    for output in ("table", "csv", "json"):
        done = run_command(command, *target, "--format", output)
        assert (done.code, done.stdout) == (5, "")
        assert "R-hat of parameters: 1.32" in done.stderr
        assert "itb-bayes check" not in done.stderr


@pytest.mark.parametrize("command", ["score", "risk"])
def test_unconverged_numbers_are_marked_everywhere(command, failed, cohort):
    target = (*((failed, cohort) if command == "score" else (failed,)), "--allow-unconverged")
    table = run_command(command, *target)
    assert table.code == 0
    assert MARK in table.stdout
    assert MARK in table.stderr
    assert "R6: not estimated: fewer than 3 visits" in table.stdout
    rows = run_command(command, *target, "--format", "csv").rows
    assert {row["status"] for row in rows} == {MARK}
    content = json.loads(run_command(command, *target, "--json").stdout)
    assert content["gate_passed"] is False
    assert {row["status"] for row in content["rows"]} == {MARK}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "xml"), "no format 'xml'; choose one of table, csv, json"),
        (("--mode", "refit"), "no mode 'refit'; choose one of conditional, population"),
        (("--horizon", "0"), "--horizon must lie between 0.1 and 60 months"),
        (("--horizon", "nan"), "--horizon must lie between 0.1 and 60 months"),
        (("--every-visit", "--horizon", "6"), "leave out --horizon"),
        (("--smoothed", "--horizon", "6"), "--smoothed gives what is present at each visit"),
        (("--smoothed", "--every-visit"), "choose one of --every-visit (what was known then) and"),
        (("--refit", "--smoothed"), "--refit gives a patient's numbers as of now"),
        (("--refit", "--mode", "population"), "--refit gives a patient's numbers as of now"),
        (("--as-of", "0"), "--as-of must be a number of years since implant (got 0)"),
        (("--as-of", "nan"), "--as-of must be a number of years since implant (got nan)"),
    ],
)
def test_options_have_limits(options, message, passed, cohort):
    done = run_command("score", passed, cohort, *options)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.stderr


def test_what_a_user_can_get_wrong(passed, passed_fit, cohort, tmp_path):
    done = run_command("score", passed_fit, cohort)
    assert (done.code, done.stdout) == (3, "")
    assert "`score` needs one of kind 'regimes'" in done.stderr
    done = run_command("score", tmp_path, cohort)
    assert (done.code, "is not a fit" in done.stderr) == (2, True)
    done = run_command("score", passed, tmp_path / "nowhere")
    assert (done.code, "nowhere" in done.stderr) == (4, True)
    done = run_command("risk", passed, "--patient", "R9")
    assert (done.code, "the fit has no patient 'R9'" in done.stderr) == (2, True)
    done = run_command("risk", passed, "--patient", "R1", "--json")
    assert (done.code, "--patient prints tables for people" in done.stderr) == (2, True)
    done = run_command("risk", passed_fit, "--patient", "P01")
    assert (done.code, "this is a drift fit" in done.stderr) == (2, True)


def test_nobody_to_score(passed, tmp_path):
    tables = regimes_tables()
    folder = write_cohort(tmp_path / "late", tables)
    done = run_command("score", passed, folder, "--as-of", "0.0001")
    assert done.code == 0
    assert done.stdout.count("not estimated: fewer than 3 visits") == 6


def test_the_evidence_of_a_patient(passed):
    done = run_command("risk", passed, "--patient", "R2")
    lines = done.stdout.splitlines()
    assert (done.code, done.stderr) == (0, "")
    assert lines[0] == "SYNTHETIC DATA: these patients are simulated."
    assert lines[1] == "R2, 1.7 years after implant, in 100:"
    assert lines[2].split()[0] == "none"
    assert any(line.startswith("For (+) and against (-) ") for line in lines)
    assert {"dye study", "drug holiday", "rotor study", "interrogation and volume"} <= {
        line[:24].strip() for line in lines if line
    }
    assert lines[-1] == "Research use only; not a medical device."
    assert "Since when, judged from the whole record:" in lines
    assert any("if present (" in line or "no explanation is there with 2" in line for line in lines)
    past = lines.index("Looking back from now, in 100 (what could be known then: score "
                       "--every-visit):")  # fmt: skip
    assert lines[past + 1].split() == ["year", *EXPLANATIONS]
    assert lines[past + 11] == ""  # eight visits
    assert lines[past + 12].startswith("Years with each, of 1.7 on record")


def test_the_evidence_of_an_unconverged_fit_is_marked(failed):
    assert run_command("risk", failed, "--patient", "R2").code == 5
    done = run_command("risk", failed, "--patient", "R2", "--allow-unconverged")
    assert (done.code, f"{MARK}: these numbers are not to be used." in done.stdout) == (0, True)


@pytest.fixture
def fit(cohort, tmp_path):
    """Run ``fit`` with draws from numpy, each chain the same draws in another order."""

    def run(*options, diverging=0):
        def sample(spec, plan, settings, working, quiet):
            (working / "chains").mkdir(exist_ok=True)
            posterior = regimes_posterior(spec, plan, settings.chains, settings.draws)
            tree = tree_of(posterior)
            tree["sample_stats"]["diverging"].to_numpy()[0, :diverging] = True
            return tree

        with mock.patch("itb_bayes.inference.fit._sample_resumable", sample):
            return run_command(
                "fit", "@regimes", cohort, "--out", tmp_path / "fit", "--draws", "250",
                "--tune", "50", "--chains", "4", *options,
            )  # fmt: skip

    return run


def test_a_fit_prints_posterior_beside_prior(fit, tmp_path):
    done = fit()
    lines = done.stdout.splitlines()
    assert done.code == 0, done.stdout + done.stderr
    assert lines[0] == "SYNTHETIC DATA: these patients are simulated."
    assert "cohort small: 6 patients, 45 days of record" in lines[1]
    assert any(line.startswith("  channel refills: ") for line in lines)
    assert "gate: passed" in lines
    assert lines[-1] == f"fit written to {tmp_path / 'fit'}"
    header = next(line for line in lines if line.startswith("quantity"))
    assert header.split() == ["quantity", "group", "unit", "median", "5", "%", "95", "%", "prior",
                              "90", "%"]  # fmt: skip
    drift = [line for line in lines if line.startswith("drift ")]
    assert [line.split()[1] for line in drift] == ["HSP", "MS", "SCI"]
    assert all(line.endswith("-3 to 9") for line in drift)


def test_json_of_a_fit(fit, tmp_path):
    content = json.loads(fit("--json", "--quiet").stdout)
    fitted = load_fit(tmp_path / "fit")
    assert (content["n_patient"], content["n_step"]) == (6, 45)
    assert "n_reading" not in content
    assert content["gate"]["passed"] is True
    table = regimes_table(fitted)
    assert len(content["estimands"]) == len(table)
    row = next(r for r in content["estimands"] if r["quantity"] == "progression_per_year"
               and r["group"] == "MS")  # fmt: skip
    assert row["unit"] == "per year"
    assert (row["prior_low"], row["prior_high"]) == pytest.approx((0.012, 0.1))
    assert set(row["interval"]) == {"q05", "q25", "median", "q75", "q95"}


def test_a_fit_that_fails_its_gate_shows_no_numbers(fit):
    done = fit(diverging=3)
    assert done.code == 5
    assert "gate: NOT PASSED, no numbers are shown" in done.stdout
    assert "titration_depth" not in done.stdout
    assert "divergences: 3 at all chains" in done.stderr
