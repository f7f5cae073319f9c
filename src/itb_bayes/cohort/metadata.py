"""What a cohort says about itself: ``cohort.toml``, or the ``cohort`` sheet of a workbook."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from itb_bayes.cohort.contract import TABLES
from itb_bayes.cohort.limits import limits
from itb_bayes.cohort.problems import ProblemLog, show_value, suggest

METADATA_FILE = "cohort.toml"
METADATA_SHEET = "cohort"
MAX_TEXT = 500
KEYS = ("name", "description", "synthetic", "sentinels")


@dataclass(frozen=True)
class Metadata:
    """Name, origin and declared sentinels of a cohort.

    Attributes
    ----------
    name : str
        Name of the cohort.
    description : str
        One line about it; may be empty.
    synthetic : bool
        Whether the data are simulated; every output then says so.
    sentinels : mapping of str to tuple of str
        By ``table.column``: texts that stand for "not recorded".
    """

    name: str
    description: str = ""
    synthetic: bool = False
    sentinels: MappingProxyType[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )


def read_metadata(folder: Path, default_name: str, log: ProblemLog) -> Metadata:
    """Read ``cohort.toml`` of a folder; defaults when there is none."""
    path = folder / METADATA_FILE
    if not (path.exists() or path.is_symlink()):
        return Metadata(default_name)
    try:
        content = tomllib.loads(_text_of(path))
    # ValueError: TOML and UTF-8 that are none, and integers of thousands of digits.
    except (ValueError, RecursionError, OSError) as error:
        log.add(
            METADATA_FILE,
            "metadata_syntax",
            f"The file is not valid TOML ({_reason(error)}).",
            'Write keys as name = "..." and synthetic = true.',
        )
        return Metadata(default_name)
    return _metadata(content, METADATA_FILE, default_name, log)


def _text_of(path: Path) -> str:
    if not path.is_file():
        raise ValueError("it is no file, but a folder, a pipe, or a link to nowhere")
    largest = limits().metadata_kb * 1024
    with path.open("rb") as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it is larger than {limits().metadata_kb:,} kB")
    return content.decode("utf-8-sig")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "its values are nested too deeply"
    return show_value(error.strerror or "" if isinstance(error, OSError) else str(error), 200)


def metadata_of_sheet(
    sheet: pd.DataFrame, file: str, default_name: str, log: ProblemLog
) -> Metadata:
    """Read the ``cohort`` sheet: columns ``key`` and ``value``.

    Sentinels are given as key ``sentinels.assessments.value`` and value ``5; 9``.
    """
    if list(sheet.columns) != ["key", "value"]:
        log.add(
            file,
            "metadata_syntax",
            "The sheet must have two columns, 'key' and 'value'.",
            "Name them so in the first line.",
            row=1,
        )
        return Metadata(default_name)
    content: dict[str, object] = {}
    sentinels: dict[str, object] = {}
    for key, value in sheet.itertuples(index=False):
        name = str(key).strip()
        if name.startswith("sentinels."):
            sentinels[name.removeprefix("sentinels.")] = [v.strip() for v in str(value).split(";")]
        elif name == "synthetic":
            content[name] = {"true": True, "false": False}.get(str(value).strip().lower(), value)
        else:
            content[name] = str(value)
    if sentinels:
        content["sentinels"] = sentinels
    return _metadata(content, file, default_name, log)


def _metadata(
    content: dict[str, object], file: str, default_name: str, log: ProblemLog
) -> Metadata:
    for key in content:
        if key not in KEYS:
            log.add(
                file,
                "metadata_key",
                f"Unknown key {key[:40]!r}.",
                suggest(key, KEYS) or f"Known keys: {', '.join(KEYS)}.",
                column=key,
            )
    synthetic = content.get("synthetic", False)
    if not isinstance(synthetic, bool):
        _wrong_type(file, "synthetic", synthetic, "Write true or false, without quotes.", log)
        synthetic = False
    texts = {}
    for key in ("name", "description"):
        value = content.get(key, "")
        if not isinstance(value, str):
            _wrong_type(file, key, value, "Write a text in quotes.", log)
            value = ""
        texts[key] = show_value(value, MAX_TEXT)
    return Metadata(
        name=texts["name"] or default_name,
        description=texts["description"],
        synthetic=synthetic,
        sentinels=_sentinels(content.get("sentinels", {}), file, log),
    )


def _sentinels(
    content: object, file: str, log: ProblemLog
) -> MappingProxyType[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if not isinstance(content, dict):
        _wrong_type(file, "sentinels", content, "Write a [sentinels] section.", log)
        content = {}
    for key, values in content.items():
        table, _, column = str(key).partition(".")
        if table not in TABLES or column not in TABLES[table].column_names:
            known = [f"{t.name}.{c}" for t in TABLES.values() for c in t.column_names]
            log.add(
                file,
                "sentinel_column",
                "Sentinels are declared for a column that the contract does not have.",
                suggest(str(key), known) or 'Write e.g. "assessments.value" = [99].',
                column="sentinels",
                value=str(key),
            )
            continue
        listed = values if isinstance(values, list) else [values]
        if not all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in listed):
            mend = 'Write e.g. "assessments.value" = [99].'
            _wrong_type(file, "sentinels", values, mend, log)
            continue
        found[f"{table}.{column}"] = tuple(str(value) for value in listed)
    return MappingProxyType(found)


def _wrong_type(file: str, key: str, value: object, mend: str, log: ProblemLog) -> None:
    log.add(
        file, "metadata_type", f"{key!r} is of the wrong type.", mend, column=key, value=str(value)
    )
