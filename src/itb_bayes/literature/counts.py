"""Complications of published series: counts and patient-years, missing cells kept missing."""

from dataclasses import dataclass
from functools import cache
from typing import cast

from itb_bayes.literature.cells import number, rows_of, whole
from itb_bayes.literature.figures import Status
from itb_bayes.literature.sources import FOLDER

COMPLICATIONS = ("catheter", "pump", "infection", "tolerance")
"""What is counted, in the order of tables."""


@dataclass(frozen=True)
class ComplicationCount:
    """One complication in one published series.

    Attributes
    ----------
    source : str
        Key of the source.
    complication : {"catheter", "pump", "infection", "tolerance"}
    events_low, events_high : int or None
        Smallest and largest count that agrees with what is printed (a share of patients, rounded).
    patients : int or None
    patient_years : float or None
    percent_printed : float or None
        Share of patients, where that is what is printed.
    exposure : str
        How the patient-years are known.
    place : str
    status : {"read", "secondary", "derived"}
    note : str
    """

    source: str
    complication: str
    events_low: int | None
    events_high: int | None
    patients: int | None
    patient_years: float | None
    percent_printed: float | None
    exposure: str
    place: str
    status: Status
    note: str

    @property
    def is_known(self) -> bool:
        """Whether both a count and the patient-years are known."""
        return None not in (self.events_low, self.events_high, self.patient_years)


@cache
def complication_counts() -> tuple[ComplicationCount, ...]:
    """Return every cell of the table of complications, missing ones included."""
    return tuple(
        ComplicationCount(
            source=row["source"],
            complication=row["complication"],
            events_low=whole(row["events_low"]),
            events_high=whole(row["events_high"]),
            patients=whole(row["patients"]),
            patient_years=number(row["patient_years"]),
            percent_printed=number(row["percent_printed"]),
            exposure=row["exposure"],
            place=row["place"],
            status=cast(Status, row["status"]),
            note=row["note"],
        )
        for row in rows_of(FOLDER / "complications.csv")
    )
