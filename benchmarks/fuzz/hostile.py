"""Files made to harm: each must end in a message, quickly, and in bounded memory.

Every maker takes an empty folder, fills it and returns the path to read as a cohort.
"""

import io
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

PATIENTS = "patient_id,diagnosis\nP1,MS\nP2,SCI\n"
DOSES = "patient_id,t_years,daily_dose_ug\nP1,0,100\nP1,1,120\nP2,0,90\n"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Hostile:
    """One hostile cohort: its name, how it is made, and whether it may be read all the same."""

    name: str
    make: Callable[[Path], Path]
    may_succeed: bool = False

    @property
    def is_heavy(self) -> bool:
        """Whether making or reading it takes more than a second."""
        return any(
            word in self.name for word in ("300,000", "million rows", "600 MB", "999,999", "30,000")
        )


def _folder(folder: Path, **files: str | bytes) -> Path:
    for name, content in {"patients.csv": PATIENTS, "doses.csv": DOSES, **files}.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    return folder


def _csv(**files: str | bytes) -> Callable[[Path], Path]:
    return lambda folder: _folder(folder, **{f"{k}.csv": v for k, v in files.items()})


def _instead(name: str, put: Callable[[Path], object]) -> Callable[[Path], Path]:
    """Put something that is no file where a table should be."""

    def make(folder: Path) -> Path:
        _folder(folder)
        (folder / name).unlink(missing_ok=True)
        put(folder / name)
        return folder

    return make


def book(folder: Path, change: Callable[[dict[str, bytes]], None] = lambda parts: None) -> Path:
    """Write a valid workbook, let `change` have its parts, and return its path."""
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, text in (("patients", PATIENTS), ("doses", DOSES)):
        sheet = made.create_sheet(name)
        for line in text.splitlines():
            sheet.append([float(c) if c.isdigit() else c for c in line.split(",")])
    buffer = io.BytesIO()
    made.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    path = folder / "book.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def part(name: str, old: bytes, new: bytes) -> Callable[[Path], Path]:
    """Return a maker of a workbook in one part of which something is replaced."""

    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[name], f"{name} has no {old!r}"
        parts[name] = parts[name].replace(old, new, 1)

    return lambda folder: book(folder, change)


def _bomb(name: str, size_mib: int) -> Callable[[Path], Path]:
    """A part that unpacks to a thousand times its size."""

    def change(parts: dict[str, bytes]) -> None:
        head, _, tail = parts[name].partition(b"<sheetData>")
        filler = (
            b'<row r="1"><c r="A1" t="inlineStr"><is><t>'
            + b"A" * (size_mib * MIB)
            + b"</t></is></c></row>"
        )
        parts[name] = head + b"<sheetData>" + filler + tail

    return lambda folder: book(folder, change)


def _many_rows(folder: Path) -> Path:
    def change(parts: dict[str, bytes]) -> None:
        row = b'<row r="999999999"><c r="XFD999999999"><v>1</v></c></row></sheetData>'
        parts["xl/worksheets/sheet2.xml"] = parts["xl/worksheets/sheet2.xml"].replace(
            b"</sheetData>", row
        )

    return book(folder, change)


def _wide_cells(folder: Path) -> Path:
    def change(parts: dict[str, bytes]) -> None:
        rows = b"".join(
            b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (r, r) for r in range(5, 30_005)
        )
        name = "xl/worksheets/sheet2.xml"
        parts[name] = parts[name].replace(b"</sheetData>", rows + b"</sheetData>")

    return book(folder, change)


def _dimension(folder: Path) -> Path:
    def change(parts: dict[str, bytes]) -> None:
        name = "xl/worksheets/sheet2.xml"
        parts[name] = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:C2"', parts[name])

    return book(folder, change)


def _twice(folder: Path) -> Path:
    def change(parts: dict[str, bytes]) -> None:
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
            b'name="patients"', b'name="doses"'
        )

    return book(folder, change)


def _laughs(folder: Path) -> Path:
    entities = b"".join(b'<!ENTITY l%d "%s">' % (k + 1, b"&l%d;" % k * 10) for k in range(9))
    doctype = b'<!DOCTYPE x [<!ENTITY l0 "ha">' + entities + b"]>"

    def change(parts: dict[str, bytes]) -> None:
        name = "xl/worksheets/sheet2.xml"
        parts[name] = doctype + parts[name].replace(
            b"<sheetData>",
            b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&l9;</t></is></c></row>',
        )

    return book(folder, change)


def _parquet(table: pa.Table, name: str = "doses") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        _folder(folder)
        (folder / f"{name}.csv").unlink()
        pq.write_table(table, folder / f"{name}.parquet")
        return folder

    return make


def _doses(**columns: pa.Array) -> pa.Table:
    plain = {
        "patient_id": pa.array(["P1", "P2"]),
        "t_years": pa.array([0.0, 0.0]),
        "daily_dose_ug": pa.array([100.0, 90.0]),
    }
    return pa.table(plain | columns)


def _long_parquet(folder: Path) -> Path:
    n = 6_000_000
    ids = pa.DictionaryArray.from_arrays(
        pa.array([0], pa.int32()).take(pa.array([0] * 1000)), pa.array(["P1"])
    )
    chunk = pa.table(
        {
            "patient_id": ids,
            "t_years": pa.array([1.0] * 1000),
            "daily_dose_ug": pa.array([100.0] * 1000),
        }
    )
    _folder(folder)
    (folder / "doses.csv").unlink()
    big = pa.concat_tables([chunk] * (n // 1000)).combine_chunks()
    pq.write_table(big, folder / "doses.parquet", row_group_size=n)
    return folder


def _invalid_utf8(folder: Path) -> Path:
    raw = pa.array([b"P\xff", b"P2"], pa.binary()).view(pa.string())
    return _parquet(_doses(patient_id=raw))(folder)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


HOSTILE = (
    Hostile("csv: cell of a million characters", _csv(patients=PATIENTS + "x" * 10**6 + ",MS\n")),
    Hostile("csv: quoted cell of a million characters", _csv(patients=PATIENTS + '"' + "x\n" * 500_000 + '",MS\n')),
    Hostile("csv: quote never closed", _csv(doses=DOSES + '"P1,2,100\n' * 3)),
    Hostile("csv: 100,000 columns", _csv(patients="patient_id,diagnosis," + ",".join(f"c{k}" for k in range(100_000)) + "\n")),
    Hostile("csv: 100,000 columns of one name", _csv(patients="patient_id,diagnosis" + ",a" * 100_000 + "\n")),
    Hostile("csv: 100,000 columns x_", _csv(patients="patient_id,diagnosis" + "".join(f",x_{k}" for k in range(100_000)) + "\nP1,MS" + "," * 100_000 + "\n")),
    Hostile("csv: 300,000 wrong rows", _csv(doses=DOSES + "P9,x,y\n" * 300_000)),
    Hostile("csv: 300,000 ragged rows", _csv(doses=DOSES + "P9\n" * 300_000)),
    Hostile("csv: 6 million rows", _csv(doses=DOSES + "P1,1,1\n" * 6_000_000)),
    Hostile("csv: NUL bytes", _csv(doses=DOSES + "P1,\x002,100\n")),
    Hostile("csv: only NUL bytes", _csv(doses=b"\x00" * 10_000)),
    Hostile("csv: UTF-16 with BOM", _csv(doses=DOSES.encode("utf-16"))),
    Hostile("csv: UTF-16 without BOM", _csv(doses=DOSES.encode("utf-16-le"))),
    Hostile("csv: UTF-32", _csv(doses=DOSES.encode("utf-32"))),
    Hostile("csv: latin-1", _csv(patients="patient_id,diagnosis,centre\nP1,MS,Århus\nP2,SCI,\n".encode("latin-1"))),
    Hostile("csv: BOM", _csv(doses=DOSES.encode("utf-8-sig")), may_succeed=True),
    Hostile("csv: BOM twice", _csv(doses=b"\xef\xbb\xbf" + DOSES.encode("utf-8-sig"))),
    Hostile("csv: lone surrogate as bytes", _csv(patients=b"patient_id,diagnosis\nP1\xed\xa0\x80,MS\n")),
    Hostile("csv: overlong UTF-8", _csv(patients=b"patient_id,diagnosis\nP1\xc0\xaf,MS\n")),
    Hostile("csv: mixed line ends", _csv(doses=DOSES.replace("100\n", "100\r\n").replace("120\n", "120\r")), may_succeed=True),
    Hostile("csv: CR only", _csv(doses=DOSES.replace("\n", "\r"))),
    Hostile("csv: empty file", _csv(doses=b"")),
    Hostile("csv: only a BOM", _csv(doses=b"\xef\xbb\xbf")),
    Hostile("csv: only line ends", _csv(doses=b"\n\r\n\n")),
    Hostile("csv: header doubled", _csv(doses=DOSES.replace("daily_dose_ug", "t_years", 1))),
    Hostile("csv: integer of 9,999 digits", _csv(doses=DOSES + "P1,2," + "9" * 9_999 + "\n")),
    Hostile("csv: exponent of 5,000 digits", _csv(doses=DOSES + "P1,2,1e" + "9" * 5_000 + "\n")),
    Hostile("csv: 300,000 rows without a dose", _csv(doses=DOSES + "P1,,\n" * 300_000)),
    Hostile("csv: digits of other scripts", _csv(doses=DOSES + "P1,2,١٢٠\n")),
    Hostile("csv: look-alike patients", _csv(patients=PATIENTS + "P1\u200b,MS\n")),
    Hostile("csv: composed and decomposed é", _csv(patients=PATIENTS + "é,MS\ne\u0301,MS\n")),
    Hostile("csv: name in capitals", lambda f: (_folder(f), (f / "doses.csv").rename(f / "doses.CSV"))[0], may_succeed=True),
    Hostile("folder: table in another format", lambda f: _folder(f, **{"events.txt": "patient_id\tt_years\tevent\n"})),
    Hostile("folder: table as old Excel", lambda f: _folder(f, **{"events.xls": b"\xd0\xcf\x11\xe0"})),
    Hostile("folder: table packed", lambda f: _folder(f, **{"events.csv.gz": b"\x1f\x8b"})),
    Hostile("folder: FIFO as doses.csv", _instead("doses.csv", lambda p: os.mkfifo(p))),
    Hostile("folder: FIFO as events.csv", _instead("events.csv", lambda p: os.mkfifo(p))),
    Hostile("folder: FIFO as cohort.toml", _instead("cohort.toml", lambda p: os.mkfifo(p))),
    Hostile("folder: FIFO as doses.parquet", lambda f: (_instead("doses.parquet", lambda p: os.mkfifo(p))(f), (f / "doses.csv").unlink())[0]),
    Hostile("folder: folder as events.csv", _instead("events.csv", lambda p: p.mkdir())),
    Hostile("folder: folder as cohort.toml", _instead("cohort.toml", lambda p: p.mkdir())),
    Hostile("folder: link to nowhere as events.csv", _instead("events.csv", lambda p: p.symlink_to("nowhere"))),
    Hostile("folder: link to itself as doses.csv", _instead("doses.csv", _loop)),
    Hostile("folder: link to nowhere as cohort.toml", _instead("cohort.toml", lambda p: p.symlink_to("nowhere"))),
    Hostile("folder: link to /dev/zero as doses.csv", _instead("doses.csv", lambda p: p.symlink_to("/dev/zero"))),
    Hostile("folder: link to a good file", lambda f: (_folder(f), (f / "doses.csv").rename(f / "elsewhere"), (f / "doses.csv").symlink_to("elsewhere"))[0], may_succeed=True),
    Hostile("path: FIFO as workbook", lambda f: (os.mkfifo(f / "book.xlsx"), f / "book.xlsx")[1]),
    Hostile("path: with NUL", lambda f: f / "a\x00b"),
    Hostile("path: of 5,000 characters", lambda f: f / ("a" * 5_000)),
    Hostile("path: a device", lambda f: Path("/dev/null")),
    Hostile("toml: nested 100,000 deep", lambda f: _folder(f, **{"cohort.toml": "a = " + "[" * 100_000})),
    Hostile("toml: integer of 5,000 digits", lambda f: _folder(f, **{"cohort.toml": "name = " + "9" * 5_000})),
    Hostile("toml: not UTF-8", lambda f: _folder(f, **{"cohort.toml": b'name = "\xff"'})),
    Hostile("toml: 20 MB", lambda f: _folder(f, **{"cohort.toml": "# " + "x" * 20 * MIB})),
    Hostile("toml: deep sentinels", lambda f: _folder(f, **{"cohort.toml": '[sentinels]\n"doses.daily_dose_ug" = [[[1]]]\n'})),
    Hostile("toml: sentinels of words", lambda f: _folder(f, **{"cohort.toml": '[sentinels]\n"doses.daily_dose_ug" = ["x", 1e999, 5]\n'}), may_succeed=True),
    Hostile("excel: zip bomb of 600 MB", _bomb("xl/worksheets/sheet2.xml", 600)),
    Hostile("excel: cell of a million characters", _bomb("xl/worksheets/sheet2.xml", 1)),
    Hostile("excel: cell in row 999,999,999", _many_rows),
    Hostile("excel: 30,000 cells in the last column", _wide_cells),
    Hostile("excel: wrong dimension", _dimension, may_succeed=True),
    Hostile("excel: two sheets of one name", _twice),
    Hostile("excel: billion laughs", _laughs),
    Hostile("excel: XML broken", part("xl/worksheets/sheet2.xml", b"</row>", b"</rw>")),
    Hostile("excel: workbook part broken", part("xl/workbook.xml", b"</sheets>", b"")),
    Hostile("excel: type of a cell unknown", part("xl/worksheets/sheet2.xml", b't="n"', b't="q"'), may_succeed=True),
    Hostile("excel: number that is none", part("xl/worksheets/sheet2.xml", b"<v>100</v>", b"<v>1e</v>")),
    Hostile("excel: shared string missing", part("xl/worksheets/sheet2.xml", b't="n"><v>100</v>', b't="s"><v>9999</v>')),
    Hostile("excel: formula never computed", part("xl/worksheets/sheet2.xml", b"<v>100</v>", b"<f>SUM(A1:A9)</f><v></v>")),
    Hostile("excel: formula with its value", part("xl/worksheets/sheet2.xml", b"<v>100</v>", b"<f>50+50</f><v>100</v>"), may_succeed=True),
    Hostile("excel: error in a cell", part("xl/worksheets/sheet2.xml", b't="n"><v>100</v>', b't="e"><v>#REF!</v>')),
    Hostile("excel: merged cells", part("xl/worksheets/sheet2.xml", b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="C2:C3"/></mergeCells>')),
    Hostile("excel: date before 1900", part("xl/worksheets/sheet2.xml", b"<v>100</v>", b"<v>-5</v>")),
    Hostile("excel: a text file", lambda f: (_folder(f), (f / "book.xlsx").write_text(DOSES), f / "book.xlsx")[2]),
    Hostile("excel: empty zip", lambda f: (zipfile.ZipFile(f / "book.xlsx", "w").close(), f / "book.xlsx")[1]),
    Hostile("parquet: 6 million rows in a small file", _long_parquet),
    Hostile("parquet: lists in a column", _parquet(_doses(mode=pa.array([["simple"], ["flex"]])))),
    Hostile("parquet: records in a column", _parquet(_doses(mode=pa.array([{"a": 1}, {"a": 2}])))),
    Hostile("parquet: bytes that are no text", _parquet(_doses(patient_id=pa.array([b"P1", b"P\xff"])))),
    Hostile("parquet: text that is no UTF-8", _invalid_utf8),
    Hostile("parquet: durations", _parquet(_doses(daily_dose_ug=pa.array([1, 2], pa.duration("s"))))),
    Hostile("parquet: times beyond the calendar", _parquet(_doses(t_years=pa.array([2**55, 1], pa.timestamp("us"))))),
    Hostile("parquet: a column of nothing", _parquet(_doses(mode=pa.nulls(2))), may_succeed=True),
    Hostile("parquet: 20,000 columns", _parquet(pa.table({f"c{k}": pa.array([1]) for k in range(20_000)}))),
    Hostile("parquet: a text file", lambda f: _folder(f, **{"events.parquet": DOSES})),
)  # fmt: skip
