"""Reading one CSV file strictly: UTF-8, comma-separated, every row as long as the header."""

import csv
import io
from pathlib import Path

import pandas as pd

from itb_bayes.cohort.limits import MEGABYTE, limits
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

_BINARY_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
}
_SAVE_AS = "Save it as 'CSV UTF-8 (comma delimited)'."


def read_csv_table(name: str, path: Path, log: ProblemLog) -> RawTable | None:
    """Read one CSV file as text.

    Parameters
    ----------
    name : str
        Table name of the contract.
    path : Path
        The file.
    log : ProblemLog
        Takes the problems found.

    Returns
    -------
    RawTable or None
        None when the file cannot be read as a table at all (the log says why).
    """
    try:
        text = None if is_too_large(path, log) else _decode(path, log)
    except OSError as error:
        message = f"The file cannot be opened ({error.strerror})."
        log.add(path.name, "unreadable", message, "Check who may read it.")
        return None
    if text is None:
        return None
    header, lines, rows = _split(path.name, text, log)
    if header is None:
        return None
    frame = pd.DataFrame(rows, columns=pd.Index(range(len(header))), dtype="str")
    frame.index = pd.Index(lines, dtype="int64", name="row")
    frame.columns = pd.Index([cell.strip() for cell in header], dtype="str")
    return RawTable.of(name, path.name, frame)


def is_too_large(path: Path, log: ProblemLog) -> bool:
    """Tell whether a file is larger than any cohort's table can be, and record it."""
    size = path.stat().st_size
    if size <= limits().file_mb * MEGABYTE:
        return False
    log.add(
        path.name,
        "file_too_large",
        f"The file is larger than {limits().file_mb:,} MB.",
        "Split the cohort by centre or period.",
        value=f"{size} bytes",
    )
    return True


def is_too_wide(n_columns: int, file: str, log: ProblemLog) -> bool:
    """Tell whether a table has more columns than any cohort's table can have, and record it."""
    if n_columns <= limits().columns:
        return False
    log.add(
        file,
        "too_many_columns",
        f"The table has more than {limits().columns:,} columns.",
        "Keep the columns of the contract.",
        row=1,
    )
    return True


def report_too_many_rows(file: str, log: ProblemLog) -> None:
    """Record that a table has more rows than any cohort's table can have."""
    log.add(
        file,
        "file_too_large",
        f"The table has more than {limits().rows:,} rows.",
        "Split the cohort by centre or period.",
    )


def _decode(path: Path, log: ProblemLog) -> str | None:
    data = path.read_bytes()
    for signature, what in _BINARY_SIGNATURES.items():
        if data.startswith(signature):
            log.add(path.name, "binary_file", f"The file is {what}, not CSV.", _SAVE_AS)
            return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        log.add(path.name, "encoding", "The file is UTF-16, not UTF-8.", _SAVE_AS)
        return None
    if b"\x00" in data:
        log.add(path.name, "binary_file", "The file is binary, not CSV text.", _SAVE_AS)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        message = f"Line {row} is not UTF-8 (byte 0x{data[error.start]:02x})."
        log.add(path.name, "encoding", message, _SAVE_AS, row=row)
        return None
    if not text.strip():
        log.add(
            path.name, "empty_file", "The file is empty.", "Give a header row, or remove the file."
        )
        return None
    if "\n" not in text and "\r" in text:
        message = "Lines end in CR only (old Macintosh line ends)."
        log.add(path.name, "line_ends", message, "Save it with LF or CRLF line ends.")
        return None
    return text


def _split(
    file: str, text: str, log: ProblemLog
) -> tuple[list[str] | None, list[int], list[list[str]]]:
    """Split into header and rows with their line numbers; ragged rows are recorded and left."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    header: list[str] | None = None
    most_rows = limits().rows
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = cells
                if _has_other_separator(file, header, log) or is_too_wide(len(cells), file, log):
                    return None, [], []
            elif len(cells) != len(header):
                _report_ragged(file, start, cells, len(header), log)
            elif len(rows) >= most_rows:
                report_too_many_rows(file, log)
                return None, [], []
            else:
                lines.append(start)
                rows.append(cells)
    except csv.Error as error:
        too_long = "field limit" in str(error)
        log.add(
            file,
            "cell_too_long" if too_long else "broken_quotes",
            "A cell is far too long; a quote may be missing."
            if too_long
            else f"The quotes do not match ({error}).",
            "Look for a lone double quote on or before this line.",
            row=line,
        )
        return None, [], []
    return header, lines, rows


def _has_other_separator(file: str, header: list[str], log: ProblemLog) -> bool:
    if len(header) > 1:
        return False
    for separator, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if separator in header[0]:
            log.add(
                file,
                "separator",
                f"The columns are separated by {word}, not commas.",
                "Save it as 'CSV UTF-8 (comma delimited)', with decimal points; "
                "a spreadsheet set to English (US) writes that.",
                row=1,
                value=header[0],
            )
            return True
    return False


def _report_ragged(file: str, row: int, cells: list[str], n_columns: int, log: ProblemLog) -> None:
    more = len(cells) > n_columns
    log.add(
        file,
        "ragged_row",
        f"The row has {len(cells)} cells, the header {n_columns}.",
        "Is there a decimal comma or an unquoted comma in a text?" if more else "Add the commas.",
        row=row,
        value=",".join(cells),
    )
