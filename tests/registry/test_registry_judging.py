"""Explanations judged over parts: the numbers of the whole, and nothing lost."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drift_cases import run_command
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.partitions import Partitions, partition_cohort
from itb_bayes.errors import CohortError, NobodyOnRecord, UsageError
from itb_bayes.evaluate.explanations.filtered import ExplanationFold, filtered_probabilities
from itb_bayes.evaluate.explanations.judged import Judged, judge_visits
from itb_bayes.evaluate.explanations.own import FIRST_ALONE, count_own, marks_of
from itb_bayes.evaluate.explanations.reference import reference_of
from itb_bayes.evaluate.explanations.scores import judged_checks
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.model.regimes_plan import plan_regimes, plan_scoring
from itb_bayes.registry import judging
from itb_bayes.registry.judging import FITTED_HERE, judge_registry
from itb_bayes.resources import demo_cohort_dir
from itb_bayes.spec import load_model
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
    assert FITTED_HERE.format(n=5) in str(told.value)
    assert "data validate" not in str(told.value), "there is nothing that it would find"


def test_patients_are_known_again_by_their_first_records() -> None:
    spec, cohort = load_model("@regimes"), Cohort.read(CLINIC)
    later = plan_regimes(spec, cohort)
    years = dict.fromkeys(later.patient_ids, 2.0)
    fitted = plan_regimes(spec, cohort, until_years=years)
    assert count_own(later, marks_of(fitted)) == fitted.n_patient, "records were added since"
    nameless = replace(fitted, patient_ids=tuple(f"patient-{k}" for k in range(fitted.n_patient)))
    long = np.diff(fitted.offsets) >= FIRST_ALONE
    assert long.sum() > 0
    assert count_own(later, marks_of(nameless)) == long.sum()
    moved = replace(later, data=later.data + 1e-6)
    assert count_own(moved, marks_of(fitted)) == 0, "other patients with the same identifiers"


def test_a_truth_that_comes_later_is_judged_against(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    truths = [parts.part(k) / "truth" for k in range(parts.n_parts)]
    for k, truth in enumerate(truths):
        truth.rename(tmp_path / f"truth-{k}")
    before, definition = judge_registry(fit, parts, tmp_path / "visits")
    assert "truth" not in definition
    for k, truth in enumerate(truths):
        (tmp_path / f"truth-{k}").rename(truth)
    after, definition = judge_registry(fit, parts, tmp_path / "visits")
    assert "truth of the simulation" in definition
    assert list(before.episodes) == ["device_fault"]
    assert "tolerance" in after.episodes


def test_what_is_kept_of_a_part_names_nobody(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    judge_registry(fit, parts, tmp_path / "visits")
    (tmp_path / "visits/part-00007.parquet").write_bytes(b"of a part that is no more")
    judge_registry(fit, parts, tmp_path / "visits")
    kept = sorted((tmp_path / "visits").glob("part-*"))
    assert [path.name for path in kept] == [f"part-0000{k}.parquet" for k in range(3)]
    ids = [who for k in range(3) for who in parts.identities(k)]
    for path in kept:
        table = pd.read_parquet(path)
        assert list(table.columns[:2]) == ["patient", "what"]
        assert set(table["patient"]) <= set(range(10))
        assert not any(who.encode() in path.read_bytes() for who in ids)


def test_a_part_that_changes_while_the_run_goes_on_is_told(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    def change(done: int, total: int) -> None:
        if done == total:
            path = parts.part(0) / "truth/regimes.csv"
            path.write_text(path.read_text() + "\n")

    with pytest.raises(CohortError, match=r"1 of 3 parts of .* changed while the run went on"):
        judge_registry(fit, parts, tmp_path / "visits", on_part=change)


def test_a_part_without_a_dose_has_nothing_to_judge(
    fit: RegimesFit, parts: Partitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(fitted, cohort):
        if "CS001" in set(cohort.patients["patient_id"].astype(str)):
            raise NobodyOnRecord("no patient has a dose on record.")
        return plan_scoring(fitted, cohort)

    monkeypatch.setattr(judging, "plan_scoring", nobody)
    judged, _ = judge_registry(fit, parts, tmp_path / "visits")
    assert judged.folds[0].patients == 20
    assert judged.visits["patient_id"].min() >= 10


def test_parts_with_and_without_truth_do_not_mix(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    kept = parts.part(1) / "truth"
    kept.rename(tmp_path / "aside")
    with pytest.raises(UsageError, match=r"hold truth/regimes\.csv and some do not"):
        judge_registry(fit, parts, tmp_path / "mixed")
    (tmp_path / "aside").rename(kept)
    judged, _ = judge_registry(fit, parts, tmp_path / "mixed")
    assert "tolerance" in judged.episodes, "mended, the same folder goes on"


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
