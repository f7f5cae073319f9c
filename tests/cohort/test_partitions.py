"""Cohorts in parts: the same patients, each in one part, whole or not there."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from drift_cases import run_command, write_cohort
from itb_bayes.cohort import partitions as module
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.fingerprint import fingerprint_tables
from itb_bayes.cohort.metadata import Metadata
from itb_bayes.cohort.partitions import (
    Partitions,
    PartitionWriter,
    is_partitioned,
    part_name,
    partition_cohort,
)
from itb_bayes.errors import CohortError, UsageError
from itb_bayes.resources import demo_cohort_dir
from regimes_fits import regimes_tables


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    return Cohort.read(write_cohort(tmp_path / "cohort", regimes_tables()))


@pytest.mark.parametrize("clock", ["t_years", "date"])
def test_parts_put_together_are_the_cohort(clock: str, tmp_path: Path, cohort: Cohort) -> None:
    whole = cohort if clock == "t_years" else Cohort.read(demo_cohort_dir())
    size = 4 if clock == "t_years" else 17
    made = partition_cohort(whole, tmp_path / "parts", size)
    assert made.n_parts == -(-len(whole.patients) // size)
    assert (made.name, made.synthetic) == (whole.name, whole.synthetic)
    parts = [made.read(k) for k in range(made.n_parts)]
    assert all(part.time_basis == clock for part in parts)
    together = {
        name: pd.concat([part.tables[name] for part in parts], ignore_index=True)
        for name in whole.tables
    }
    assert fingerprint_tables(together) == whole.fingerprint
    assert made.check_identities() == len(whole.patients)
    assert not is_partitioned(made.part(0))


def test_columns_are_typed_by_the_contract(tmp_path: Path) -> None:
    made = partition_cohort(Cohort.read(demo_cohort_dir()), tmp_path / "parts", 100)
    schema = pq.read_schema(made.part(0) / "doses.parquet")
    assert str(schema.field("daily_dose_ug").type) == "double"
    assert str(schema.field("date").type) == "date32[day]"
    assert str(schema.field("patient_id").type) == "string"
    patients = pq.read_schema(made.part(0) / "patients.parquet")
    assert str(patients.field("ambulatory").type) == "bool"


def test_an_interrupted_writer_goes_on(
    tmp_path: Path, cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    write = module.write_parquet

    def stop_at_the_second_part(path: Path, name: str, table: pd.DataFrame) -> None:
        if len(set(written) | {path.parent.name}) > 1:
            raise KeyboardInterrupt
        written.append(path.parent.name)
        write(path, name, table)

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_parquet", stop_at_the_second_part)
        with pytest.raises(KeyboardInterrupt):
            partition_cohort(cohort, tmp_path / "parts", 2)
    assert sorted(p.name for p in (tmp_path / "parts").iterdir()) == [
        "part-00000",
        "partitions.json",
    ]
    with pytest.raises(CohortError, match=r"incomplete: 2 of 3 parts.*first is part-00001"):
        Partitions.open(tmp_path / "parts")
    assert partition_cohort(cohort, tmp_path / "parts", 2).check_identities() == 6


def test_a_patient_in_two_parts_is_told_without_his_name(tmp_path: Path, cohort: Cohort) -> None:
    made = partition_cohort(cohort, tmp_path / "parts", 3)
    shutil.copytree(made.part(0), tmp_path / "copy")
    shutil.rmtree(made.part(1))
    (tmp_path / "copy").rename(made.part(1))
    with pytest.raises(CohortError, match="part-00001 is also in part-00000") as told:
        made.check_identities()
    assert not any(str(who) in str(told.value) for who in cohort.patients["patient_id"])


@pytest.mark.parametrize("content", [None, b"no parquet"])
def test_identities_that_cannot_be_read(
    content: bytes | None, tmp_path: Path, cohort: Cohort
) -> None:
    made = partition_cohort(cohort, tmp_path / "parts", 6)
    path = made.part(0) / "patients.parquet"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CohortError, match="no readable column patient_id"):
        made.check_identities()


def test_the_digest_of_a_part_follows_its_records(tmp_path: Path, cohort: Cohort) -> None:
    made = partition_cohort(cohort, tmp_path / "parts", 3)
    before = made.digest(0)
    assert before == made.digest(0) != made.digest(1)
    shutil.copy(made.part(1) / "doses.parquet", made.part(0) / "doses.parquet")
    assert made.digest(0) != before


def test_folders_that_are_no_cohort_in_parts(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"no cohort in parts.*data partition"):
        Partitions.open(tmp_path)
    for text in ("{", "[]", json.dumps({"format": 9, "name": "x", "synthetic": True, "parts": 1})):
        (tmp_path / "partitions.json").write_text(text)
        with pytest.raises(CohortError, match="no index of parts"):
            Partitions.open(tmp_path)


def test_folders_that_cannot_take_parts(
    tmp_path: Path, cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        partition_cohort(cohort, tmp_path / "file", 3)
    with pytest.raises(UsageError, match="holds something else"):
        partition_cohort(cohort, tmp_path, 3)
    partition_cohort(cohort, tmp_path / "parts", 3)
    with pytest.raises(UsageError, match="holds something else"):
        partition_cohort(cohort, tmp_path / "parts", 2)
    with pytest.raises(UsageError, match="must be 1 or more"):
        partition_cohort(cohort, tmp_path / "none", 0)
    with pytest.raises(UsageError, match="1 to 100000 parts"):
        PartitionWriter(tmp_path / "none", Metadata("x"), 0, {})
    with pytest.raises(UsageError, match="cannot write to"):
        partition_cohort(cohort, tmp_path / "file" / "parts", 3)

    def full(path: Path, name: str, table: pd.DataFrame) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_parquet", full)
    with pytest.raises(UsageError, match="the disk is full"):
        partition_cohort(cohort, tmp_path / "full", 3)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["partitions.json"]


def test_the_command_makes_parts_that_other_commands_name(tmp_path: Path, cohort: Cohort) -> None:
    source, out = tmp_path / "cohort", tmp_path / "parts"
    done = run_command("data", "partition", source, "--patients-per-part", 3, "--out", out)
    assert (done.code, done.stdout.split(": ")[1]) == (0, "SYNTHETIC DATA, 2 parts.\n")
    assert run_command("data", "validate", out / part_name(1)).code == 0
    refused = run_command("data", "validate", out)
    assert refused.code == 4
    assert "is a cohort in parts" in refused.stderr
