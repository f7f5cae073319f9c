"""``itb-bayes score`` looking back, and for patients whom the fit does not expect."""

import io

import numpy as np
import pandas as pd

from drift_cases import run_command
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.risk.refit import Grounds
from itb_bayes.risk.weights import equal_weights
from regimes_fits import (
    IDS,
)


def test_smoothed_rows_are_never_taken_for_those_of_the_time(passed, cohort):
    done = run_command("score", passed, cohort, "--smoothed")
    assert "judged from the whole record" in done.stdout
    assert "given everything recorded up to that" not in done.stdout
    assert sum(line.startswith("R1 ") for line in done.stdout.splitlines()) == 9
    smoothed, then = (
        pd.read_csv(io.StringIO(run_command("score", passed, cohort, x, "--format", "csv").stdout))
        for x in ("--smoothed", "--every-visit")
    )
    assert set(smoothed["quantity"]) == {"smoothed"}
    assert list(smoothed["t_years"]) == list(then["t_years"])
    given = smoothed.dropna(subset=["probability"])
    sums = given.groupby(["patient_id", "t_years"])["probability"].sum()
    np.testing.assert_allclose(sums, 1.0, atol=1e-4)
    assert set(given["patient_id"]) == set(IDS[:5])
    known = [
        table[(table["patient_id"] == "R2") & (table["explanation"] == "catheter")]
        for table in (smoothed, then)
    ]
    visit = known[0]["t_years"].searchsorted(1.55) - 1  # the visit before a fault is confirmed
    late, early = (float(rows["probability"].iloc[visit]) for rows in known)
    assert late > early


def test_smoothed_of_the_population_reads_nothing_but_operations(passed, cohort):
    done = run_command(
        "score", passed, cohort, "--smoothed", "--mode", "population", "--format", "csv"
    )
    rows = done.rows
    assert {row["mode"] for row in rows} == {"population"}
    assert all(row["probability"] for row in rows)


def test_refit_leaves_reliable_patients_alone(passed, cohort):
    plain, asked = (
        run_command("score", passed, cohort, "--format", "csv", *options)
        for options in ((), ("--refit",))
    )
    assert (asked.code, asked.stderr) == (0, "")
    assert asked.stdout == plain.stdout


def test_refit_says_what_it_does_without_a_name(failed, cohort, monkeypatch):
    def grounds(self, one, log_likelihood):
        self.tell("moving draws")
        draws = self.fit.population(one)
        weights = equal_weights(draws.n_draw, 1)
        return Grounds(draws, filter_patients(one, draws), weights, "refit")

    monkeypatch.setattr("itb_bayes.risk.refit.Refit.grounds", grounds)
    monkeypatch.setattr("itb_bayes.risk.weights.tail_limit", lambda n_draw: -9.0)
    done = run_command("score", failed, cohort, "--refit", "--allow-unconverged", "--format", "csv")
    told = [line for line in done.stderr.splitlines() if "weights" in line]
    assert told == ["a patient's weights cannot be believed: moving draws"] * 5
    assert {row["mode"] for row in done.rows if row["probability"]} == {"refit"}
    quiet = run_command(
        "score", failed, cohort, "--refit", "--allow-unconverged", "--quiet", "--json"
    )
    assert "moving draws" not in quiet.stderr
