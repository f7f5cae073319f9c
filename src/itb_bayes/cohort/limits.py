"""How large the files of a cohort may be; the environment can set other limits."""

import os
from dataclasses import dataclass, fields

from itb_bayes.errors import UsageError

MEGABYTE = 1024**2
_PREFIX = "ITB_BAYES_MAX_"


@dataclass(frozen=True)
class Limits:
    """What one file of a cohort may hold at most; a larger one is refused with a message.

    The limits bound memory and time on files that were not made to be read: a workbook of a few
    kilobytes can unpack to gigabytes. Each can be set by an environment variable named after it,
    such as ``ITB_BAYES_MAX_ROWS``.

    Attributes
    ----------
    file_mb : int
        Size of the file in MB.
    unpacked_mb : int
        Size of a workbook or Parquet file once it is decompressed, in MB.
    rows : int
        Rows of a table.
    columns : int
        Columns of a table, those that are set aside (``x_``) among them.
    cell_characters : int
        Length of a cell.
    metadata_kb : int
        Size of ``cohort.toml`` in kB.
    """

    file_mb: int = 500
    unpacked_mb: int = 1_000
    rows: int = 5_000_000
    columns: int = 500
    cell_characters: int = 10_000
    metadata_kb: int = 1_000


def limits() -> Limits:
    """Return the limits in force.

    Raises
    ------
    UsageError
        If a variable of the environment is not a whole number above zero.
    """
    stated = {}
    for field in fields(Limits):
        name = f"{_PREFIX}{field.name.upper()}"
        text = os.environ.get(name, "").strip()
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text) > 0):
            raise UsageError(f"{name} must be a whole number above zero (got {text[:40]!r}).")
        stated[field.name] = int(text)
    return Limits(**stated)
