"""The folder of a registry's scores: one Parquet file per part, there whole or not at all.

Every file names the digest of the records that it was made of; a part whose records have changed
is scored again, the others are not. Files that are no scores begin with an underscore or a dot,
so that Parquet readers pass them over.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from itb_bayes.cohort.partitions import part_name
from itb_bayes.registry.run_folder import RunFolder
from itb_bayes.risk.explanation_table import COLUMNS, NUMBERS
from itb_bayes.storage import refusals_in_words, whole_file

SUMMARY_FILE = "_summary.json"
_DIGEST, _COUNTS = b"records", b"counts"


class ResultFolder(RunFolder):
    """Scores of the parts on disk; see :class:`RunFolder`."""

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

    def remove_beyond(self, n_parts: int) -> None:
        """Remove the files of parts that the cohort no longer has: readers take all for one table.

        Raises
        ------
        UsageError
            If one cannot be removed.
        """
        known = {self.path(number) for number in range(n_parts)}
        with refusals_in_words(self.folder):
            for path in self.folder.glob("part-*.parquet"):
                if path not in known:
                    path.unlink()


def _schema(table: pd.DataFrame) -> pa.Schema:
    """Return the same types for every part: a text column that one part leaves empty is text."""
    types = dict.fromkeys(COLUMNS, pa.string()) | dict.fromkeys(NUMBERS, pa.float64())
    types["synthetic"] = pa.bool_()
    found = pa.Schema.from_pandas(table, preserve_index=False)
    return pa.schema([(field.name, types.get(field.name, field.type)) for field in found])
