"""Records in order of time, and the periods between paired events."""

import numpy as np
import pandas as pd

from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.timebasis import TIME_TOLERANCE, TimeBasis

PAIRS = {"holiday_start": "holiday_end", "explant": "reimplant"}


def time_column(basis: TimeBasis) -> str:
    """Return the name of the column that holds the time of a record in the files."""
    return "date" if basis == "date" else "t_years"


def ordered_records(table: RawTable) -> pd.DataFrame:
    """Return the usable records (patient and time known), by patient and time.

    Parameters
    ----------
    table : RawTable
        Records with ``t_years``.

    Returns
    -------
    DataFrame
        All typed columns; the index is the line number; ties keep the order of the file.
    """
    frame = table.cells.assign(
        patient_id=table.column("patient_id"), t_years=table.column("t_years")
    )
    frame = frame[frame["patient_id"].notna() & frame["t_years"].notna()]
    return frame.sort_values(["patient_id", "t_years"], kind="stable")


def paired_events(events: RawTable, start: str) -> pd.DataFrame:
    """Return the events of one pair (start and end), ordered, with their neighbours.

    Parameters
    ----------
    events : RawTable
        The events.
    start : {"holiday_start", "explant"}
        First event of the pair.

    Returns
    -------
    DataFrame
        Columns ``patient_id, t_years, event``, the ``previous`` and ``following`` event of
        the pair in the same patient, and ``t_following``; the index is the line number.
    """
    if not events.words("event").isin([start, PAIRS[start]]).any():
        return pd.DataFrame(
            columns=["patient_id", "t_years", "event", "previous", "following", "t_following"]
        )
    records = ordered_records(events)
    records = records[records["event"].isin([start, PAIRS[start]])]
    records = records[["patient_id", "t_years", "event"]]
    grouped = records.groupby("patient_id", sort=False)
    return records.assign(
        previous=grouped["event"].shift(1),
        following=grouped["event"].shift(-1),
        t_following=grouped["t_years"].shift(-1),
    )


def periods(events: RawTable | None, start: str) -> pd.DataFrame:
    """Return the periods that ``start`` opens; one that is never closed lasts for ever.

    Returns
    -------
    DataFrame
        Columns ``patient_id, start, end`` (years since implant; ``end`` may be infinite).
    """
    if events is None:
        return pd.DataFrame({"patient_id": [], "start": [], "end": []})
    pairs = paired_events(events, start)
    opened = pairs[(pairs["event"] == start) & (pairs["t_years"] >= -TIME_TOLERANCE)]
    closed = opened["following"] == PAIRS[start]
    return pd.DataFrame(
        {
            "patient_id": opened["patient_id"],
            "start": opened["t_years"].astype("float64"),
            "end": opened["t_following"].astype("float64").where(closed, np.inf),
        }
    )


def within_periods(records: pd.DataFrame, spans: pd.DataFrame, after_start: bool) -> pd.Series:
    """Tell which records lie in a period of the same patient.

    Parameters
    ----------
    records : DataFrame
        With ``patient_id`` and ``t_years``; the index is the line number.
    spans : DataFrame
        From `periods`.
    after_start : bool
        Whether the instant of the start itself is outside.

    Returns
    -------
    Series of bool
        With the index of ``records``. The end of a period is always outside.
    """
    inside = pd.Series(False, index=records.index)
    if spans.empty or records.empty:
        return inside
    shift = TIME_TOLERANCE if after_start else -TIME_TOLERANCE
    left = records[["patient_id", "t_years"]].rename_axis("row").reset_index()
    joined = left.merge(spans, on="patient_id")
    hit = (joined["t_years"] > joined["start"] + shift) & (
        joined["t_years"] < joined["end"] - TIME_TOLERANCE
    )
    inside[joined.loc[hit, "row"].unique()] = True
    return inside
