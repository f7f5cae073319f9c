"""Scoring in parts: the scores of the whole, nothing lost, nothing stale, nothing half there."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from drift_cases import run_command, write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.partitions import Partitions, partition_cohort
from itb_bayes.errors import CohortError, NobodyOnRecord, UsageError
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.registry import scoring
from itb_bayes.registry.results import ResultFolder
from itb_bayes.registry.scoring import score_registry, without_patients
from itb_bayes.risk.scoring import ScoringRequest, score_cohort
from killed_workers import kill_workers
from regimes_fits import make_regimes_fit, regimes_tables, save_regimes_fit, small_regimes_fit

REQUEST = ScoringRequest(draws_per_chain=15)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Cohort:
    return Cohort.read(write_cohort(tmp_path_factory.mktemp("r") / "small", regimes_tables()))


@pytest.fixture(scope="module")
def fit(tmp_path_factory) -> RegimesFit:
    return small_regimes_fit(tmp_path_factory.mktemp("made") / "small", draws=30, width=0.05)


@pytest.fixture
def parts(cohort: Cohort, tmp_path: Path) -> Partitions:
    return partition_cohort(cohort, tmp_path / "parts", 2)


def read_scores(folder: Path) -> pd.DataFrame:
    return pq.read_table(folder).to_pandas()


def test_scores_are_those_of_the_whole_cohort(
    fit: RegimesFit, cohort: Cohort, parts: Partitions, tmp_path: Path
) -> None:
    told = []
    done = score_registry(
        fit, parts, tmp_path / "out", REQUEST, on_part=lambda k, n: told.append((k, n))
    )
    whole = score_cohort(fit, cohort, REQUEST)
    pd.testing.assert_frame_equal(read_scores(tmp_path / "out"), whole)
    assert (done.n_parts, done.scored_now, told) == (3, 3, [(1, 3), (2, 3), (3, 3)])
    assert sum(done.counts.values()) == 6
    assert not any("Pareto" in kind for kind in done.counts)
    summary = json.loads((tmp_path / "out/_summary.json").read_text())
    assert summary == {"parts": 3, "patients": 6, "status": done.counts}


def test_as_of_an_earlier_year(fit: RegimesFit, parts: Partitions, tmp_path: Path) -> None:
    score_registry(fit, parts, tmp_path / "out", REQUEST, as_of=1.0)
    assert read_scores(tmp_path / "out")["t_years"].max() <= 1.0
    with pytest.raises(UsageError, match="another as_of"):
        score_registry(fit, parts, tmp_path / "out", REQUEST)


def test_a_killed_run_goes_on_and_only_changed_parts_are_scored_again(
    fit: RegimesFit, parts: Partitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_registry(fit, parts, tmp_path / "whole", REQUEST)
    score_part, out = scoring.score_part, tmp_path / "out"

    def stop(shared, number):
        if number == 2:
            raise KeyboardInterrupt
        return score_part(shared, number)

    with monkeypatch.context() as patched:
        patched.setattr(scoring, "score_part", stop)
        with pytest.raises(KeyboardInterrupt):
            score_registry(fit, parts, out, REQUEST)
    (out / ".part-00002.part").write_bytes(b"half of a file")
    assert score_registry(fit, parts, out, REQUEST).scored_now == 1
    for name in ("part-00000", "part-00001", "part-00002"):
        expected = (tmp_path / "whole" / f"{name}.parquet").read_bytes()
        assert (out / f"{name}.parquet").read_bytes() == expected
    assert score_registry(fit, parts, out, REQUEST).scored_now == 0
    (out / "part-00000.parquet").write_bytes(b"damaged")
    (parts.part(1) / "refills.parquet").unlink()
    assert score_registry(fit, parts, out, REQUEST).scored_now == 2


def test_parts_that_are_gone_leave_no_scores(
    fit: RegimesFit, cohort: Cohort, parts: Partitions, tmp_path: Path
) -> None:
    """Readers take all files of the folder for one table."""
    out = tmp_path / "out"
    score_registry(fit, parts, out, REQUEST)
    score_registry(fit, partition_cohort(cohort, tmp_path / "fewer", 3), out, REQUEST)
    assert read_scores(out)["patient_id"].nunique() == 6
    assert len(list(out.glob("*.parquet"))) == 2


def test_one_bad_part_does_not_cost_the_others(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    doses = parts.part(1) / "doses.parquet"
    kept = doses.read_bytes()
    table = pq.read_table(doses).to_pandas()
    table.loc[0, "daily_dose_ug"] = -217.4391
    table.to_parquet(doses, index=False)
    out = tmp_path / "out"
    with pytest.raises(CohortError, match="1 of 3 parts were not scored") as told:
        score_registry(fit, parts, out, REQUEST)
    assert "part-00001: breaks the data contract" in str(told.value)
    assert "217" not in str(told.value)
    assert sorted(p.name for p in out.glob("*.parquet")) == [
        "part-00000.parquet", "part-00002.parquet"
    ]  # fmt: skip
    doses.write_bytes(kept)
    assert score_registry(fit, parts, out, REQUEST).scored_now == 1


def test_parts_without_any_dose_and_many_bad_parts(
    fit: RegimesFit, cohort: Cohort, tmp_path: Path
) -> None:
    parts = partition_cohort(cohort, tmp_path / "single", 1)
    for number in range(parts.n_parts):
        path = parts.part(number) / "doses.parquet"
        pq.read_table(path).slice(0, 0).to_pandas().to_parquet(path, index=False)
    with pytest.raises(CohortError, match="6 of 6 parts") as told:
        score_registry(fit, parts, tmp_path / "out", REQUEST)
    assert "and 1 more" in str(told.value)


@pytest.mark.parametrize("option", ["--refit", "--smoothed"])
def test_parts_are_neither_refitted_nor_smoothed(
    option: str, fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    folder = save_regimes_fit(fit, tmp_path / "fit")
    done = run_command("score", folder, parts.folder, "--out", tmp_path / "out", option)
    assert (done.code, done.stdout) == (2, "")
    assert "write the patients in question as a cohort of their own" in done.stderr


def test_workers_get_no_patient_of_the_fit(fit: RegimesFit) -> None:
    sent = without_patients(fit)
    assert sent.plan.patient_ids == ()
    assert sent.plan.data.size == sent.plan.codes.size == 0
    assert sent.posterior.sizes == fit.posterior.sizes


def test_folders_that_cannot_take_scores(
    fit: RegimesFit, parts: Partitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        ResultFolder(tmp_path / "file", {})
    with pytest.raises(UsageError, match="holds something else"):
        ResultFolder(tmp_path, {})
    with pytest.raises(UsageError, match="cannot write to"):
        ResultFolder(tmp_path / "file" / "out", {})
    held = ResultFolder(tmp_path / "out", {"fit": 1})
    with pytest.raises(UsageError, match="another fit"):
        ResultFolder(tmp_path / "out", {"fit": 2})
    with held.hold(), pytest.raises(UsageError, match="another process"), held.hold():
        pass

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(UsageError, match=r"the disk is full\). What was finished before is kept"):
        held.keep(0, "digest", pd.DataFrame({"x": [1]}), {})


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, fit: RegimesFit) -> Path:
    return save_regimes_fit(fit, tmp_path_factory.mktemp("sealed") / "fit")


def test_the_command(sealed: Path, parts: Partitions, tmp_path: Path) -> None:
    words = ("score", sealed, parts.folder)
    refused = run_command(*words)
    assert (refused.code, "add --out DIR" in refused.stderr) == (2, True)
    done = run_command(*words, "--out", tmp_path / "out", "--draws-per-chain", 15)
    assert (done.code, done.stderr) == (0, "")
    assert "SYNTHETIC DATA" in done.stdout
    assert "3 parts, 3 of them scored now" in done.stdout
    again = run_command(*words, "--out", tmp_path / "out", "--draws-per-chain", 15, "--json")
    answer = json.loads(again.stdout)
    assert (answer["parts"], answer["parts_scored_now"]) == (3, 0)
    assert sum(answer["patients"].values()) == 6
    refused = run_command("score", sealed, parts.part(0), "--workers", 2)
    assert (refused.code, "is none" in refused.stderr) == (2, True)


def test_scores_of_a_fit_that_failed_are_marked(
    sealed: Path, parts: Partitions, tmp_path: Path
) -> None:
    failed = make_regimes_fit(load_fit(sealed).plan, passed=False, draws=30, width=0.05)
    folder = save_regimes_fit(failed, tmp_path / "failed")
    words = ("score", folder, parts.folder, "--out", tmp_path / "out", "--draws-per-chain", 15)
    assert run_command(*words).code == 5
    done = run_command(*words, "--allow-unconverged")
    assert (done.code, "GATE NOT PASSED" in done.stderr) == (0, True)
    assert set(read_scores(tmp_path / "out")["status"]) == {"GATE NOT PASSED"}


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(fit: RegimesFit, cohort: Cohort, tmp_path: Path) -> None:
    parts = partition_cohort(cohort, tmp_path / "single", 1)
    score_registry(fit, parts, tmp_path / "alone", REQUEST)
    killed: list[int] = []

    def kill_once(done: int, total: int) -> None:
        if not killed:
            killed.append(kill_workers())

    score_registry(fit, parts, tmp_path / "out", REQUEST, place=Workplace(2), on_part=kill_once)
    assert killed == [2]
    for path in (tmp_path / "alone").glob("*.parquet"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    shutil.rmtree(tmp_path / "out")


def test_a_part_where_nobody_has_a_dose_is_scored_as_such(fit, parts, tmp_path, monkeypatch):
    def nobody(*arguments, **settings):
        raise NobodyOnRecord("no patient has a dose on record.")

    monkeypatch.setattr(scoring, "score_cohort", nobody)
    found = score_registry(fit, parts, tmp_path / "scores", ScoringRequest())
    assert list(found.counts) == ["not estimated: no dose on record"]
