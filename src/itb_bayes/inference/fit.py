"""Fitting a model to a cohort, and fits on disk."""

import json
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import GateError, ModelError
from itb_bayes.inference import bundle, plan_store
from itb_bayes.inference.estimands import drift_estimands
from itb_bayes.inference.gate import Criterion, GateReport, judge
from itb_bayes.inference.patients import PatientDraws, draw_patients
from itb_bayes.inference.population import PopulationDraws, population_draws
from itb_bayes.inference.progress import Progress
from itb_bayes.inference.sampling import (
    ChainBatch,
    chain_batches,
    compile_model,
    join_batches,
    sample_batch,
)
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.drift import REVISION, build_drift
from itb_bayes.model.plan import DriftPlan, plan_drift
from itb_bayes.spec import DriftSpec, ModelSpec

PATIENT_DRAWS_PER_CHAIN = 500
"""Posterior draws per chain used for patients' conditionals (which are exact given a draw)."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes
    ----------
    spec : DriftSpec
    plan : DriftPlan
    draws : xarray.DataTree
        Groups ``posterior`` (model scale) and ``sample_stats``.
    gate : GateReport
    manifest : dict
        Digests, versions, settings, labels.
    """

    spec: DriftSpec
    plan: DriftPlan
    draws: xr.DataTree
    gate: GateReport
    manifest: Mapping[str, Any]

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

    @cached_property
    def estimands(self) -> xr.Dataset:
        """Population estimands per draw; see :func:`drift_estimands`."""
        return drift_estimands(self.spec, self.plan, self.posterior)

    @cached_property
    def thinned(self) -> PopulationDraws:
        """Population parameters of the draws used for patients."""
        return population_draws(self.spec, self.plan, thin(self.posterior))

    def patients(self, horizons_months: tuple[float, ...] = (12.0,)) -> PatientDraws:
        """Draw the patients' effects and futures from their exact conditionals."""
        return draw_patients(self.plan, self.thinned, self.seed, horizons_months)

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
            "the fit did not pass its convergence gate; no numbers are given.\n  "
            + "\n  ".join(self.gate.failures())
            + "\nSample longer (--profile paper, or --draws and --tune), or look at `itb-bayes "
            "check`. --allow-unconverged prints numbers marked as not to be used."
        )

    @classmethod
    def load(cls, folder: Path | str) -> "Fit":
        """Load a fit and verify it.

        Raises
        ------
        UsageError
            If the folder is no fit, or any file differs from what was written.
        """
        folder = Path(folder)
        manifest = bundle.open_manifest(folder, optional=plan_store.IDENTIFYING_FILES)
        spec = ModelSpec.from_canonical(_read_json(folder / bundle.MODEL_FILE))
        if not isinstance(spec, DriftSpec):
            raise ModelError(f"this version cannot read fits of kind {spec.kind!r}.")
        if manifest.get("model_revision") != REVISION:
            raise ModelError(
                f"{folder} was sampled by another version of the model, whose parameters mean "
                "something else; fit again."
            )
        diagnostics = _read_json(folder / bundle.DIAGNOSTICS_FILE)
        return cls(
            spec=spec,
            plan=plan_store.read_plan(folder),
            draws=bundle.read_tree(folder / bundle.DRAWS_FILE),
            gate=GateReport(tuple(Criterion(**c) for c in diagnostics["criteria"])),
            manifest=manifest,
        )


def thin(posterior: xr.Dataset) -> xr.Dataset:
    """Return at most :data:`PATIENT_DRAWS_PER_CHAIN` evenly spaced draws of each chain."""
    every = -(-posterior.sizes["draw"] // PATIENT_DRAWS_PER_CHAIN)
    return posterior.isel(draw=slice(every - 1, None, every))


def fit(
    spec: ModelSpec,
    cohort: Cohort,
    settings: SamplerSettings,
    out: Path | str,
    *,
    until_years: Mapping[str, float] | None = None,
    force: bool = False,
    quiet: bool = False,
    command: tuple[str, ...] = (),
) -> Fit:
    """Fit a model to a cohort and write the fit bundle.

    Chains are written as they finish; a fit that was interrupted goes on from the finished chains
    when the same fit is asked for again.

    Parameters
    ----------
    spec : ModelSpec
    cohort : Cohort
    settings : SamplerSettings
    out : path
        Folder of the bundle.
    until_years : mapping, optional
        As-of time of each patient.
    force : bool
        Replace a fit that is there.
    quiet : bool
        No progress on stderr.
    command : tuple of str
        Command line to record.

    Raises
    ------
    ModelError
        If the model does not suit the cohort.
    UsageError
        If ``out`` cannot be used.
    """
    out = Path(out).absolute()
    bundle.prepare_target(out, force)
    started = time.monotonic()
    if not isinstance(spec, DriftSpec):
        raise ModelError(f"models of kind {spec.kind!r} cannot be fitted by this version.")
    plan = plan_drift(spec, cohort, until_years=until_years)
    data = plan_store.plan_digest(plan)
    run = bundle.run_digest(f"{spec.digest}/{REVISION}", data, settings.as_dict())
    working = out.with_name(f".{out.name}.{run[:12]}.part")
    working.mkdir(mode=0o700, exist_ok=True)
    draws = _sample_resumable(spec, plan, settings, working, quiet)
    gate = _judge(spec, plan, draws, settings, quiet)
    bundle.write_json(working / bundle.MODEL_FILE, spec.canonical())
    plan_store.write_plan(plan, working)
    bundle.write_tree(draws, working / bundle.DRAWS_FILE)
    bundle.write_json(
        working / bundle.DIAGNOSTICS_FILE,
        {"passed": gate.passed, "criteria": [vars(c) for c in gate.criteria]},
    )
    manifest = {
        "model": spec.digest,
        "data": data,
        "run": run,
        "model_name": spec.name,
        "model_version": spec.version,
        "model_revision": REVISION,
        "cohort": cohort.name,
        "cohort_fingerprint": cohort.fingerprint,
        "synthetic": cohort.synthetic,
        "settings": settings.as_dict(),
        "versions": bundle.versions(),
        "command": list(command),
        "wall_seconds": round(time.monotonic() - started, 1),
        "gate_passed": gate.passed,
        "n_set_aside": len(plan.series.set_aside),
    }
    plan_store.write_set_aside(plan, working)
    bundle.seal(working, manifest)
    shutil.rmtree(working / "chains")
    bundle.publish(working, out)
    return Fit(spec, plan, draws, gate, manifest)


def _judge(
    spec: DriftSpec, plan: DriftPlan, draws: xr.DataTree, settings: SamplerSettings, quiet: bool
) -> GateReport:
    """Judge parameters, population estimands, and every patient's drift and rise probability."""
    posterior = draws["posterior"].to_dataset()
    kept = thin(posterior)
    progress = Progress("patients", plan.n_patient, quiet=quiet)
    patients = draw_patients(
        plan, population_draws(spec, plan, kept), settings.seed, on_patient=progress.update
    )
    shape = (kept.sizes["chain"], kept.sizes["draw"], plan.n_patient)
    reported = xr.Dataset(
        {
            "drift_mean": (("chain", "draw", "patient"), patients.drift_mean.reshape(shape)),
            "p_rise": (("chain", "draw", "patient"), patients.p_rise[..., 0].reshape(shape)),
        }
    )
    progress.finish()
    return judge(
        draws,
        {
            "population estimands": drift_estimands(spec, plan, posterior),
            "patient quantities": reported,
        },
    )


def _sample_resumable(
    spec: DriftSpec, plan: DriftPlan, settings: SamplerSettings, working: Path, quiet: bool
) -> xr.DataTree:
    chains = working / "chains"
    chains.mkdir(exist_ok=True)
    batches = chain_batches(settings)
    missing = [batch for batch in batches if not _chain_file(chains, batch).exists()]
    if missing:
        if len(missing) < len(batches) and not quiet:
            sys.stderr.write(f"going on from {missing[0].first} finished chains\n")
        compiling = Progress("compiling the model", 0, quiet=quiet)
        compiled = compile_model(build_drift(spec, plan))
        compiling.finish()
        per_chain = settings.tune + settings.draws
        progress = Progress("sampling", settings.chains * per_chain, quiet=quiet)
        for batch in missing:
            before = batch.first * per_chain

            def report(done: int, divergent: int, before: int = before) -> None:
                progress.update(before + done, f"{divergent} divergences" if divergent else "")

            bundle.write_tree(
                sample_batch(compiled, settings, batch, report), _chain_file(chains, batch)
            )
        progress.finish()
    return join_batches([bundle.read_tree(_chain_file(chains, batch)) for batch in batches])


def _chain_file(chains: Path, batch: ChainBatch) -> Path:
    return chains / f"chains-{batch.first}.nc"


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
