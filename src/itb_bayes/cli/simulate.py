"""``itb-bayes data simulate``: make a synthetic cohort."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from itb_bayes.simulate.schema import Settings


def simulate(
    source: Annotated[
        str,
        typer.Argument(metavar="PRESET_OR_SETTINGS.toml", help="A shipped preset, or a file."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder to write; must be new or empty.")],
    patients: Annotated[int | None, typer.Option(help="Number of patients.")] = None,
    years: Annotated[float | None, typer.Option(help="Longest follow-up, in years.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every random stream.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a synthetic cohort.")] = False,
    patients_per_part: Annotated[
        int | None, typer.Option(help="Write a cohort in parts of so many patients, as Parquet.")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Local Dask workers that make parts; 0: this process.")
    ] = 0,
    scheduler: Annotated[str, typer.Option(help="Address of a Dask scheduler.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Make a synthetic cohort with an agent-based clinic, and the truth behind it.

    Presets: clinic-small, kawano2018, registry, skoog2019.

    The same settings and seed give the same bytes. In parts, the same patients are never in memory
    together, and a run that was interrupted goes on.
    """
    import json

    from itb_bayes.errors import UsageError
    from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort
    from itb_bayes.simulate.folder import check_target

    settings = load_settings(source, patients=patients, years=years, seed=seed)
    if patients_per_part is not None:
        _in_parts(settings, out, patients_per_part, (workers, scheduler), force, as_json)
        return
    if workers or scheduler:
        raise UsageError("--workers and --scheduler make parts; add --patients-per-part.")
    check_target(out, force=force)
    show = _progress(settings.cohort.patients.value)
    cohort = simulate_cohort(settings, show)
    files = write_cohort(cohort, out, force=force)
    rows = {name: len(table) for name, table in cohort.tables.items()}
    if as_json:
        summary = {
            "name": settings.cohort.name,
            "synthetic": True,
            "seed": settings.cohort.seed.value,
            "out": str(out),
            "rows": rows,
            "files": files,
        }
        typer.echo(json.dumps(summary, indent=2))
        return
    counted = ", ".join(f"{count} {name}" for name, count in rows.items())
    typer.echo(f"Synthetic cohort {settings.cohort.name!r} written to {out}: {counted}.")


def _in_parts(
    settings: "Settings", out: Path, size: int, place: tuple[int, str], force: bool, as_json: bool
) -> None:
    import json

    from itb_bayes.errors import UsageError
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.registry.making import make_partitions

    if force:
        raise UsageError("--force replaces no parts; name a new folder with --out.")
    patients = settings.cohort.patients.value
    show = _progress(-(-patients // max(size, 1)), "parts")
    made = make_partitions(settings, out, size, Workplace(*place), show)
    if as_json:
        summary = {
            "name": made.name, "synthetic": True, "seed": settings.cohort.seed.value,
            "out": str(out), "parts": made.n_parts, "patients": patients,
        }  # fmt: skip
        typer.echo(json.dumps(summary, indent=2))
        return
    typer.echo(
        f"Synthetic cohort {made.name!r} written to {out}: {patients} patients in "
        f"{made.n_parts} parts."
    )


def _progress(total: int, what: str = "patients") -> Callable[[int, int], None]:
    """Return a reporter of progress on stderr: about ten lines, with the time left."""
    import time

    started, every = time.monotonic(), max(total // 10, 1)

    def show(done: int, of: int) -> None:
        if done % every == 0 or done == of:
            left = (time.monotonic() - started) * (of - done) / done
            typer.echo(f"simulated {done}/{of} {what}, {left:.0f} s left", err=True)

    return show
