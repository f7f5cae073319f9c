"""``itb-bayes demo``: the whole road on the shipped synthetic cohort."""

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
    from itb_bayes.cli.checks import check
    from itb_bayes.cli.data import describe, validate
    from itb_bayes.cli.fit import fit
    from itb_bayes.cli.report import report
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.inference.fitted import Fit
    from itb_bayes.inference.progress import format_seconds
    from itb_bayes.resources import demo_cohort_dir

    started = time.monotonic()
    prepare(out, force)
    cohort = out / "cohort"
    Cohort.read(demo_cohort_dir()).write(cohort)
    step(f"itb-bayes data validate {cohort}")
    validate(cohort, as_json=False)
    step(f"itb-bayes data describe {cohort}")
    describe(cohort, as_json=False)
    step(f"itb-bayes fit @drift {cohort} --out {out / 'fit'} --seed {SEED}")
    fit(
        "@drift", cohort, out / "fit", seed=SEED, profile="standard", draws=None, tune=None,
        chains=None, until=None, per_centre=False, force=False, as_json=False, quiet=False,
    )  # fmt: skip
    step(f"itb-bayes check {out / 'fit'} --out {out / 'checks'}")
    check(out / "fit", out=out / "checks", as_json=False, quiet=False)
    step(f"itb-bayes risk {out / 'fit'} --format csv > {out / 'risk.csv'}")
    fitted = Fit.load(out / "fit")
    write_risk(fitted, out / "risk.csv")
    step(f"itb-bayes report {out / 'fit'} --out {out / 'pages'}")
    report(
        out / "fit", out=out / "pages", patient=[], allow_unconverged=False, cohort=None,
        threshold=20.0, since=None, also=[], as_of=None, dates=None, date=None, workers=None,
        as_json=False,
    )  # fmt: skip
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


def step(command: str) -> None:
    """Show the command that does the same."""
    typer.echo(f"\n$ {command}")
    sys.stdout.flush()


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
