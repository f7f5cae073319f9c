"""The data and the priors that every tool of the benchmark gets."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.drift_simulate import (
    simulate_deviation,
    simulate_effects,
    simulate_log_dose,
)
from itb_bayes.kernel.structure import Process, Structure
from itb_bayes.spec import load_model

Array = NDArray[np.float64]

DIAGNOSES = ("MS", "SCI")
N_VISIT = 10
TRUTH = {
    "level[MS]": float(np.log(200.0)),
    "level[SCI]": float(np.log(170.0)),
    "drift[MS]": float(np.log1p(0.06)),
    "drift[SCI]": float(np.log1p(0.02)),
    "level_sd": 0.6,
    "drift_sd": 0.04,
    "correlation": -0.2,
    "within_sd": 0.15,
}
"""True values of the simulated cohorts (log µg/day, years); the names every tool reports."""

PARAMETERS = tuple(TRUTH)
PRIOR_NAMES = ("level", "drift", "level_sd", "drift_sd", "level_drift_correlation", "within_sd")
FAMILIES = ("normal", "normal", "lognormal", "halfnormal", "beta", "lognormal")


@dataclass(frozen=True)
class Problem:
    """One simulated cohort with the priors of ``@drift-lmm``.

    Attributes
    ----------
    diagnosis : ndarray of int64, shape (n_patient,)
        Index into :data:`DIAGNOSES`.
    patient : ndarray of int64, shape (n_visit,)
    since : ndarray, shape (n_visit,)
        Years since the first anniversary of the implant, ``t - 1``.
    log_dose : ndarray, shape (n_visit,)
    priors : dict
        Parameters of each prior of :data:`PRIOR_NAMES`, on the model scale.
    """

    diagnosis: NDArray[np.int64]
    patient: NDArray[np.int64]
    since: Array
    log_dose: Array
    priors: dict[str, dict[str, float]]

    @property
    def n_patient(self) -> int:
        """Number of patients."""
        return self.diagnosis.size


def drift_priors() -> dict[str, dict[str, float]]:
    """Return the resolved priors of ``@drift-lmm`` on the model scale.

    Raises
    ------
    RuntimeError
        If a prior is of another family than the hand-written models have.
    """
    resolved = load_model("@drift-lmm").resolved_priors
    for name, family in zip(PRIOR_NAMES, FAMILIES, strict=True):
        if resolved[name].family != family or resolved[name].by:
            raise RuntimeError(f"@drift-lmm has another prior on {name}; rewrite the peers' models")
    return {name: dict(resolved[name].params) for name in PRIOR_NAMES}


def simulate(n_patient: int, seed: int) -> Problem:
    """Draw a cohort of ``n_patient`` with yearly readings from year 1 to year 10."""
    rng = np.random.default_rng([seed, n_patient])
    diagnosis = np.arange(n_patient) % len(DIAGNOSES)
    mean = np.stack(
        [
            np.array([TRUTH[f"{of}[{name}]"] for name in DIAGNOSES])[diagnosis]
            for of in ("level", "drift")
        ],
        axis=1,
    )
    sd = np.array([TRUTH["level_sd"], TRUTH["drift_sd"]])
    cov = np.outer(sd, sd) * np.array([[1.0, TRUTH["correlation"]], [TRUTH["correlation"], 1.0]])
    structure = Structure(Process.NONE, robust=False, titration=False)
    t_years = np.tile(np.arange(1.0, N_VISIT + 1.0), n_patient)
    offsets = np.arange(0, t_years.size + 1, N_VISIT)
    effects = simulate_effects(mean, cov, rng)
    volatility = np.full(n_patient, TRUTH["within_sd"] ** 2)
    deviation = simulate_deviation(t_years, offsets, volatility, 0.0, 1.0, Process.NONE, rng)
    return Problem(
        diagnosis=diagnosis,
        patient=np.repeat(np.arange(n_patient), N_VISIT),
        since=t_years - 1.0,
        log_dose=simulate_log_dose(t_years, offsets, effects, deviation, 1.0, structure),
        priors=drift_priors(),
    )


def write_problem(problem: Problem, folder: Path) -> None:
    """Write the arrays for the peers, and the same readings as a cohort for this package."""
    folder.mkdir(parents=True)
    np.savez(
        folder / "arrays.npz",
        diagnosis=problem.diagnosis,
        patient=problem.patient,
        since=problem.since,
        log_dose=problem.log_dose,
    )
    (folder / "priors.json").write_text(json.dumps(problem.priors), encoding="utf-8")
    cohort = folder / "cohort"
    cohort.mkdir()
    ids = [f"P{k + 1:05d}" for k in range(problem.n_patient)]
    (cohort / "cohort.toml").write_text(
        'name = "drift-speed"\nsynthetic = true\n', encoding="utf-8"
    )
    patients = [
        f"{pid},{DIAGNOSES[k]},{N_VISIT}" for pid, k in zip(ids, problem.diagnosis, strict=True)
    ]
    _write_lines(cohort / "patients.csv", "patient_id,diagnosis,t_last_seen", patients)
    doses = [
        f"{ids[i]},{since + 1.0:g},{float(np.exp(y))!r}"
        for i, since, y in zip(problem.patient, problem.since, problem.log_dose, strict=True)
    ]
    _write_lines(cohort / "doses.csv", "patient_id,t_years,daily_dose_ug", doses)


def read_problem(folder: Path) -> Problem:
    """Read the arrays and priors of :func:`write_problem`."""
    with np.load(folder / "arrays.npz") as arrays:
        return Problem(
            diagnosis=arrays["diagnosis"],
            patient=arrays["patient"],
            since=arrays["since"],
            log_dose=arrays["log_dose"],
            priors=json.loads((folder / "priors.json").read_text(encoding="utf-8")),
        )


def _write_lines(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8", newline="\n")
