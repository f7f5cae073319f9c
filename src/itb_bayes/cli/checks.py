"""``itb-bayes check`` and ``itb-bayes prior``: whether to believe a fit, and a model before it."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itb_bayes.checks.result import CheckResult
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.model.plan import DriftPlan
    from itb_bayes.model.regimes_plan import RegimesPlan
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import DriftSpec


def check(
    fit: Path = typer.Argument(..., help="Folder of a fit."),
    out: Path | None = typer.Option(
        None, "--out", help="Folder of the page and its source data; default <FIT>-checks."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress on stderr."),
) -> None:
    """Check a fit: convergence, priors against posteriors, predictive checks, forecasts.

    Prints the verdicts, failed ones first, and writes checks.html, checks.json and CSV files.
    Exit code 0 whatever the checks say, 5 if the convergence gate was not passed.
    """
    from itb_bayes.checks.suite import check_fit
    from itb_bayes.errors import GateError
    from itb_bayes.inference.machinery import load_patient_fit
    from itb_bayes.report.checks_page import check_target, write_checks

    fitted = load_patient_fit(fit)
    target = out if out is not None else fit.resolve().with_name(f"{fit.resolve().name}-checks")
    check_target(target, "checks")
    results = check_fit(fitted, quiet=quiet)
    header = fit_header(fitted)
    page = write_checks(results, header, target)
    show_checks(results, header, as_json, page)
    if not fitted.gate.passed:
        typer.echo("the fit did not pass its convergence gate: use no number of it.", err=True)
        raise typer.Exit(GateError.exit_code)


def prior(
    model: str = typer.Argument(..., help="A model file, or @name of a shipped one."),
    cohort: Path = typer.Argument(..., help="Folder or workbook of the cohort."),
    out: Path | None = typer.Option(None, "--out", help="Folder of a page; default: none."),
    seed: int = typer.Option(1, "--seed", min=0, max=2**32 - 1, help="Seed of the simulation."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Show what a model's priors predict for a cohort's design, before any fit.

    The cohort's doses are not looked at: only when they were read, and of whom.
    """
    from itb_bayes.checks.prior_predictive import prior_checks
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.errors import ModelError
    from itb_bayes.model.plan import plan_drift
    from itb_bayes.report.checks_page import check_target, write_checks
    from itb_bayes.spec import DriftSpec, load_model

    spec = load_model(model)
    if not isinstance(spec, DriftSpec):
        raise ModelError(
            f"models of kind {spec.kind!r} have no prior checks in this version; `itb-bayes model "
            f"explain {model}` shows their priors."
        )
    if out is not None:
        check_target(out, "prior")
    data = Cohort.read(cohort)
    plan = plan_drift(spec, data)
    results = prior_checks(spec, plan, seed)
    header = prior_header(spec, plan, data, seed)
    page = write_checks(results, header, out) if out is not None else None
    show_checks(results, header, as_json, page)


def fit_header(fitted: "Fit | RegimesFit") -> "PageHeader":
    """Return what stands above and below the checks of a fit."""
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import explain

    manifest, plan = fitted.manifest, fitted.plan
    settings, versions = manifest["settings"], manifest["versions"]
    integrated = (
        "patient effects and volatilities integrated out exactly"
        if isinstance(fitted, Fit)
        else "regimes and requirements of all patients integrated out by the switching filter, "
        "which collapses each regime to one Gaussian (its error: docs, regimes-collapse-error)"
    )
    sampler = (
        f"NUTS, {settings['chains']} chains of {settings['draws']} draws after "
        f"{settings['tune']} of warm-up, target acceptance {settings['target_accept']:g}; "
        f"{integrated}"
    )
    facts = (
        ("Cohort", f"{manifest['cohort']}{' (synthetic)' if fitted.synthetic else ''}"),
        *_design_facts(plan),
        ("Set aside", f"{manifest['n_set_aside']} readings or patients (set_aside.csv of the fit)"),
        ("Sampler", sampler),
        ("Wall time", f"{manifest['wall_seconds']:g} s"),
        ("Intervals", "equal-tailed, 90 % of the posterior, around the median"),
        (
            "Threshold of a rise",
            "more than 100 µg/day within a year (Heetla 2009); it depends on the level of the dose",
        ),
    )
    reproduction = (
        ("Run", str(manifest["run"])),
        ("Model", f"{fitted.spec.name} {fitted.spec.version}, {manifest['model']}"),
        ("Data", str(manifest["data"])),
        ("Seed", str(settings["seed"])),
        ("Command", " ".join(manifest["command"]) or "not recorded"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    )
    return PageHeader(
        stem="checks",
        title=f"Checks of model {fitted.spec.name} on cohort {manifest['cohort']}",
        synthetic=fitted.synthetic,
        gate_failures=tuple(fitted.gate.failures()),
        facts=facts,
        model_text=explain(fitted.spec).text,
        reproduction=reproduction,
    )


def prior_header(spec: "DriftSpec", plan: "DriftPlan", data: "Cohort", seed: int) -> "PageHeader":
    """Return what stands above and below the checks of priors."""
    from itb_bayes import __version__
    from itb_bayes.checks.prior_predictive import N_DRAW
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import explain

    return PageHeader(
        stem="prior",
        title=f"Priors of model {spec.name} for cohort {data.name}",
        synthetic=data.synthetic,
        gate_failures=None,
        facts=(
            ("Cohort", f"{data.name}{' (synthetic)' if data.synthetic else ''}"),
            *_design_facts(plan),
            ("Simulation", f"{N_DRAW:,} cohorts of this design, each from one draw of the priors"),
        ),
        model_text=explain(spec).text,
        reproduction=(
            ("Model", f"{spec.name} {spec.version}, {spec.digest}"),
            ("Cohort", data.fingerprint),
            ("Seed", str(seed)),
            ("Version", f"itb-bayes {__version__}"),
        ),
    )


def _design_facts(plan: "DriftPlan | RegimesPlan") -> tuple[tuple[str, str], ...]:
    from itb_bayes.model.plan import DriftPlan

    counts = [
        f"{int((plan.diagnosis_index == d).sum())} {name}" for d, name in enumerate(plan.diagnoses)
    ]
    if isinstance(plan, DriftPlan):
        what, t_years = "Dose readings", plan.series.t_years
    else:
        what, t_years = "Days of record", plan.t_years
    return (
        ("Patients", f"{plan.n_patient} ({', '.join(counts)})"),
        (what, f"{t_years.size}, up to year {t_years.max():.1f}"),
        ("Terms", "; ".join(plan.notes)),
    )


def show_checks(
    results: "Sequence[CheckResult]", header: "PageHeader", as_json: bool, page: Path | None
) -> None:
    """Print verdicts, failed ones first, or everything as JSON."""
    from itb_bayes.checks.result import failed_first
    from itb_bayes.cli.output import print_json
    from itb_bayes.report.checks_page import checks_json

    if as_json:
        content = checks_json(results, header)
        print_json(content | {"page": str(page) if page is not None else None})
        return
    if header.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    typer.echo(header.title)
    if header.gate_failures is not None:
        typer.echo("gate: " + ("NOT PASSED" if header.gate_failures else "passed"))
    typer.echo("")
    for result in failed_first(results):
        typer.echo(f"{result.verdict}  {result.name}: {result.summary}")
    failed = sum(result.passed is False for result in results)
    judged = sum(result.passed is not None for result in results)
    typer.echo(f"\n{failed} of {judged} judged checks failed.")
    if page is not None:
        typer.echo(f"page written to {page}")
