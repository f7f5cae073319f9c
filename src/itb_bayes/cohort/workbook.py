"""Reading Excel workbooks into text: every sheet, every cell, whatever the file claims to be.

A workbook is a zip archive of XML that any program may have written. What it says about itself
(the size of a sheet, the results of formulas) is not taken on trust.
"""

import importlib
import re
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from itb_bayes.cohort.contract import TABLES
from itb_bayes.cohort.csvtable import is_too_large, is_too_wide, report_too_many_rows
from itb_bayes.cohort.limits import MEGABYTE, limits
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.typedtable import cell_text, report_unpacked
from itb_bayes.errors import CohortError

# Everything that zipfile, the XML parser (SyntaxError) and openpyxl raise on damaged parts.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, KeyError, ValueError,
    TypeError, AttributeError, IndexError, OverflowError, RuntimeError, SyntaxError, AssertionError,
)  # fmt: skip
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s")
_CHUNK = 1 << 20


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
    try:
        if is_too_large(path, log) or _unpacks_too_large(path, log):
            return {}
        # openpyxl warns of styles and extensions that it does not know; none of them is a value.
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read_sheets(openpyxl, stream, path, log)
    except _DAMAGED:
        log.add(
            path.name,
            "binary_file",
            "The file is not readable as an Excel workbook.",
            "Save it as .xlsx, or give the tables as CSV.",
        )
        return {}


def _unpacks_too_large(path: Path, log: ProblemLog) -> bool:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked <= limits().unpacked_mb * MEGABYTE:
        return False
    report_unpacked(path.name, unpacked, log)
    return True


def _read_sheets(
    openpyxl: Any, stream: Any, path: Path, log: ProblemLog
) -> dict[str, pd.DataFrame]:
    book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    sheets: dict[str, pd.DataFrame] = {}
    computed: set[str] = set()
    for sheet in book.worksheets:
        file = f"{path.name}:{sheet.title}"
        if sheet.title in sheets:
            log.add(file, "duplicate_table", "The sheet is there twice.", "Remove one of the two.")
            continue
        sheets[sheet.title] = _sheet_text(sheet, file, log)
        if sheet.title in TABLES:
            formulas, merged = _look_at(path, sheet)
            if merged:
                message = "The sheet has merged cells, of which only the first holds a value."
                log.add(file, "merged_cells", message, "Unmerge them and fill every cell.")
            if formulas:
                computed.add(sheet.title)
    if computed:
        stated = openpyxl.load_workbook(stream, read_only=True, data_only=False)
        for sheet in stated.worksheets:
            if sheet.title in computed:
                _check_formulas(sheet, sheets[sheet.title], f"{path.name}:{sheet.title}", log)
    return sheets


def _look_at(path: Path, sheet: Any) -> tuple[bool, bool]:
    """Tell whether a sheet holds formulas, and merged cells."""
    formulas = merged = False
    with zipfile.ZipFile(path) as archive, archive.open(sheet._worksheet_path) as part:
        before = b""
        while chunk := part.read(_CHUNK):
            text = before[-64:] + chunk
            formulas = formulas or _FORMULA.search(text) is not None
            merged = merged or _MERGED.search(text) is not None
            before = chunk
    return formulas, merged


def _check_formulas(sheet: Any, values: pd.DataFrame, file: str, log: ProblemLog) -> None:
    """Report formulas without a stored result: their cells look empty, and are not."""
    sheet.reset_dimensions()
    held = dict(zip(values.index, values.to_numpy(), strict=True))
    for line, row in enumerate(sheet.iter_rows(), start=1):
        for position, cell in enumerate(row):
            if getattr(cell, "data_type", "") != "f":
                continue
            named = position < values.shape[1]
            if line == 1 or (named and line in held and held[line][position] != ""):
                continue
            log.add(
                file,
                "formula",
                "The formula has no stored result.",
                "Open and save the workbook in a spreadsheet, or paste the values.",
                row=line,
                column=str(values.columns[position])[:40] if named else None,
            )


def _sheet_text(sheet: Any, file: str, log: ProblemLog) -> pd.DataFrame:
    # Many programs write a wrong size of the sheet, and cells beyond it would be left out.
    sheet.reset_dimensions()
    rows: dict[int, list[str]] = {}
    last_line = limits().rows + 1
    for line, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if line > last_line:
            report_too_many_rows(file, log)
            break
        cells = [cell_text(cell) for cell in row] if any(cell is not None for cell in row) else []
        while cells and cells[-1] == "":
            cells.pop()
        if is_too_wide(len(cells), file, log):
            break
        if cells or line == 1:
            rows[line] = cells
    # A line longer than the header has values under no name: the header check reports them.
    width = max((len(row) for row in rows.values()), default=0)
    header = [cell.strip() for cell in _padded(rows.pop(1, []), width)]
    body = [_padded(row, width) for row in rows.values()]
    frame = pd.DataFrame(body, columns=pd.Index(range(width)), dtype="str")
    frame.columns = pd.Index(header, dtype="str")
    frame.index = pd.Index(list(rows), dtype="int64", name="row")
    return frame


def _padded(row: list[str], width: int) -> list[str]:
    return row + [""] * (width - len(row))
