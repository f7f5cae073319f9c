"""From text to values: numbers, ISO 8601 dates, flags and words; sentinels become missing."""

import re

import numpy as np
import pandas as pd

from itb_bayes.cohort.contract import SCALES, TABLES, ColumnSpec
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

_DIGITS = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"  # one way to read any text: no search among many
_NUMBER = rf"{_DIGITS}(?:[eE][+-]?[0-9]+)?"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
_DATE = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ]{_CLOCK})?"
_LONGEST_NUMBER = 400  # longer ones are no measurement, and Python refuses to read some of them
_SLASHED = re.compile(r"(\d{1,4})[/.\-](\d{1,2})[/.\-](\d{1,4})$")
MONTHS = 12
_WITH_UNIT = rf"{_DIGITS} *(?i:[mµμu]g|mcg|ml|points?|years?)(?i: */ *(d|day|ml))?"
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_table(
    table: RawTable, sentinels: dict[str, tuple[str, ...]], log: ProblemLog
) -> RawTable:
    """Interpret every column of a table.

    Parameters
    ----------
    table : RawTable
        Text of contract columns.
    sentinels : dict of str to tuple of str
        By column: texts that stand for "not recorded".
    log : ProblemLog
        Takes the problems found.

    Returns
    -------
    RawTable
        With one typed column per text column; a cell that could not be read is missing.
    """
    parsed: dict[str, pd.Series] = {}
    for name in table.text.columns:
        spec = TABLES[table.name].column(str(name))
        text = table.text[name] if spec.kind == "id" else table.text[name].str.strip()
        text = _without_sentinels(table, spec, text, sentinels.get(spec.name, ()), log)
        if spec.filled:
            table.flag(
                log,
                text.str.strip() == "",
                spec.name,
                "missing_value",
                "The cell is empty.",
                f"Every row needs {spec.name}.",
            )
        parsed[spec.name] = _parse(table, spec, text, log)
    return table.with_cells(**parsed)


def _parse(table: RawTable, spec: ColumnSpec, text: pd.Series, log: ProblemLog) -> pd.Series:
    if spec.kind == "number":
        return _numbers(table, spec, text, log)
    if spec.kind == "date":
        return _dates(table, spec, text, log)
    if spec.kind == "flag":
        return _flags(table, spec, text, log)
    return text.mask(text == "")


def _without_sentinels(
    table: RawTable, spec: ColumnSpec, text: pd.Series, sentinels: tuple[str, ...], log: ProblemLog
) -> pd.Series:
    if not sentinels:
        return text
    hit = text.str.strip().isin(sentinels)
    if spec.kind == "number":
        numbers = pd.to_numeric(text.where(text.str.fullmatch(_NUMBER)), errors="coerce")
        declared = pd.to_numeric(pd.Series(sentinels, dtype="str"), errors="coerce").dropna()
        hit |= numbers.isin(declared)
    if hit.any():
        log.add(
            table.file,
            "sentinel_read",
            f"{int(hit.sum())} cells hold a declared sentinel and are read as missing.",
            "",
            column=spec.name,
            value=", ".join(sentinels),
            severity="warning",
        )
    return text.mask(hit, "")


def _numbers(table: RawTable, spec: ColumnSpec, text: pd.Series, log: ProblemLog) -> pd.Series:
    if table.name == "assessments" and spec.name == "value":
        # 1+ of the modified Ashworth scale lies between 1 and 2 (Bohannon & Smith 1987).
        others = [name for name in SCALES if name != "mas"]
        is_other = table.text["scale"].str.strip().isin(others) if table.has("scale") else False
        text = text.mask((text == "1+") & ~pd.Series(is_other, index=text.index), "1.5")
    is_number = text.str.fullmatch(_NUMBER) & (text.str.len() <= _LONGEST_NUMBER)
    values = pd.to_numeric(text.where(is_number)).astype("float64")
    if (is_number | (text == "")).all() and not np.isinf(values).any():
        return values
    _flag_numbers(table, spec, text, values, log)
    return values.mask(np.isinf(values))


def _flag_numbers(
    table: RawTable, spec: ColumnSpec, text: pd.Series, values: pd.Series, log: ProblemLog
) -> None:
    """Say of every cell that is no finite number what is wrong with it."""
    infinite = np.isinf(values) | text.str.fullmatch(r"[+-]?(?i:inf|infinity)")
    table.flag(
        log,
        infinite,
        spec.name,
        "not_finite",
        "The number is infinite.",
        "Leave the cell empty if it was not recorded.",
    )
    wrong = values.isna() & (text != "") & ~infinite
    comma = wrong & text.str.fullmatch(r"[+-]?[0-9]+,[0-9]+")
    table.flag(
        log,
        comma,
        spec.name,
        "decimal_comma",
        "The number has a comma.",
        "Use a decimal point, and no thousands separator.",
    )
    plus = wrong & (text == "1+")
    table.flag(
        log,
        plus,
        spec.name,
        "not_a_number",
        "1+ is a grade of the modified Ashworth scale only.",
        "Set scale to mas if that scale was used.",
    )
    missing_word = wrong & text.str.fullmatch(r"(?i:na|n/a|nan|null|none|missing|unknown|-|\.)")
    table.flag(
        log,
        missing_word,
        spec.name,
        "not_a_number",
        "A word stands for a missing number.",
        "Leave the cell empty, or declare the word in [sentinels] of cohort.toml.",
    )
    with_unit = wrong & text.str.fullmatch(_WITH_UNIT)
    table.flag(
        log,
        with_unit,
        spec.name,
        "not_a_number",
        "The number carries its unit.",
        " ".join(["Give the number without a unit.", spec.hint]).rstrip(),
    )
    table.flag(
        log,
        wrong & ~comma & ~plus & ~missing_word & ~with_unit,
        spec.name,
        "not_a_number",
        "This is not a number.",
        "Give digits with a decimal point, without a unit.",
    )


def _dates(table: RawTable, spec: ColumnSpec, text: pd.Series, log: ProblemLog) -> pd.Series:
    is_iso = text.str.fullmatch(_DATE)
    # The time of day is left out: records are dated by the day.
    days = text.str.slice(0, 10).where(is_iso)
    values = pd.to_datetime(days, format="%Y-%m-%d", errors="coerce")
    wrong = values.isna() & (text != "")
    values = values.astype("datetime64[s]")
    if not wrong.any():
        return values
    either_way = wrong & ~is_iso & text.map(_may_be_either_way).astype(bool)
    table.flag(
        log,
        either_way,
        spec.name,
        "ambiguous_date",
        "Day and month cannot be told apart.",
        "Write dates as YYYY-MM-DD (ISO 8601).",
    )
    table.flag(
        log,
        wrong & ~is_iso & ~either_way,
        spec.name,
        "not_a_date",
        "This is not written as a date of the contract.",
        "Write dates as YYYY-MM-DD (ISO 8601).",
    )
    table.flag(
        log,
        wrong & is_iso,
        spec.name,
        "not_a_date",
        "This is not a date of the calendar.",
        "Write dates as YYYY-MM-DD (ISO 8601).",
    )
    return values


def _may_be_either_way(text: str) -> bool:
    """Tell whether a date is written so that day and month could change places."""
    found = _SLASHED.match(text)
    if found is None:
        return False
    first, second, third = found.groups()
    day_and_month = (second, third) if len(first) > 2 else (first, second)
    return all(int(part) <= MONTHS for part in day_and_month if len(part) < 3)


def _flags(table: RawTable, spec: ColumnSpec, text: pd.Series, log: ProblemLog) -> pd.Series:
    folded = text.str.lower()
    table.flag(
        log,
        (folded != "") & ~folded.isin(list(_FLAGS)),
        spec.name,
        "not_a_flag",
        "This is neither true nor false.",
        "Write true or false, or leave the cell empty.",
    )
    return folded.map(_FLAGS).astype("boolean")
