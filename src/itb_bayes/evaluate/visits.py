"""The visits at which surveillance is judged, and the mean Ashworth read at each."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.steps import TONE_SHIFT

DAYS_PER_YEAR = 365.25

TITRATION_YEARS = 0.5
"""Visits before this are titration and are not judged."""


def whole_days(t_years: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return years since implant as whole days, so that rounded times of two files agree."""
    return np.rint(np.asarray(t_years, dtype=float) * DAYS_PER_YEAR).astype(np.int64)


def ashworth_means(cohort: Cohort) -> pd.DataFrame:
    """Return the mean Ashworth of each reading, moved to the 0-4 scale.

    Returns
    -------
    DataFrame
        ``patient_id, t_years, day, ashworth``: one row per patient and day with a reading, in the
        order of the cohort. Muscles and scales of one day are averaged.
    """
    rows = cohort.assessments
    rows = rows.loc[rows["scale"].isin(list(TONE_SHIFT))]
    shift = rows["scale"].astype(str).map(TONE_SHIFT).to_numpy(dtype=float)
    frame = pd.DataFrame(
        {
            "patient_id": rows["patient_id"].astype(str).to_numpy(),
            "t_years": rows["t_years"].to_numpy(dtype=float),
            "day": whole_days(rows["t_years"].to_numpy(dtype=float)),
            "ashworth": rows["value"].to_numpy(dtype=float) + shift,
        }
    )
    grouped = frame.groupby(["patient_id", "day"], sort=False, as_index=False)
    return grouped.agg({"t_years": "first", "ashworth": "mean"})[
        ["patient_id", "t_years", "day", "ashworth"]
    ]


def evaluation_visits(cohort: Cohort, from_years: float = TITRATION_YEARS) -> pd.DataFrame:
    """Return the visits to be judged: every day with an Ashworth reading after titration.

    For a patient without any reading the dose rows stand for the visits.

    Returns
    -------
    DataFrame
        ``patient_id, t_years, day``, in the order of the patients table, then time.
    """
    columns = ["patient_id", "t_years", "day"]
    read = ashworth_means(cohort)[columns]
    doses = cohort.doses.loc[~cohort.doses["patient_id"].isin(read["patient_id"])]
    unread = pd.DataFrame(
        {
            "patient_id": doses["patient_id"].astype(str).to_numpy(),
            "t_years": doses["t_years"].to_numpy(dtype=float),
            "day": whole_days(doses["t_years"].to_numpy(dtype=float)),
        }
    ).drop_duplicates(["patient_id", "day"])
    visits = pd.concat([read, unread], ignore_index=True)
    visits = visits.loc[visits["t_years"] >= from_years]
    order = {pid: k for k, pid in enumerate(cohort.patients["patient_id"].astype(str))}
    place = visits["patient_id"].map(order).to_numpy(dtype=np.int64)
    return visits.iloc[np.lexsort((visits["day"].to_numpy(), place))].reset_index(drop=True)
