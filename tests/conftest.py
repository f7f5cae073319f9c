"""Shared test set-up: quiet matplotlib, one thread per library, one small fit per session."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from drift_cases import Outcome, base_spec, instead_of_sampling, run_command, write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.settings import SamplerSettings, profile_settings
from itb_bayes.model.plan import DriftPlan, plan_drift


@dataclass(frozen=True)
class SampledRun:
    """One run of ``itb-bayes fit`` with a real sampler, its outcome, and the compiled model."""

    cohort: Path
    fit: Path
    settings: SamplerSettings
    outcome: Outcome
    compiled: Any


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny cohort."""
    return write_cohort(tmp_path_factory.mktemp("tiny") / "cohort")


@pytest.fixture(scope="session")
def tiny_cohort(tiny_folder: Path) -> Cohort:
    """The tiny cohort, read."""
    return Cohort.read(tiny_folder)


@pytest.fixture(scope="session")
def tiny_plan(tiny_cohort: Cohort) -> DriftPlan:
    """The plan of the shipped model on the tiny cohort: titration and centre terms are on."""
    return plan_drift(base_spec(), tiny_cohort)


@pytest.fixture(scope="session")
def sampled(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> SampledRun:
    """The one short run of the sampler of a test session (too short to pass its gate)."""
    from itb_bayes.inference import fit as module

    compiled = []

    def compile_and_keep(model: Any) -> Any:
        compiled.append(compile_model(model))
        return compiled[0]

    compile_model = module.compile_model
    out = tmp_path_factory.mktemp("sampled") / "fit"
    settings = profile_settings("standard", "drift", draws=100, tune=150, chains=4, seed=11)
    options = [
        f"--{name}={getattr(settings, name)}" for name in ("draws", "tune", "chains", "seed")
    ]
    with mock.patch.object(module, "compile_model", compile_and_keep):
        outcome = run_command("fit", "@drift", tiny_folder, "--out", out, *options)
    return SampledRun(tiny_folder, out, settings, outcome, compiled[0])


@pytest.fixture(scope="session")
def passed_fit(tiny_cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a fit that passed its gate; its draws are not those of a sampler."""
    from itb_bayes.inference.fit import fit

    out = tmp_path_factory.mktemp("passed") / "fit"
    with instead_of_sampling():
        made = fit(base_spec(), tiny_cohort, SamplerSettings(250, 50, seed=2), out, quiet=True)
    assert made.gate.passed
    return out
