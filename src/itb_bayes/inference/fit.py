"""Fitting a model to a cohort; writes the fit bundle."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError, UsageError
from itb_bayes.inference import bundle
from itb_bayes.inference.gate import GateReport, judge
from itb_bayes.inference.jax_model import compile_with_jax, require_jax
from itb_bayes.inference.machinery import Machinery, load_fit, machinery_of
from itb_bayes.inference.progress import Progress
from itb_bayes.inference.sampling import (
    ChainBatch,
    SamplingInterrupted,
    chain_batches,
    check_complete,
    compile_model,
    in_coordinates,
    join_batches,
    sample_batch,
)
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.spec import ModelSpec
from itb_bayes.storage import refusals_in_words


def fit(
    spec: ModelSpec,
    cohort: Cohort,
    settings: SamplerSettings,
    out: Path | str,
    *,
    until_years: Mapping[str, float] | None = None,
    force: bool = False,
    quiet: bool = False,
    as_of: str = "the last record of each patient",
    command: tuple[str, ...] = (),
) -> Any:
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
    as_of : str
        What ``until_years`` means, in words; kept with the fit and printed.
    command : tuple of str
        Command line to record.

    Returns
    -------
    Fit or RegimesFit
        By the kind of the model.

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
    machinery = machinery_of(spec)
    if settings.backend == "jax":
        if machinery.build_on_arrays is None:
            raise ModelError(
                f"--backend jax is for models of kind 'regimes', not {spec.kind!r}: those take "
                "milliseconds a gradient at ten thousand patients. Leave --backend out."
            )
        require_jax()
    plan = machinery.plan(spec, cohort, until_years=until_years)
    data = machinery.digest(plan)
    run = bundle.run_digest(f"{spec.digest}/{machinery.revision}", data, settings.as_dict())
    working = out.with_name(f".{out.name}.{run[:12]}.part")
    try:
        working.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write in {out.parent}: {error.strerror}.") from None
    with bundle.exclusive(working), refusals_in_words(out.parent):
        if bundle.is_finished(working, run):  # killed when only the last step was left
            bundle.publish(working, out, force)
            return load_fit(out)
        draws = _sample_resumable(spec, plan, settings, working, quiet)
        gate = _judge(spec, plan, draws, settings, quiet)
        manifest = _manifest(spec, cohort, settings, gate, (data, run), command)
        manifest |= {
            "model_revision": machinery.revision,
            "n_set_aside": machinery.n_set_aside(plan),
        }
        manifest["wall_seconds"] = round(time.monotonic() - started, 1)
        manifest["as_of"] = as_of
        _write(machinery, spec, plan, draws, gate, manifest, working)
        bundle.publish(working, out, force)
    return machinery.fit_class(spec, plan, draws, gate, manifest)


def _write(
    machinery: Machinery,
    spec: ModelSpec,
    plan: Any,
    draws: xr.DataTree,
    gate: GateReport,
    manifest: Mapping[str, Any],
    working: Path,
) -> None:
    bundle.write_json(working / bundle.MODEL_FILE, spec.canonical())
    machinery.write(plan, working)
    bundle.write_tree(draws, working / bundle.DRAWS_FILE)
    bundle.write_json(
        working / bundle.DIAGNOSTICS_FILE,
        {"passed": gate.passed, "criteria": [vars(c) for c in gate.criteria]},
    )
    machinery.write_set_aside(plan, working)
    bundle.seal(working, dict(manifest))


def _manifest(
    spec: ModelSpec,
    cohort: Cohort,
    settings: SamplerSettings,
    gate: GateReport,
    digests: tuple[str, str],
    command: tuple[str, ...],
) -> dict[str, Any]:
    data, run = digests
    return {
        "model": spec.digest,
        "data": data,
        "run": run,
        "model_name": spec.name,
        "model_version": spec.version,
        "cohort": cohort.name,
        "cohort_fingerprint": cohort.fingerprint,
        "synthetic": cohort.synthetic,
        "settings": settings.as_dict(),
        "versions": bundle.versions(settings.backend),
        "command": list(command),
        "gate_passed": gate.passed,
    }


def _judge(
    spec: ModelSpec, plan: Any, draws: xr.DataTree, settings: SamplerSettings, quiet: bool
) -> GateReport:
    """Judge parameters, and everything that the kind of model reports."""
    posterior = draws["posterior"].to_dataset()
    return judge(draws, machinery_of(spec).reported(spec, plan, posterior, settings, quiet))


def _sample_resumable(
    spec: ModelSpec, plan: Any, settings: SamplerSettings, working: Path, quiet: bool
) -> xr.DataTree:
    chains = working / bundle.CHAINS_FOLDER
    chains.mkdir(exist_ok=True)
    batches = chain_batches(settings)
    missing = [
        batch for batch in batches if _finished(_chain_file(chains, batch), settings, batch) is None
    ]
    if missing:
        if len(missing) < len(batches) and not quiet:
            sys.stderr.write(f"going on from {missing[0].first} finished chains\n")
        compiling = Progress("compiling the model", 0, quiet=quiet)
        if not quiet:
            sys.stderr.write("compiling the model: a second, up to a minute the first time\n")
        compiled = _compile(spec, plan, settings)
        compiling.finish()
        if settings.metric != "diagonal" and not quiet:
            sys.stderr.write("finding the mode of the posterior\n")
        target = in_coordinates(compiled, settings)
        per_chain = settings.tune + settings.draws
        progress = Progress("sampling", settings.chains * per_chain, quiet=quiet)
        for batch in missing:
            before = batch.first * per_chain

            def report(done: int, divergent: int, before: int = before) -> None:
                progress.update(before + done, f"{divergent} divergences" if divergent else "")

            bundle.write_tree(
                sample_batch(target, settings, batch, report), _chain_file(chains, batch)
            )
        progress.finish()
    return join_batches([bundle.read_tree(_chain_file(chains, batch)) for batch in batches])


def _compile(spec: ModelSpec, plan: Any, settings: SamplerSettings) -> Any:
    """Compile the model by what the settings ask for."""
    machinery = machinery_of(spec)
    if settings.backend == "jax" and machinery.build_on_arrays is not None:
        return compile_with_jax(machinery.build_on_arrays(spec, plan))
    return compile_model(machinery.build(spec, plan))


def _finished(path: Path, settings: SamplerSettings, batch: ChainBatch) -> xr.DataTree | None:
    """Return a finished batch of chains; a file that is broken or incomplete is taken away."""
    if not path.exists():
        return None
    try:
        return check_complete(bundle.read_tree(path), settings, batch.size)
    except (OSError, ValueError, KeyError, SamplingInterrupted):
        path.unlink()
        return None


def _chain_file(chains: Path, batch: ChainBatch) -> Path:
    return chains / f"chains-{batch.first}.nc"
