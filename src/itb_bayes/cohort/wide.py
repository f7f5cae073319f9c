"""Importing a wide table: one line per patient, one column per year after implant.

Published reviews print doses this way (year 1, year 2, …). The result is a cohort folder with
``t_years`` = year.
"""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.contract import PATIENTS
from itb_bayes.cohort.csvtable import read_csv_table
from itb_bayes.cohort.invalid import InvalidCohort
from itb_bayes.cohort.metadata import Metadata
from itb_bayes.cohort.problems import Problem, ProblemLog, suggest
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.reading import Examination, examine_source
from itb_bayes.cohort.sources import Source
from itb_bayes.cohort.typedtable import read_parquet_table
from itb_bayes.cohort.workbook import read_workbook
from itb_bayes.errors import CohortError, UsageError

_YEAR_COLUMN = re.compile(r"(?:dose[_ ]?)?(?:y|yr|year)?[_ ]?([0-9]{1,2}(?:\.[0-9]+)?)", re.I)
_UNITS = ("ug/day", "mg/day")
_DATED = ("last_seen",)


def import_wide(
    path: str | Path,
    out: str | Path,
    *,
    patient_column: str = "patient_id",
    diagnosis_column: str = "diagnosis",
    unit: str = "ug/day",
    name: str = "",
    synthetic: bool = False,
) -> Cohort:
    """Turn a wide table of doses into a cohort folder.

    Parameters
    ----------
    path : str or Path
        CSV, Parquet or one-sheet Excel file with one line per patient and columns named
        ``y1``, ``year_1``, ``dose_y1`` or ``1`` for the dose in that year after implant. An
        empty cell means no record. Patient columns of the contract are taken over.
    out : str or Path
        Folder to write; made if missing.
    patient_column, diagnosis_column : str
        Names of these columns in the file.
    unit : {"ug/day", "mg/day"}
        Unit of all doses in the file.
    name : str
        Name of the cohort; that of the file when empty.
    synthetic : bool
        Whether the data are simulated.

    Returns
    -------
    Cohort
        The cohort as written.

    Raises
    ------
    InvalidCohort
        If the table breaks the contract; problems point at the wide file.
    CohortError
        If there is no such file.
    UsageError
        If the unit is unknown, or ``out`` holds a cohort already.
    """
    path = Path(path)
    if unit not in _UNITS:
        raise UsageError(f"Unknown unit {unit!r}. Use one of: {', '.join(_UNITS)}.")
    if not path.is_file():
        raise CohortError(f"No wide table at {path}: there is no such file.")
    metadata = Metadata(name or path.stem, "Imported from a wide table", synthetic)
    log = ProblemLog()
    table = _read(path, log)
    if table is None:
        raise InvalidCohort(metadata.name, log.sorted())
    years = _check_columns(table, {patient_column, diagnosis_column}, log)
    if log.has_errors:
        raise InvalidCohort(metadata.name, log.sorted())
    names = {"patient_id": patient_column, "diagnosis": diagnosis_column}
    cohort = Cohort.of(_examine(table, years, names, unit, metadata))
    cohort.write(out)
    return cohort


def _examine(
    table: RawTable, years: dict[str, float], names: dict[str, str], unit: str, metadata: Metadata
) -> Examination:
    """Check the cohort that the wide table holds; problems point at the wide table."""
    patients = table.text.drop(columns=list(years))
    patients = patients.rename(columns={wide: column for column, wide in names.items()})
    doses, origin = _long_doses(table.text, years, names["patient_id"], unit)
    tables = {
        "patients": RawTable.of("patients", "patients", patients),
        "doses": RawTable.of("doses", "doses", doses),
    }
    examination = examine_source(Source(metadata, tables, frozenset(tables)), ProblemLog())
    problems = tuple(_point_back(p, table.file, origin, names) for p in examination.problems)
    return replace(examination, problems=problems)


def _read(path: Path, log: ProblemLog) -> RawTable | None:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return read_parquet_table("wide", path, log)
    if suffix != ".xlsx":
        return read_csv_table("wide", path, log)
    sheets = read_workbook(path, log)
    if len(sheets) > 1:
        log.add(
            path.name,
            "unknown_sheet",
            f"The workbook has {len(sheets)} sheets.",
            "Keep the wide table only.",
        )
    if len(sheets) != 1:
        return None
    return RawTable.of("wide", path.name, next(iter(sheets.values())))


def _check_columns(table: RawTable, named: set[str], log: ProblemLog) -> dict[str, float]:
    """Return the year of every year column; report columns that are missing or unknown."""
    columns = [str(column) for column in table.text.columns]
    known = (set(PATIENTS.column_names) - set(_DATED)) | named
    years: dict[str, float] = {}
    for position, column in enumerate(columns):
        match = _YEAR_COLUMN.fullmatch(column)
        if column in columns[:position]:
            _add(log, table, column, "duplicate_column", "The column is there twice.", "Remove one")
        elif match and float(match[1]) in years.values():
            _add(log, table, column, "duplicate_column", "The year is there twice.", "Remove one")
        elif match:
            years[column] = float(match[1])
        elif column not in known and not column.startswith("x_"):
            mend = suggest(column, known) or "Start its name with x_ to leave it out"
            _add(log, table, column, "unknown_column", "The column is no year.", mend)
    for column in sorted(named - set(columns)):
        _add(log, table, column, "missing_column", "The column is missing.", "Name it by option")
    if not years:
        mend = "Name the columns y1, y2, … or year_1, year_2, …"
        log.add(table.file, "missing_column", "There is no column for a year.", mend, row=1)
    return years


def _add(log: ProblemLog, table: RawTable, column: str, code: str, message: str, mend: str) -> None:
    log.add(table.file, code, message, f"{mend.rstrip('.?')}.", row=1, column=column)


def _long_doses(
    wide: pd.DataFrame, years: dict[str, float], patient_column: str, unit: str
) -> tuple[pd.DataFrame, dict[int, tuple[int, str]]]:
    """Return one line per recorded dose, and where in the wide table each came from."""
    parts = [
        pd.DataFrame(
            {
                "patient_id": wide[patient_column],
                "t_years": f"{year:g}",
                "daily_dose_ug": wide[column],
                "unit": unit,
                "column": column,
                "line": wide.index,
            }
        )
        for column, year in years.items()
    ]
    long = pd.concat(parts, ignore_index=True)
    long = long[long["daily_dose_ug"].str.strip() != ""].reset_index(drop=True)
    long.index = pd.RangeIndex(2, len(long) + 2, name="row")
    cells = zip(long["line"].astype(int), long["column"], strict=True)
    origin = dict(zip((int(row) for row in long.index), cells, strict=True))
    return long.drop(columns=["column", "line"]), origin


def _point_back(
    problem: Problem, file: str, origin: dict[int, tuple[int, str]], back: dict[str, str]
) -> Problem:
    """Return the problem with the place it has in the wide file."""
    if problem.file == "doses" and problem.row in origin:
        row, column = origin[problem.row]
        return replace(problem, file=file, row=row, column=column)
    named = back.get(problem.column, problem.column) if problem.column else None
    return replace(problem, file=file, column=named)
