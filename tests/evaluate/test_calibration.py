"""Calibration by simulation: what it finds, what it keeps, and that killing it changes nothing."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_experiment import TwoStates

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.calibration.experiment import N_RANKED, run_replicate
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.calibration.store import CalibrationFolder, rank_rows
from itb_bayes.evaluate.calibration.verdict import (
    calibration_checks,
    rank_band,
    rank_points,
    rank_table,
    scaled,
)
from itb_bayes.evaluate.distribute import Workplace

HERE = Path(__file__).resolve().parent
ALONE = Workplace(0)


def run(experiment, folder, replicates=200, seed=1):
    return calibrate(experiment, folder, replicates=replicates, seed=seed, place=ALONE, quiet=True)


def ranks_of(**columns: np.ndarray) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"replicate": range(len(rank)), "quantity": name, "rank": rank})
        for name, rank in columns.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_right_model_passes_and_a_sign_error_in_one_rate_does_not(tmp_path: Path) -> None:
    right, fits = calibration_checks(run(TwoStates(), tmp_path / "right"))
    assert (right.passed, fits.passed) == (True, True)
    wrong, _ = calibration_checks(run(TwoStates(sign=-1.0), tmp_path / "wrong"))
    assert wrong.passed is False
    assert "Not calibrated: a: the posterior" in wrong.summary
    assert wrong.table["quantity"].iloc[0] == "a"


def test_killed_three_times_it_ends_with_the_same_table(tmp_path: Path) -> None:
    n = 60
    whole = run(TwoStates(), tmp_path / "whole", n, seed=3).table
    folder = tmp_path / "killed"
    command = [sys.executable, str(HERE / "tiny_experiment.py"), str(folder), str(n)]
    moments = random.Random(5)
    seen = [0]
    for _ in range(3):
        process = subprocess.Popen(command)
        target = seen[-1] + moments.randint(3, 14)
        while process.poll() is None and len(list(folder.glob("replicates/*.json"))) < target:
            time.sleep(0.002)
        time.sleep(0.03 * moments.random())
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        seen.append(len(list(folder.glob("replicates/*.json"))))
    assert 0 < seen[1] < seen[2] < seen[3] < n
    before = {p.name: p.stat().st_mtime_ns for p in folder.glob("replicates/*.json")}
    subprocess.run(command, check=True)
    after = {p.name: p.stat().st_mtime_ns for p in folder.glob("replicates/*.json")}
    assert len(after) == n
    assert {name: after[name] for name in before} == before
    assert (folder / "ranks.csv").read_bytes() == (tmp_path / "whole/ranks.csv").read_bytes()
    pd.testing.assert_frame_equal(pd.read_csv(folder / "ranks.csv"), whole, check_dtype=False)


def test_more_replicates_go_on_where_fewer_stopped(tmp_path: Path) -> None:
    few = run(TwoStates(), tmp_path / "run", 25).table
    more = run(TwoStates(), tmp_path / "run", 40).table
    pd.testing.assert_frame_equal(more.loc[more["replicate"] < 25], few)
    again = run(TwoStates(), tmp_path / "run", 25).table
    pd.testing.assert_frame_equal(again, few)


def test_a_half_written_replicate_is_done_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    whole = run(TwoStates(), folder, 20).table
    path = folder / "replicates/000007.json"
    (folder / "replicates/.000007.json.part").write_text(path.read_text()[:20])
    path.unlink()
    pd.testing.assert_frame_equal(run(TwoStates(), folder, 20).table, whole)
    assert list(folder.glob("replicates/.*.part")) == []


def test_fits_that_fail_are_kept_and_fail_the_verdict(tmp_path: Path) -> None:
    done = run(TwoStates(failing=True), tmp_path / "run", 20)
    ranks, fits = calibration_checks(done)
    assert (ranks.passed, fits.passed) == (False, False)
    assert "20 fits that failed" in fits.summary
    assert json.loads((tmp_path / "run/replicates/000003.json").read_text())["r_hat"] is None
    assert len(CalibrationFolder(tmp_path / "run", {**TwoStates.identity, "seed": 1}).finished())


def test_divergences_are_kept_and_counted(tmp_path: Path) -> None:
    class Diverging(TwoStates):
        def fit(self, data, seed):
            tree = super().fit(data, seed)
            tree["sample_stats"]["diverging"].to_numpy()[0, : seed % 2] = True
            return tree

    done = run(Diverging(), tmp_path / "run", 20)
    counted = sum(r.divergences for r in done.replicates.values())
    assert 0 < counted < 20
    assert len(done.table) == 2 * 20
    assert f"{counted} with a divergence" in calibration_checks(done)[1].summary


def test_results_of_another_run_are_refused(tmp_path: Path) -> None:
    run(TwoStates(), tmp_path / "run", 20)
    with pytest.raises(UsageError, match="another seed"):
        run(TwoStates(), tmp_path / "run", 20, seed=2)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("x")
    with pytest.raises(UsageError, match="holds something else"):
        run(TwoStates(), tmp_path / "mine", 20)
    with pytest.raises(UsageError, match="is a file"):
        run(TwoStates(), tmp_path / "mine/notes.txt", 20)
    with pytest.raises(UsageError, match="cannot write to"):
        run(TwoStates(), tmp_path / "mine/notes.txt/below", 20)
    with pytest.raises(UsageError, match="at least 20"):
        run(TwoStates(), tmp_path / "few", 5)


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    run(TwoStates(), tmp_path / "run", 20)
    path = tmp_path / "run/replicates/000003.json"
    path.write_text('{"number": 3}')
    with pytest.raises(UsageError, match="is no replicate"):
        run(TwoStates(), tmp_path / "run", 20)
    path.write_text("{")
    with pytest.raises(UsageError, match="is damaged"):
        run(TwoStates(), tmp_path / "run", 20)


def test_two_processes_cannot_share_a_folder(tmp_path: Path) -> None:
    kept = CalibrationFolder(tmp_path / "run", {**TwoStates.identity, "seed": 1})
    with kept.hold(), pytest.raises(UsageError, match="another process is calibrating"):
        run(TwoStates(), tmp_path / "run", 20)


def test_a_replicate_depends_on_its_number_alone(tmp_path: Path) -> None:
    done = run(TwoStates(), tmp_path / "run", 20, seed=9)
    assert run_replicate(TwoStates(), 9, 13) == done.replicates[13]
    assert run_replicate(TwoStates(), 9, 14) != done.replicates[13]


def test_rank_table_tells_uniform_from_skewed_ranks() -> None:
    rng = np.random.default_rng(2)
    n = 200
    fair = rng.integers(0, N_RANKED + 1, n)
    ranks = ranks_of(
        fair=fair,
        low=np.minimum(rng.integers(0, 100, n), rng.integers(0, 100, n)),
        narrow=np.where(rng.random(n) < 0.5, 3, 96),
    )
    table = rank_table(ranks).set_index("quantity")
    assert table["inside"].tolist() == [True, False, False]
    assert table.loc["fair", "p"] > 0.05
    assert (table.loc[["low", "narrow"], "p"] < 1e-3).all()
    assert table.loc["low", "mean_rank"] < 0.4
    assert table.loc["narrow", "spread"] > 2.0


@pytest.mark.parametrize("n", [20, 60, 99, 100, 333])
def test_uniform_ranks_leave_their_band_in_one_of_twenty(n: int) -> None:
    rng = np.random.default_rng(n)
    band = rank_band(n)
    assert band.z.size == rank_points(n) - 1
    inside = [
        band.holds(np.searchsorted(np.sort(u), band.z, side="right") / n)
        for u in scaled(rng.integers(0, N_RANKED + 1, (1500, n)))
    ]
    # The band is discrete: it holds at least its level, and not much more.
    assert 0.935 < np.mean(inside) < 0.985


def test_rows_leave_out_failed_replicates(tmp_path: Path) -> None:
    done = run(TwoStates(), tmp_path / "run", 20)
    some = {**done.replicates, 4: run_replicate(TwoStates(failing=True), 1, 4)}
    rows = rank_rows(some, 20)
    assert set(range(20)) - set(rows["replicate"]) == {4}
