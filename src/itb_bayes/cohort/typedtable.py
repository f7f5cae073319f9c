"""Reading Parquet files and Excel sheets into text, so that one set of rules serves all.

Line numbers count the header as line 1, as a spreadsheet shows it.
"""

import importlib
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from itb_bayes.cohort.csvtable import is_too_large
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.errors import CohortError

MAX_SHEET_ROWS = 1_000_000


def read_parquet_table(name: str, path: Path, log: ProblemLog) -> RawTable | None:
    """Read one Parquet file as text; None (and a problem) when it is not Parquet."""
    if is_too_large(path, log):
        return None
    try:
        table = pq.read_table(path)
    # OSError too: it is what pyarrow raises for damaged pages of a file that begins well.
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
        log.add(
            path.name,
            "binary_file",
            "The file is not readable as Parquet.",
            "Write it again, or give the table as CSV.",
        )
        return None
    columns = [_column_text(table.column(i)) for i in range(table.num_columns)]
    index = pd.RangeIndex(2, table.num_rows + 2, name="row")
    frame = pd.DataFrame(dict(enumerate(columns)), index=index, dtype="str")
    frame.columns = pd.Index([str(c).strip() for c in table.column_names], dtype="str")
    return RawTable.of(name, path.name, frame)


def read_workbook(path: Path, log: ProblemLog) -> dict[str, pd.DataFrame]:
    """Read every sheet of a workbook as text.

    Parameters
    ----------
    path : Path
        An ``.xlsx`` file.
    log : ProblemLog
        Takes the problems found.

    Returns
    -------
    dict of str to DataFrame
        Cells as text by sheet name, the index being the line number; empty when the file is
        no workbook (the log says so).

    Raises
    ------
    CohortError
        If openpyxl is not installed.
    """
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ModuleNotFoundError:
        raise CohortError(
            f"{path.name}: reading Excel workbooks needs openpyxl. "
            "Install it with: pip install 'itb-bayes[excel]' - or save the sheets as CSV files."
        ) from None
    if is_too_large(path, log):
        return {}
    try:
        with path.open("rb") as stream:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            return {sheet.title: _sheet_text(sheet, path.name, log) for sheet in book.worksheets}
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        log.add(
            path.name,
            "binary_file",
            "The file is not readable as an Excel workbook.",
            "Save it as .xlsx, or give the tables as CSV.",
        )
        return {}


def _sheet_text(sheet: Any, file: str, log: ProblemLog) -> pd.DataFrame:
    grid: list[list[str]] = []
    for row in sheet.iter_rows(values_only=True):
        if len(grid) > MAX_SHEET_ROWS:
            log.add(
                f"{file}:{sheet.title}",
                "file_too_large",
                f"The sheet has more than {MAX_SHEET_ROWS:,} rows.",
                "Give the table as CSV or Parquet.",
            )
            break
        grid.append([_cell_text(cell) for cell in row])
    lines = [i + 1 for i, row in enumerate(grid) if i > 0 and any(row)]
    # A line longer than the header has values under no name: the header check reports them.
    width = max((len(row) for row in grid), default=0)
    header = [cell.strip() for cell in _padded(grid[0], width)] if grid else []
    body = [_padded(grid[line - 1], width) for line in lines]
    frame = pd.DataFrame(body, columns=pd.Index(range(len(header))), dtype="str")
    frame.columns = pd.Index(header, dtype="str")
    frame.index = pd.Index(lines, dtype="int64", name="row")
    return frame


def _padded(row: list[str], width: int) -> list[str]:
    return row + [""] * (width - len(row))


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return _float_text(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="replace")
    return str(cell)


def _float_text(number: float) -> str:
    if np.isnan(number):
        return ""
    # A spreadsheet has no integers: patient 7 is stored as 7.0.
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(float(number))


def _column_text(column: pa.ChunkedArray) -> list[str]:
    """Return a Parquet column as text; numbers in their shortest exact form."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _column_text(column.cast(kind.value_type))
    if pa.types.is_floating(kind):
        numbers = column.to_pandas().to_numpy()
        return ["" if np.isnan(number) else _shortest(number) for number in numbers]
    return [_parquet_text(value) for value in column.to_pylist()]


def _shortest(number: np.floating) -> str:
    # str() of a numpy scalar is the shortest text of its own precision: float32 0.1 is "0.1".
    text = str(number)
    return text.removesuffix(".0")


def _parquet_text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return _cell_text(value)
