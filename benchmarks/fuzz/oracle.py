"""What a cohort that was read must hold: worked out from the written cells in plain Python.

Nothing of the package is used but the names of its columns: numbers are read by `float`, dates by
`datetime.date`, rows are counted one by one.
"""

import csv
import datetime
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz.sheets import Sheet, Sheets
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.contract import TABLES, canonical_columns

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
FACTORS = {"ug/day": 1.0, "\u00b5g/day": 1.0, "\u03bcg/day": 1.0, "mcg/day": 1.0, "mg/day": 1000.0}


class WrongSuccess(AssertionError):
    """A cohort or model was accepted, and is not what was written."""


@dataclass(frozen=True)
class Row:
    """One row that must be found in a table: what is expected in its columns."""

    values: dict[str, Any]
    order: int


def csv_sheets(folder: Path) -> Sheets:
    """Return the cells of a folder of CSV files, read by Python's own module."""
    sheets = {}
    for path in sorted(folder.glob("*.csv")):
        text = path.read_bytes().decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        sheets[path.stem] = Sheet(rows[0], rows[1:])
        widths = {len(row) for row in rows}
        require(len(widths) == 1, f"{path.name}: rows of {widths} cells were accepted")
    return sheets


def compare(cohort: Cohort, sheets: Sheets) -> None:
    """Check every value and every row of a cohort against the cells that were written.

    Raises
    ------
    WrongSuccess
        At the first difference.
    """
    require(set(sheets) <= set(TABLES), f"tables {sorted(set(sheets) - set(TABLES))} were accepted")
    tables = {name: _named_rows(name, sheet) for name, sheet in sheets.items()}
    patients = [row["patient_id"] for row in tables["patients"]]
    require(len(set(patients)) == len(patients), "a doubled patient was accepted")
    implants = {row["patient_id"]: row.get("implant_date", "") for row in tables["patients"]}
    for name, frame in cohort.tables.items():
        rows = tables.get(name, [])
        listed = cohort.set_aside[cohort.set_aside["table"] == name]
        aside = [reason for reason in listed["reason"] if reason != "blank row"]
        rows = [row for row in rows if any(cell.strip() for cell in row.values())]
        kept = [
            Row(_expected(name, row, implants), k)
            for k, row in enumerate(rows)
            if not _says_nothing(name, row)
        ]
        require(
            len(frame) + len(aside) == len(rows) and len(frame) == len(kept),
            f"{name}: {len(rows)} rows were written, {len(frame)} read and {len(aside)} set aside",
        )
        if name != "patients":
            kept.sort(
                key=lambda row: (
                    patients.index(row.values["patient_id"]),
                    row.values["t_years"],
                    row.order,
                )
            )
        for position, row in enumerate(kept):
            for column in canonical_columns(name):
                found = frame[column].iloc[position]
                want = row.values.get(column)
                require(
                    _same(found, want),
                    f"{name}, row {position + 1}, {column}: {want!r} became {found!r}",
                )


def _named_rows(name: str, sheet: Sheet) -> list[dict[str, str]]:
    header = [cell.strip() for cell in sheet.header]
    named = [
        (k, column) for k, column in enumerate(header) if column and not column.startswith("x_")
    ]
    columns = [column for _, column in named]
    require(len(set(columns)) == len(columns), f"{name}: a doubled column was accepted")
    unknown = set(columns) - set(TABLES[name].column_names)
    require(not unknown, f"{name}: columns {sorted(unknown)} were accepted")
    for row in sheet.rows:
        for k, cell in enumerate(row):
            require(
                (k < len(header) and header[k] != "") or not cell.strip(),
                f"{name}: a cell under no name was dropped",
            )
    # Rows that are empty throughout say nothing: the import may skip them or set them aside.
    filled = [row for row in sheet.rows if any(cell.strip() for cell in row)]
    return [{column: row[k] if k < len(row) else "" for k, column in named} for row in filled]


def _says_nothing(name: str, row: dict[str, str]) -> bool:
    if name == "doses":
        return all(
            row.get(column, "").strip() == ""
            for column in ("daily_dose_ug", "basal_ug_day", "bolus_ug")
        )
    return any(row.get(column, "").strip() == "" for column in TABLES[name].needs)


def _expected(name: str, row: dict[str, str], implants: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column, cell in row.items():
        kind = TABLES[name].column(column).kind
        values[column] = cell if kind == "id" else _value(kind, cell.strip(), row)
    if name == "patients" and values.get("last_seen") is not None:
        values["t_last_seen"] = (values["last_seen"] - values["implant_date"]).days / 365.25
    if values.get("date") is not None:
        implant = _value("date", implants[row["patient_id"]].strip(), row)
        values["t_years"] = (values["date"] - implant).days / 365.25
    if name == "doses":
        _fill_dose(values, row)
    return values


def _value(kind: str, text: str, row: dict[str, str]) -> Any:
    if text == "":
        return None
    if kind == "text":
        return text
    if kind == "flag":
        return FLAGS[text.lower()]
    if kind == "date":
        require(
            re.fullmatch(
                r"\d{4}-\d\d-\d\d([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?)?", text, re.ASCII
            )
            is not None,
            f"{text!r} was read as a date",
        )
        return datetime.date.fromisoformat(text[:10])
    if text == "1+" and row.get("scale", "").strip() == "mas":
        return 1.5
    require(NUMBER.fullmatch(text) is not None, f"{text!r} was read as a number")
    number = float(text)
    require(math.isfinite(number), f"{text!r} was read as a finite number")
    return number


def _fill_dose(values: dict[str, Any], row: dict[str, str]) -> None:
    factor = (
        FACTORS[row["unit"].strip().casefold().replace(" ", "").replace("\u00b5", "\u03bc")]
        if "unit" in row
        else None
    )
    for column in ("daily_dose_ug", "basal_ug_day", "bolus_ug"):
        if factor is not None and values.get(column) is not None:
            values[column] = round(values[column] * factor, 9)
    if values.get("daily_dose_ug") is None:
        basal, bolus, count = (
            values.get(c) for c in ("basal_ug_day", "bolus_ug", "boluses_per_day")
        )
        total = basal if bolus is None or count is None else (basal or 0.0) + bolus * count
        values["daily_dose_ug"] = None if total is None else round(total, 9)


def _same(found: Any, want: Any) -> bool:
    missing = found is None or str(found) in ("NaT", "<NA>", "nan")
    if want is None or missing:
        return want is None and missing
    if isinstance(want, bool):
        return bool(found) is want
    if isinstance(want, float):
        return (
            abs(float(found) - want) <= 1e-9 * max(1e-300, abs(want))
            if want
            else float(found) == 0.0
        )
    if isinstance(want, datetime.date):
        return found.date() == want
    return str(found) == want


def require(holds: bool, message: str) -> None:
    """Raise `WrongSuccess` unless something holds."""
    if not holds:
        raise WrongSuccess(message)
