"""Cohorts as files: CSV in many dialects, Parquet in many types, Excel as spreadsheets write it."""

import csv
import datetime
import io
from pathlib import Path
from random import Random

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.sheets import Sheet, Sheets


def write_csv(rng: Random, folder: Path, sheets: Sheets) -> str:
    """Write CSV files in a random dialect and encoding; return its name."""
    ends = rng.choice(["\n", "\n", "\r\n"])
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    encoding = rng.choice(
        ["utf-8"] * 8 + ["utf-8-sig"] * 3 + ["latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252"]
    )
    mixed = rng.random() < 0.1
    for name, sheet in sheets.items():
        lines = []
        for row in [sheet.header, *sheet.rows]:
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator="", quoting=quoting).writerow(row)
            lines.append(buffer.getvalue() + (rng.choice(["\n", "\r\n"]) if mixed else ends))
        (folder / f"{name}.csv").write_bytes("".join(lines).encode(encoding, "replace"))
    return f"csv {encoding}"


def spoil_bytes(rng: Random, folder: Path) -> str:
    """Damage the bytes of one file; return what was done."""
    path = rng.choice(sorted(p for p in folder.iterdir() if p.is_file()))
    data = bytearray(path.read_bytes())
    kind = rng.choice(["flip", "cut", "insert", "insert", "double", "quote"])
    at = rng.randrange(len(data) + 1)
    if kind == "flip" and data:
        for _ in range(rng.choice([1, 1, 3, 20])):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == "cut":
        del data[at:]
    elif kind == "insert":
        data[at:at] = rng.choice(
            [
                b"\x00",
                b"\xff\xfe",
                b"\xef\xbb\xbf",
                b"\r",
                b"\n\n",
                b"\xc3",
                b"\x1a",
                b"\r\n,,,\r\n",
                b"\t",
                b'""',
            ]
        )
    elif kind == "quote":
        data[at:at] = b'"'
    else:
        data += data[at:]
    path.write_bytes(bytes(data))
    return f"{path.name}: {kind}"


def write_parquet(rng: Random, folder: Path, sheets: Sheets) -> str:
    """Write Parquet files whose columns are text, or numbers and dates where all cells allow it."""
    typed = rng.random() < 0.6
    for name, sheet in sheets.items():
        columns = [
            [row[k] if k < len(row) else "" for row in sheet.rows] for k in range(len(sheet.header))
        ]
        arrays = [
            _array(rng, cells) if typed else pa.array([c or None for c in cells], pa.string())
            for cells in columns
        ]
        table = pa.Table.from_arrays(arrays, names=list(sheet.header))
        pq.write_table(
            table, folder / f"{name}.parquet", compression=rng.choice(["none", "snappy", "gzip"])
        )
    return "parquet typed" if typed else "parquet text"


def _array(rng: Random, cells: list[str]) -> pa.Array:
    try:
        numbers = [float(c) if c else None for c in cells]
        if all(
            c.isascii() and c.strip() == c and not c.startswith("0") for c in cells if c
        ) and any(cells):
            whole = all(c.isdigit() and len(c) < 16 for c in cells if c)
            kind = rng.choice([pa.int64(), pa.float64(), pa.int32()] if whole else [pa.float64()])
            exact = all(
                repr(n) == c or f"{n:.0f}" == c for n, c in zip(numbers, cells, strict=True) if c
            )
            return (
                pa.array(
                    [int(n) if n is not None and kind != pa.float64() else n for n in numbers], kind
                )
                if exact
                else pa.array(cells)
            )
    except (ValueError, OverflowError, pa.ArrowInvalid):
        pass
    try:
        days = [datetime.date.fromisoformat(c) if c else None for c in cells]
        if any(cells) and all(len(c) in (0, 10) for c in cells):
            return pa.array(days, pa.date32()).cast(
                rng.choice([pa.date32(), pa.timestamp("us"), pa.timestamp("ns"), pa.date64()])
            )
    except (ValueError, OverflowError, pa.ArrowInvalid):
        pass
    text = pa.array([c or None for c in cells], pa.string())
    return text.dictionary_encode() if rng.random() < 0.3 else text


def write_excel(rng: Random, folder: Path, sheets: Sheets) -> str:
    """Write one workbook; cells are text, or numbers and dates where a spreadsheet would make them."""
    typed = rng.random() < 0.6
    book = openpyxl.Workbook(write_only=rng.random() < 0.5)
    if book.worksheets:
        book.remove(book.worksheets[0])
    for name, sheet in sheets.items():
        page = book.create_sheet(name)
        page.append([_excel_text(cell) for cell in sheet.header])
        for row in sheet.rows:
            page.append([_excel_cell(cell, typed) for cell in row])
    book.save(folder / "book.xlsx")
    return "excel typed" if typed else "excel text"


def _excel_text(text: str) -> object:
    clean = openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", text)[:32_767]
    # openpyxl takes a leading = for a formula, and some words for errors: keep the text a text.
    return f" {clean}" if clean.startswith("=") else clean or None


def _excel_cell(text: str, typed: bool) -> object:
    if typed and text.isascii():
        if text.isdigit() and len(text) < 12 and not text.startswith("0"):
            return int(text)
        try:
            if len(text) == 10:
                return datetime.datetime.fromisoformat(text)
        except ValueError:
            pass
    return _excel_text(text)


def as_excel_holds(sheets: Sheets) -> Sheets:
    """Return the cells as `write_excel` was able to write them."""

    def text(cell: str) -> str:
        held = _excel_text(cell)
        return "" if held is None else str(held)

    return {
        name: Sheet([text(c) for c in sheet.header], [[text(c) for c in row] for row in sheet.rows])
        for name, sheet in sheets.items()
    }


def read_parquet(folder: Path) -> Sheets:
    """Return the cells of Parquet files as pyarrow's Python values say them."""
    sheets = {}
    for path in sorted(folder.glob("*.parquet")):
        table = pq.ParquetFile(path).read()
        columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
        rows = [list(row) for row in zip(*columns, strict=True)]
        sheets[path.stem] = Sheet(list(table.column_names), rows)
    return sheets


def _plain(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, datetime.datetime):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value)
