"""Hand-written centred Stan program, built and sampled by pystan in an interpreter of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from peers.interpreter import STAN_PYTHON, named_interpreter
from peers.problem import DIAGNOSES, Problem
from peers.run import Draws, Run, named_values

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "centred.stan"
WORKER = HERE / "stan_worker.py"
REPORTED = ("level", "drift", "level_sd", "drift_sd", "correlation_01", "within_sd")


class StanCentred:
    """Patients' levels and drifts are drawn around their population means.

    The worker is a child of this process, so its processor time and that of the compiler and of
    the chains are counted.
    """

    def prepare(self, run: Run) -> Any:
        """Start the worker, which builds the program (or finds it in its cache)."""
        task = run.folder / "stan-task.json"
        task.write_text(json.dumps(stan_task(run)), encoding="utf-8")
        command = [named_interpreter(STAN_PYTHON), str(WORKER), str(PROGRAM), str(task)]
        worker = subprocess.Popen(
            [*command, str(_draws_of(run))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        _expect(worker, "built")
        return worker

    def sample(self, prepared: Any, run: Run) -> Draws:
        """Sample with Stan's default settings."""
        prepared.stdin.write("sample\n")
        prepared.stdin.flush()
        answer = _expect(prepared, "sampled")
        prepared.communicate()
        with np.load(_draws_of(run)) as drawn:
            values = named_values({name: drawn[name] for name in REPORTED})
            divergences = int(drawn["divergent__"].sum())
        return Draws(values, divergences, handing_over_cpu_s=answer["own_cpu_s"])


def stan_task(run: Run) -> dict[str, Any]:
    """Return data and settings for the worker, ready for JSON."""
    return {
        "data": stan_data(run.problem),
        "report": REPORTED,
        "draws": run.draws,
        "tune": run.tune,
        "chains": run.chains,
        "seed": run.seed,
    }


def stan_data(problem: Problem) -> dict[str, Any]:
    """Return the data block of the program; indexes begin at 1."""
    p = problem.priors
    return {
        "n_diagnosis": len(DIAGNOSES),
        "n_patient": problem.n_patient,
        "n_visit": problem.log_dose.size,
        "diagnosis": (problem.diagnosis + 1).tolist(),
        "patient": (problem.patient + 1).tolist(),
        "since": problem.since.tolist(),
        "log_dose": problem.log_dose.tolist(),
        "level_mean": p["level"]["mean"],
        "level_scale": p["level"]["sd"],
        "drift_mean": p["drift"]["mean"],
        "drift_scale": p["drift"]["sd"],
        "level_sd_mu": p["level_sd"]["mu"],
        "level_sd_sigma": p["level_sd"]["sigma"],
        "drift_sd_scale": p["drift_sd"]["sd"],
        "correlation_alpha": p["level_drift_correlation"]["alpha"],
        "correlation_beta": p["level_drift_correlation"]["beta"],
        "within_sd_mu": p["within_sd"]["mu"],
        "within_sd_sigma": p["within_sd"]["sigma"],
    }


def _draws_of(run: Run) -> Path:
    return run.folder / "stan-draws.npz"


def _expect(worker: subprocess.Popen[str], step: str) -> dict[str, Any]:
    """Wait for the worker's answer and return it."""
    assert worker.stdout is not None
    line = worker.stdout.readline()
    answer: dict[str, Any] = json.loads(line) if line else {}
    if answer.get("step") != step:
        worker.communicate()
        raise RuntimeError(f"Stan's process ended before it had {step} (its log says why)")
    return answer
