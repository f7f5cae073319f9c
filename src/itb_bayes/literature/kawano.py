"""Table 1 of Kawano 2018 as printed: long-term series, with the cells that are missing."""

from dataclasses import dataclass
from functools import cache

from itb_bayes.literature.cells import number, rows_of, whole
from itb_bayes.literature.sources import FOLDER


@dataclass(frozen=True)
class PrintedRow:
    """One row of the table; None is a cell that is not there or says "not available".

    Attributes
    ----------
    source : str
        Key of the source.
    follow_up_years : float or None
    patients : int or None
    ashworth_before, ashworth_after : float or None
        Points.
    dose_ug_day : str
        As printed, because one is a range; empty where missing.
    catheter_percent, pump_percent, tolerance_percent : float or None
        Of patients.
    note : str
    """

    source: str
    follow_up_years: float | None
    patients: int | None
    ashworth_before: float | None
    ashworth_after: float | None
    dose_ug_day: str
    catheter_percent: float | None
    pump_percent: float | None
    tolerance_percent: float | None
    note: str


@cache
def kawano_table() -> tuple[PrintedRow, ...]:
    """Return the rows of Table 1 in the order of the paper."""
    return tuple(
        PrintedRow(
            source=row["source"],
            follow_up_years=number(row["follow_up_years"]),
            patients=whole(row["patients"]),
            ashworth_before=number(row["ashworth_before"]),
            ashworth_after=number(row["ashworth_after"]),
            dose_ug_day=row["dose_ug_day"],
            catheter_percent=number(row["catheter_percent"]),
            pump_percent=number(row["pump_percent"]),
            tolerance_percent=number(row["tolerance_percent"]),
            note=row["note"],
        )
        for row in rows_of(FOLDER / "kawano_table1.csv")
    )
