"""Drift by diagnosis in cohorts that disagree: derived rates with the assumptions behind them."""

from dataclasses import dataclass
from functools import cache
from typing import cast

from itb_bayes.literature.cells import rows_of
from itb_bayes.literature.figures import Status
from itb_bayes.literature.sources import FOLDER


@dataclass(frozen=True)
class DerivedDrift:
    """Drift of one diagnosis in one cohort, on the log dose.

    Attributes
    ----------
    source : str
        Key of the source.
    diagnosis : {"MS", "SCI"}
    drift, se : float
        Per year, and its standard error.
    from_years, to_years : float
        Years since implant that it covers.
    n : int
        Patients.
    assumption : str
        What the standard error rests on.
    status : {"read", "secondary", "derived"}
    """

    source: str
    diagnosis: str
    drift: float
    se: float
    from_years: float
    to_years: float
    n: int
    assumption: str
    status: Status


@cache
def derived_drifts() -> tuple[DerivedDrift, ...]:
    """Return the drifts of the cohorts that disagree on MS and SCI."""
    return tuple(
        DerivedDrift(
            source=row["source"],
            diagnosis=row["diagnosis"],
            drift=float(row["drift"]),
            se=float(row["se"]),
            from_years=float(row["from_years"]),
            to_years=float(row["to_years"]),
            n=int(row["n"]),
            assumption=row["assumption"],
            status=cast(Status, row["status"]),
        )
        for row in rows_of(FOLDER / "conflicts.csv")
    )
