"""Simulated cohorts in parts are the cohorts that are made in one piece."""

import json
from pathlib import Path

import pandas as pd
import pytest

from drift_cases import run_command
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.fingerprint import fingerprint_tables
from itb_bayes.cohort.partitions import Partitions
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.registry import making
from itb_bayes.registry.making import make_partitions
from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort

SETTINGS = load_settings("clinic-small", patients=7, years=3.0, seed=5)


def test_parts_hold_the_patients_of_the_whole(tmp_path: Path) -> None:
    write_cohort(simulate_cohort(SETTINGS), tmp_path / "whole")
    told = []
    made = make_partitions(
        SETTINGS, tmp_path / "parts", 3, Workplace(0), lambda done, of: told.append((done, of))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert made.synthetic
    parts = [made.read(k) for k in range(made.n_parts)]
    whole = Cohort.read(tmp_path / "whole")
    together = {
        name: pd.concat([part.tables[name] for part in parts], ignore_index=True)
        for name in whole.tables
    }
    assert fingerprint_tables(together) == whole.fingerprint
    truth = pd.concat(pd.read_csv(made.part(k) / "truth/regimes.csv") for k in range(3))
    pd.testing.assert_frame_equal(
        truth.dropna(axis=1, how="all").reset_index(drop=True),
        pd.read_csv(tmp_path / "whole/truth/regimes.csv").dropna(axis=1, how="all"),
    )


def test_a_run_that_was_stopped_goes_on_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate = making.simulate_part

    def stop(settings, first, last):
        if first >= 4:
            raise KeyboardInterrupt
        return simulate(settings, first, last)

    with monkeypatch.context() as patched:
        patched.setattr(making, "simulate_part", stop)
        with pytest.raises(KeyboardInterrupt):
            make_partitions(SETTINGS, tmp_path / "stopped", 4, Workplace(0))
    stopped = make_partitions(SETTINGS, tmp_path / "stopped", 4, Workplace(0))
    made = make_partitions(SETTINGS, tmp_path / "parts", 4, Workplace(0))
    assert [stopped.digest(k) for k in range(2)] == [made.digest(k) for k in range(2)]


def test_no_size_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be 1 or more"):
        make_partitions(SETTINGS, tmp_path / "parts", 0, Workplace(0))


def test_the_command(tmp_path: Path) -> None:
    words = ("data", "simulate", "clinic-small", "--patients", 3, "--years", 2, "--out")
    out = tmp_path / "parts"
    done = run_command(*words, out, "--patients-per-part", 2)
    assert done.code == 0
    assert done.stdout.endswith("3 patients in 2 parts.\n")
    assert "simulated 2/2 parts" in done.stderr
    again = run_command(*words, out, "--patients-per-part", 2, "--json")
    assert json.loads(again.stdout)["parts"] == Partitions.open(out).n_parts == 2
    refused = run_command(*words, out, "--patients-per-part", 2, "--force")
    assert (refused.code, "--force replaces no parts" in refused.stderr) == (2, True)
    refused = run_command(*words, tmp_path / "x", "--workers", 2)
    assert (refused.code, "add --patients-per-part" in refused.stderr) == (2, True)
