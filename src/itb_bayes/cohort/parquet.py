"""Writing tables of a cohort as Parquet, typed by the contract, so that they read back the same."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from itb_bayes.cohort.contract import TABLES, Kind

_TYPES: dict[Kind, tuple[pa.DataType, Callable[[str], object]]] = {
    "number": (pa.float64(), float),
    "date": (pa.date32(), date.fromisoformat),
    "flag": (pa.bool_(), lambda text: text == "true"),
}


def write_parquet(path: Path, name: str, table: pd.DataFrame) -> None:
    """Write the text of a table's input form as a typed Parquet file, whole or not at all.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    name : str
        Table of the contract; its columns say which type each column of the file has.
    table : DataFrame of str
        As a CSV file would hold it: an empty text where nothing was recorded.
    """
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    columns = {str(column): _typed(table[column], kinds[str(column)]) for column in table}
    part = path.with_name(path.name + ".part")
    pq.write_table(pa.table(columns), part, compression="zstd")
    os.replace(part, path)


def _typed(cells: pd.Series, kind: Kind) -> pa.Array:
    texts = cells.tolist()
    if kind not in _TYPES:
        return pa.array([text or None for text in texts], pa.string())
    to, convert = _TYPES[kind]
    return pa.array([convert(text) if text else None for text in texts], to)
