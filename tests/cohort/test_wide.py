"""Wide tables become cohorts; their problems point at the wide file."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from itb_bayes.cohort import Cohort, InvalidCohort, import_wide
from itb_bayes.errors import CohortError, UsageError

WIDE = """\
patient_id,diagnosis,sex,y1,y2,y7,x_note
A,MS,F,168,180,264,a
B,SCI,M,120,,136,b
"""


def _file(folder: Path, text: str = WIDE, name: str = "skoog.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_each_filled_cell_becomes_a_dose(tmp_path: Path) -> None:
    cohort = import_wide(_file(tmp_path), tmp_path / "out", synthetic=True)
    doses = cohort.doses[["patient_id", "t_years", "daily_dose_ug"]]
    assert [tuple(row) for row in doses.itertuples(index=False)] == [
        ("A", 1.0, 168.0),
        ("A", 2.0, 180.0),
        ("A", 7.0, 264.0),
        ("B", 1.0, 120.0),
        ("B", 7.0, 136.0),
    ]
    assert list(cohort.patients["sex"]) == ["F", "M"]
    read = Cohort.read(tmp_path / "out")
    assert read.fingerprint == cohort.fingerprint
    assert (read.name, read.synthetic, read.time_basis) == ("skoog", True, "t_years")


@pytest.mark.parametrize("form", ["year_{}", "{}", "Y{}", "dose_y{}", "yr {}", "{}.0"])
def test_year_columns_may_be_named_in_several_ways(form: str, tmp_path: Path) -> None:
    text = WIDE
    for year in (1, 2, 7):
        text = text.replace(f"y{year}", form.format(year))
    cohort = import_wide(_file(tmp_path, text), tmp_path / "out")
    assert sorted(cohort.doses["t_years"].unique()) == [1, 2, 7]


def test_columns_and_units_may_be_named(tmp_path: Path) -> None:
    text = "id,dx,y1,y2\n7,MS,0.168,0.18\n"
    cohort = import_wide(
        _file(tmp_path, text),
        tmp_path / "out",
        patient_column="id",
        diagnosis_column="dx",
        unit="mg/day",
        name="mine",
    )
    assert list(cohort.doses["daily_dose_ug"]) == [168, 180]
    assert cohort.name == "mine"


def test_wide_parquet_and_excel_equal_csv(tmp_path: Path) -> None:
    path = _file(tmp_path)
    frame = pd.read_csv(path)
    frame.to_parquet(tmp_path / "skoog.parquet")
    book = openpyxl.Workbook()
    book.active.append(list(frame.columns))
    for row in frame.astype("object").itertuples(index=False):
        book.active.append([None if pd.isna(cell) else cell for cell in row])
    book.save(tmp_path / "skoog.xlsx")
    fingerprints = {
        import_wide(tmp_path / f"skoog.{kind}", tmp_path / kind).fingerprint
        for kind in ("csv", "parquet", "xlsx")
    }
    assert len(fingerprints) == 1
    book.create_sheet("second")
    book.save(tmp_path / "two.xlsx")
    book.close()
    with pytest.raises(InvalidCohort, match="2 sheets"):
        import_wide(tmp_path / "two.xlsx", tmp_path / "two")


@pytest.mark.parametrize(
    "old, new, code, row, column",
    [
        ("168", "many", "not_a_number", 2, "y1"),
        ("264", "-264", "negative", 2, "y7"),
        ("136", "0.136", "dose_jump", 3, "y7"),
        ("B,SCI", "A,SCI", "duplicate_patient", 3, "patient_id"),
        ("B,SCI", "B,SCY", "vocabulary", 3, "diagnosis"),
        ("y2", "y1", "duplicate_column", 1, "y1"),
        ("y2", "year_1", "duplicate_column", 1, "year_1"),
        ("y2", "second", "unknown_column", 1, "second"),
        ("diagnosis", "dx", "missing_column", 1, "diagnosis"),
        ("y1,y2,y7", "x_1,x_2,x_7", "missing_column", 1, None),
    ],
)
def test_problems_point_at_the_wide_file(
    old: str, new: str, code: str, row: int, column: str | None, tmp_path: Path
) -> None:
    path = _file(tmp_path, WIDE.replace(old, new, 1))
    with pytest.raises(InvalidCohort) as caught:
        import_wide(path, tmp_path / "out")
    errors = [p for p in caught.value.problems if p.severity == "error"]
    assert (code, "skoog.csv", row, column) in [(p.code, p.file, p.row, p.column) for p in errors]
    assert not (tmp_path / "out").exists()


def test_unreadable_wide_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCohort, match="semicolons"):
        import_wide(_file(tmp_path, WIDE.replace(",", ";")), tmp_path / "out")
    with pytest.raises(CohortError, match="no such file"):
        import_wide(tmp_path / "nowhere.csv", tmp_path / "out")
    with pytest.raises(UsageError, match="Unknown unit"):
        import_wide(_file(tmp_path), tmp_path / "out", unit="g/day")
