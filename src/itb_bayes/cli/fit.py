"""``itb-bayes fit``: sample a model on a cohort and print the table a statistician wants."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.regimes_fitted import RegimesFit


def fit(
    model: str = typer.Argument(..., help="A model file, or @name of a shipped one."),
    cohort: Path = typer.Argument(..., help="Folder or workbook of the cohort."),
    out: Path = typer.Option(..., "--out", help="Folder of the fit to write."),
    seed: int = typer.Option(1, "--seed", help="Everything random derives from it."),
    profile: str = typer.Option("standard", "--profile", help="quick, standard or paper."),
    draws: int | None = typer.Option(None, "--draws", help="Kept draws per chain."),
    tune: int | None = typer.Option(None, "--tune", help="Warm-up draws per chain."),
    chains: int | None = typer.Option(None, "--chains", help="Number of chains."),
    until: float | None = typer.Option(
        None, "--until", help="As-of time: use records up to so many years since implant."
    ),
    force: bool = typer.Option(False, "--force", help="Replace a fit that is there."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress on stderr."),
) -> None:
    """Fit a model to a cohort; writes a fit bundle and prints the population table.

    A fit that was interrupted goes on from its finished chains when the same command is run again.
    Exit code 5 if the convergence gate is not passed (the bundle is written all the same).
    """
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.errors import UsageError
    from itb_bayes.inference.fit import fit as run_fit
    from itb_bayes.inference.settings import profile_settings
    from itb_bayes.spec import load_model

    settings = profile_settings(profile, draws=draws, tune=tune, chains=chains, seed=seed)
    spec = load_model(model)
    data = Cohort.read(cohort)
    until_years, as_of = None, "the last record of each patient"
    if until is not None:
        if not 0.0 < until < 100.0:
            raise UsageError(f"--until must be a number of years since implant (got {until:g}).")
        until_years = dict.fromkeys(data.patients["patient_id"], until)
        as_of = f"{until:g} years after implant; later records were not looked at"
    options = {"seed": seed, "profile": profile, "draws": draws, "tune": tune, "chains": chains,
               "until": until}  # fmt: skip
    chosen = [
        word
        for name, value in options.items()
        if value is not None
        for word in (f"--{name}", f"{value}")
    ]
    fitted = run_fit(
        spec, data, settings, out, until_years=until_years, force=force, quiet=quiet,
        as_of=as_of, command=("itb-bayes", "fit", Path(model).name, data.name, *chosen),
    )  # fmt: skip
    if as_json:
        from itb_bayes.cli.output import print_json

        print_json(fit_json(fitted, out))
    else:
        show_fit(fitted, out)
    fitted.require_gate()


def show_fit(fitted: "Fit | RegimesFit", out: Path) -> None:
    """Print what was fitted, the gate, and the population table."""
    from itb_bayes.cli.output import print_table
    from itb_bayes.inference.fitted import Fit

    plan = fitted.plan
    if fitted.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    what, n = readings(fitted)
    typer.echo(
        f"model {fitted.spec.name} {fitted.spec.version} · cohort {fitted.manifest['cohort']}: "
        f"{plan.n_patient} patients, {n} {what} · run {fitted.run_id}"
    )
    typer.echo(f"  as of {fitted.manifest['as_of']}")
    for note in plan.notes:
        typer.echo(f"  {note}")
    aside = fitted.manifest["n_set_aside"]
    if aside:
        typer.echo(f"  {aside} readings or patients set aside: see set_aside.csv in the fit")
    typer.echo("")
    if fitted.gate.passed:
        if isinstance(fitted, Fit):
            header = ["quantity", "group", "n", "unit", "median", "5 %", "95 %", "P(> 0)"]
            print_table(header, population_rows(fitted))
            typer.echo("\nIntervals hold 90 % of the posterior.")
        else:
            header = ["quantity", "group", "unit", "median", "5 %", "95 %", "prior 90 %"]
            print_table(header, regimes_rows(fitted))
            typer.echo(
                "\nIntervals hold 90 % of the posterior; the last column, of the prior. "
                "`itb-bayes model explain` says what each quantity is."
            )
    typer.echo("gate: " + ("passed" if fitted.gate.passed else "NOT PASSED, no numbers are shown"))
    typer.echo(f"fit written to {out}")


def readings(fitted: "Fit | RegimesFit") -> tuple[str, int]:
    """Return what the fit read of its patients, and how many of it."""
    from itb_bayes.inference.fitted import Fit

    if isinstance(fitted, Fit):
        return "dose readings", int(fitted.plan.panel.n_visit)
    return "days of record", int(fitted.plan.t_years.size)


def population_rows(fitted: "Fit") -> list[list[str]]:
    """Return the population table as text cells."""
    from itb_bayes.cli.output import number
    from itb_bayes.risk.population import population_table

    return [
        [
            row.quantity,
            row.group,
            str(row.n_patient),
            row.unit,
            number(row.interval.median),
            number(row.interval.q05),
            number(row.interval.q95),
            "" if row.p_above_zero is None else f"{row.p_above_zero:.3f}",
        ]
        for row in population_table(fitted)
    ]


def regimes_rows(fitted: "RegimesFit") -> list[list[str]]:
    """Return the population table of a regimes fit as text cells."""
    from itb_bayes.cli.output import number
    from itb_bayes.risk.regimes_population import regimes_table

    return [
        [
            row.quantity,
            row.group,
            row.unit,
            number(row.interval.median),
            number(row.interval.q05),
            number(row.interval.q95),
            f"{number(row.prior_low)} to {number(row.prior_high)}",
        ]
        for row in regimes_table(fitted)
    ]


def fit_json(fitted: "Fit | RegimesFit", out: Path) -> dict[str, Any]:
    """Return the fit's summary for machines; no estimates where the gate was not passed."""
    from dataclasses import asdict

    from itb_bayes.inference.fitted import Fit
    from itb_bayes.risk.population import population_table
    from itb_bayes.risk.regimes_population import regimes_table

    drift = isinstance(fitted, Fit)
    rows: tuple[Any, ...] = ()
    if fitted.gate.passed:
        rows = population_table(fitted) if isinstance(fitted, Fit) else regimes_table(fitted)
    return {
        "fit": str(out),
        "run": fitted.manifest["run"],
        "model": fitted.manifest["model"],
        "data": fitted.manifest["data"],
        "synthetic": fitted.synthetic,
        "n_patient": fitted.plan.n_patient,
        "n_reading" if drift else "n_step": readings(fitted)[1],
        "notes": list(fitted.plan.notes),
        "gate": {
            "passed": fitted.gate.passed,
            "criteria": [asdict(criterion) for criterion in fitted.gate.criteria],
        },
        "estimands": [asdict(row) for row in rows],
    }
