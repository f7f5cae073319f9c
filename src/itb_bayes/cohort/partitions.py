"""A cohort in parts: folders that are cohorts themselves, of which one is in memory at a time.

    DIR/partitions.json      name, origin, number of parts
    DIR/part-00000/          patients.parquet, doses.parquet, ...; cohort.toml
    DIR/part-00001/

A patient lies in one part with all of their records, so every part can be read, checked and scored
alone. Parts are written aside and renamed: one that is there is whole.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.contract import TABLES
from itb_bayes.cohort.metadata import METADATA_FILE, Metadata
from itb_bayes.cohort.parquet import write_parquet
from itb_bayes.cohort.writing import input_form, metadata_text
from itb_bayes.errors import CohortError, UsageError
from itb_bayes.storage import (
    cannot_write,
    is_refused_by_system,
    refusals_in_words,
    write_whole,
)

FORMAT = 1
INDEX_FILE = "partitions.json"
PATIENTS_FILE = "patients.parquet"
MAXIMUM_PARTS = 100_000


def part_name(number: int) -> str:
    """Return the folder name of a part."""
    return f"part-{number:05d}"


def is_partitioned(folder: Path) -> bool:
    """Tell whether a path is a cohort in parts."""
    return (folder / INDEX_FILE).is_file()


@dataclass(frozen=True)
class Partitions:
    """A cohort in parts, opened; no patient is in memory.

    Attributes
    ----------
    folder : Path
    name : str
        Name of the cohort.
    synthetic : bool
        Whether it says that its patients are simulated.
    n_parts : int
    """

    folder: Path
    name: str
    synthetic: bool
    n_parts: int

    @classmethod
    def open(cls, folder: Path) -> "Partitions":
        """Open a cohort in parts.

        Raises
        ------
        CohortError
            If it is none, its index is damaged, or a part is missing.
        """
        path = folder / INDEX_FILE
        if not path.is_file():
            raise CohortError(
                f"{folder} is no cohort in parts: it has no {INDEX_FILE}. Make one of a cohort "
                "with `itb-bayes data partition COHORT --out DIR`."
            )
        index = _read_index(path)
        found = cls(folder, index["name"], index["synthetic"], index["parts"])
        missing = [k for k in range(found.n_parts) if not found.part(k).is_dir()]
        if missing:
            raise CohortError(
                f"{folder} is incomplete: {len(missing)} of {found.n_parts} parts are missing, "
                f"the first is {part_name(missing[0])}. Run the command that makes it again; it "
                "goes on from the parts that are there."
            )
        return found

    def part(self, number: int) -> Path:
        """Return the folder of a part."""
        return self.folder / part_name(number)

    def read(self, number: int) -> Cohort:
        """Read a part: a cohort, with every rule of the contract fulfilled.

        Raises
        ------
        InvalidCohort
            If it breaks the contract.
        """
        return Cohort.read(self.part(number))

    def digest(self, number: int) -> str:
        """Return the SHA-256 of a part's files: another one means that records changed."""
        digest = hashlib.sha256()
        for path in sorted(p for p in self.part(number).iterdir() if p.is_file()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    def identities(self, number: int) -> Iterable[str]:
        """Return the identifiers of a part's patients, as recorded.

        Raises
        ------
        CohortError
            If they cannot be read.
        """
        return _identities(self.part(number) / PATIENTS_FILE)

    def find(self, patient_id: str) -> int | None:
        """Return the number of the part that a patient lies in; None where they lie in none.

        Raises
        ------
        CohortError
            If identifiers cannot be read.
        """
        parts = range(self.n_parts)
        return next((k for k in parts if patient_id in self.identities(k)), None)

    def check_identities(self) -> int:
        """Check that no patient lies in two parts; return the number of patients.

        Reads the identifiers alone, and keeps a digest of each.

        Raises
        ------
        CohortError
            If one does, or identifiers cannot be read. The message names parts, not patients.
        """
        seen: dict[bytes, int] = {}
        for number in range(self.n_parts):
            for who in self.identities(number):
                key = hashlib.blake2b(who.encode(), digest_size=12).digest()
                if seen.setdefault(key, number) != number:
                    raise CohortError(
                        f"a patient of {part_name(number)} is also in {part_name(seen[key])}. A "
                        "patient's records belong into one part: put them together there."
                    )
        return len(seen)


class PartitionWriter:
    """Writes a cohort in parts; goes on from the parts that an earlier run of it has written.

    Parameters
    ----------
    folder : Path
        New, empty, or left by an earlier run with the same ``identity``.
    metadata : Metadata
        Name, description and origin, written to every part.
    n_parts : int
    identity : mapping
        What makes the parts what they are (settings, sizes); JSON values.

    Raises
    ------
    UsageError
        If the folder holds something else, or cannot be written.
    """

    def __init__(
        self, folder: Path, metadata: Metadata, n_parts: int, identity: Mapping[str, Any]
    ) -> None:
        self.folder, self.metadata, self.n_parts = folder, metadata, n_parts
        if not 1 <= n_parts <= MAXIMUM_PARTS:
            raise UsageError(
                f"a cohort is kept in 1 to {MAXIMUM_PARTS} parts (got {n_parts}); choose another "
                "--patients-per-part."
            )
        index = {
            "format": FORMAT,
            "name": metadata.name,
            "synthetic": metadata.synthetic,
            "parts": n_parts,
            "made_of": _digest_of(identity),
        }
        if folder.is_file():
            raise UsageError(f"{folder} is a file; name a folder with --out.")
        with refusals_in_words(folder):
            if folder.is_dir() and any(folder.iterdir()):
                if not is_partitioned(folder) or _read_index(folder / INDEX_FILE) != index:
                    raise UsageError(
                        f"{folder} holds something else; name a new folder with --out."
                    )
                return
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / INDEX_FILE, json.dumps(index, indent=1, sort_keys=True) + "\n")

    def missing(self) -> list[int]:
        """Return the numbers of the parts that are not there yet."""
        return [k for k in range(self.n_parts) if not (self.folder / part_name(k)).is_dir()]

    def write(
        self, number: int, tables: Mapping[str, pd.DataFrame], beside: Mapping[str, str]
    ) -> None:
        """Write a part: there whole, or not at all.

        Parameters
        ----------
        number : int
        tables : mapping
            Texts of the tables' input form, by table; see :func:`write_parquet`.
        beside : mapping of str to str
            Further text files, by path relative to the part.

        Raises
        ------
        UsageError
            If it cannot be written.
        """
        target = self.folder / part_name(number)
        building = self.folder / f".{part_name(number)}-{os.getpid()}"
        try:
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            for name, table in tables.items():
                if TABLES[name].required or len(table):
                    write_parquet(building / f"{name}.parquet", name, table)
            texts = {METADATA_FILE: metadata_text(self.metadata), **beside}
            for relative, text in texts.items():
                path = building / relative
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="\n")
            if not target.is_dir():
                building.replace(target)
        except OSError as error:
            if not is_refused_by_system(error):
                raise
            raise cannot_write(self.folder, error) from error
        finally:
            shutil.rmtree(building, ignore_errors=True)


def partition_cohort(cohort: Cohort, out: Path, patients_per_part: int) -> Partitions:
    """Write a cohort that fits into memory in parts, patients in the order of its file.

    Raises
    ------
    UsageError
        If the size of a part is no size, or ``out`` cannot be used.
    """
    if patients_per_part < 1:
        raise UsageError(f"--patients-per-part must be 1 or more (got {patients_per_part}).")
    ids = cohort.patients["patient_id"].astype(str).tolist()
    groups = _groups(ids, set(cohort.doses["patient_id"].astype(str)), patients_per_part)
    metadata = Metadata(cohort.name, cohort.description, cohort.synthetic)
    identity = {"cohort": cohort.fingerprint, "patients_per_part": patients_per_part}
    writer = PartitionWriter(out, metadata, len(groups), identity)
    texts = {
        name: input_form(name, table, cohort.time_basis, cohort.tables)
        for name, table in cohort.tables.items()
    }
    owner = {who: number for number, group in enumerate(groups) for who in group}
    of = {name: text["patient_id"].map(owner) for name, text in texts.items()}
    for number in writer.missing():
        writer.write(number, {name: text[of[name] == number] for name, text in texts.items()}, {})
    return Partitions.open(out)


def _groups(ids: list[str], dosed: set[str], size: int) -> list[list[str]]:
    """Return the patients of each part: in order, and with a dose on record in every part."""
    groups: list[list[str]] = [[]]
    for who in ids:
        if len(groups[-1]) >= size and not dosed.isdisjoint(groups[-1]):
            groups.append([])
        groups[-1].append(who)
    if len(groups) > 1 and dosed.isdisjoint(groups[-1]):
        groups[-2] += groups.pop()
    return groups


def _identities(path: Path) -> Iterable[str]:
    try:
        column = pq.read_table(path, columns=["patient_id"]).column(0)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError):
        raise CohortError(
            f"{path.parent.name}/{path.name} holds no readable column patient_id. Every part "
            "needs one, as Parquet."
        ) from None
    return (str(value) for value in column.to_pylist())


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        sound = (
            index["format"] == FORMAT
            and isinstance(index["name"], str)
            and isinstance(index["synthetic"], bool)
            and 1 <= int(index["parts"]) <= MAXIMUM_PARTS
        )
    except (OSError, ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise CohortError(f"{path} is no index of parts that this version reads; write it again.")
    return dict(index)


def _digest_of(identity: Mapping[str, Any]) -> str:
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
