"""The folder of a registry's scores: one Parquet file per part, there whole or not at all.

Every file names the digest of the records that it was made of; a part whose records have changed
is scored again, the others are not. Files that are no scores begin with an underscore or a dot,
so that Parquet readers pass them over.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from itb_bayes.cohort.partitions import part_name
from itb_bayes.errors import UsageError
from itb_bayes.risk.explanation_table import COLUMNS, NUMBERS
from itb_bayes.storage import refusals_in_words, whole_file, write_whole

FORMAT = 1
RUN_FILE, SUMMARY_FILE, LOCK_FILE = "_run.json", "_summary.json", ".lock"
_DIGEST, _COUNTS = b"records", b"counts"


class ResultFolder:
    """Scores of the parts on disk.

    Parameters
    ----------
    folder : Path
        New, empty, or left by an earlier run with the same ``identity``.
    identity : mapping
        Fit, request and cohort of the run; JSON values.

    Raises
    ------
    UsageError
        If the folder holds something else, or another run, or cannot be written.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        self._identity = json.loads(json.dumps({"format": FORMAT, **identity}))
        run = folder / RUN_FILE
        if folder.is_file():
            raise UsageError(f"{folder} is a file; name a folder with --out.")
        with refusals_in_words(folder):
            if folder.is_dir() and any(folder.iterdir()):
                self._check(run)
                return
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.write_text(RUN_FILE, json.dumps(self._identity, indent=1, sort_keys=True) + "\n")

    def _check(self, run: Path) -> None:
        try:
            found = json.loads(run.read_text(encoding="utf-8"))
            differs = sorted(
                key
                for key in {*found, *self._identity}
                if found.get(key) != self._identity.get(key)
            )
        except (OSError, ValueError, TypeError, AttributeError):
            raise UsageError(
                f"{self.folder} holds something else; name a new folder with --out."
            ) from None
        if differs:
            raise UsageError(
                f"{self.folder} holds scores with another {', '.join(differs)}; name another "
                "--out, or repeat the command that made it."
            )

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the folder for this process; the lock ends with the process, however it ends.

        Raises
        ------
        UsageError
            If another process holds it, or the folder cannot be written.
        """
        with refusals_in_words(self.folder):
            lock = (self.folder / LOCK_FILE).open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"another process is scoring into {self.folder} right now; wait for it, or "
                    "name another --out."
                ) from None
            yield

    def path(self, number: int) -> Path:
        """Return the file of a part."""
        return self.folder / f"{part_name(number)}.parquet"

    def counts(self, number: int, digest: str) -> dict[str, int] | None:
        """Return a finished part's counts; None where it is missing, damaged or out of date."""
        try:
            held = pq.read_metadata(self.path(number)).metadata or {}
            if held.get(_DIGEST) != digest.encode():
                return None
            return {str(k): int(v) for k, v in json.loads(held[_COUNTS]).items()}
        except (OSError, pa.ArrowInvalid, KeyError, ValueError):
            return None

    def keep(
        self, number: int, digest: str, table: pd.DataFrame, counts: Mapping[str, int]
    ) -> None:
        """Write the scores of a part: whole, and on disk when this returns.

        Raises
        ------
        UsageError
            If they cannot be written; what was finished before is kept.
        """
        scores = pa.Table.from_pandas(table, schema=_schema(table), preserve_index=False)
        told = {
            _DIGEST: digest.encode(),
            _COUNTS: json.dumps(dict(counts), sort_keys=True).encode(),
        }
        with whole_file(self.path(number)) as part, part.open("wb") as file:
            pq.write_table(scores.replace_schema_metadata(told), file, compression="zstd")

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole or not at all.

        Raises
        ------
        UsageError
            If it cannot be written.
        """
        write_whole(self.folder / name, text)


def _schema(table: pd.DataFrame) -> pa.Schema:
    """Return the same types for every part: a text column that one part leaves empty is text."""
    types = dict.fromkeys(COLUMNS, pa.string()) | dict.fromkeys(NUMBERS, pa.float64())
    types["synthetic"] = pa.bool_()
    found = pa.Schema.from_pandas(table, preserve_index=False)
    return pa.schema([(field.name, types.get(field.name, field.type)) for field in found])
