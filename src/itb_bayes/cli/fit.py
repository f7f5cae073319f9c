"""``itb-bayes fit``: sample a model on a cohort and print the table a statistician wants."""

from pathlib import Path
from typing import Any

import typer

from itb_bayes.cli.output import counted


def fit(
    model: str = typer.Argument(..., help="A model file, or @name of a shipped one."),
    cohort: Path = typer.Argument(
        ..., help="Folder or workbook of the cohort; @literature: published counts alone."
    ),
    out: Path = typer.Option(..., "--out", help="Folder of the fit to write."),
    seed: int = typer.Option(1, "--seed", help="Everything random derives from it."),
    profile: str = typer.Option("standard", "--profile", help="quick, standard or paper."),
    draws: int | None = typer.Option(None, "--draws", help="Kept draws per chain."),
    tune: int | None = typer.Option(None, "--tune", help="Warm-up draws per chain."),
    chains: int | None = typer.Option(None, "--chains", help="Number of chains."),
    backend: str | None = typer.Option(
        None,
        "--backend",
        help="numba, or jax: for regimes on ten thousand patients and a graphics processor.",
    ),
    until: float | None = typer.Option(
        None, "--until", help="As-of time: use records up to so many years since implant."
    ),
    per_centre: bool = typer.Option(
        False, "--per-centre", help="Fit every centre by itself, into folders under --out."
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
    from itb_bayes.errors import ModelError, UsageError
    from itb_bayes.inference.fit import fit as run_fit
    from itb_bayes.inference.settings import profile_settings
    from itb_bayes.spec import load_model

    spec = load_model(model)
    settings = profile_settings(
        profile, spec.kind, draws=draws, tune=tune, chains=chains, seed=seed, backend=backend
    )
    until_years, as_of = None, "the last record of each patient"
    if str(cohort) == "@literature":
        from itb_bayes.model.literature_cohort import literature_cohort

        if spec.kind != "complications":
            raise ModelError(
                f"@literature holds published counts and no patients; models of kind {spec.kind!r} "
                "need a cohort."
            )
        data, as_of = literature_cohort(), "the published figures of this version"
    else:
        data = Cohort.read(cohort)
        if data.warnings and not quiet:
            typer.echo(
                f"{data.name}: {counted(len(data.warnings), 'warning')} about its records; "
                "`itb-bayes data validate` lists them.",
                err=True,
            )
    if until is not None:
        if not 0.0 < until < 100.0:
            raise UsageError(f"--until must be a number of years since implant (got {until:g}).")
        until_years = dict.fromkeys(data.patients["patient_id"], until)
        as_of = f"{until:g} years after implant; later records were not looked at"
    options = {"seed": seed, "profile": profile, "draws": draws, "tune": tune, "chains": chains,
               "backend": backend, "until": until}  # fmt: skip
    chosen = [
        word
        for name, value in options.items()
        if value is not None
        for word in (f"--{name}", f"{value}")
    ]
    command = ("itb-bayes", "fit", Path(model).name, data.name, *chosen)
    if per_centre:
        from itb_bayes.federate.per_centre import fit_per_centre

        fits = fit_per_centre(
            spec, data, settings, out, on_centre=None if quiet else _announce,
            until_years=until_years, force=force, quiet=quiet, as_of=as_of,
            command=(*command, "--per-centre"),
        )  # fmt: skip
        _show_centres(fits, out, as_json)
        return
    fitted = run_fit(
        spec, data, settings, out, until_years=until_years, force=force, quiet=quiet,
        as_of=as_of, command=command,
    )  # fmt: skip
    if as_json:
        from itb_bayes.cli.output import print_json

        print_json(fit_json(fitted, out))
    else:
        show_fit(fitted, out)
    fitted.require_gate()


def _announce(centre: str) -> None:
    typer.echo(f"centre {centre}", err=True)


def _show_centres(fits: dict[str, Any], out: Path, as_json: bool) -> None:
    """Print where each centre's fit is; raise the first gate that was not passed."""
    from itb_bayes.cli.output import print_json, print_table
    from itb_bayes.federate.per_centre import folder_name

    folders = {centre: out / folder_name(k) for k, centre in enumerate(fits)}
    if as_json:
        print_json({centre: fit_json(fitted, folders[centre]) for centre, fitted in fits.items()})
    else:
        if any(fitted.synthetic for fitted in fits.values()):
            typer.echo("SYNTHETIC DATA: these patients are simulated.")
        rows = [
            (centre, str(fitted.plan.n_patient), "passed" if fitted.gate.passed else "NOT PASSED",
             str(folders[centre]))
            for centre, fitted in fits.items()
        ]  # fmt: skip
        print_table(("centre", "patients", "gate", "fit"), rows)
    for fitted in fits.values():
        fitted.require_gate()


def show_fit(fitted: Any, out: Path) -> None:
    """Print what was fitted, the gate, and the population table."""
    from itb_bayes.cli.fitted_tables import fit_table
    from itb_bayes.cli.output import print_table

    plan, table = fitted.plan, fit_table(fitted)
    if fitted.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    typer.echo(
        f"model {fitted.spec.name} {fitted.spec.version} · cohort {fitted.manifest['cohort']}: "
        f"{plan.n_patient} patients, {table.n_read} {table.read} · run {fitted.run_id}"
    )
    typer.echo(f"  as of {fitted.manifest['as_of']}")
    for note in plan.notes:
        typer.echo(f"  {note}")
    aside = fitted.manifest["n_set_aside"]
    if aside:
        what = (
            "cells of the table"
            if fitted.spec.kind == "complications"
            else ("readings or patients")
        )
        typer.echo(f"  {aside} {what} set aside: see set_aside.csv in the fit")
    typer.echo("")
    if fitted.gate.passed:
        print_table(table.header, table.rows)
        typer.echo(f"\n{table.note}")
    typer.echo("gate: " + ("passed" if fitted.gate.passed else "NOT PASSED, no numbers are shown"))
    typer.echo(f"fit written to {out}")


def fit_json(fitted: Any, out: Path) -> dict[str, Any]:
    """Return the fit's summary for machines; no estimates where the gate was not passed."""
    from dataclasses import asdict

    from itb_bayes.cli.fitted_tables import fit_table

    table = fit_table(fitted)
    return {
        "fit": str(out),
        "run": fitted.manifest["run"],
        "model": fitted.manifest["model"],
        "data": fitted.manifest["data"],
        "synthetic": fitted.synthetic,
        "n_patient": fitted.plan.n_patient,
        _N_READ[fitted.spec.kind]: table.n_read,
        "notes": list(fitted.plan.notes),
        "gate": {
            "passed": fitted.gate.passed,
            "criteria": [asdict(criterion) for criterion in fitted.gate.criteria],
        },
        "estimands": [asdict(row) for row in table.records],
    }


_N_READ = {
    "complications": "n_count",
    "drift": "n_reading",
    "regimes": "n_step",
    "spasticity": "n_reading",
}
