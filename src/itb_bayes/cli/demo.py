"""``itb-bayes demo``: the whole road on the shipped synthetic cohort."""

import shlex
import sys
import time
from pathlib import Path

import typer

SEED = 7


def demo(
    out: Path = typer.Option(Path("demo-output"), "--out", help="Folder for what is made."),
    force: bool = typer.Option(False, "--force", help="Replace an earlier demonstration there."),
) -> None:
    """Validate, fit, check, forecast and report on the shipped cohort of 30 simulated patients."""
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.progress import format_seconds
    from itb_bayes.resources import demo_cohort_dir

    started = time.monotonic()
    prepare(out, force)
    Cohort.read(demo_cohort_dir()).write(out / "cohort")
    for command in commands(out):
        run_command(command)
    fitted = Fit.load(out / "fit")
    typer.echo(f"\n$ itb-bayes risk {out / 'fit'} --format csv > {out / 'risk.csv'}")
    write_risk(fitted, out / "risk.csv")
    typer.echo(f"\nDone in {format_seconds(time.monotonic() - started)}. Made:")
    for name in ("cohort", "fit", "checks/checks.html", "risk.csv", "pages/index.html"):
        typer.echo(f"  {out / name}")
    typer.echo("\nThe three numbers that matter (SYNTHETIC DATA; median and 90 % interval):")
    for line in three_numbers(fitted):
        typer.echo(f"  {line}")


def prepare(out: Path, force: bool) -> None:
    """Make an empty folder, or refuse one that holds something else than an earlier demo."""
    import shutil

    from itb_bayes.errors import UsageError

    mark = out / ".itb-bayes-demo"
    if out.exists() and any(out.iterdir()):
        if not (force and mark.exists()):
            remedy = ", or add --force to replace it" if mark.exists() else ""
            raise UsageError(f"{out} is not empty; choose another --out{remedy}.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()


def commands(out: Path) -> tuple[tuple[str, ...], ...]:
    """Return the arguments of each command of the road, in order."""
    cohort, fit = str(out / "cohort"), str(out / "fit")
    return (
        ("data", "validate", cohort),
        ("data", "describe", cohort),
        ("fit", "@drift", cohort, "--out", fit, "--seed", str(SEED)),
        ("check", fit, "--out", str(out / "checks")),
        ("report", fit, "--out", str(out / "pages")),
    )


def run_command(arguments: tuple[str, ...]) -> None:
    """Show a command and run it as the command line would, with its own defaults.

    Raises
    ------
    typer.Exit
        With the command's exit code, where that is not 0.
    """
    from itb_bayes.cli.main import app

    typer.echo(f"\n$ itb-bayes {shlex.join(arguments)}")
    sys.stdout.flush()
    code = app(list(arguments), standalone_mode=False)
    if code:
        raise typer.Exit(code)


def write_risk(fitted: "object", path: Path) -> None:
    """Write the long risk table of a fit."""
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.risk.patient import summarise_patients
    from itb_bayes.risk.table import risk_table
    from itb_bayes.storage import write_whole

    assert isinstance(fitted, Fit)
    table = risk_table(fitted, summarise_patients(fitted))
    write_whole(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
    typer.echo(f"{len(table)} rows written to {path}")


def three_numbers(fitted: "object") -> list[str]:
    """Return drift in MS and SCI, their contrast, and the patient to look at first, in words."""
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.risk.patient import summarise_patients
    from itb_bayes.risk.population import population_table

    assert isinstance(fitted, Fit)
    lines = []
    for row in population_table(fitted):
        i = row.interval
        if row.quantity == "drift of the typical patient" and row.group in ("MS", "SCI"):
            lines.append(
                f"{row.group}: the typical dose changes by {i.median:+.1f} % a year "
                f"({i.q05:+.1f} to {i.q95:+.1f}; {row.n_patient} patients)"
            )
        if row.quantity == "difference in drift" and row.group == "MS - SCI":
            lines.append(
                f"MS minus SCI: {i.median:+.1f} % a year ({i.q05:+.1f} to {i.q95:+.1f}), positive "
                f"with probability {row.p_above_zero:.2f}"
            )
    estimated = [s for s in summarise_patients(fitted) if s.forecasts]
    first = max(estimated, key=lambda s: s.forecasts[0].p_rise.value)
    p = first.forecasts[0].p_rise.value
    lines.append(
        f"look first at patient {first.patient_id}: {100 * p:.0f} in 100 that the dose is more "
        "than 100 µg/day higher in 12 months"
    )
    return lines
