"""Doses that look like a slip of the decimal point: possible, so warned of and kept."""

import numpy as np
import pandas as pd

from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

ALONE_FACTOR = 5.0
"""A dose so many times (or one of so many parts of) both neighbours, which are near each other."""

STEP_FACTOR = 8.0
"""A dose so many times (or one of so many parts of) the one before, whatever follows."""

NEAR_FACTOR = 2.0
_MEND = "If a digit or the decimal point slipped, correct the dose; if it was given, leave it."


def check_slips(
    doses: RawTable, records: pd.DataFrame, restarted: set[str], log: ProblemLog
) -> None:
    """Warn of doses many times their neighbours.

    Parameters
    ----------
    doses : RawTable
    records : DataFrame
        Doses above zero that no holiday or explant explains, ordered by patient and time; the index
        is the line number. Those already found to be wrong are not told again.
    restarted : set of str
        Patients with a holiday or an explant: their dose may well start again at a small one.
    log : ProblemLog
        Takes the problems found.
    """
    log_dose = np.log(records["daily_dose_ug"])
    grouped = log_dose.groupby(records["patient_id"], sort=False)
    before, after = log_dose - grouped.shift(1), log_dose - grouped.shift(-1)
    away = np.minimum(before.abs(), after.abs()) >= np.log(ALONE_FACTOR) - 1e-9
    near = (before - after).abs() <= np.log(NEAR_FACTOR)
    alone = away & near
    back = alone.groupby(records["patient_id"], sort=False).shift(1, fill_value=False)
    step = ~alone & ~back & (before.abs() >= np.log(STEP_FACTOR) - 1e-9)
    step &= ~records["patient_id"].isin(restarted)
    times = np.exp(before)
    flagged = records.index[alone | step]
    doses.flag(
        log,
        doses.text.index.isin(flagged),
        "daily_dose_ug",
        "dose_slip",
        lambda row, value: _saying(float(times[row])),
        _MEND,
        "warning",
    )


def _saying(times: float) -> str:
    if times > 1.0:
        return f"The dose is {times:.1f} times the one before."
    return f"The dose is 1/{1.0 / times:.1f} of the one before."
