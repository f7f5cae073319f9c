"""Doses that cannot be meant: milligrams for micrograms, slips of a digit, zero, no pump."""

import numpy as np
import pandas as pd

from itb_bayes.cohort.problems import ProblemLog, Severity
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.rules.ordering import (
    ordered_records,
    periods,
    time_column,
    within_periods,
)
from itb_bayes.cohort.rules.slips import check_slips
from itb_bayes.cohort.timebasis import TimeBasis

# No pump regime in the literature treats spasticity with less; in mg/day all do.
SMALLEST_TREATMENT_UG = 5.0
JUMP_FACTOR = 100.0
_TYPICAL_UG = 200.0
_UNIT_MEND = "If they are milligrams, add a column 'unit' with mg/day; otherwise correct them."


def check_doses(
    doses: RawTable,
    events: RawTable | None,
    pauses_known: bool,
    basis: TimeBasis,
    log: ProblemLog,
) -> None:
    """Apply every rule about the size of doses.

    Parameters
    ----------
    doses : RawTable
        Doses in µg/day, with ``t_years``.
    events : RawTable or None
        The events, for holidays and explants.
    pauses_known : bool
        False when there are events that could not be read.
    basis : {"date", "t_years"}
        The cohort's clock.
    log : ProblemLog
        Takes the problems found.
    """
    records = ordered_records(doses)
    away = periods(events, "explant")
    paused = pd.concat([periods(events, "holiday_start"), away])
    is_paused = within_periods(records, paused, after_start=False)
    _check_unit(doses, records, log)
    if pauses_known:
        _check_zero(doses, records[~is_paused], log)
    running = records[~is_paused & (records["daily_dose_ug"] > 0)]
    _check_jumps(doses, running, log)
    if pauses_known:
        check_slips(doses, running, set(paused["patient_id"]), log)
    given = records[records["daily_dose_ug"] > 0]
    _flag(
        doses,
        given.index[within_periods(given, away, after_start=True)],
        time_column(basis),
        "dose_after_explant",
        "The patient has no pump at this time.",
        "Add the reimplant to the events, or correct the times.",
        log,
    )


def _flag(
    doses: RawTable,
    rows: pd.Index,
    column: str,
    code: str,
    message: str,
    mend: str,
    log: ProblemLog,
) -> None:
    doses.flag(log, doses.text.index.isin(rows), column, code, message, mend)


def _check_unit(doses: RawTable, records: pd.DataFrame, log: ProblemLog) -> None:
    """Report patients all of whose doses are too small to be micrograms."""
    given = _without_boluses(records)
    small = doses_like_milligrams(records)
    if small.empty:
        return
    severity: Severity = "warning" if doses.has("unit") else "error"
    n_patients = len(small["patient_id"].unique())
    if len(small) == len(given) and n_patients > 1:
        log.add(
            doses.file,
            "dose_unit",
            f"All doses are below {SMALLEST_TREATMENT_UG:g} µg/day; they look like mg/day.",
            _UNIT_MEND,
            column="daily_dose_ug",
            value=f"largest {given['daily_dose_ug'].max():g}",
            severity=severity,
        )
        return
    first = small.index[~small["patient_id"].duplicated()]
    doses.flag(
        log,
        doses.text.index.isin(first),
        "daily_dose_ug",
        "dose_unit",
        f"All doses of this patient are below {SMALLEST_TREATMENT_UG:g} µg/day; "
        "they look like mg/day.",
        _UNIT_MEND,
        severity,
    )


def doses_like_milligrams(records: pd.DataFrame) -> pd.DataFrame:
    """Return the doses of patients all of whose doses are too small to be micrograms.

    Parameters
    ----------
    records : DataFrame
        Doses in µg/day.

    Returns
    -------
    DataFrame
        Rows of ``records``. A cohort that has any is accepted only where it states units.
    """
    given = _without_boluses(records)
    largest = given.groupby("patient_id")["daily_dose_ug"].transform("max")
    return given[largest < SMALLEST_TREATMENT_UG]


def _without_boluses(records: pd.DataFrame) -> pd.DataFrame:
    given = records[records["daily_dose_ug"] > 0]
    return given[~(given["bolus_ug"] > 0)] if "bolus_ug" in given.columns else given


def _check_zero(doses: RawTable, records: pd.DataFrame, log: ProblemLog) -> None:
    _flag(
        doses,
        records.index[records["daily_dose_ug"] == 0],
        "daily_dose_ug",
        "zero_dose",
        "The dose is zero, but no holiday or explant says why.",
        "Add holiday_start (or explant) to the events, or correct the dose.",
        log,
    )


def _check_jumps(doses: RawTable, records: pd.DataFrame, log: ProblemLog) -> None:
    """Report doses 100 times or more away from their neighbours."""
    dose = records["daily_dose_ug"]
    grouped = records.groupby("patient_id", sort=False)["daily_dose_ug"]
    previous, following = grouped.shift(1), grouped.shift(-1)
    far_before, far_after = _is_far(dose, previous), _is_far(dose, following)
    alone = far_before & far_after & ((dose > previous) == (dose > following))
    # A single step has two sides: the one further from a usual dose is the slip.
    oddness = np.log(dose / _TYPICAL_UG).abs()
    before_alone = alone.shift(1, fill_value=False)
    after_alone = alone.shift(-1, fill_value=False)
    odd_before = far_before & ~before_alone & (oddness >= np.log(previous / _TYPICAL_UG).abs())
    odd_after = far_after & ~after_alone & (oddness > np.log(following / _TYPICAL_UG).abs())
    wrong = alone | odd_before | odd_after
    neighbour = previous.where(far_before, following)
    doses.flag(
        log,
        doses.text.index.isin(records.index[wrong]),
        "daily_dose_ug",
        "dose_jump",
        lambda row, value: _saying(float(dose[row]), float(neighbour[row])),
        "Is the unit another one, or a decimal point lost? Correct the dose, or state units "
        "in a 'unit' column.",
    )


def _is_far(dose: pd.Series, other: pd.Series) -> pd.Series:
    ratio = dose / other
    slack = 1 - 1e-9
    return (ratio >= JUMP_FACTOR * slack) | (ratio <= 1 / (JUMP_FACTOR * slack))


def _saying(dose: float, neighbour: float) -> str:
    ratio = dose / neighbour
    times = f"{ratio:,.0f} times" if ratio > 1 else f"1/{1 / ratio:,.0f} of"
    return f"The dose is {times} its neighbour ({neighbour:g} µg/day)."
