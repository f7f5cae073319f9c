"""``itb-bayes calibrate``: does a model recover truths from data that it made itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from itb_bayes.evaluate.calibration.experiment import Experiment
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import ModelSpec


def calibrate(
    model: str = typer.Argument(..., help="A model file, or @name of a shipped one."),
    out: Path = typer.Option(..., "--out", help="Folder of the replicates and the page."),
    replicates: int = typer.Option(200, "--replicates", help="Data sets to simulate and fit."),
    seed: int = typer.Option(
        1, "--seed", min=0, max=2**32 - 1, help="Everything random derives from it."
    ),
    design: Path | None = typer.Option(
        None, "--design", help="Cohort whose visits are simulated; default: clinic-small."
    ),
    posterior: Path | None = typer.Option(
        None, "--posterior", help="Fit of this model: calibrate its posterior, not the prior."
    ),
    draws: int | None = typer.Option(
        None, "--draws", help="Kept draws per chain of each fit (500; regimes: 150)."
    ),
    tune: int | None = typer.Option(
        None, "--tune", help="Warm-up draws per chain of each fit (500; regimes: 100)."
    ),
    workers: int = typer.Option(
        2, "--workers", help="Local Dask workers; 0: this process, without Dask."
    ),
    scheduler: str = typer.Option("", "--scheduler", help="Address of a Dask scheduler."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress on stderr."),
) -> None:
    """Calibrate a model by simulation: truths from its prior, data from it, fit, ranks of truths.

    Each replicate is kept as it is done: run the same command again after an interrupt, or with
    more --replicates, and it goes on. Neither that nor the number of workers changes a number.
    """
    from itb_bayes.cli.checks import show_checks
    from itb_bayes.errors import UsageError
    from itb_bayes.evaluate.calibration.run import calibrate as run
    from itb_bayes.evaluate.calibration.store import OWN_NAMES
    from itb_bayes.evaluate.calibration.verdict import calibration_checks
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.report.checks_page import write_checks
    from itb_bayes.spec import load_model

    if posterior is not None and design is not None:
        raise UsageError("--posterior brings the design of its fit; leave --design out.")
    place = Workplace(workers, scheduler)
    spec = load_model(model)
    sampler = _sampler(spec, draws, tune)
    experiment, facts, synthetic = _experiment(spec, model, design, posterior, sampler)
    done = run(experiment, out, replicates=replicates, seed=seed, place=place, quiet=quiet)
    results = calibration_checks(done)
    header = _header(spec, facts, synthetic, seed, replicates)
    page = write_checks(results, header, out, beside=OWN_NAMES)
    show_checks(results, header, as_json, page)


def _sampler(spec: "ModelSpec", draws: int | None, tune: int | None) -> Any:
    """Return the settings of a kind of model, changed where asked."""
    from itb_bayes.evaluate.calibration import drift, regimes
    from itb_bayes.inference.settings import SamplerSettings
    from itb_bayes.spec import RegimesSpec

    usual = regimes.SAMPLER if isinstance(spec, RegimesSpec) else drift.SAMPLER
    changed = {"draws": draws, "tune": tune}
    asked = {name: value for name, value in changed.items() if value is not None}
    return SamplerSettings(**{**usual.as_dict(), **asked})


def _experiment(
    spec: "ModelSpec", model: str, design: Path | None, posterior: Path | None, sampler: Any
) -> "tuple[Experiment, list[tuple[str, str]], bool]":
    """Return what is calibrated, facts for the page, and whether its patients are simulated."""
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.errors import ModelError
    from itb_bayes.evaluate.calibration.drift import DriftExperiment
    from itb_bayes.evaluate.calibration.regimes import RegimesExperiment
    from itb_bayes.model.plan import plan_drift
    from itb_bayes.model.regimes_plan import plan_regimes
    from itb_bayes.resources import demo_cohort_dir
    from itb_bayes.spec import DriftSpec, RegimesSpec

    if not isinstance(spec, DriftSpec | RegimesSpec):
        raise ModelError(
            f"models of kind {spec.kind!r} cannot be calibrated by this version: it has no "
            "simulator of their data."
        )
    if posterior is not None:
        return _posterior_experiment(spec, model, posterior, sampler)
    cohort = Cohort.read(demo_cohort_dir() if design is None else design)
    experiment: Experiment
    if isinstance(spec, DriftSpec):
        drift = plan_drift(spec, cohort)
        read, n_patient = f"{drift.panel.n_visit} readings", drift.n_patient
        experiment = DriftExperiment(spec, drift, sampler)
    else:
        regimes = plan_regimes(spec, cohort)
        read, n_patient = f"{regimes.t_years.size} days of record", regimes.n_patient
        experiment = RegimesExperiment(spec, regimes, sampler)
    facts = [
        ("Truths from the", "prior"),
        ("Design", f"{cohort.name}: {n_patient} patients, {read}"),
    ]
    return experiment, facts, cohort.synthetic


def _posterior_experiment(
    spec: "ModelSpec", model: str, posterior: Path, sampler: Any
) -> "tuple[Experiment, list[tuple[str, str]], bool]":
    from itb_bayes.errors import ModelError, UsageError
    from itb_bayes.evaluate.calibration.drift import DriftPosteriorExperiment
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.spec import DriftSpec

    if not isinstance(spec, DriftSpec):
        raise ModelError(
            f"posteriors of kind {spec.kind!r} cannot be calibrated by this version; leave "
            "--posterior out to calibrate under the prior."
        )
    fitted = Fit.load(posterior)
    fitted.require_gate()
    if fitted.spec.digest != spec.digest:
        raise UsageError(
            f"{posterior} is a fit of another model ({fitted.spec.name} "
            f"{fitted.spec.digest[:12]}) than {model} ({spec.digest[:12]})."
        )
    text = f"posterior of run {fitted.run_id} on cohort {fitted.manifest['cohort']}"
    facts = [("Truths from the", text), ("Design", "that of the fit, patients doubled")]
    return DriftPosteriorExperiment(fitted, sampler), facts, fitted.synthetic


def _header(
    spec: "ModelSpec", facts: list[tuple[str, str]], synthetic: bool, seed: int, replicates: int
) -> "PageHeader":
    from itb_bayes import __version__
    from itb_bayes.evaluate.calibration.experiment import N_RANKED
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import explain

    return PageHeader(
        stem="calibration",
        title=f"Simulation-based calibration of model {spec.name}",
        synthetic=synthetic,
        gate_failures=None,
        facts=(
            *facts,
            ("Replicates", f"{replicates}, each ranked among {N_RANKED} posterior draws"),
        ),
        model_text=explain(spec).text,
        reproduction=(
            ("Model", f"{spec.name} {spec.version}, {spec.digest}"),
            ("Seed", str(seed)),
            ("Version", f"itb-bayes {__version__}"),
        ),
    )
