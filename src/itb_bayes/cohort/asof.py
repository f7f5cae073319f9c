"""As-of times: how many years after implant each patient is on a given day."""

import datetime

import numpy as np
import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.contract import DAYS_PER_YEAR
from itb_bayes.errors import UsageError

AsOf = datetime.date | float
"""A day, or a time since implant in years that is the same for every patient."""

LONGEST_YEARS = 100.0


def parse_as_of(text: str | None) -> AsOf | None:
    """Return an as-of time given as YYYY-MM-DD, or as years since implant.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if text is None:
        return None
    try:
        years = float(text)
    except ValueError:
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            raise UsageError(
                f"--as-of {text!r} is neither a day nor a time; write a day as 2026-03-31, or "
                "years since implant as 4.5."
            ) from None
    if not 0.0 < years < LONGEST_YEARS:
        raise UsageError(f"--as-of must be a number of years since implant (got {text}).")
    return years


def as_of_years(
    cohort: Cohort, when: AsOf | None = None, *, part: bool = False
) -> dict[str, float]:
    """Return the as-of time of every patient, in years since implant.

    Parameters
    ----------
    cohort : Cohort
    when : date or float, optional
        A day, for cohorts with dates; or years since implant, the same for all. Where not given,
        the last day on which anything of the cohort was recorded: the day it was exported, as far
        as its records tell. Cohorts without dates have no such day: the result is then empty.

    part : bool
        The cohort is part of one that may have earlier records: a day before all of its own is no
        error.

    Raises
    ------
    UsageError
        If a day is given for a cohort without dates, or it comes before the first record.
    """
    ids = cohort.patients["patient_id"].astype(str)
    if when is not None and not isinstance(when, datetime.date):
        return dict.fromkeys(ids, float(when))
    if cohort.time_basis != "date":
        if when is None:
            return {}
        raise UsageError(
            f"--as-of {when} is a day, but cohort {cohort.name!r} has times since implant, not "
            "dates. Give the as-of time in years since implant, or a cohort with dates."
        )
    implant = pd.to_datetime(cohort.patients["implant_date"]).set_axis(ids)
    first, last = _recorded(cohort, implant)
    day = last if when is None else pd.Timestamp(when)
    if day < first and not part:
        raise UsageError(
            f"--as-of {when} comes before the first record of cohort {cohort.name!r}: nobody has "
            "anything on record by then."
        )
    return {str(who): (day - start).days / DAYS_PER_YEAR for who, start in implant.items()}


def _recorded(cohort: Cohort, implant: pd.Series) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first and the last day of all records."""
    found = []
    for name, table in cohort.tables.items():
        years = table["t_last_seen" if name == "patients" else "t_years"].to_numpy(dtype=float)
        start = implant.reindex(table["patient_id"].astype(str)).to_numpy()
        known = np.isfinite(years)
        days = np.round(years[known] * DAYS_PER_YEAR).astype("timedelta64[D]")
        found.append(start[known].astype("datetime64[D]") + days)
    every = np.concatenate(found)
    return pd.Timestamp(every.min()), pd.Timestamp(every.max())
