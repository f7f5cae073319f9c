"""``itb-bayes data``: validate, describe and import cohorts."""

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from itb_bayes.cli.output import counted

if TYPE_CHECKING:
    from rich.console import Console

    from itb_bayes.cohort.problems import Problem

app = typer.Typer(no_args_is_help=True, help="Validate, describe and import cohorts.")

DATA_INVALID = 4
MAX_LINES_SHOWN = 200
_PLAIN_WIDTH = 160

_COHORT = typer.Argument(help="Folder of CSV or Parquet files, or an Excel workbook.")
_JSON = typer.Option(False, "--json", help="Write one JSON object to standard output.")


class DoseUnit(StrEnum):
    """Units of a wide table."""

    UG = "ug/day"
    MG = "mg/day"


@app.command()
def validate(cohort: Path = _COHORT, as_json: bool = _JSON) -> None:
    """Check a cohort against the data contract; report every problem in one pass."""
    from itb_bayes.cohort.reading import examine

    examination = examine(cohort)
    if as_json:
        _write_json(_verdict(examination.metadata.name, examination.problems))
    elif examination.tables is None:
        _print_problems(examination.metadata.name, examination.problems)
    else:
        _print_problems(examination.metadata.name, examination.problems)
        tables = examination.tables
        rows = ", ".join(
            counted(len(table), name.removesuffix("s"))
            for name, table in tables.items()
            if len(table)
        )
        aside = counted(len(examination.set_aside), "row")
        label = "SYNTHETIC DATA, " if examination.metadata.synthetic else ""
        typer.echo(f"{examination.metadata.name}: {label}valid. {rows}; {aside} set aside.")
    if examination.tables is None:
        raise typer.Exit(DATA_INVALID)


@app.command()
def describe(cohort: Path = _COHORT, as_json: bool = _JSON) -> None:
    """Describe a cohort: patients, follow-up, doses, what is missing, what was set aside."""
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.cohort.description import describe as describe_cohort
    from itb_bayes.cohort.rendering import description_tables

    description = describe_cohort(Cohort.read(cohort))
    if as_json:
        _write_json(description.as_dict())
        return
    console = _console()
    for table in description_tables(description):
        console.print(table)
        console.print()


@app.command()
def partition(
    cohort: Path = _COHORT,
    out: Path = typer.Option(..., "--out", help="Folder of the parts to write."),
    patients_per_part: int = typer.Option(500, help="Patients of a part."),
) -> None:
    """Write a cohort in parts, as Parquet: what `score` reads one part at a time.

    The cohort is read whole once; what does not fit is exported by the registry in parts. Run
    again after an interrupt, it goes on.
    """
    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.cohort.partitions import partition_cohort

    made = partition_cohort(Cohort.read(cohort), out, patients_per_part)
    label = "SYNTHETIC DATA, " if made.synthetic else ""
    typer.echo(f"{out}: {label}{counted(made.n_parts, 'part')}.")


@app.command("import-wide")
def import_wide(
    file: Path = typer.Argument(help="Table with one line per patient and one column per year."),
    out: Path = typer.Option(..., "--out", help="Cohort folder to write."),
    patient_column: str = typer.Option("patient_id", help="Column of the patient."),
    diagnosis_column: str = typer.Option("diagnosis", help="Column of the diagnosis."),
    unit: DoseUnit = typer.Option(DoseUnit.UG, help="Unit of the doses."),
    name: str = typer.Option("", help="Name of the cohort (default: that of the file)."),
    synthetic: bool = typer.Option(False, "--synthetic", help="The data are simulated."),
) -> None:
    """Turn a table with year columns (y1, y2, …) into a cohort folder."""
    from itb_bayes.cohort.invalid import InvalidCohort
    from itb_bayes.cohort.wide import import_wide as import_table

    try:
        cohort = import_table(
            file,
            out,
            patient_column=patient_column,
            diagnosis_column=diagnosis_column,
            unit=unit.value,
            name=name,
            synthetic=synthetic,
        )
    except InvalidCohort as error:
        _print_problems(error.cohort_name, error.problems, every=True)
        raise typer.Exit(DATA_INVALID) from None
    _print_problems(cohort.name, cohort.warnings, every=True)
    typer.echo(
        f"{out}: {counted(len(cohort.patients), 'patient')}, {counted(len(cohort.doses), 'dose')}."
    )


def _print_problems(name: str, problems: "tuple[Problem, ...]", *, every: bool = False) -> None:
    """Print a table of problems and a line that counts them; nothing when there are none.

    Of many of one kind the first few are shown, unless ``every`` one is.
    """
    if not problems:
        return
    from itb_bayes.cohort.listing import Entry, condense
    from itb_bayes.cohort.rendering import problem_table

    entries = tuple(Entry(problem) for problem in problems) if every else condense(problems)
    shown = entries if every else entries[:MAX_LINES_SHOWN]
    _console().print(problem_table(shown))
    if len(entries) > len(shown):
        typer.echo(f"… and {len(entries) - len(shown)} more lines.")
    if not every and len(shown) < len(problems):
        typer.echo("--json lists every problem.")
    n_errors = sum(problem.severity == "error" for problem in problems)
    n_warnings = len(problems) - n_errors
    typer.echo(f"{name}: {counted(n_errors, 'error')}, {counted(n_warnings, 'warning')}.")


def _verdict(name: str, problems: "tuple[Problem, ...]") -> dict[str, object]:
    n_errors = sum(problem.severity == "error" for problem in problems)
    return {
        "ok": n_errors == 0,
        "cohort": name,
        "n_errors": n_errors,
        "n_warnings": len(problems) - n_errors,
        "problems": [problem.as_dict() for problem in problems],
    }


def _write_json(content: dict[str, object]) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))


def _console() -> "Console":
    from rich.console import Console

    # A pipe has no width: wide lines are better there than words broken at 80 columns.
    fixed = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PLAIN_WIDTH
    return Console(width=fixed, highlight=False)
