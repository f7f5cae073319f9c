"""``itb-bayes score``: explanations for patients that a fit has not seen, without refitting."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from itb_bayes.cohort.asof import AsOf
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.risk.scoring import ScoringRequest

FORMATS = ("table", "csv", "json")
MODES = ("conditional", "population")


def score(
    fit: Path = typer.Argument(..., help="Folder of a regimes fit."),
    cohort: Path = typer.Argument(..., help="Folder or workbook of the patients to score."),
    as_of: str | None = typer.Option(
        None,
        "--as-of",
        help="Day (YYYY-MM-DD) or years since implant: later records are not used, and those that "
        "ended more than a year before give no numbers. Default: the cohort's last day of record; "
        "for a cohort in parts, whose last day no part knows, every record's own end.",
    ),
    every_visit: bool = typer.Option(
        False, "--every-visit", help="Probabilities at each visit, from what was known then."
    ),
    horizon: list[float] = typer.Option(
        [12.0], "--horizon", help="Months after the last record; may be given several times."
    ),
    mode: str = typer.Option(
        "conditional", "--mode", help="conditional (own records) or population (none of them)."
    ),
    refit: bool = typer.Option(
        False,
        "--refit",
        help="Where importance weights cannot be believed: move the fit's draws "
        "to the patient (seconds), or sample with the patient (minutes to hours); mode refit.",
    ),
    smoothed: bool = typer.Option(
        False, "--smoothed", help="Probabilities at each visit, from the whole record."
    ),
    output: str = typer.Option("table", "--format", help="table, csv (long risk rows) or json."),
    as_json: bool = typer.Option(False, "--json", help="Same as --format json."),
    allow_unconverged: bool = typer.Option(
        False, "--allow-unconverged", help="Print numbers of a fit that failed its gate, marked."
    ),
    draws_per_chain: int = typer.Option(
        100,
        "--draws-per-chain",
        min=15,
        help="Posterior draws of each chain that score a patient; "
        "all, where their weights cannot be believed.",
    ),
    out: Path | None = typer.Option(
        None, "--out", help="Folder of the scores of a cohort in parts, one Parquet file each."
    ),
    workers: int = typer.Option(
        0, "--workers", help="Local Dask workers for a cohort in parts; 0: this process."
    ),
    scheduler: str = typer.Option("", "--scheduler", help="Address of a Dask scheduler."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress on stderr."),
) -> None:
    """Score new patients by a regimes fit: what explains a rising dose now, and what may come.

    A cohort in parts (`data partition`, `data simulate --patients-per-part`) is scored into a
    folder, part by part; run again after an interrupt, it goes on.
    """
    from itb_bayes.cli.explanations import print_table_of
    from itb_bayes.cohort.asof import as_of_years, parse_as_of
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.cohort.partitions import is_partitioned
    from itb_bayes.errors import ModelError, UsageError
    from itb_bayes.inference.machinery import load_fit
    from itb_bayes.inference.progress import Progress
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.risk.refit import Refit
    from itb_bayes.risk.scoring import ScoringRequest, score_cohort

    output = "json" if as_json else output
    for name, value, known in (("format", output, FORMATS), ("mode", mode, MODES)):
        if value not in known:
            raise UsageError(f"no {name} {value!r}; choose one of {', '.join(known)}.")
    if every_visit and smoothed:
        raise UsageError("choose one of --every-visit (what was known then) and --smoothed.")
    if (every_visit or smoothed) and set(horizon) != {12.0}:
        asked = "--every-visit" if every_visit else "--smoothed"
        raise UsageError(f"{asked} gives what is present at each visit; leave out --horizon.")
    if refit and (every_visit or smoothed or mode != "conditional"):
        raise UsageError(
            "--refit gives a patient's numbers as of now, from their own records; leave out "
            "--every-visit, --smoothed and --mode."
        )
    horizons = tuple(sorted(set(horizon)))
    if not all(0.1 <= h <= 60.0 for h in horizons):
        raise UsageError("--horizon must lie between 0.1 and 60 months.")
    when = parse_as_of(as_of)
    fitted = load_fit(fit)
    if not isinstance(fitted, RegimesFit):
        raise ModelError(
            f"{fit} is a fit of kind {fitted.spec.kind!r}; `score` needs one of kind 'regimes', "
            "for example of @regimes."
        )
    if not fitted.require_gate(allow_unconverged):
        typer.echo("GATE NOT PASSED: these numbers are not to be used.", err=True)
    request = ScoringRequest(mode, horizons, every_visit, draws_per_chain, smoothed)
    if is_partitioned(cohort):
        if refit or smoothed:
            raise UsageError(
                "--refit and --smoothed are for cohorts that are scored at once: write the "
                "patients in question as a cohort of their own."
            )
        _score_parts(fitted, cohort, out, request, when, (workers, scheduler), as_json, quiet)
        return
    if out is not None or workers or scheduler:
        raise UsageError(
            f"--out, --workers and --scheduler are for a cohort in parts, and {cohort} is none. "
            "Make one with `itb-bayes data partition COHORT --out DIR`, or leave them out."
        )
    data = Cohort.read(cohort)
    until = as_of_years(data, when)
    progress = Progress("patients", len(data.patients), quiet=quiet or not sys.stderr.isatty())
    fallback = Refit(fitted, say_refit if not quiet else None) if refit else None
    table = score_cohort(
        fitted, data, request, until_years=until or None, refuse_stale=True,
        on_progress=progress.update, fallback=fallback,
    )  # fmt: skip
    progress.finish()
    print_table_of(fitted, table, output)


def say_refit(what: str) -> None:
    """Say what is done for a patient whose weights cannot be believed."""
    typer.echo(f"a patient's weights cannot be believed: {what}", err=True)


def _score_parts(
    fitted: "RegimesFit", cohort: Path, out: Path | None, request: "ScoringRequest",
    when: "AsOf | None", place: tuple[int, str], as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Score a cohort in parts, and print what became of its patients."""
    from itb_bayes.cli.output import print_json, print_table
    from itb_bayes.cohort.partitions import Partitions
    from itb_bayes.errors import UsageError
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.inference.progress import Progress
    from itb_bayes.registry.scoring import score_registry

    if out is None:
        raise UsageError(
            f"{cohort} is a cohort in parts; its scores go into a folder: add --out DIR."
        )
    partitions = Partitions.open(cohort)
    progress = Progress("parts", partitions.n_parts, quiet=quiet or not sys.stderr.isatty())
    done = score_registry(
        fitted, partitions, out, request, as_of=when, place=Workplace(*place),
        on_part=lambda finished, total: progress.update(finished),
    )  # fmt: skip
    progress.finish()
    if as_json:
        print_json(
            {
                "out": str(out),
                "run": fitted.manifest["run"],
                "synthetic": fitted.synthetic or partitions.synthetic,
                "parts": done.n_parts,
                "parts_scored_now": done.scored_now,
                "patients": done.counts,
            }
        )
        return
    if fitted.synthetic or partitions.synthetic:
        typer.echo("SYNTHETIC DATA: these patients are simulated.")
    print_table(("patients", "status"), [(str(n), kind) for kind, n in done.counts.items()])
    typer.echo(
        f"\n{out}: {done.n_parts} parts, {done.scored_now} of them scored now. "
        "The long rows are Parquet: one file per part, readable as one table."
    )
