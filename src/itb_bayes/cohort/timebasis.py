"""One clock for a cohort: calendar dates or years since implant, never both.

Whatever the files hold, the tables then carry ``t_years`` (days since implant / 365.25).
"""

from typing import Literal

import numpy as np
import pandas as pd

from itb_bayes.cohort.contract import DAYS_PER_YEAR
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

TimeBasis = Literal["date", "t_years"]

# Half a day: equal instants stay equal whatever the rounding of t_years in the file.
TIME_TOLERANCE = 0.5 / DAYS_PER_YEAR

_COLUMNS: dict[str, TimeBasis] = {
    "date": "date",
    "last_seen": "date",
    "t_years": "t_years",
    "t_last_seen": "t_years",
}


def find_time_basis(tables: dict[str, RawTable], log: ProblemLog) -> TimeBasis:
    """Find which clock the cohort uses, and report a mixture or a missing time column.

    Parameters
    ----------
    tables : dict of str to RawTable
        All tables that could be read.
    log : ProblemLog
        Takes the problems found.

    Returns
    -------
    {"date", "t_years"}
        That of the doses; ``t_years`` when nothing says otherwise.
    """
    basis: TimeBasis = "t_years"
    for table in sorted(tables.values(), key=lambda t: t.name != "doses"):
        present = [b for name, b in _COLUMNS.items() if table.has(name)]
        if present:
            basis = present[0]
            break
    for table in tables.values():
        _check_basis(table, basis, log)
    return basis


def _check_basis(table: RawTable, basis: TimeBasis, log: ProblemLog) -> None:
    foreign = [name for name, b in _COLUMNS.items() if table.has(name) and b != basis]
    for name in foreign:
        other = "dates" if basis == "date" else "years since implant"
        log.add(
            table.file,
            "mixed_time",
            f"The column {name!r} mixes two clocks: the doses use {other}.",
            f"Use {basis!r} in every table of the cohort.",
            row=1,
            column=name,
        )
    if table.name == "patients":
        if basis == "date" and not table.has("implant_date"):
            log.add(
                table.file,
                "missing_column",
                "The column 'implant_date' is missing.",
                "With dates, every patient needs one; or give t_years instead.",
                row=1,
                column="implant_date",
            )
    elif not table.has(basis) and not foreign:
        log.add(
            table.file,
            "missing_column",
            f"The time column {basis!r} is missing.",
            "Give a date (ISO 8601), or t_years since implant.",
            row=1,
            column=basis,
        )


def without_other_clock(table: RawTable, basis: TimeBasis) -> RawTable:
    """Return the table without columns of the other clock, whose values say nothing here."""
    foreign = [name for name, b in _COLUMNS.items() if table.has(name) and b != basis]
    return RawTable.of(table.name, table.file, table.text.drop(columns=foreign))


def require_implant_dates(patients: RawTable, basis: TimeBasis, log: ProblemLog) -> None:
    """Report patients without implant date when the cohort uses dates."""
    if basis == "date" and patients.has("implant_date"):
        patients.flag(
            log,
            patients.column("implant_date").isna(),
            "implant_date",
            "missing_value",
            "The cell is empty.",
            "With dates, every patient needs an implant date.",
        )


def years_of_patients(patients: RawTable, basis: TimeBasis) -> RawTable:
    """Return the patients with ``t_last_seen`` in years since implant."""
    if basis == "t_years":
        return patients.with_cells(t_last_seen=patients.column("t_last_seen").astype("float64"))
    seen, implant = patients.column("last_seen"), patients.column("implant_date")
    return patients.with_cells(t_last_seen=_years_between(seen, implant))


def years_of_records(table: RawTable, patients: RawTable, basis: TimeBasis) -> RawTable:
    """Return a table of records with ``t_years`` since implant (NaN where unknown)."""
    if basis == "t_years":
        return table.with_cells(t_years=table.column("t_years").astype("float64"))
    implant = patient_values(table, patients, "implant_date")
    return table.with_cells(t_years=_years_between(table.column("date"), implant))


def patient_values(table: RawTable, patients: RawTable, column: str) -> pd.Series:
    """Return a column of the patients, looked up for every row of another table."""
    by_patient = patients.column(column).set_axis(patients.column("patient_id"))
    by_patient = by_patient[by_patient.index.notna() & ~by_patient.index.duplicated()]
    if not table.has("patient_id") or by_patient.empty:
        return pd.Series(np.nan, index=table.text.index, dtype="float64").astype(by_patient.dtype)
    looked_up = by_patient.reindex(table.column("patient_id"))
    return looked_up.set_axis(table.text.index)


def _years_between(later: pd.Series, earlier: pd.Series) -> pd.Series:
    later, earlier = pd.to_datetime(later), pd.to_datetime(earlier)
    return ((later - earlier).dt.days / DAYS_PER_YEAR).astype("float64")
