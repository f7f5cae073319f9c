"""``itb-bayes release`` and ``combine``: centres that may not share records."""

from pathlib import Path

import typer


def release(
    fit: Path = typer.Argument(..., help="Folder of a drift fit of this centre's patients."),
    centre: str = typer.Option(..., "--centre", help="The name that the centre goes by."),
    out: Path = typer.Option(..., "--out", help="File to write: what leaves the centre."),
) -> None:
    """Write what a centre gives away of its fit: moments of population parameters, no patient.

    The file is plain text; look at it before it is sent.
    """
    from itb_bayes.errors import ModelError
    from itb_bayes.federate.release import make_release, write_release
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.machinery import load_patient_fit

    fitted = load_patient_fit(fit)
    if not isinstance(fitted, Fit):
        raise ModelError(
            f"{fit} is a fit of kind {fitted.spec.kind!r}; this version combines centres for "
            "models of kind 'drift' only."
        )
    made = make_release(fitted, centre)
    write_release(made, out)
    if made.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    typer.echo(
        f"{out}: means and covariances of {len(made.names)} population parameters of {centre}: "
        f"{', '.join(made.names)}.\nNo record, no patient and no number of patients is in it."
    )


def combine(
    model: str = typer.Argument(..., help="The model file that the centres fitted, or @name."),
    releases: list[Path] = typer.Argument(..., help="Releases of two or more centres."),
    out: Path = typer.Option(..., "--out", help="Folder to write: draws and verdicts."),
    seed: int = typer.Option(1, "--seed", min=0, max=2**32 - 1, help="Of the draws."),
    allow_untrusted: bool = typer.Option(
        False,
        "--allow-untrusted",
        help="Print numbers of a combination not to be believed, marked.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Combine centres' releases into the posterior of the population, priors counted once.

    Exit code 5 if the combination cannot be believed (the folder is written all the same).
    """
    from dataclasses import asdict

    from itb_bayes.cli.output import number, print_json, print_table
    from itb_bayes.errors import ModelError
    from itb_bayes.federate.combining import combine_releases, write_combined
    from itb_bayes.federate.release import read_release
    from itb_bayes.federate.table import combined_table
    from itb_bayes.spec import DriftSpec, load_model

    spec = load_model(model)
    if not isinstance(spec, DriftSpec):
        raise ModelError(
            f"centres are combined for models of kind 'drift' only; {spec.name!r} is of kind "
            f"{spec.kind!r}."
        )
    found = combine_releases(spec, [read_release(path) for path in releases], seed)
    write_combined(found, out)
    shown = found.trusted or allow_untrusted
    rows = combined_table(found) if shown else ()
    if as_json:
        print_json(
            {
                "out": str(out), "centres": list(found.centres), "synthetic": found.synthetic,
                "trusted": found.trusted, "verdicts": [asdict(v) for v in found.verdicts],
                "estimands": [asdict(row) for row in rows],
            }
        )  # fmt: skip
    else:
        if found.synthetic:
            typer.echo("SYNTHETIC DATA: these patients are simulated.")
        print_table(
            ("centre", "criterion", "value", "limit", "worst", "verdict"),
            [
                (v.centre, v.criterion, f"{v.value:.3g}", f"{v.limit:g}", v.worst,
                 "passed" if v.passed else "FAILED")
                for v in found.verdicts
            ],
        )  # fmt: skip
        typer.echo("")
        if shown and not found.trusted:
            typer.echo("NOT TO BE BELIEVED: a criterion above is not met.")
        if shown:
            print_table(
                ("quantity", "group", "unit", "median", "5 %", "95 %"),
                [
                    (row.quantity, row.group, row.unit, number(row.median), number(row.q05),
                     number(row.q95))
                    for row in rows
                ],
            )  # fmt: skip
            typer.echo("\nIntervals hold 90 % of the posterior given all centres.")
    if not allow_untrusted:
        found.require_trust()
