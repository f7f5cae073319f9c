"""``itb-bayes check`` and ``itb-bayes prior``: whether to believe a fit, and a model before it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from itb_bayes.checks.result import CheckResult
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.model.plan import DriftPlan
    from itb_bayes.model.regimes_plan import RegimesPlan
    from itb_bayes.report.checks_page import PageHeader
    from itb_bayes.spec import ModelSpec


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
    from itb_bayes.inference.machinery import load_fit
    from itb_bayes.report.checks_page import check_target, write_checks

    fitted = load_fit(fit)
    refuse_other_kinds(fitted, fit, "predictive checks; `itb-bayes fit` printed its gate")
    target = out if out is not None else fit.resolve().with_name(f"{fit.resolve().name}-checks")
    check_target(target, "checks")
    results = check_fit(fitted, quiet=quiet)
    header = fit_header(fitted)
    page = write_checks(results, header, target)
    show_checks(results, header, as_json, page)
    if not fitted.gate.passed:
        typer.echo("the fit did not pass its convergence gate: use no number of it.", err=True)
        raise typer.Exit(GateError.exit_code)


def refuse_other_kinds(fitted: object, folder: Path, what: str) -> None:
    """Refuse fits of kinds that this version does not check.

    Raises
    ------
    ModelError
        If the fit is of neither kind, drift nor regimes; ``what`` says what it lacks.
    """
    from itb_bayes.errors import ModelError
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.regimes_fitted import RegimesFit

    if not isinstance(fitted, Fit | RegimesFit):
        kind = getattr(getattr(fitted, "spec", None), "kind", "?")
        raise ModelError(
            f"{folder} is a fit of kind {kind!r}, which in this version has no {what}."
        )


def prior(
    model: str = typer.Argument(..., help="A model file, or @name of a shipped one."),
    cohort: Path = typer.Argument(..., help="Folder or workbook of the cohort."),
    out: Path | None = typer.Option(None, "--out", help="Folder of a page; default: none."),
    seed: int = typer.Option(1, "--seed", min=0, max=2**32 - 1, help="Seed of the simulation."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Show what a model's priors predict for a cohort's design, before any fit.

    The cohort's records are not looked at: only when and of whom they were made (and, by regimes
    models, each patient's first dose).
    """
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.report.checks_page import check_target, write_checks
    from itb_bayes.spec import load_model

    spec = load_model(model)
    if out is not None:
        check_target(out, "prior")
    results, plan, data, simulation = _prior_results(spec, lambda: Cohort.read(cohort), seed)
    header = prior_header(spec, plan, data, seed, simulation)
    page = write_checks(results, header, out) if out is not None else None
    show_checks(results, header, as_json, page)


def _prior_results(
    spec: "ModelSpec", read: "Callable[[], Cohort]", seed: int
) -> "tuple[Sequence[CheckResult], DriftPlan | RegimesPlan, Cohort, str]":
    from itb_bayes.errors import ModelError
    from itb_bayes.spec import DriftSpec, RegimesSpec

    if isinstance(spec, DriftSpec):
        from itb_bayes.checks.prior_predictive import N_DRAW, prior_checks
        from itb_bayes.model.plan import plan_drift

        data = read()
        plan = plan_drift(spec, data)
        said = f"{N_DRAW:,} cohorts of this design, each from one draw of the priors"
        return prior_checks(spec, plan, seed), plan, data, said
    if isinstance(spec, RegimesSpec):
        from itb_bayes.checks.regimes_prior import N_COHORT, regimes_prior_checks
        from itb_bayes.checks.regimes_replicates import choose_patients
        from itb_bayes.model.regimes_plan import plan_regimes

        data = read()
        layout = plan_regimes(spec, data)
        chosen = choose_patients(layout, N_COHORT, seed).size
        said = (
            f"{N_COHORT} cohorts of {chosen} of the patients, each from one draw of the priors; "
            "first doses are those of the cohort"
        )
        return regimes_prior_checks(spec, layout, seed), layout, data, said
    raise ModelError(
        f"models of kind {spec.kind!r} have no prior checks in this version; `itb-bayes model "
        f"explain {spec.name}` shows their priors."
    )


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
    sampler = f"{sampler_words(settings)}; {integrated}"
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
        ("Seed", str(settings.get("seed", "not recorded"))),
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


def sampler_words(settings: "Mapping[str, Any]") -> str:
    """Say how a fit was sampled, as far as its manifest knows it."""
    known = [
        words.format(settings[name])
        for name, words in (
            ("chains", "{} chains"),
            ("draws", "{} draws each"),
            ("tune", "{} of warm-up"),
            ("target_accept", "target acceptance {:g}"),
        )
        if settings.get(name) is not None
    ]
    return "NUTS, " + (", ".join(known) if known else "settings not recorded")


def prior_header(
    spec: "ModelSpec", plan: "DriftPlan | RegimesPlan", data: "Cohort", seed: int, simulation: str
) -> "PageHeader":
    """Return what stands above and below the checks of priors."""
    from itb_bayes import __version__
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
            ("Simulation", simulation),
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
