"""``itb-bayes evaluate``: are the numbers right on records that were not fitted."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itb_bayes.checks.result import CheckResult
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.inference.settings import SamplerSettings
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import DriftSpec, ModelSpec, RegimesSpec

Facts = list[tuple[str, str]]


def evaluate(
    model: str = typer.Argument(
        ..., help="A model file or @name; or the folder of a regimes fit to other patients."
    ),
    cohort: Path = typer.Argument(
        ..., help="Folder or workbook of the cohort; for a fit, a cohort in parts too."
    ),
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
    its patient after its date. Intervals are over resampled patients. A cohort in parts is judged
    part by part; run again after an interrupt, it goes on.
    """
    from itb_bayes.cli.checks import show_checks
    from itb_bayes.cli.evaluate_parts import evaluate_parts
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.cohort.partitions import is_partitioned
    from itb_bayes.errors import ModelError
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.inference.settings import profile_settings
    from itb_bayes.report.checks_page import check_target, write_checks
    from itb_bayes.spec import DriftSpec, RegimesSpec, load_model

    place = Workplace(workers, scheduler)
    profile_settings(profile)  # an unknown one is refused before anything is read
    if is_partitioned(cohort):
        evaluate_parts(model, cohort, out, seed, place, as_json, quiet)
        return
    check_target(out, "evaluation")
    data = Cohort.read(cohort)
    results: Sequence[CheckResult]
    if Path(model).is_dir():
        spec, results, facts = _judge_fit(Path(model), data, cohort, seed)
    else:
        spec = load_model(model)
        sampler = profile_settings(profile, spec.kind, seed=seed)
        if isinstance(spec, DriftSpec):
            layout = (by, folds, origins)
            results, facts = _cross_validate(spec, data, layout, sampler, place, quiet)
        elif isinstance(spec, RegimesSpec):
            results, facts = _cross_explain(spec, data, cohort, (by, folds), sampler, place, quiet)
        else:
            raise ModelError(
                f"models of kind {spec.kind!r} cannot be cross-validated by this version."
            )
    header = evaluation_header(spec, (data.name, data.synthetic, data.fingerprint), facts, seed)
    page = write_checks(results, header, out)
    show_checks(results, header, as_json, page)


def _judge_fit(
    folder: Path, data: "Cohort", source: Path, seed: int
) -> "tuple[ModelSpec, Sequence[CheckResult], Facts]":
    """Judge a fit's explanations of patients that it has not seen."""
    from itb_bayes.errors import UsageError
    from itb_bayes.evaluate.explanations.filtered import ExplanationFold, filtered_probabilities
    from itb_bayes.evaluate.explanations.own import count_own, marks_of
    from itb_bayes.evaluate.explanations.reference import reference_of
    from itb_bayes.evaluate.explanations.scores import explanation_checks
    from itb_bayes.model.regimes_plan import plan_scoring

    fitted = load_judged_fit(folder)
    plan = plan_scoring(fitted.plan, data)
    own = count_own(plan, marks_of(fitted.plan))
    if own or fitted.manifest["cohort_fingerprint"] == data.fingerprint:
        raise UsageError(
            f"{folder} was fitted to {own or 'all'} of these {len(data.patients)} patients, who "
            "cannot judge it. Name another cohort, or the model file, to fit again without the "
            "patients that are judged."
        )
    reference = reference_of(data, source)
    scores, unreliable = filtered_probabilities(plan, fitted.posterior)
    fold = ExplanationFold(f"run {fitted.run_id}", scores, unreliable, float("nan"), 0)
    facts = [
        fit_fact(fitted),
        *explanation_facts(str(len(data.patients)), reference.definition),
    ]
    return fitted.spec, explanation_checks(data, reference, [fold], seed), facts


def load_judged_fit(folder: Path) -> "RegimesFit":
    """Load a fit whose explanations of other patients are judged.

    Raises
    ------
    UsageError
        If it is not of kind regimes.
    GateError
        If it did not pass its gate.
    """
    from itb_bayes.errors import UsageError
    from itb_bayes.inference.machinery import load_fit
    from itb_bayes.inference.regimes_fitted import RegimesFit

    fitted = load_fit(folder)
    if not isinstance(fitted, RegimesFit):
        raise UsageError(
            f"{folder} is a fit of kind {fitted.spec.kind!r}; name its model file instead: it is "
            "judged by fitting again without what is forecast."
        )
    fitted.require_gate()
    return fitted


def fit_fact(fitted: "RegimesFit") -> tuple[str, str]:
    """Return the line about where the parameters come from."""
    return (
        "Parameters",
        f"fit {fitted.run_id} of cohort {fitted.manifest['cohort']}, not fitted again",
    )


def _cross_explain(
    spec: "RegimesSpec", data: "Cohort", source: Path, layout: tuple[str, int],
    sampler: "SamplerSettings", place: "Workplace", quiet: bool,
) -> "tuple[Sequence[CheckResult], Facts]":  # fmt: skip
    """Fit without some patients, and judge their explanations, in turn."""
    from itb_bayes.evaluate.distribute import run_tasks
    from itb_bayes.evaluate.explanations.filtered import (
        RegimesFolds,
        leave_out_patients,
        run_fold,
    )
    from itb_bayes.evaluate.explanations.reference import reference_of
    from itb_bayes.evaluate.explanations.scores import explanation_checks
    from itb_bayes.inference.progress import Progress
    from itb_bayes.model.regimes_plan import plan_regimes

    by, count = layout
    reference = reference_of(data, source)
    plan = plan_regimes(spec, data)
    left_out, names = leave_out_patients(plan, by, count, sampler.seed)
    shared = RegimesFolds(spec, plan, left_out, names, sampler)
    progress = Progress("folds", len(names), quiet=quiet)
    done = {}
    for number, fold in run_tasks(run_fold, shared, range(len(names)), place):
        done[number] = fold
        progress.update(len(done))
    progress.finish()
    facts = [
        ("Left out", f"{len(names)} parts by {by}: every fit sees the other parts only"),
        *explanation_facts(str(len(data.patients)), reference.definition),
    ]
    folds = [done[k] for k in sorted(done)]
    return explanation_checks(data, reference, folds, sampler.seed), facts


def explanation_facts(patients: str, definition: str) -> Facts:
    """Return the lines about how explanations are judged."""
    return [
        ("Patients", patients),
        ("Reference standard", definition),
        (
            "Probabilities",
            "filtered: at each visit only records up to it, population draws weighted by them",
        ),
        ("Intervals", "95 %, over resamples of patients"),
    ]


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


def evaluation_header(
    spec: "ModelSpec", cohort: tuple[str, bool, str], facts: Facts, seed: int
) -> "PageHeader":
    """Return the head of an evaluation's page.

    Parameters
    ----------
    spec : ModelSpec
    cohort : tuple of str, bool, str
        Name, whether it is synthetic, and the digest of its records.
    facts : list of tuple of str
    seed : int
    """
    from itb_bayes import __version__
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import explain

    name, synthetic, digest = cohort
    return PageHeader(
        stem="evaluation",
        title=f"Evaluation of model {spec.name} on cohort {name}",
        synthetic=synthetic,
        gate_failures=None,
        facts=(
            ("Cohort", f"{name}{' (synthetic)' if synthetic else ''}"),
            *facts,
        ),
        model_text=explain(spec).text,
        reproduction=(
            ("Model", f"{spec.name} {spec.version}, {spec.digest}"),
            ("Cohort", digest),
            ("Seed", str(seed)),
            ("Version", f"itb-bayes {__version__}"),
        ),
    )
