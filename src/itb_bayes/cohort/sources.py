"""Finding the tables of a cohort: a folder of CSV or Parquet files, or one Excel workbook."""

from dataclasses import dataclass
from pathlib import Path

from itb_bayes.cohort.contract import TABLES
from itb_bayes.cohort.csvtable import read_csv_table
from itb_bayes.cohort.metadata import METADATA_SHEET, Metadata, metadata_of_sheet, read_metadata
from itb_bayes.cohort.problems import ProblemLog, show_value, suggest
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.typedtable import read_parquet_table
from itb_bayes.cohort.workbook import read_workbook
from itb_bayes.errors import CohortError

SUFFIXES = (".csv", ".parquet", ".xlsx")
_UNREAD = (
    ".tsv", ".txt", ".tab", ".xls", ".xlsm", ".xlsb", ".ods", ".gz", ".bz2", ".xz", ".zst", ".zip",
    ".json", ".feather", ".arrow", ".sav", ".dta", ".rds", ".sas7bdat",
)  # fmt: skip
"""Endings of tables that this program does not read; one named like a table is not passed over."""


@dataclass(frozen=True)
class Source:
    """A cohort as found on disk, not yet interpreted.

    Attributes
    ----------
    metadata : Metadata
        What the cohort says about itself.
    tables : dict of str to RawTable
        The tables that could be read as text, by name.
    present : frozenset of str
        Names of the tables that are there, readable or not.
    """

    metadata: Metadata
    tables: dict[str, RawTable]
    present: frozenset[str]


def open_source(path: Path, log: ProblemLog) -> Source:
    """Find and read the tables of a cohort as text.

    Parameters
    ----------
    path : Path
        A folder, or an ``.xlsx`` workbook.
    log : ProblemLog
        Takes the problems found.

    Returns
    -------
    Source
        Whatever could be read.

    Raises
    ------
    CohortError
        If the path is missing or is neither a folder nor a workbook.
    """
    if not _exists(path):
        raise CohortError(
            f"No cohort at {show_value(str(path), 300)}: there is no such file or folder."
        )
    if path.is_dir():
        source = _open_folder(path, log)
    elif path.suffix.lower() == ".xlsx" and path.is_file():
        source = _open_workbook(path, None, log)
    else:
        raise CohortError(
            f"{path.name} is not a cohort. Give a folder that holds patients.csv and doses.csv "
            "(or .parquet files of those names), or an Excel workbook (.xlsx) with such sheets."
        )
    _report_missing(source, path, log)
    return source


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long for any file system, or with a NUL in it
        return False


def _open_folder(folder: Path, log: ProblemLog) -> Source:
    default_name = folder.resolve().name
    files = _table_files(folder)
    if (folder / "partitions.json").is_file():
        raise CohortError(
            f"{folder} is a cohort in parts, which `itb-bayes score` reads. This reads one at a "
            f"time: name a folder within, such as {folder / 'part-00000'}."
        )
    if not files:
        raise CohortError(
            f"{folder} is not a cohort: it holds neither patients.csv and doses.csv, nor their "
            ".parquet forms, nor a workbook."
        )
    metadata = read_metadata(folder, default_name, log)
    _report_unread(folder, log)
    if len(files) == 1 and files[0].suffix.lower() == ".xlsx":
        return _open_workbook(files[0], metadata, log)
    tables: dict[str, RawTable] = {}
    present: dict[str, Path] = {}
    for path in _in_contract_order(files):
        suffix = path.suffix.lower()
        if path.stem not in TABLES or suffix == ".xlsx":
            _report_unknown_file(path, log)
            continue
        if path.stem in present:
            log.add(
                path.name,
                "duplicate_table",
                f"The table is there twice, also as {present[path.stem].name}.",
                "Remove one of the two.",
            )
            continue
        present[path.stem] = path
        if not path.is_file():
            message = "This is no file (a folder, a pipe, or a link to nowhere)."
            log.add(path.name, "not_a_file", message, "Put the file itself there, or remove it.")
            continue
        read = read_csv_table if suffix == ".csv" else read_parquet_table
        table = read(path.stem, path, log)
        if table is not None:
            tables[path.stem] = table
    return Source(metadata, tables, frozenset(present))


def _table_files(folder: Path) -> list[Path]:
    """Return what in a folder claims to be a table (no lock files, no hidden ones)."""
    try:
        files = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES]
    except OSError as error:
        raise CohortError(
            f"The folder {folder} cannot be read ({error.strerror}). Check who may read it."
        ) from None
    return sorted(p for p in files if not p.name.startswith(("~$", ".")))


def _open_workbook(path: Path, metadata: Metadata | None, log: ProblemLog) -> Source:
    sheets = read_workbook(path, log)
    found = metadata or Metadata(path.stem)
    if METADATA_SHEET in sheets:
        found = metadata_of_sheet(
            sheets[METADATA_SHEET], f"{path.name}:{METADATA_SHEET}", found.name, log
        )
    tables = {
        name: RawTable.of(name, f"{path.name}:{name}", sheets[name])
        for name in TABLES
        if name in sheets
    }
    for name in sheets:
        if name not in TABLES and name != METADATA_SHEET and not name.startswith("x_"):
            log.add(
                f"{path.name}:{name}",
                "unknown_sheet",
                "The sheet is not a table of the contract.",
                suggest(name, TABLES) or "Remove it, or start its name with x_.",
            )
    # An unreadable workbook has one problem already; its tables are not 'missing' as well.
    return Source(found, tables, frozenset(tables) if sheets else frozenset(TABLES))


def _in_contract_order(files: list[Path]) -> list[Path]:
    order = list(TABLES)
    return sorted(files, key=lambda p: order.index(p.stem) if p.stem in order else len(order))


def _report_unread(folder: Path, log: ProblemLog) -> None:
    """Report tables of the contract in formats that are not read: they would be missed."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _UNREAD and path.name.split(".")[0] in TABLES:
            log.add(
                path.name,
                "unknown_file",
                f"A table is not read from {path.suffix.lower()} files.",
                "Save it as CSV (UTF-8) or Parquet, or move it elsewhere.",
            )


def _report_unknown_file(path: Path, log: ProblemLog) -> None:
    known = [f"{table}{path.suffix.lower()}" for table in TABLES]
    log.add(
        path.name,
        "unknown_file",
        "The file is not a table of the contract.",
        suggest(path.name, known) or f"Known tables: {', '.join(TABLES)}. Move it elsewhere.",
    )


def _report_missing(source: Source, path: Path, log: ProblemLog) -> None:
    for name, spec in TABLES.items():
        if spec.required and name not in source.present:
            log.add(
                f"{name}.csv" if path.is_dir() else f"{path.name}:{name}",
                "missing_table",
                f"The table {name!r} is missing.",
                f"It must hold {_required_columns(name)}.",
            )


def _required_columns(name: str) -> str:
    extra = {"patients": ["diagnosis"], "doses": ["date or t_years", "daily_dose_ug"]}[name]
    return ", ".join(["patient_id", *extra])
