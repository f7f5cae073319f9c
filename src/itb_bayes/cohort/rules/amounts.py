"""Doses in one unit and as one number: stated units, and totals from basal rate and boluses."""

import pandas as pd

from itb_bayes.cohort.contract import UNIT_FACTORS
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

_AMOUNTS = ("daily_dose_ug", "basal_ug_day", "bolus_ug")
_UNITS = "ug/day, µg/day, mcg/day or mg/day"
_DECIMALS = 9
AGREEMENT_UG = 1.0
AGREEMENT_SHARE = 0.01


def convert_units(doses: RawTable, log: ProblemLog) -> RawTable:
    """Return the doses with every amount in µg, as the ``unit`` column says.

    A row in mg/day is taken to hold all its amounts (daily dose, basal rate, bolus) in mg.
    """
    if not doses.has("unit"):
        return doses
    text = doses.text["unit"].str.strip()
    doses.flag(
        log,
        text == "",
        "unit",
        "missing_value",
        "The cell is empty, but the table states units.",
        f"Give {_UNITS} in every row.",
    )
    # str.casefold of pandas is Unicode's: the micro sign folds to the Greek mu.
    factor = text.str.casefold().str.replace(" ", "").map(UNIT_FACTORS).astype("float64")
    doses.flag(
        log,
        factor.isna(),
        "unit",
        "unit",
        "The unit is not known.",
        f"Give {_UNITS}.",
    )
    scaled = {
        name: (doses.cells[name] * factor.fillna(1.0)).round(_DECIMALS)
        for name in _AMOUNTS
        if name in doses.cells.columns
    }
    return doses.with_cells(**scaled)


def total_doses(doses: RawTable, log: ProblemLog) -> RawTable:
    """Return the doses with ``daily_dose_ug`` filled wherever it can be computed.

    Total = basal rate + bolus × boluses per day; a given total must agree within 1 µg/day or
    1 %, whichever is larger. Without boluses, a simple continuous dose is its basal rate.

    Parameters
    ----------
    doses : RawTable
        Amounts in µg.
    log : ProblemLog
        Takes incomplete boluses, disagreeing totals, and rows without any dose.
    """
    mode = doses.words("mode")
    basal, bolus, count = (
        doses.column(name).astype("float64")
        for name in ("basal_ug_day", "bolus_ug", "boluses_per_day")
    )
    given = doses.column("daily_dose_ug").astype("float64")
    _check_boluses(doses, mode, bolus, count, log)
    has_bolus = bolus.notna() & count.notna()
    implied = (basal.fillna(0.0) + bolus * count).where(has_bolus)
    implied = implied.where(has_bolus | (mode == "flex"), basal).round(_DECIMALS)
    tolerance = (AGREEMENT_SHARE * implied).clip(lower=AGREEMENT_UG)
    _flag_disagreement(doses, given, implied, tolerance, log)
    total = given.fillna(implied)
    doses.flag(
        log,
        _without_reported(doses, total.isna(), log),
        "daily_dose_ug",
        "missing_value",
        "The row has no dose.",
        "Give daily_dose_ug, or basal_ug_day and for boluses bolus_ug and boluses_per_day.",
    )
    return doses.with_cells(daily_dose_ug=total)


def _without_reported(doses: RawTable, missing: pd.Series, log: ProblemLog) -> pd.Series:
    """Leave out the rows of which an amount was already reported."""
    names = (*_AMOUNTS, "boluses_per_day")
    left = missing.copy()
    if doses.has("daily_dose_ug"):
        # What is not empty and yet missing is a declared sentinel: set aside, not wrong.
        left &= doses.text["daily_dose_ug"].str.strip() == ""
    elif log.is_flagged(doses.file, 1, "daily_dose_ug"):
        left[:] = False
    unreported = [
        open_ and not any(log.is_flagged(doses.file, int(row), name) for name in names)
        for row, open_ in zip(doses.text.index, left.to_numpy(dtype=bool), strict=True)
    ]
    return pd.Series(unreported, index=left.index, dtype="bool")


def _check_boluses(
    doses: RawTable, mode: pd.Series, bolus: pd.Series, count: pd.Series, log: ProblemLog
) -> None:
    mend = "Give both bolus_ug and boluses_per_day, or neither."
    for present, other, column in ((bolus, count, "boluses_per_day"), (count, bolus, "bolus_ug")):
        incomplete = (present > 0) & other.isna()
        doses.flag(log, incomplete, column, "bolus_incomplete", "The bolus is incomplete.", mend)
    doses.flag(
        log,
        (mode == "simple") & (bolus > 0) & (count > 0),
        "mode",
        "mode_disagrees",
        "A simple continuous dose has no boluses.",
        "Set mode to bolus, or clear bolus_ug and boluses_per_day.",
    )


def _flag_disagreement(
    doses: RawTable, given: pd.Series, implied: pd.Series, tolerance: pd.Series, log: ProblemLog
) -> None:
    disagrees = given.notna() & implied.notna() & ((given - implied).abs() > tolerance)
    doses.flag(
        log,
        disagrees,
        "daily_dose_ug",
        "dose_disagrees",
        lambda row, value: f"Basal rate and boluses add up to {implied[row]:g} µg/day.",
        "Correct one of them; the total may be left empty.",
    )
