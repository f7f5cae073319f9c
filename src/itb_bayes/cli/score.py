"""``itb-bayes score``: explanations for patients that a fit has not seen, without refitting."""

import sys
from pathlib import Path

import typer

FORMATS = ("table", "csv", "json")
MODES = ("conditional", "population")


def score(
    fit: Path = typer.Argument(..., help="Folder of a regimes fit."),
    cohort: Path = typer.Argument(..., help="Folder or workbook of the patients to score."),
    as_of: str | None = typer.Option(
        None,
        "--as-of",
        help="Day (YYYY-MM-DD) or years since implant: later records are not used, and those that "
        "ended more than a year before give no numbers. Default: the cohort's last day of record.",
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
    output: str = typer.Option("table", "--format", help="table, csv (long risk rows) or json."),
    as_json: bool = typer.Option(False, "--json", help="Same as --format json."),
    allow_unconverged: bool = typer.Option(
        False, "--allow-unconverged", help="Print numbers of a fit that failed its gate, marked."
    ),
    quiet: bool = typer.Option(False, "--quiet", help="No progress on stderr."),
) -> None:
    """Score new patients by a regimes fit: what explains a rising dose now, and what may come."""
    from itb_bayes.cli.explanations import print_table_of
    from itb_bayes.cohort.asof import as_of_years, parse_as_of
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.errors import ModelError, UsageError
    from itb_bayes.inference.machinery import load_fit
    from itb_bayes.inference.progress import Progress
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.risk.scoring import ScoringRequest, score_cohort

    output = "json" if as_json else output
    for name, value, known in (("format", output, FORMATS), ("mode", mode, MODES)):
        if value not in known:
            raise UsageError(f"no {name} {value!r}; choose one of {', '.join(known)}.")
    if every_visit and set(horizon) != {12.0}:
        raise UsageError("--every-visit gives what is present at each visit; leave out --horizon.")
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
    data = Cohort.read(cohort)
    until = as_of_years(data, when)
    progress = Progress("patients", len(data.patients), quiet=quiet or not sys.stderr.isatty())
    table = score_cohort(
        fitted, data, ScoringRequest(mode, horizons, every_visit), until_years=until or None,
        refuse_stale=True, on_progress=progress.update,
    )  # fmt: skip
    progress.finish()
    print_table_of(fitted, table, output)
