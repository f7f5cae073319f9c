"""Problems and descriptions as tables for a terminal."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from itb_bayes.cohort.description import CohortDescription, Coverage, GroupSize, Quantiles
from itb_bayes.cohort.listing import Entry

SYNTHETIC_LABEL = "SYNTHETIC DATA"


def problem_table(entries: Iterable[Entry]) -> Table:
    """Return problems as a table: where, what is wrong, what to do."""
    table = _table(None, "file", "row", "column", "value", "what is wrong", "what to do")
    for entry in entries:
        problem = entry.problem
        warning = problem.severity == "warning"
        if entry.n_further:
            told = f"{entry.n_further} more of this kind"
            more = (problem.file, entry.rows, problem.column or "", "…", told, "")
            table.add_row(*(Text(cell) for cell in more), style="yellow" if warning else "")
            continue
        # Text, not markup: a value may hold square brackets.
        cells = (
            problem.file,
            "" if problem.row is None else str(problem.row),
            problem.column or "",
            problem.value,
            f"warning: {problem.message}" if warning else problem.message,
            problem.mend,
        )
        table.add_row(*(Text(cell) for cell in cells), style="yellow" if warning else "")
    return table


def description_tables(description: CohortDescription) -> tuple[Table, ...]:
    """Return a description as tables, in reading order."""
    return (
        _summary(description),
        _groups("Diagnosis", description.by_diagnosis),
        _groups("Centre", description.by_centre),
        _coverage("Patients with", "channel", description.channels),
        _coverage("Optional columns filled", "column", description.optional_columns),
        _flow(description),
    )


def _summary(description: CohortDescription) -> Table:
    table = _table(_title(description), "per patient", "n", "min", "25 %", "median", "75 %", "max")
    rows = {
        "dose rows": description.dose_rows,
        "visits": description.visits,
        "follow-up (years)": description.follow_up_years,
        "dose at year 1 (µg/day)": description.dose_at_year_1_ug,
    }
    for name, quantiles in rows.items():
        table.add_row(name, str(quantiles.n), *_five(quantiles))
    return table


def _title(description: CohortDescription) -> Text:
    label = f"{SYNTHETIC_LABEL} · " if description.synthetic else ""
    return Text(
        f"{label}{description.name}: {description.patients} patients, "
        f"{description.patient_years:.1f} patient-years"
    )


def _groups(title: str, groups: tuple[GroupSize, ...]) -> Table:
    table = _table(None, title.lower(), "patients", "patient-years")
    for group in groups:
        table.add_row(Text(group.name), str(group.patients), f"{group.patient_years:.1f}")
    return table


def _coverage(title: str, what: str, rows: tuple[Coverage, ...]) -> Table:
    table = _table(Text(title), what, "n", "share")
    for row in rows:
        table.add_row(row.name, str(row.n), f"{row.share:.0%}")
    return table


def _flow(description: CohortDescription) -> Table:
    table = _table(Text("Flow"), "step", "what", "n")
    for step in description.flow:
        table.add_row(step.step, Text(step.what), str(step.n))
    return table


def _five(quantiles: Quantiles) -> list[str]:
    numbers = (
        quantiles.minimum,
        quantiles.lower,
        quantiles.median,
        quantiles.upper,
        quantiles.maximum,
    )
    return ["–" if number is None else f"{number:.4g}" for number in numbers]


def _table(title: Text | None, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in columns:
        numeric = column in ("n", "row", "share", "patients", "patient-years")
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    return table
