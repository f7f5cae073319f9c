"""Releases of several centres in, one posterior of the population out."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.prior_draws import PRIOR_OF, VECTORS, prior_of
from itb_bayes.errors import GateError, ModelError, UsageError
from itb_bayes.federate.product import GRID, MOVING, Combination, combine, site_of
from itb_bayes.federate.release import Release, prior_numbers
from itb_bayes.federate.scores import Parameter
from itb_bayes.federate.trust import Verdict, judge_combination
from itb_bayes.inference import bundle
from itb_bayes.inference.estimands import drift_estimands
from itb_bayes.kernel.structure import Process, Structure
from itb_bayes.spec import DriftSpec
from itb_bayes.spec.scores import from_scores
from itb_bayes.storage import refusals_in_words

Array = NDArray[np.float64]

CHAINS, DRAWS = 4, 1000
"""Independent draws, laid out as those of a fit."""

BETWEEN = ("centre_level_sd", "centre_drift_sd")


@dataclass(frozen=True)
class _Terms:
    """The part of a plan that estimands read."""

    structure: Structure
    diagnoses: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Combined:
    """The population given all centres.

    Attributes
    ----------
    posterior : xarray.Dataset
        Variables as in a joint fit, dims (chain, draw, ...); draws are independent.
    estimands : xarray.Dataset
        As of a fit.
    verdicts : tuple of Verdict
    centres, diagnoses : tuple of str
    synthetic : bool
    """

    posterior: xr.Dataset
    estimands: xr.Dataset
    verdicts: tuple[Verdict, ...]
    centres: tuple[str, ...]
    diagnoses: tuple[str, ...]
    synthetic: bool

    @property
    def trusted(self) -> bool:
        """Whether every criterion is met."""
        return all(verdict.passed for verdict in self.verdicts)

    def require_trust(self) -> None:
        """Raise where the combination cannot be believed.

        Raises
        ------
        GateError
            With every criterion that is not met.
        """
        if self.trusted:
            return
        failed = [
            f"{v.centre}: {v.criterion} {v.value:.3g}, limit {v.limit:g}"
            + (f" ({v.worst})" if v.worst else "")
            for v in self.verdicts
            if not v.passed
        ]
        raise GateError(
            "this combination cannot be believed; no numbers are given.\n  "
            + "\n  ".join(failed)
            + "\nLeave such a centre out, have it give more patients or a model with fewer terms, "
            "or fit the centres together."
        )


def combine_releases(spec: DriftSpec, releases: Sequence[Release], seed: int = 1) -> Combined:
    """Combine what centres have released.

    Parameters
    ----------
    spec : DriftSpec
        The model that they have fitted; ``centre.use = "no"`` combines them as one centre.
    releases : sequence of Release
    seed : int

    Raises
    ------
    UsageError
        If there are fewer than two centres, or two of one name.
    ModelError
        If centres had other priors than the model, or other terms than one another.
    """
    releases = sorted(releases, key=lambda release: release.centre)
    _check(spec, releases)
    names = sorted({name for release in releases for name in release.names})
    parameters = [Parameter.of(name) for name in names]
    sites = [
        site_of(
            np.array(release.mean),
            np.array(release.covariance),
            np.array([names.index(name) for name in release.names]),
        )
        for release in releases
    ]
    scale = np.array(
        [
            prior_of(spec, p.variable, p.label).params["sd"] if p.variable in MOVING else 1.0
            for p in parameters
        ]
    )
    differ = spec.centre.use != "no"
    sd_of = None
    if differ:
        sd_of = np.stack([from_scores(GRID, prior_of(spec, name)) for name in BETWEEN])
    found = combine(sites, parameters, scale, sd_of, CHAINS * DRAWS, seed)
    between = np.zeros((CHAINS * DRAWS, 2))
    if differ:
        columns = zip(BETWEEN, found.between.T, strict=True)
        between = np.stack([from_scores(x, prior_of(spec, name)) for name, x in columns], axis=1)
    verdicts = judge_combination(releases, sites, parameters, scale, between, found)
    posterior = _posterior(spec, parameters, found, between, releases)
    terms = releases[0].terms
    structure = Structure(Process(terms["process"]), terms["robust"], terms["titration"])
    diagnoses = tuple(str(d) for d in posterior["diagnosis"].values)
    return Combined(
        posterior=posterior,
        estimands=drift_estimands(spec, cast(Any, _Terms(structure, diagnoses)), posterior),
        verdicts=verdicts,
        centres=tuple(release.centre for release in releases),
        diagnoses=diagnoses,
        synthetic=any(release.synthetic for release in releases),
    )


def _check(spec: DriftSpec, releases: Sequence[Release]) -> None:
    centres = [release.centre for release in releases]
    if len(centres) < 2 or len(set(centres)) < len(centres):
        raise UsageError(
            f"two or more releases of different centres are combined (got {', '.join(centres)})."
        )
    for release in releases:
        if release.terms != releases[0].terms:
            raise ModelError(
                f"{release.centre} and {releases[0].centre} fitted other terms than each other "
                f"({release.terms} and {releases[0].terms}). State them in the model file instead "
                'of "auto", and have every centre fit again.'
            )
        for name, numbers in release.priors.items():
            parameter = Parameter.of(name)
            known = parameter.variable in VECTORS or parameter.variable in _scalars(spec)
            if not known or prior_numbers(spec, parameter) != numbers:
                raise ModelError(
                    f"{release.centre} fitted with another prior of {name} than that of model "
                    f"{spec.name!r}. Every centre must fit the same model file."
                )


def _scalars(spec: DriftSpec) -> set[str]:
    return {*spec.resolved_priors, *PRIOR_OF}


def _posterior(
    spec: DriftSpec, parameters: Sequence[Parameter], found: Combination, between: Array,
    releases: Sequence[Release],
) -> xr.Dataset:  # fmt: skip
    """Return draws of the variables of a joint fit."""
    shape = (CHAINS, DRAWS)
    values = {
        p: from_scores(found.scores[:, k], prior_of(spec, p.variable, p.label)).reshape(shape)
        for k, p in enumerate(parameters)
    }
    arrays: dict[str, Any] = {}
    coords: dict[str, Any] = {"chain": np.arange(CHAINS), "draw": np.arange(DRAWS)}
    for variable in dict.fromkeys(p.variable for p in parameters):
        own = [p for p in parameters if p.variable == variable]
        if variable not in VECTORS:
            arrays[variable] = (("chain", "draw"), values[own[0]])
            continue
        dim = VECTORS[variable]
        coords[dim] = [p.label for p in own]
        arrays[variable] = (("chain", "draw", dim), np.stack([values[p] for p in own], axis=-1))
    if found.between.size:
        coords["centre"] = [release.centre for release in releases]
        for k, name in enumerate(BETWEEN):
            arrays[name] = (("chain", "draw"), between[:, k].reshape(shape))
            deviations = found.centre[:, :, k].reshape(*shape, len(releases))
            arrays[name.replace("_sd", "_z")] = (("chain", "draw", "centre"), deviations)
    return xr.Dataset(arrays, coords)


def write_combined(combined: Combined, folder: Path) -> None:
    """Write draws and verdicts into a new folder.

    Raises
    ------
    UsageError
        If the folder is there and not empty, or cannot be written.
    """
    if folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; name a new folder with --out.")
    with refusals_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        bundle.write_dataset(combined.posterior, folder / "posterior.nc")
        told = {
            "centres": list(combined.centres),
            "diagnoses": list(combined.diagnoses),
            "synthetic": combined.synthetic,
            "trusted": combined.trusted,
            "verdicts": [asdict(verdict) for verdict in combined.verdicts],
        }
        bundle.write_json(folder / "combined.json", json.loads(json.dumps(told)))
