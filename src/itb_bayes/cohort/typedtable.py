"""Reading Parquet files into text, so that one set of rules serves all formats.

Line numbers count the header as line 1, as a spreadsheet shows it.
"""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from itb_bayes.cohort.csvtable import is_too_large, is_too_wide, report_too_many_rows
from itb_bayes.cohort.limits import MEGABYTE, limits
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

_PLAIN = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_boolean, pa.types.is_integer,
    pa.types.is_floating, pa.types.is_decimal, pa.types.is_date, pa.types.is_timestamp,
    pa.types.is_null, pa.types.is_binary, pa.types.is_large_binary,
)  # fmt: skip


def read_parquet_table(name: str, path: Path, log: ProblemLog) -> RawTable | None:
    """Read one Parquet file as text; None (and a problem) when it cannot be read as a table."""
    # pyarrow raises OSError for damaged pages of a file that begins well, and ValueErrors
    # (ArrowInvalid and UnicodeDecodeError among them) for much else.
    try:
        if is_too_large(path, log):
            return None
        with path.open("rb") as stream:
            file = pq.ParquetFile(stream)
            if _is_too_much(file.metadata, path.name, log):
                return None
            table = file.read()
        names = [str(column).strip() for column in table.column_names]
    except (pa.ArrowException, ValueError, OSError):
        log.add(
            path.name,
            "binary_file",
            "The file is not readable as Parquet.",
            "Write it again, or give the table as CSV.",
        )
        return None
    columns = [_text_of(table.column(i), names[i], path.name, log) for i in range(len(names))]
    index = pd.RangeIndex(2, table.num_rows + 2, name="row")
    frame = pd.DataFrame(dict(enumerate(columns)), index=index, dtype="str")
    frame.columns = pd.Index(names, dtype="str")
    return RawTable.of(name, path.name, frame)


def _is_too_much(metadata: pq.FileMetaData, file: str, log: ProblemLog) -> bool:
    """Tell whether a file holds more than a table can, before it is unpacked; record it."""
    if is_too_wide(metadata.num_columns, file, log):
        return True
    if metadata.num_rows > limits().rows:
        report_too_many_rows(file, log)
        return True
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked <= limits().unpacked_mb * MEGABYTE:
        return False
    report_unpacked(file, unpacked, log)
    return True


def report_unpacked(file: str, unpacked_bytes: int, log: ProblemLog) -> None:
    """Record that a compressed file would unpack to more than a cohort's table can be."""
    log.add(
        file,
        "file_too_large",
        f"The file unpacks to more than {limits().unpacked_mb:,} MB.",
        "Split the cohort by centre or period.",
        value=f"{unpacked_bytes} bytes",
    )


def _text_of(column: pa.ChunkedArray, name: str, file: str, log: ProblemLog) -> list[str]:
    """Return a column as text; empty (and a problem) when it holds no plain values."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if any(is_plain(kind) for is_plain in _PLAIN):
        try:
            return _column_text(column)
        except (ValueError, OverflowError, pa.ArrowException):
            message = "The column holds values that are no text, number or date of the calendar."
    else:
        message = f"The column holds values of type {str(kind)[:40]}."
    log.add(
        file, "column_type", message, "Give plain text, numbers or dates.", row=1, column=name[:40]
    )
    return [""] * len(column)


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
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return cell_text(value)


def cell_text(cell: object) -> str:
    """Return a typed cell as a CSV file would hold it; a missing one is empty."""
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
    return str(cell)


def _float_text(number: float) -> str:
    if np.isnan(number):
        return ""
    # A spreadsheet has no integers: patient 7 is stored as 7.0.
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(float(number))
