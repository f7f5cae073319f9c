"""Writing a cohort as canonical CSV files that read back to the same fingerprint."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from itb_bayes.cohort.contract import DAYS_PER_YEAR, TABLES
from itb_bayes.cohort.metadata import METADATA_FILE, Metadata
from itb_bayes.cohort.rules.doses import doses_like_milligrams
from itb_bayes.cohort.timebasis import TimeBasis
from itb_bayes.errors import UsageError
from itb_bayes.storage import refusals_in_words, write_whole


def write_tables(
    folder: Path, metadata: Metadata, basis: TimeBasis, tables: dict[str, pd.DataFrame]
) -> None:
    """Write canonical tables as a cohort folder.

    Parameters
    ----------
    folder : Path
        Made if missing; it must not hold tables of another cohort.
    metadata : Metadata
        Written to ``cohort.toml``, without sentinels: the values no longer hold any.
    basis : {"date", "t_years"}
        Clock to write.
    tables : dict of str to DataFrame
        Canonical tables by name.

    Raises
    ------
    UsageError
        If the folder already holds table files, or cannot be written to.
    """
    present = [p.name for p in folder.glob("*") if p.suffix in (".csv", ".parquet", ".xlsx")]
    if present:
        raise UsageError(
            f"{folder} already holds {sorted(present)[0]}. Choose an empty folder: tables of two "
            "cohorts must not be mixed."
        )
    files = {METADATA_FILE: metadata_text(metadata)}
    # The patients come last: without them nothing takes the folder for a cohort.
    for name in reversed(tables):
        if TABLES[name].required or len(tables[name]):
            files[f"{name}.csv"] = _csv(input_form(name, tables[name], basis, tables))
    with refusals_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            write_whole(folder / file, text)


def input_form(
    name: str, table: pd.DataFrame, basis: TimeBasis, tables: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return the columns a file holds as texts: those with values, on the cohort's clock."""
    columns: dict[str, pd.Series] = {}
    for column in table.columns:
        if basis == "date" and column in ("t_years", "t_last_seen"):
            days = _dates(table, tables["patients"], column)
            columns["date" if column == "t_years" else "last_seen"] = days
        else:
            columns[str(column)] = table[column]
    if name == "doses" and len(doses_like_milligrams(table)):
        # Without their unit such doses would be refused when they are read again.
        columns["unit"] = pd.Series("ug/day", index=table.index)
    required = {c.name for c in TABLES[name].columns if c.required}
    required |= {"date", "t_years", "daily_dose_ug"}
    return pd.DataFrame(
        {
            column: cells.map(_text).astype("str")
            for column, cells in columns.items()
            if column in required or cells.notna().any()
        }
    )


def _dates(table: pd.DataFrame, patients: pd.DataFrame, column: str) -> pd.Series:
    by_patient = patients.set_index("patient_id")["implant_date"]
    implant = by_patient.reindex(table["patient_id"]).set_axis(table.index)
    days = (table[column] * DAYS_PER_YEAR).round()
    return implant + pd.to_timedelta(days, unit="D")


def _text(value: object) -> str:
    if value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if np.isnan(value) else repr(float(value)).removesuffix(".0")
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    return str(value)


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n")


def metadata_text(metadata: Metadata) -> str:
    """Return the text of ``cohort.toml``, without sentinels."""
    # A JSON string is a TOML basic string: the same quotes and escapes.
    lines = [f"name = {json.dumps(metadata.name)}"]
    if metadata.description:
        lines.append(f"description = {json.dumps(metadata.description)}")
    lines.append(f"synthetic = {'true' if metadata.synthetic else 'false'}")
    return "\n".join(lines) + "\n"
