"""The same record twice."""

import pandas as pd

from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.rules.ordering import time_column
from itb_bayes.cohort.timebasis import TimeBasis

# A minute, in years: times nearer than that are the same record.
_TIME_DECIMALS = 6

_KEYS = {
    "doses": ("daily_dose_ug",),
    "assessments": ("scale", "muscle", "side", "rater"),
    "refills": (),
    "events": ("event", "detail"),
}
_SAME = {
    "doses": "the same dose of the same patient at the same time",
    "assessments": "the same patient, time, scale, muscle, side and rater",
    "refills": "a refill of the same patient at the same time",
    "events": "the same event of the same patient at the same time",
}


def check_duplicates(table: RawTable, basis: TimeBasis, log: ProblemLog) -> None:
    """Report records that are there twice, and two different doses at one time."""
    column = time_column(basis)
    keys = pd.DataFrame(
        {
            "patient_id": table.column("patient_id"),
            "t_years": table.column("t_years").astype("float64").round(_TIME_DECIMALS),
            **{name: table.column(name) for name in _KEYS[table.name]},
        }
    )
    usable = keys["patient_id"].notna() & keys["t_years"].notna()
    _flag_repeats(
        table, keys, usable, column, "duplicate_row", f"This is {_SAME[table.name]} as", log
    )
    if table.name == "doses":
        moments = keys[["patient_id", "t_years"]]
        _flag_repeats(
            table, moments, usable, column, "two_doses", "The patient has another dose in", log
        )


def _flag_repeats(
    table: RawTable,
    keys: pd.DataFrame,
    usable: pd.Series,
    column: str,
    code: str,
    saying: str,
    log: ProblemLog,
) -> None:
    repeated = usable & keys.duplicated()
    if not repeated.any():
        return
    group = keys.groupby(list(keys.columns), dropna=False, sort=False).ngroup()
    rows = pd.Series(table.text.index, index=table.text.index)
    first = rows.groupby(group).transform("min")
    table.flag(
        log,
        repeated,
        column,
        code,
        lambda row, value: f"{saying} line {first[row]}.",
        "Remove one of them, or correct its time.",
    )
