"""``itb-bayes data simulate``: make a synthetic cohort."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


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
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Make a synthetic cohort with an agent-based clinic, and the truth behind it.

    Presets: clinic-small, kawano2018, registry, skoog2019.

    The same settings and seed give the same bytes.
    """
    import json

    from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort
    from itb_bayes.simulate.folder import check_target

    settings = load_settings(source, patients=patients, years=years, seed=seed)
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


def _progress(total: int) -> Callable[[int, int], None]:
    """Return a reporter of progress on stderr: about ten lines, with the time left."""
    import time

    started, every = time.monotonic(), max(total // 10, 1)

    def show(done: int, of: int) -> None:
        if done % every == 0 or done == of:
            left = (time.monotonic() - started) * (of - done) / done
            typer.echo(f"simulated {done}/{of} patients, {left:.0f} s left", err=True)

    return show
