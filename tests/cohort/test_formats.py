"""Parquet, Excel and CSV say the same; what is written reads back to the same fingerprint."""

import importlib
from pathlib import Path
from types import ModuleType

import hypothesis.strategies as st
import numpy as np
import openpyxl
import pandas as pd
import pytest
from base_cohort import Files, base_files, write_files
from hypothesis import HealthCheck, given, settings
from mutations import swap

from itb_bayes.cohort import Cohort, InvalidCohort
from itb_bayes.cohort.partitions import partition_cohort
from itb_bayes.errors import CohortError, UsageError

TABLE_NAMES = ("patients", "doses", "assessments", "refills", "events")
TEXT_COLUMNS = {"patient_id", "event", "scale", "value", "detail", "mode", "diagnosis"}


def _frames(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the tables with the types a data frame would have: numbers, dates, flags."""
    frames = {}
    for name in TABLE_NAMES:
        frame = pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(TEXT_COLUMNS, "str"))
        for column in {"date", "implant_date", "last_seen"} & set(frame.columns):
            frame[column] = pd.to_datetime(frame[column])
        frames[name] = frame
    return frames


def _write_workbook(path: Path, frames: dict[str, pd.DataFrame], sheet: list[list[str]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, frame in frames.items():
        page = book.create_sheet(name)
        page.append(list(frame.columns))
        for row in frame.astype("object").itertuples(index=False):
            page.append([None if pd.isna(cell) else cell for cell in row])
    page = book.create_sheet("cohort")
    for line in sheet:
        page.append(line)
    book.save(path)
    book.close()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_files(tmp_path / "base", base_files())


def test_parquet_equals_csv(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parquet"
    folder.mkdir()
    for name, frame in _frames(base).items():
        frame.to_parquet(folder / f"{name}.parquet")
    (folder / "cohort.toml").write_text("synthetic = true\n", encoding="utf-8")
    cohort = Cohort.read(folder)
    assert cohort.fingerprint == Cohort.read(base).fingerprint
    assert (cohort.name, cohort.synthetic) == ("parquet", True)


def test_parquet_types_read_as_their_shortest_text(tmp_path: Path) -> None:
    for name, dtype in (("single", "float32"), ("double", "float64")):
        folder = tmp_path / name
        folder.mkdir()
        pd.DataFrame({"patient_id": [7], "diagnosis": pd.Categorical(["MS"])}).to_parquet(
            folder / "patients.parquet"
        )
        pd.DataFrame(
            {"patient_id": [7, 7], "t_years": [0, 1], "daily_dose_ug": [100.1, np.nan]}
        ).astype({"daily_dose_ug": dtype}).iloc[:1].to_parquet(folder / "doses.parquet")
    single, double = Cohort.read(tmp_path / "single"), Cohort.read(tmp_path / "double")
    assert list(single.doses["daily_dose_ug"]) == [100.1]
    assert single.fingerprint == double.fingerprint
    assert list(single.patients["patient_id"]) == ["7"]


def test_excel_equals_csv(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    sheet = [["key", "value"], ["name", "base"], ["synthetic", "true"]]
    _write_workbook(path, _frames(base), sheet)
    cohort = Cohort.read(path)
    assert cohort.fingerprint == Cohort.read(base).fingerprint
    assert (cohort.name, cohort.synthetic) == ("base", True)


def test_a_workbook_in_a_folder_takes_its_metadata_from_there(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "cohort.toml").write_text('name = "told"\nsynthetic = true\n', encoding="utf-8")
    sheet = [["key", "value"], ["sentinels.assessments.value", "8; 9"]]
    _write_workbook(folder / "clinic.xlsx", _frames(base), sheet)
    assert Cohort.read(folder).name == "told"


def test_problems_of_a_workbook_name_sheet_and_line(base: Path, tmp_path: Path) -> None:
    frames = _frames(base)
    frames["doses"].loc[2, "daily_dose_ug"] = -3.0
    frames["refils"] = frames.pop("refills")
    path = tmp_path / "book.xlsx"
    _write_workbook(path, frames, [["name", "value"]])
    with pytest.raises(InvalidCohort) as caught:
        Cohort.read(path)
    errors = [p for p in caught.value.problems if p.severity == "error"]
    assert [(p.file, p.row, p.code) for p in errors] == [
        ("book.xlsx:cohort", 1, "metadata_syntax"),
        ("book.xlsx:refils", None, "unknown_sheet"),
        ("book.xlsx:doses", 4, "negative"),
    ]


def test_values_beyond_the_header_of_a_sheet_are_reported(base: Path, tmp_path: Path) -> None:
    frames = _frames(base)
    frames["refills"][""] = [None, "left over"]
    path = tmp_path / "book.xlsx"
    _write_workbook(path, frames, [["key", "value"]])
    with pytest.raises(InvalidCohort) as caught:
        Cohort.read(path)
    assert [(p.file, p.code) for p in caught.value.problems] == [
        ("book.xlsx:refills", "unnamed_column")
    ]


def test_sheets_without_end_are_refused(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "book.xlsx"
    _write_workbook(path, _frames(base), [["key", "value"]])
    monkeypatch.setenv("ITB_BAYES_MAX_ROWS", "9")
    with pytest.raises(InvalidCohort) as caught:
        Cohort.read(path)
    assert ("book.xlsx:doses", "file_too_large") in {
        (p.file, p.code) for p in caught.value.problems
    }


def test_a_broken_workbook_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(InvalidCohort) as caught:
        Cohort.read(path)
    assert [p.code for p in caught.value.problems] == ["binary_file"]


def test_a_workbook_without_tables_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    _write_workbook(path, {}, [["key", "value"]])
    with pytest.raises(InvalidCohort, match="'patients' is missing"):
        Cohort.read(path)


def test_excel_support_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> ModuleType:
        raise ModuleNotFoundError(name)

    path = tmp_path / "book.xlsx"
    path.write_bytes(b"PK")
    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(CohortError, match=r"pip install 'itb-bayes\[excel\]'"):
        Cohort.read(path)


def test_writing_reads_back_to_the_same_fingerprint(base: Path, tmp_path: Path) -> None:
    cohort = Cohort.read(base)
    cohort.write(tmp_path / "again")
    again = Cohort.read(tmp_path / "again")
    assert again.fingerprint == cohort.fingerprint
    assert (again.name, again.synthetic, again.time_basis) == ("base", True, "date")
    for name, table in cohort.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)
    for path in (tmp_path / "again").iterdir():
        assert b"\r" not in path.read_bytes()


def test_writing_keeps_the_description(base: Path, tmp_path: Path) -> None:
    (base / "cohort.toml").write_text('description = "a \\"b\\""\n', encoding="utf-8")
    Cohort.read(base).write(tmp_path / "again")
    assert Cohort.read(tmp_path / "again").description == 'a "b"'


@pytest.mark.parametrize("doses", ["P1,0,0.1,ug/day", "P1,0,0.0001,mg/day", "P1,0,4,ug/day"])
def test_small_doses_with_a_stated_unit_are_written_with_it(doses: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "patients.csv").write_text("patient_id,diagnosis\nP1,MS\nP2,SCI\n", encoding="utf-8")
    table = f"patient_id,t_years,daily_dose_ug,unit\n{doses}\nP2,0,100,ug/day\n"
    (made / "doses.csv").write_text(table, encoding="utf-8")
    cohort = Cohort.read(made)
    cohort.write(tmp_path / "again")
    assert Cohort.read(tmp_path / "again").fingerprint == cohort.fingerprint
    parts = partition_cohort(cohort, tmp_path / "parts", 1)
    assert [parts.read(k).doses["daily_dose_ug"].tolist() for k in range(2)] == [
        cohort.doses.loc[cohort.doses["patient_id"] == who, "daily_dose_ug"].tolist()
        for who in ("P1", "P2")
    ]


def test_usual_doses_are_written_without_a_unit(base: Path, tmp_path: Path) -> None:
    Cohort.read(base).write(tmp_path / "again")
    header = (tmp_path / "again/doses.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "unit" not in header.split(",")


def test_writing_never_mixes_two_cohorts(base: Path, tmp_path: Path) -> None:
    cohort = Cohort.read(base)
    with pytest.raises(UsageError, match="already holds"):
        cohort.write(base)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot write"):
        cohort.write(tmp_path / "file" / "inside")


def test_column_and_row_order_do_not_change_the_fingerprint(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shuffled"
    folder.mkdir()
    for name in TABLE_NAMES:
        frame = pd.read_csv(base / f"{name}.csv", dtype="str")
        frame = frame.iloc[::-1, ::-1]
        frame.to_csv(folder / f"{name}.csv", index=False)
    assert Cohort.read(folder).fingerprint == Cohort.read(base).fingerprint


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("doses.csv", ",168,", ",168.1,"),
        ("patients.csv", "P01,MS", "P01,OTHER"),
        ("events.csv", "uti", "pain"),
        ("refills.csv", "6,7.25,40", "6,7.25,"),
        ("patients.csv", "2011-05-02", "2011-05-01"),
    ],
)
def test_any_value_changes_the_fingerprint(
    base: Path, tmp_path: Path, file: str, old: str, new: str
) -> None:
    files = base_files()
    swap(file, old, new)(files)
    other = Cohort.read(write_files(tmp_path / "other", files))
    assert other.fingerprint != Cohort.read(base).fingerprint


_WORD = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
_TIMES = st.lists(
    st.floats(0, 30, allow_subnormal=False).map(lambda t: round(t, 5)),
    min_size=3,
    max_size=6,
    unique=True,
)


@st.composite
def _cohort_files(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    names = draw(st.lists(_WORD, min_size=1, max_size=3, unique_by=str.casefold))
    doses = [(name, t, draw(st.floats(50, 400, width=32))) for name in names for t in draw(_TIMES)]
    patients = {
        "patient_id": names,
        "diagnosis": [draw(st.sampled_from(["MS", "SCI", "OTHER"])) for _ in names],
        "centre": [draw(st.one_of(st.none(), _WORD)) for _ in names],
        "ambulatory": [draw(st.sampled_from(["true", "no", None])) for _ in names],
    }
    return {
        "patients": pd.DataFrame(patients),
        "doses": pd.DataFrame(doses, columns=["patient_id", "t_years", "daily_dose_ug"]),
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_cohort_files())
def test_any_cohort_survives_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, frames: dict[str, pd.DataFrame]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    files: Files = {f"{name}.csv": frame.to_csv(index=False) for name, frame in frames.items()}
    cohort = Cohort.read(write_files(folder / "csv", files))
    cohort.write(folder / "again")
    assert Cohort.read(folder / "again").fingerprint == cohort.fingerprint
    (folder / "parquet").mkdir()
    for name, frame in frames.items():
        frame.to_parquet(folder / "parquet" / f"{name}.parquet")
    assert Cohort.read(folder / "parquet").fingerprint == cohort.fingerprint
