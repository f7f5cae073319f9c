"""Four planted faults on a small cohort (docs/results/planted-faults.md: on a larger one)."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from itb_bayes.checks.regimes_replicates import replicate_courses
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.layout import Col
from itb_bayes.resources import demo_cohort_dir

N_DRAW = 105
"""Replicated cohorts: the least at which one in a hundred can be told."""


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "planted_faults.py"
    spec = importlib.util.spec_from_file_location("planted_faults", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def right(bench):
    """Twelve patients of the clinic with short records, and cohorts of the right model."""
    plan, draws = bench.right_model(demo_cohort_dir(), 30, N_DRAW)
    shortest = np.sort(np.argsort(np.diff(plan.offsets), kind="stable")[6:18])
    few = RegimesDraws(draws.g, np.ascontiguousarray(draws.own[:, shortest]))
    part = plan.select(shortest)
    return part, few, replicate_courses(part, few, bench.SEED, N_DRAW)


def failing(bench, right, fault) -> set[str]:
    plan, draws, shared = right
    data, model = fault.plant(plan, draws)
    replicated = shared if model is draws else replicate_courses(data, model, bench.SEED, N_DRAW)
    judged = bench.judge(data, model, replicated)
    return {name for name in judged.said if judged.fails(name)}


def test_the_right_model_fails_no_faults_check(bench, right):
    designated = {fault.check for fault in bench.FAULTS}
    assert not failing(bench, right, bench.RIGHT) & designated


def test_a_fault_in_the_records_fails_its_check_and_no_other_faults_check(bench, right):
    noise, _, scale, _ = bench.FAULTS
    designated = {fault.check for fault in bench.FAULTS}
    assert failing(bench, right, noise) & designated == {noise.check}
    assert noise.check not in failing(bench, right, scale)


def test_ignored_feedback_fails_its_check(bench, right):
    feedback = bench.FAULTS[3]
    found = failing(bench, right, feedback)
    assert feedback.check in found
    assert bench.FAULTS[0].check not in found


def test_faults_are_planted_where_they_say(bench, right):
    plan, draws, _ = right
    noisy, _ = bench.noisy_doses(plan, draws)
    first = plan.offsets[:-1]
    np.testing.assert_array_equal(noisy.data[first, Col.LOG_DOSE], plan.data[first, Col.LOG_DOSE])
    followed = np.isfinite(plan.data[:-1, Col.DOSE_CHANGE]) & (np.diff(plan.step_patient) == 0)
    rows = np.flatnonzero(followed)
    moved = noisy.data[rows + 1, Col.LOG_DOSE] - noisy.data[rows, Col.LOG_DOSE]
    np.testing.assert_allclose(noisy.data[rows, Col.DOSE_CHANGE], moved, atol=1e-9)
    tripled = bench.tripled_hazards(plan, draws)[1]
    np.testing.assert_allclose(tripled.g[0, bench.HAZARDS], 3.0 * draws.g[0, bench.HAZARDS])


def test_some_faults_alone_write_no_page(bench, monkeypatch, tmp_path):
    run, page = [], tmp_path / "page.md"

    def run_all(seed, progress, faults=(bench.RIGHT, *bench.FAULTS)):
        run.append([fault.key for fault in faults])
        said = {fault.check: (True, "") for fault in bench.FAULTS}
        return {fault.name: bench.Judged(said) for fault in faults}

    monkeypatch.setattr(bench, "run_all", run_all)
    monkeypatch.setattr(bench, "PAGE", page)
    monkeypatch.setattr(sys, "argv", ["planted_faults.py", "--only", "right", "noise"])
    assert bench.main() == 1  # the noise did not fail its check
    assert run == [["right", "noise"]] * len(bench.SEEDS)
    assert not page.exists()
    monkeypatch.setattr(sys, "argv", ["planted_faults.py"])
    assert bench.main() == 1
    assert run[-1] == ["right", "noise", "hazards", "scale", "feedback"]
    assert "**Not so here: " in page.read_text(encoding="utf-8")


def test_judged_cohorts_are_kept_and_not_judged_again(bench, monkeypatch, tmp_path):
    judged = []

    def run_all(seed, progress):
        judged.append(seed)
        return {"right model": bench.Judged({"some-check": (seed == 11, "said")})}

    monkeypatch.setattr(bench, "run_all", run_all)
    first = bench.kept_run(11, tmp_path, print)
    assert bench.kept_run(11, tmp_path, print) == first
    assert not first["right model"].fails("some-check")
    assert bench.kept_run(12, tmp_path, print)["right model"].fails("some-check")
    assert judged == [11, 12]
