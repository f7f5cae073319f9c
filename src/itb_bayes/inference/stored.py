"""What fits of every kind have in common once they are on disk."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import xarray as xr

from itb_bayes.errors import GateError, ModelError
from itb_bayes.inference import bundle
from itb_bayes.inference.gate import Criterion, GateReport
from itb_bayes.inference.plan_store import IDENTIFYING_FILES
from itb_bayes.spec import ModelSpec


@dataclass(frozen=True, eq=False)
class StoredFit[SpecT: ModelSpec, PlanT]:
    """A fitted model of some kind.

    Attributes
    ----------
    spec : ModelSpec
    plan
        What was fitted.
    draws : xarray.DataTree
        Groups ``posterior`` (model scale) and ``sample_stats``.
    gate : GateReport
    manifest : dict
        Digests, versions, settings, labels.
    """

    spec: SpecT
    plan: PlanT
    draws: xr.DataTree
    gate: GateReport
    manifest: Mapping[str, Any]

    unconverged_help: ClassVar[str] = (
        "`itb-bayes check` shows where chains disagree. `risk` and `report` print numbers marked "
        "as not to be used under --allow-unconverged."
    )
    """What may be done with a fit that did not pass its gate; shown with the failures."""

    @property
    def posterior(self) -> xr.Dataset:
        """Draws of the population parameters."""
        return self.draws["posterior"].to_dataset()

    @property
    def synthetic(self) -> bool:
        """Whether the cohort was simulated; every output says so."""
        return bool(self.manifest["synthetic"])

    @property
    def run_id(self) -> str:
        """Short name of the run: the first digits of its digest."""
        return str(self.manifest["run"])[:12]

    @property
    def seed(self) -> int:
        """Seed that everything random in the fit derives from."""
        return int(self.manifest["settings"]["seed"])

    def require_gate(self, allow_unconverged: bool = False) -> bool:
        """Return whether the gate was passed.

        Raises
        ------
        GateError
            If it was not and ``allow_unconverged`` is false.
        """
        if self.gate.passed or allow_unconverged:
            return self.gate.passed
        raise GateError(
            f"fit {self.run_id} ({self.spec.name}) did not pass its convergence gate; no numbers "
            "are given.\n  "
            + "\n  ".join(self.gate.failures())
            + "\nFit again with --profile paper (longer, and with smaller steps against "
            f"divergences) and --force; {self.unconverged_help}"
        )


def thin(posterior: xr.Dataset, per_chain: int) -> xr.Dataset:
    """Return at most ``per_chain`` evenly spaced draws of each chain."""
    every = -(-posterior.sizes["draw"] // per_chain)
    return posterior.isel(draw=slice(every - 1, None, every))


def open_fit(folder: Path) -> tuple[Mapping[str, Any], ModelSpec]:
    """Return manifest and model of a fit whose files are those that were written.

    Raises
    ------
    UsageError
        If the folder is no fit, or any file differs from what was written.
    """
    manifest = bundle.open_manifest(folder, optional=IDENTIFYING_FILES)
    return manifest, ModelSpec.from_canonical(_read_json(folder / bundle.MODEL_FILE))


def read_fit(
    fit_class: Callable[..., Any],
    folder: Path,
    opened: tuple[Mapping[str, Any], Any],
    revision: int,
    read_plan: Callable[[Path], Any],
) -> Any:
    """Return the fit in a folder that :func:`open_fit` has opened.

    Raises
    ------
    ModelError
        If it names another model than it holds, or was made by another revision of the model.
    """
    manifest, spec = opened
    if spec.digest != manifest["model"]:
        raise ModelError(f"{folder} names another model than it holds; fit again.")
    if manifest.get("model_revision") != revision:
        raise ModelError(
            f"{folder} was sampled by another version of the model, whose parameters mean "
            "something else; fit again."
        )
    diagnostics = _read_json(folder / bundle.DIAGNOSTICS_FILE)
    return fit_class(
        spec=spec,
        plan=read_plan(folder),
        draws=bundle.read_tree(folder / bundle.DRAWS_FILE),
        gate=GateReport(tuple(Criterion(**c) for c in diagnostics["criteria"])),
        manifest=manifest,
    )


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
