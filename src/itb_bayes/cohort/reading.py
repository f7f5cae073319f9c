"""Reading a cohort: every table, every rule, one pass, all problems."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from itb_bayes.cohort.canonical import SET_ASIDE_COLUMNS, canonical_tables, set_aside_rows
from itb_bayes.cohort.contract import TABLES
from itb_bayes.cohort.headers import blank_rows, check_cells, check_header
from itb_bayes.cohort.metadata import Metadata
from itb_bayes.cohort.problems import Problem, ProblemLog
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.rules.amounts import convert_units, total_doses
from itb_bayes.cohort.rules.crosscheck import check_rules
from itb_bayes.cohort.schemas import check_schema
from itb_bayes.cohort.sources import Source, open_source
from itb_bayes.cohort.timebasis import (
    TimeBasis,
    find_time_basis,
    require_implant_dates,
    without_other_clock,
    years_of_patients,
    years_of_records,
)
from itb_bayes.cohort.values import parse_table


@dataclass(frozen=True, eq=False)
class Examination:
    """Everything found out about a cohort on disk.

    Attributes
    ----------
    metadata : Metadata
        Its name and origin.
    time_basis : {"date", "t_years"}
        The clock its files use.
    tables : mapping of str to DataFrame, or None
        Canonical tables; None when there are errors.
    set_aside : DataFrame
        Rows left out: table, row, patient_id, reason.
    problems : tuple of Problem
        Errors and warnings.
    rows_read : mapping of str to int
        Rows found in each file.
    """

    metadata: Metadata
    time_basis: TimeBasis
    tables: MappingProxyType[str, pd.DataFrame] | None
    set_aside: pd.DataFrame
    problems: tuple[Problem, ...]
    rows_read: MappingProxyType[str, int]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the import."""
        return tuple(p for p in self.problems if p.severity == "error")


def examine(path: Path) -> Examination:
    """Read a cohort and find all its problems.

    Parameters
    ----------
    path : Path
        A folder of CSV or Parquet files, or an Excel workbook.

    Returns
    -------
    Examination
        Canonical tables if there is no error, and all problems in any case.

    Raises
    ------
    CohortError
        If the path is missing or is no cohort at all.
    """
    log = ProblemLog()
    return examine_source(open_source(path, log), log)


def examine_source(source: Source, log: ProblemLog) -> Examination:
    """Interpret and check tables that were read as text.

    Parameters
    ----------
    source : Source
        Tables as text.
    log : ProblemLog
        With the problems met while reading them; takes all others.

    Returns
    -------
    Examination
        As from `examine`.
    """
    rows_read = {name: table.size for name, table in source.tables.items()}
    aside: list[pd.DataFrame] = []
    tables = {name: check_header(table, log) for name, table in source.tables.items()}
    basis = find_time_basis(tables, log)
    tables = {
        name: _interpret(without_other_clock(table, basis), source.metadata, aside, log)
        for name, table in tables.items()
    }
    tables = _on_one_clock(tables, basis, log)
    check_rules(tables, source.present, basis, log)
    canonical = None if log.has_errors else MappingProxyType(canonical_tables(tables))
    return Examination(
        metadata=source.metadata,
        time_basis=basis,
        tables=canonical,
        set_aside=pd.concat(aside, ignore_index=True) if aside else _nothing_aside(),
        problems=log.sorted(),
        rows_read=MappingProxyType(rows_read),
    )


def _interpret(
    table: RawTable, metadata: Metadata, aside: list[pd.DataFrame], log: ProblemLog
) -> RawTable:
    """Turn one table's text into checked values; collect the rows that are set aside."""
    blank = blank_rows(table)
    if blank.any():
        aside.append(set_aside_rows(table, blank, "blank row"))
        table = table.without_rows(blank)
    table = check_cells(table, log)
    sentinels = {
        key.partition(".")[2]: values
        for key, values in metadata.sentinels.items()
        if key.partition(".")[0] == table.name
    }
    table = parse_table(table, sentinels, log)
    if table.name == "doses":
        table = convert_units(table, log)
    table = check_schema(table, log)
    if table.name == "doses":
        table = total_doses(table, log)
    for column in TABLES[table.name].needs:
        empty = _is_unrecorded(table, column, log)
        if empty.any():
            aside.append(set_aside_rows(table, empty, f"no {column} recorded"))
            table = table.without_rows(empty)
    return table


def _is_unrecorded(table: RawTable, column: str, log: ProblemLog) -> pd.Series:
    """Tell which rows miss a value that was not recorded (rather than not readable)."""
    if not table.has(column):
        return pd.Series(False, index=table.text.index)
    missing = table.column(column).isna().to_numpy(dtype=bool)
    unrecorded = [
        gone and not log.is_flagged(table.file, int(row), column)
        for row, gone in zip(table.text.index, missing, strict=True)
    ]
    return pd.Series(unrecorded, index=table.text.index, dtype="bool")


def _on_one_clock(
    tables: dict[str, RawTable], basis: TimeBasis, log: ProblemLog
) -> dict[str, RawTable]:
    if "patients" not in tables:
        nobody = pd.DataFrame(columns=["patient_id"], dtype="str")
        patients = RawTable.of("patients", "patients.csv", nobody)
        patients = years_of_patients(parse_table(patients, {}, log), basis)
        return {n: years_of_records(t, patients, basis) for n, t in tables.items()}
    require_implant_dates(tables["patients"], basis, log)
    patients = years_of_patients(tables["patients"], basis)
    return {
        name: patients if name == "patients" else years_of_records(table, patients, basis)
        for name, table in tables.items()
    }


def _nothing_aside() -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series(dtype="int64" if name == "row" else "str") for name in SET_ASIDE_COLUMNS}
    )
