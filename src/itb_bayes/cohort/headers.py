"""Checks of a table's header and of its cells as text."""

import re

import pandas as pd

from itb_bayes.cohort.contract import TABLES
from itb_bayes.cohort.limits import limits
from itb_bayes.cohort.problems import ProblemLog, suggest
from itb_bayes.cohort.rawtable import RawTable

IGNORED_PREFIX = "x_"
_DOSE_ALTERNATIVES = ("basal_ug_day", "bolus_ug")
# Tabs and line ends are white space, which is stripped or reported elsewhere.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPREADSHEET_ERRORS = (
    "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!",
    "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!",
)  # fmt: skip
# A first look at a whole column: whatever it finds is looked at cell by cell.
_SPOILT = re.compile(rf"{_CONTROL.pattern}|#[A-Z]", re.IGNORECASE)


def check_header(table: RawTable, log: ProblemLog) -> RawTable:
    """Check column names; return the table with contract columns only.

    Columns whose name starts with ``x_`` are left out without a word, unknown ones with an
    error, and trailing columns without name and content are left out.
    """
    spec = TABLES[table.name]
    names = [str(name) for name in table.text.columns]
    keep: list[int] = []
    for position, name in enumerate(names):
        if name in names[:position] and name:
            log.add(
                table.file,
                "duplicate_column",
                f"The column {name[:40]!r} is there twice.",
                "Remove one of the two.",
                row=1,
                column=name,
            )
        elif name in spec.column_names:
            keep.append(position)
        elif not name:
            _check_unnamed(table, position, log)
        elif not name.startswith(IGNORED_PREFIX):
            known = [c for c in spec.column_names if c not in names]
            log.add(
                table.file,
                "unknown_column",
                f"The contract has no column {name[:40]!r} in {table.name}.",
                suggest(name, known) or "Remove it, or start its name with x_ to keep it aside.",
                row=1,
                column=name[:40],
            )
    text = table.text.iloc[:, keep]
    checked = RawTable.of(table.name, table.file, text)
    _check_required(checked, log)
    return checked


def _check_unnamed(table: RawTable, position: int, log: ProblemLog) -> None:
    if (table.text.iloc[:, position].str.strip() != "").any():
        log.add(
            table.file,
            "unnamed_column",
            f"Column {position + 1} has values but no name.",
            "Give it a name, or remove it.",
            row=1,
        )


def _check_required(table: RawTable, log: ProblemLog) -> None:
    spec = TABLES[table.name]
    required = [column.name for column in spec.columns if column.required]
    if table.name == "doses" and not any(table.has(name) for name in _DOSE_ALTERNATIVES):
        required.append("daily_dose_ug")
    for name in required:
        if not table.has(name):
            log.add(
                table.file,
                "missing_column",
                f"The column {name!r} is missing.",
                f"Every {table.name} table needs it.",
                row=1,
                column=name,
            )
    if table.size == 0 and spec.required:
        log.add(
            table.file,
            "no_rows",
            "The table has a header but no rows.",
            "Give at least one row.",
            row=1,
        )


def check_cells(table: RawTable, log: ProblemLog) -> RawTable:
    """Report cells that hold no value: absurdly long, with control characters, or an error.

    The cells are returned emptied. ``#REF!`` and the like are what a spreadsheet leaves where a
    formula failed; taken as text they would become centres, or patients.
    """
    spoilt = {}
    longest = limits().cell_characters
    for name in table.text.columns:
        cells = table.text[name]
        whole = "".join(cells)
        # Most columns are clean: look at each cell only when something is amiss.
        if cells.str.len().max() > longest or _SPOILT.search(whole):
            spoilt[str(name)] = _without_spoilt(table, str(name), log)
    return table.with_text(table.text.assign(**spoilt))


def _without_spoilt(table: RawTable, name: str, log: ProblemLog) -> pd.Series:
    cells = table.text[name]
    longest = limits().cell_characters
    too_long = cells.str.len() > longest
    table.flag(
        log,
        too_long,
        name,
        "cell_too_long",
        f"The cell holds more than {longest:,} characters.",
        "A quote may be missing.",
    )
    control = cells.map(lambda cell: bool(_CONTROL.search(cell))).astype(bool)
    table.flag(
        log, control, name, "control_character", "The cell holds a control character.", "Remove it."
    )
    failed = cells.str.strip().str.upper().isin(_SPREADSHEET_ERRORS)
    table.flag(
        log,
        failed,
        name,
        "spreadsheet_error",
        "The cell holds the error of a spreadsheet formula.",
        "Mend the formula, or leave the cell empty.",
    )
    return cells.mask(too_long | control | failed, "")


def blank_rows(table: RawTable) -> pd.Series:
    """Tell which rows hold nothing at all (spreadsheets leave such rows behind)."""
    if table.text.shape[1] == 0:
        return pd.Series(False, index=table.text.index)
    first = table.text.iloc[:, 0].str.strip() == ""
    if not first.any():
        return first
    return (table.text.apply(lambda column: column.str.strip() == "")).all(axis=1)
