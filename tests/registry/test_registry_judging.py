"""Explanations judged over parts: the numbers of the whole, and nothing lost."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drift_cases import run_command
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.partitions import Partitions, partition_cohort
from itb_bayes.errors import CohortError, UsageError
from itb_bayes.evaluate.explanations.filtered import ExplanationFold, filtered_probabilities
from itb_bayes.evaluate.explanations.judged import Judged, judge_visits
from itb_bayes.evaluate.explanations.reference import reference_of
from itb_bayes.evaluate.explanations.scores import judged_checks
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.model.regimes_plan import plan_scoring
from itb_bayes.registry import judging
from itb_bayes.registry.judging import FITTED_HERE, judge_registry
from itb_bayes.resources import demo_cohort_dir
from regimes_fits import regimes_cohort, save_regimes_fit, small_regimes_fit

CLINIC = demo_cohort_dir()


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> RegimesFit:
    return small_regimes_fit(tmp_path_factory.mktemp("made") / "small", draws=30, width=0.05)


@pytest.fixture(scope="module")
def whole(fit: RegimesFit) -> Judged:
    """The clinic, judged in one piece."""
    cohort = Cohort.read(CLINIC)
    scores, unreliable = filtered_probabilities(plan_scoring(fit.plan, cohort), fit.posterior)
    fold = ExplanationFold(f"run {fit.run_id}", scores, unreliable, float("nan"), 0)
    return judge_visits(cohort, reference_of(cohort, CLINIC), [fold])


@pytest.fixture
def parts(tmp_path: Path) -> Partitions:
    """The clinic in three parts, each with its truth."""
    found = partition_cohort(Cohort.read(CLINIC), tmp_path / "parts", 10)
    truth = pd.read_csv(CLINIC / "truth/regimes.csv", dtype={"patient_id": "str"})
    for number in range(found.n_parts):
        own = truth.loc[truth["patient_id"].isin(set(found.identities(number)))]
        (found.part(number) / "truth").mkdir()
        own.to_csv(found.part(number) / "truth/regimes.csv", index=False)
    return found


def numbers(judged: Judged) -> np.ndarray:
    return judged.visits.drop(columns="patient_id").to_numpy(dtype=float)


def test_three_parts_give_the_numbers_of_the_whole(
    fit: RegimesFit, whole: Judged, parts: Partitions, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    judged, definition = judge_registry(
        fit, parts, tmp_path / "visits", on_part=lambda k, n: told.append((k, n))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert "truth of the simulation" in definition
    assert list(judged.visits.columns) == list(whole.visits.columns)
    np.testing.assert_allclose(numbers(judged), numbers(whole), rtol=1e-12)
    assert (judged.n_asked, list(judged.episodes)) == (whole.n_asked, list(whole.episodes))
    assert repr(judged.folds) == repr(whole.folds)
    found, known = judged_checks(judged, 1), judged_checks(whole, 1)
    assert len(found) > 4, "a target with all its checks, and not only the count of visits"
    for one, other in zip(found, known, strict=True):
        assert (one.name, one.passed, one.summary) == (other.name, other.passed, other.summary)
        pd.testing.assert_frame_equal(one.table, other.table, rtol=1e-9, atol=1e-12)


def test_an_interrupted_run_goes_on(
    fit: RegimesFit, parts: Partitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_part, out = judging.judge_part, tmp_path / "visits"
    done: list[int] = []
    fuse = [True]

    def stop(shared, number):
        if number == 2 and fuse:
            fuse.clear()
            raise KeyboardInterrupt
        done.append(number)
        return judge_part(shared, number)

    monkeypatch.setattr(judging, "judge_part", stop)
    with pytest.raises(KeyboardInterrupt):
        judge_registry(fit, parts, out)
    assert done == [0, 1]
    judged, _ = judge_registry(fit, parts, out)
    assert done == [0, 1, 2]
    whole, _ = judge_registry(fit, parts, tmp_path / "again")
    np.testing.assert_array_equal(numbers(judged), numbers(whole))
    for path in out.glob("*.parquet"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_its_own_patients_cannot_judge_a_fit(fit: RegimesFit, tmp_path: Path) -> None:
    """They are recognised by their records, wherever these lie."""
    own = partition_cohort(regimes_cohort(tmp_path / "own"), tmp_path / "parts", 5)
    with pytest.raises(CohortError, match="2 of 2 parts were not judged") as told:
        judge_registry(fit, own, tmp_path / "visits")
    assert FITTED_HERE in str(told.value)


def test_parts_with_and_without_truth_do_not_mix(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    shutil.rmtree(parts.part(1) / "truth")
    with pytest.raises(UsageError, match=r"hold truth/regimes\.csv and some do not"):
        judge_registry(fit, parts, tmp_path / "mixed")


def test_the_command(fit: RegimesFit, parts: Partitions, tmp_path: Path) -> None:
    folder = save_regimes_fit(fit, tmp_path / "fit")
    words = ("--out", tmp_path / "e", "--workers", "0")
    refused = run_command("evaluate", "@regimes", parts.folder, *words)
    assert (refused.code, "name a fit to other patients" in refused.stderr) == (2, True)
    done = run_command("evaluate", folder, parts.folder, *words)
    assert (done.code, done.stderr) == (0, "")
    content = json.loads((tmp_path / "e/evaluation.json").read_text())
    assert content["facts"]["Patients"] == "30, in 3 parts"
    assert len(list((tmp_path / "e/visits").glob("part-*.parquet"))) == 3
    again = run_command("evaluate", folder, parts.folder, *words)
    assert (again.code, again.stdout) == (0, done.stdout)
