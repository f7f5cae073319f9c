"""When things happened: possible dates, and records within a patient's follow-up."""

import datetime

import numpy as np
import pandas as pd

from itb_bayes.cohort.contract import EARLIEST_YEAR, EVENTS_BEFORE_IMPLANT, LIFETIME_YEARS
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.rules.ordering import time_column
from itb_bayes.cohort.timebasis import TIME_TOLERANCE, TimeBasis, patient_values

_DATE_COLUMNS = ("implant_date", "last_seen", "date")
_EXIT_EVENTS = ("death", "lost")


def check_calendar(table: RawTable, log: ProblemLog) -> None:
    """Report dates before intrathecal baclofen existed, and dates in the future."""
    today = pd.Timestamp(datetime.date.today())
    for column in _DATE_COLUMNS:
        if not table.has(column):
            continue
        dates = table.column(column)
        table.flag(
            log,
            dates < pd.Timestamp(EARLIEST_YEAR, 1, 1),
            column,
            "date_range",
            f"The date lies before {EARLIEST_YEAR}.",
            "Correct it; intrathecal baclofen was first used in the 1980s.",
        )
        table.flag(
            log, dates > today, column, "future_date", "The date lies in the future.", "Correct it."
        )


def check_follow_up(patients: RawTable, basis: TimeBasis, log: ProblemLog) -> None:
    """Report patients last seen before their implant, or implausibly long after it."""
    column = "last_seen" if basis == "date" else "t_last_seen"
    last_seen = patients.column("t_last_seen")
    patients.flag(
        log,
        last_seen < -TIME_TOLERANCE,
        column,
        "time_reversed",
        "The patient was last seen before the implant.",
        "Correct one of the two.",
    )
    _flag_lifetime(patients, last_seen, column, log)


def check_record_times(
    table: RawTable,
    patients: RawTable | None,
    events: RawTable | None,
    basis: TimeBasis,
    log: ProblemLog,
) -> None:
    """Report records before the implant, after the last visit, or after death."""
    column = time_column(basis)
    t_years = table.column("t_years")
    _flag_lifetime(table, t_years, column, log)
    if table.name != "assessments":
        too_early = t_years < -TIME_TOLERANCE
        if table.name == "events":
            too_early &= ~table.words("event").isin(EVENTS_BEFORE_IMPLANT)
        table.flag(
            log,
            too_early,
            column,
            "before_implant",
            "The record lies before the implant.",
            "Correct its time, or the implant date.",
        )
    is_exit = table.words("event").isin(_EXIT_EVENTS)
    death = _death_times(table, events)
    table.flag(
        log,
        (t_years > death + TIME_TOLERANCE) & (table.words("event") != "death"),
        column,
        "after_death",
        "The record lies after the patient's death.",
        "Correct its time, or that of the death.",
    )
    if patients is not None:
        last_seen = patient_values(table, patients, "t_last_seen")
        # Last seen before the implant is reported once, for the patient.
        last_seen = last_seen.where(last_seen >= -TIME_TOLERANCE)
        table.flag(
            log,
            (t_years > last_seen + TIME_TOLERANCE) & ~is_exit,
            column,
            "after_last_seen",
            "The record lies after the patient was last seen.",
            "Correct its time, or last_seen in the patients table.",
        )


def _flag_lifetime(table: RawTable, t_years: pd.Series, column: str, log: ProblemLog) -> None:
    table.flag(
        log,
        t_years.abs() > LIFETIME_YEARS,
        column,
        "beyond_lifetime",
        f"This is more than {LIFETIME_YEARS:g} years from the implant.",
        "Give years, not days or months; or correct the dates.",
    )


def _death_times(table: RawTable, events: RawTable | None) -> pd.Series:
    """Return the time of each record's patient's death (NaN while alive)."""
    nobody = pd.Series(np.nan, index=table.text.index)
    if events is None or not events.has("patient_id") or not table.has("patient_id"):
        return nobody
    died = events.words("event") == "death"
    if not died.any():
        return nobody
    first = events.column("t_years")[died].groupby(events.column("patient_id")[died]).min()
    return table.column("patient_id").map(first).astype("float64")
