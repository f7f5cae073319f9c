"""The canonical form of the tables: all columns of the contract, fixed types, fixed order."""

import numpy as np
import pandas as pd

from itb_bayes.cohort.contract import TABLES, ColumnSpec, canonical_columns
from itb_bayes.cohort.rawtable import RawTable

SET_ASIDE_COLUMNS = ("table", "row", "patient_id", "reason")


def canonical_tables(tables: dict[str, RawTable]) -> dict[str, pd.DataFrame]:
    """Return all tables of the contract in canonical form.

    Parameters
    ----------
    tables : dict of str to RawTable
        Checked tables on one clock; optional ones may be absent.

    Returns
    -------
    dict of str to DataFrame
        Every table with every canonical column; records sorted by the order of the patients
        table, then time, ties in the order of the file.
    """
    frames = {name: _frame(name, tables.get(name)) for name in TABLES}
    order = pd.Index(frames["patients"]["patient_id"])
    for name, frame in frames.items():
        if name != "patients":
            frames[name] = _sorted(frame, order)
    return frames


def set_aside_rows(table: RawTable, mask: pd.Series, reason: str) -> pd.DataFrame:
    """Return log entries for the rows where ``mask`` is True."""
    rows = table.text.index[mask.to_numpy(dtype=bool)]
    ids = table.text.loc[rows, "patient_id"].to_numpy() if table.has("patient_id") else ""
    entries = pd.DataFrame({"row": rows.to_numpy(dtype="int64")})
    entries["table"] = table.name
    entries["patient_id"] = pd.Series(ids, index=entries.index, dtype="str")
    entries["reason"] = reason
    return entries[list(SET_ASIDE_COLUMNS)].astype({"table": "str", "reason": "str"})


def _frame(name: str, table: RawTable | None) -> pd.DataFrame:
    values = table.cells if table is not None else pd.DataFrame()
    columns = {
        column: _typed(TABLES[name].column(column), values) for column in canonical_columns(name)
    }
    return pd.DataFrame(columns, index=values.index).reset_index(drop=True)


def _typed(spec: ColumnSpec, values: pd.DataFrame) -> pd.Series:
    if spec.name in values.columns:
        column = values[spec.name]
    else:
        column = pd.Series(None, index=values.index, dtype="object")
    if spec.kind == "number":
        return column.astype("float64")
    if spec.kind == "date":
        return column.astype("datetime64[s]")
    return column.astype("boolean") if spec.kind == "flag" else column.astype("str")


def _sorted(frame: pd.DataFrame, patients: pd.Index) -> pd.DataFrame:
    position = patients.get_indexer(pd.Index(frame["patient_id"]))
    order = np.lexsort([frame["t_years"].to_numpy(), position])
    return frame.iloc[order].reset_index(drop=True)
