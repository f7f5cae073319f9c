"""What a centre gives away: moments of its posterior of the population, and nothing else.

A release holds means and covariances of population parameters, measures of their shape, the terms
and priors of the model, and the name that the centre chooses. No record, no patient, no number of
patients and no draw is in it. Levels and drifts of a diagnosis of which the centre has few
patients are left out: they would be those patients'.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats as st
from numpy.typing import NDArray

from itb_bayes.checks.prior_draws import prior_of
from itb_bayes.errors import GateError, UsageError
from itb_bayes.federate.scores import Parameter, parameters_of, score_draws
from itb_bayes.inference.fitted import Fit
from itb_bayes.spec import DriftSpec
from itb_bayes.storage import write_whole

Array = NDArray[np.float64]

FORMAT = 1
FEWEST_PATIENTS = 5
"""A diagnosis of fewer patients has no parameters in a release; a centre of fewer, no release."""

DIGITS = 6
"""Significant digits of what is released."""

REACH = 0.999
"""Share of a centre's own draws that lie within its reach."""


@dataclass(frozen=True)
class Release:
    """What a centre gives away.

    Attributes
    ----------
    centre : str
        The name it goes by.
    terms : dict
        Terms that are on: process, robust, titration.
    priors : dict
        Numbers of every parameter's prior, by name.
    names : tuple of str
        Parameters, such as ``drift[MS]``.
    mean : tuple of float
        Posterior means of their scores (:mod:`itb_bayes.federate.scores`).
    covariance : tuple of tuple of float
    distance : tuple of float
        Largest distance between each margin's distribution function and the normal one.
    reach : float
        Mahalanobis distance from the mean within which nearly all of its draws lie.
    synthetic : bool
    """

    centre: str
    terms: dict[str, Any]
    priors: dict[str, Any]
    names: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    distance: tuple[float, ...]
    reach: float
    synthetic: bool

    def to_json(self) -> str:
        """Return the file's text: everything that leaves the centre."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"


def make_release(fit: Fit, centre: str) -> Release:
    """Return what a centre's fit gives away.

    Parameters
    ----------
    fit : Fit
        Of the centre's own patients, without a centre term.
    centre : str

    Raises
    ------
    GateError
        If the fit did not pass its gate.
    UsageError
        If it has a centre term, or too few patients.
    """
    if not fit.gate.passed:
        raise GateError(f"the fit of {centre} did not pass its gate; nothing of it is released.")
    plan = fit.plan
    if plan.centres:
        raise UsageError(
            "this fit is of several centres; release fits of one: "
            "`itb-bayes fit MODEL COHORT --per-centre --out DIR`."
        )
    if plan.n_patient < FEWEST_PATIENTS:
        raise UsageError(
            f"{centre} has fewer than {FEWEST_PATIENTS} patients; what it would release is theirs."
        )
    per_diagnosis = np.bincount(plan.diagnosis_index, minlength=len(plan.diagnoses))
    enough = {d for d, n in zip(plan.diagnoses, per_diagnosis, strict=True) if n >= FEWEST_PATIENTS}
    chosen = [
        p for p in parameters_of(plan) if p.variable not in ("level", "drift") or p.label in enough
    ]
    scores = score_draws(fit.spec, chosen, fit.posterior)
    mean, covariance = scores.mean(axis=0), np.cov(scores, rowvar=False)
    return Release(
        centre=centre,
        terms=terms_of(fit),
        priors={p.name: prior_numbers(fit.spec, p) for p in chosen},
        names=tuple(p.name for p in chosen),
        mean=_rounded(mean),
        covariance=tuple(_rounded(row) for row in covariance),
        distance=_rounded(distance_from_normal(scores)),
        reach=_rounded(np.array([_reach(scores, mean, covariance)]))[0],
        synthetic=fit.synthetic,
    )


def terms_of(fit: Fit) -> dict[str, Any]:
    """Return the terms that must agree between centres."""
    structure = fit.plan.structure
    return {
        "process": int(structure.process),
        "robust": bool(structure.robust),
        "titration": bool(structure.titration),
    }


def prior_numbers(spec: DriftSpec, parameter: Parameter) -> dict[str, Any]:
    """Return the family and parameters of a parameter's prior."""
    numbers = prior_of(spec, parameter.variable, parameter.label).numbers()
    return {"family": numbers["family"], "params": numbers["params"]}


def distance_from_normal(scores: Array) -> Array:
    """Return how far each margin's distribution function is from that of its normal."""
    n = len(scores)
    ordered = np.sort((scores - scores.mean(axis=0)) / scores.std(axis=0, ddof=1), axis=0)
    normal = st.norm.cdf(ordered)
    above = np.arange(1, n + 1)[:, None] / n - normal
    return np.maximum(above, 1.0 / n - above).max(axis=0)


def _reach(scores: Array, mean: Array, covariance: Array) -> float:
    away = np.linalg.solve(np.linalg.cholesky(covariance), (scores - mean).T)
    return float(np.quantile(np.sqrt((away**2).sum(axis=0)), REACH))


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)


def write_release(release: Release, path: Path) -> None:
    """Write a release.

    Raises
    ------
    UsageError
        If the file is there already, or cannot be written.
    """
    if path.exists():
        raise UsageError(f"{path} is there already; name another file with --out.")
    write_whole(path, release.to_json())


def read_release(path: Path) -> Release:
    """Read a release of some centre.

    Raises
    ------
    UsageError
        If the file is none, or its numbers are no moments.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _checked(content)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, np.linalg.LinAlgError):
        raise UsageError(
            f"{path} is no release that this version reads; have the centre make it again with "
            "`itb-bayes release FIT --centre NAME --out FILE`."
        ) from None


def _checked(content: Mapping[str, Any]) -> Release:
    """Return a release, or raise ValueError, KeyError, TypeError or LinAlgError."""
    if content["format"] != FORMAT:
        raise ValueError("another format")
    names = tuple(str(name) for name in content["names"])
    mean = np.array(content["mean"], dtype=float)
    covariance = np.array(content["covariance"], dtype=float)
    distance = np.array(content["distance"], dtype=float)
    k = len(names)
    if k == 0 or len(set(names)) != k or set(content["priors"]) != set(names):
        raise ValueError("names that are not those of the priors")
    if mean.shape != (k,) or covariance.shape != (k, k) or distance.shape != (k,):
        raise ValueError("numbers of another shape")
    if not (np.isfinite(mean).all() and np.allclose(covariance, covariance.T, atol=1e-6)):
        raise ValueError("no moments")
    np.linalg.cholesky(covariance)
    return Release(
        centre=str(content["centre"]),
        terms=dict(content["terms"]),
        priors=dict(content["priors"]),
        names=names,
        mean=tuple(mean.tolist()),
        covariance=tuple(map(tuple, covariance.tolist())),
        distance=tuple(distance.tolist()),
        reach=float(content["reach"]),
        synthetic=bool(content["synthetic"]),
    )
