"""``itb-bayes evaluate``: are the numbers right on records that were not fitted."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itb_bayes.checks.result import CheckResult
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.inference.settings import SamplerSettings
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import DriftSpec, ModelSpec

Facts = list[tuple[str, str]]


def evaluate(
    model: str = typer.Argument(
        ..., help="A model file or @name; or the folder of a regimes fit of other patients."
    ),
    cohort: Path = typer.Argument(..., help="Folder or workbook of the cohort."),
    out: Path = typer.Option(..., "--out", help="Folder of the page and its tables."),
    by: str = typer.Option(
        "patients", "--by", help="What is left out of each fit: time, patients or centres."
    ),
    folds: int = typer.Option(5, "--folds", help="Parts of the patients (--by patients)."),
    origins: int = typer.Option(3, "--origins", help="Forecasts of each patient, a year apart."),
    seed: int = typer.Option(
        1, "--seed", min=0, max=2**32 - 1, help="Everything random derives from it."
    ),
    profile: str = typer.Option("quick", "--profile", help="quick, standard or paper."),
    workers: int = typer.Option(
        2, "--workers", help="Local Dask workers; 0: this process, without Dask."
    ),
    scheduler: str = typer.Option("", "--scheduler", help="Address of a Dask scheduler."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress on stderr."),
) -> None:
    """Judge a model on what it was not fitted to; prints verdicts and writes evaluation.html.

    Fits leave out the patients, centres or times that are judged, and a forecast sees nothing of
    its patient after its date. Intervals are over resampled patients.
    """
    from itb_bayes.cli.checks import show_checks
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.errors import ModelError
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.inference.settings import profile_settings
    from itb_bayes.report.checks_page import check_target, write_checks
    from itb_bayes.spec import DriftSpec, load_model

    place = Workplace(workers, scheduler)
    sampler = profile_settings(profile, seed=seed)
    check_target(out, "evaluation")
    data = Cohort.read(cohort)
    spec = load_model(model)
    if not isinstance(spec, DriftSpec):
        raise ModelError(f"models of kind {spec.kind!r} cannot be cross-validated by this version.")
    results, facts = _cross_validate(spec, data, (by, folds, origins), sampler, place, quiet)
    header = _header(spec, data, facts, seed)
    page = write_checks(results, header, out)
    show_checks(results, header, as_json, page)


def _cross_validate(
    spec: "DriftSpec", data: "Cohort", layout: tuple[str, int, int], sampler: "SamplerSettings",
    place: "Workplace", quiet: bool,
) -> "tuple[Sequence[CheckResult], Facts]":  # fmt: skip
    from itb_bayes.evaluate.crossval.drift import DriftFolds, run_fold
    from itb_bayes.evaluate.crossval.folds import make_folds
    from itb_bayes.evaluate.crossval.scores import forecast_checks
    from itb_bayes.evaluate.distribute import run_tasks
    from itb_bayes.inference.progress import Progress
    from itb_bayes.model.plan import plan_drift

    by, count, origins = layout
    plan = plan_drift(spec, data)
    folds = make_folds(plan, by, count, origins, sampler.seed)
    shared = DriftFolds(spec, plan, tuple(folds), sampler)
    progress = Progress("folds", len(folds), quiet=quiet)
    done = {}
    for number, outcome in run_tasks(run_fold, shared, range(len(folds)), place):
        done[number] = outcome
        progress.update(len(done))
    progress.finish()
    said = {
        "time": "earlier origins: every fit sees all patients up to years before their last record",
        "patients": f"{count} parts of the patients: every fit sees the other parts only",
        "centres": "centres: every fit sees the other centres only",
    }
    beside = (
        "the dose as it is, give or take a typical year's change; and each patient's own line with "
        "independent readings"
    )
    forecasts = sum(fold.target.size for fold in folds)
    facts = [
        ("Patients", f"{plan.n_patient}, {plan.panel.n_visit} dose readings"),
        ("Left out", said[by]),
        ("Forecasts", f"{forecasts}, each of the dose one year after its date"),
        ("Beside them", beside),
        ("Intervals", "95 %, over 1,000 resamples of patients"),
    ]
    return forecast_checks([done[k] for k in sorted(done)], sampler.seed), facts


def _header(spec: "ModelSpec", data: "Cohort", facts: Facts, seed: int) -> "PageHeader":
    from itb_bayes import __version__
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import explain

    return PageHeader(
        stem="evaluation",
        title=f"Evaluation of model {spec.name} on cohort {data.name}",
        synthetic=data.synthetic,
        gate_failures=None,
        facts=(
            ("Cohort", f"{data.name}{' (synthetic)' if data.synthetic else ''}"),
            *facts,
        ),
        model_text=explain(spec).text,
        reproduction=(
            ("Model", f"{spec.name} {spec.version}, {spec.digest}"),
            ("Cohort", data.fingerprint),
            ("Seed", str(seed)),
            ("Version", f"itb-bayes {__version__}"),
        ),
    )
