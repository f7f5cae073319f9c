"""Explanations judged by what was there: references, folds, scores, and the command."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drift_cases import run_command, tree_of
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.explanations import filtered
from itb_bayes.evaluate.explanations.filtered import (
    ExplanationFold,
    RegimesFolds,
    filtered_probabilities,
    leave_out_patients,
    run_fold,
)
from itb_bayes.evaluate.explanations.reference import confirmed_episodes, reference_of
from itb_bayes.evaluate.explanations.scores import explanation_checks
from itb_bayes.inference import refit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model.regimes_plan import plan_regimes, plan_scoring
from itb_bayes.resources import demo_cohort_dir
from regimes_fits import (
    make_regimes_fit,
    regimes_cohort,
    regimes_posterior,
    regimes_spec,
    save_regimes_fit,
    small_regimes_fit,
)

CLINIC = demo_cohort_dir()


@pytest.fixture(scope="module")
def clinic():
    return Cohort.read(CLINIC)


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    return small_regimes_fit(tmp_path_factory.mktemp("regimes") / "cohort")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return regimes_cohort(tmp_path_factory.mktemp("small") / "cohort")


def test_the_truth_of_a_simulation_is_the_reference(clinic):
    found = reference_of(clinic, CLINIC)
    assert "device_fault" in found.episodes
    assert "truth of the simulation" in found.definition
    assert (found.visits["t_years"] >= 0.5).all()


def test_confirmed_faults_are_the_reference_of_real_cohorts(small, tmp_path):
    found = reference_of(small, tmp_path)
    assert set(found.episodes) == {"device_fault"}
    episodes = confirmed_episodes(small).set_index("patient_id")
    assert episodes.loc["R2", "end_day"] == round(1.6 * 365.25)
    assert episodes.loc["R2", "end_day"] - episodes.loc["R2", "start_day"] == 183
    assert set(episodes.index) == {"R2", "R4"}


def test_nothing_to_judge_against_is_said(tmp_path):
    without = regimes_cohort(tmp_path / "cohort", events=None)
    with pytest.raises(UsageError, match="nor a confirmed fault"):
        reference_of(without, tmp_path)
    early = replace(without, assessments=without.assessments.iloc[:0], doses=without.doses.iloc[:1])
    with pytest.raises(UsageError, match="no visit after titration"):
        reference_of(early, tmp_path)


def test_probabilities_sum_to_one_and_use_earlier_records_only(fit, small):
    plan = plan_scoring(fit.plan, small)
    scores, unreliable = filtered_probabilities(plan, fit.posterior)
    assert len(scores) + unreliable == len(plan.data)
    np.testing.assert_allclose(scores[list(EXPLANATIONS)].sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(scores["device_fault"], scores["catheter"] + scores["pump"])
    cut = plan.data.copy()
    last = plan.offsets[1] - 1
    cut[last, 2] = 4.0
    other, _ = filtered_probabilities(replace(plan, data=cut), fit.posterior)
    own = scores.loc[scores["patient_id"] == "R1"]
    same = other.loc[other["patient_id"] == "R1"]
    both = own.merge(same, on="day", suffixes=("", "_other"))
    before = both["day"] < both["day"].max()
    np.testing.assert_array_equal(both["pump"][before], both["pump_other"][before])


def test_patients_are_selected_with_all_their_rows(fit):
    some = fit.plan.select(np.array([1, 4]))
    assert some.patient_ids == ("R2", "R5")
    np.testing.assert_array_equal(some.data[: some.offsets[1]], rows_of(fit.plan, 1))
    np.testing.assert_array_equal(some.data[some.offsets[1] :], rows_of(fit.plan, 4))
    assert some.diagnoses == fit.plan.diagnoses


def rows_of(plan, i):
    return plan.data[plan.offsets[i] : plan.offsets[i + 1]]


def test_everybody_is_left_out_once(fit):
    parts, names = leave_out_patients(fit.plan, "patients", 3, 1)
    assert sorted(np.concatenate(parts).tolist()) == list(range(6))
    assert len(names) == 3
    centres, names = leave_out_patients(fit.plan, "centres", 3, 1)
    assert names == ("north", "south")
    assert [len(part) for part in centres] == [3, 3]


def test_parts_that_cannot_be_are_refused(fit):
    with pytest.raises(UsageError, match="--folds must lie between"):
        leave_out_patients(fit.plan, "patients", 9, 1)
    with pytest.raises(UsageError, match="--by patients or --by centres"):
        leave_out_patients(fit.plan, "time", 3, 1)
    alone = replace(fit.plan, centres=(), centre_index=0 * fit.plan.centre_index)
    with pytest.raises(UsageError, match="two centres"):
        leave_out_patients(alone, "centres", 3, 1)


def instead_of_sampling(seen):
    def sample(spec, plan, settings, cores=None):
        seen.append(plan)
        return tree_of(regimes_posterior(spec, plan, draws=30, seed=settings.seed % 1000))

    return sample


def test_a_fold_fits_the_others_and_filters_its_own(fit, monkeypatch):
    seen = []
    monkeypatch.setattr(refit, "sample_plan", instead_of_sampling(seen))
    parts, names = leave_out_patients(fit.plan, "patients", 3, 1)
    sampler = SamplerSettings(60, 60, 2, 0.9, 5)
    fold = run_fold(RegimesFolds(fit.spec, fit.plan, parts, names, sampler), 1)
    own = {fit.plan.patient_ids[i] for i in parts[1]}
    assert set(seen[0].patient_ids) == set(fit.plan.patient_ids) - own
    assert set(fold.scores["patient_id"]) <= own
    assert np.isfinite(fold.r_hat)


def made_folds(reference, right: bool, seed=3) -> list[ExplanationFold]:
    """Probabilities that know the truth but for noise, or shuffled ones that say too much."""
    rng = np.random.default_rng(seed)
    visits = reference.visits
    scores = visits[["patient_id", "day"]].copy()
    episodes = reference.episodes["device_fault"]
    there = np.zeros(len(visits), dtype=bool)
    for row in episodes.itertuples():
        own = (visits["patient_id"] == row.patient_id).to_numpy()
        there |= own & visits["day"].between(row.start_day, row.end_day - 1).to_numpy()
    rate = there.mean()
    x = there + 0.35 * rng.standard_normal(there.size)
    odds = rate / (1 - rate) * np.exp((x - 0.5) / 0.35**2)
    p = odds / (1 + odds)
    scores["device_fault"] = p if right else np.clip(rng.permutation(p) * 3 + 0.2, 0, 1)
    return [ExplanationFold("x", scores, 0, 1.01, 0)]


@pytest.fixture(scope="module")
def registry_reference():
    folder = Path(CLINIC).parent / "registry"
    cohort = Cohort.read(folder)
    found = reference_of(cohort, folder)
    some = set(cohort.patients["patient_id"].astype(str).iloc[:90])
    faults = found.episodes["device_fault"]
    visits = found.visits.loc[found.visits["patient_id"].isin(some)].reset_index(drop=True)
    faults = faults.loc[faults["patient_id"].isin(some)].reset_index(drop=True)
    return cohort, replace(found, visits=visits, episodes={"device_fault": faults})


def test_right_probabilities_pass_and_loud_ones_fail(registry_reference):
    cohort, reference = registry_reference
    right = {
        r.name: r for r in explanation_checks(cohort, reference, made_folds(reference, True), 1)
    }
    assert right["fold-fits"].passed is True
    assert right["device-fault-accuracy"].passed is True
    assert right["device-fault-alarms"].passed is True
    table = right["device-fault-alarms"].table.set_index("score")
    assert table.loc["model", "sensitivity"] > table.loc["rule_100ug", "sensitivity"]
    assert (table["false_per_100_years"] <= 5.0 + 1e-9).all()
    wrong = {
        r.name: r for r in explanation_checks(cohort, reference, made_folds(reference, False), 1)
    }
    assert wrong["device-fault-accuracy"].passed is False
    assert wrong["device-fault-calibration"].passed is False
    assert wrong["device-fault-benefit"].summary.startswith("At none")


def test_visits_that_could_not_be_scored_fail_the_first_check(registry_reference):
    cohort, reference = registry_reference
    (fold,) = made_folds(reference, True)
    few = replace(fold, scores=fold.scores.iloc[::2], n_unreliable=len(fold.scores) // 2)
    found = explanation_checks(cohort, reference, [few], 1)[0]
    assert found.passed is False
    assert "not a random part" in found.criterion
    none = replace(fold, scores=fold.scores.iloc[:0])
    with pytest.raises(UsageError, match="could be scored"):
        explanation_checks(cohort, reference, [none], 1)


def test_few_episodes_are_not_judged(clinic):
    reference = reference_of(clinic, CLINIC)
    few = {"device_fault": reference.episodes["device_fault"].iloc[:2]}
    found = explanation_checks(
        clinic, replace(reference, episodes=few), made_folds(reference, True), 1
    )
    assert "Not computed: " in found[1].summary


def test_a_fit_judges_patients_that_it_has_not_seen(fit, tmp_path):
    folder = save_regimes_fit(fit, tmp_path / "fit")
    done = run_command("evaluate", folder, CLINIC, "--out", tmp_path / "e", "--quiet")
    assert (done.code, done.stderr) == (0, "")
    content = json.loads((tmp_path / "e/evaluation.json").read_text())
    assert content["facts"]["Reference standard"].startswith("the truth of the simulation")
    names = [check["name"] for check in content["checks"]]
    assert names[0] == "fold-fits"
    html = (tmp_path / "e/evaluation.html").read_text()
    ids = pd.read_csv(Path(CLINIC) / "patients.csv")["patient_id"].astype(str)
    assert not any(f">{pid}<" in html for pid in ids)


def test_its_own_patients_cannot_judge_a_fit(small, tmp_path, passed_fit):
    fit = make_regimes_fit(plan_regimes(regimes_spec(), small))
    manifest = {**fit.manifest, "cohort_fingerprint": small.fingerprint}
    folder = save_regimes_fit(replace(fit, manifest=manifest), tmp_path / "fit")
    small.write(tmp_path / "cohort")
    done = run_command("evaluate", folder, tmp_path / "cohort", "--out", tmp_path / "e")
    assert done.code == 2
    assert "patients, who cannot judge it" in " ".join(done.stderr.split())
    done = run_command("evaluate", passed_fit, tmp_path / "cohort", "--out", tmp_path / "e")
    assert (done.code, "name its model file instead" in done.stderr) == (2, True)
    failed = make_regimes_fit(plan_regimes(regimes_spec(), small), passed=False)
    bad = save_regimes_fit(failed, tmp_path / "bad")
    done = run_command("evaluate", bad, CLINIC, "--out", tmp_path / "e")
    assert done.code == 5


def test_the_command_fits_without_the_patients_that_it_judges(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(refit, "sample_plan", instead_of_sampling(seen))
    folder = shutil.copytree(CLINIC, tmp_path / "cohort")
    done = run_command(
        "evaluate", "@regimes", folder, "--out", tmp_path / "e", "--folds", "2", "--workers", "0",
        "--quiet",
    )  # fmt: skip
    assert (done.code, done.stderr) == (0, "")
    assert [plan.n_patient for plan in seen] == [15, 15]
    assert "fold-fits" in done.stdout


def test_patients_are_filtered_in_parts(fit, small, monkeypatch):
    plan = plan_scoring(fit.plan, small)
    whole, _ = filtered_probabilities(plan, fit.posterior)
    monkeypatch.setattr(filtered, "PATIENTS_AT_ONCE", 2)
    parts, _ = filtered_probabilities(plan, fit.posterior)
    pd.testing.assert_frame_equal(whole, parts)
