"""What a cohort holds once it has been read."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from base_cohort import Files, base_files, write_files
from mutations import add, put, swap

from itb_bayes.cohort import Cohort, InvalidCohort
from itb_bayes.cohort.contract import TABLES, canonical_columns
from itb_bayes.cohort.problems import nearest_word, show_value, suggest
from itb_bayes.errors import CohortError


def read(folder: Path, files: Files | None = None) -> Cohort:
    return Cohort.read(write_files(folder / "cohort", files or base_files()))


def test_tables_have_every_column_and_type_of_the_contract(tmp_path: Path) -> None:
    files = base_files()
    swap("doses.csv", "P03,2014-02-01,0,,,,,\n", "")(files)
    for optional in ("assessments.csv", "refills.csv", "events.csv"):
        del files[optional]
    dtypes = {"number": "float64", "date": "datetime64[s]", "flag": "boolean"}
    for cohort in (read(tmp_path / "full"), read(tmp_path / "least", files)):
        for name, table in cohort.tables.items():
            assert tuple(table.columns) == canonical_columns(name)
            for column in table.columns:
                kind = TABLES[name].column(column).kind
                assert str(table[column].dtype) == dtypes.get(kind, "str"), f"{name}.{column}"
    assert cohort.events.empty
    assert cohort.synthetic
    assert (cohort.name, cohort.time_basis) == ("base", "date")


def test_dates_become_years_since_implant(tmp_path: Path) -> None:
    cohort = read(tmp_path)
    first = cohort.doses[cohort.doses["patient_id"] == "P01"]
    days = np.array([0, 148, 371, 1102])
    np.testing.assert_allclose(first["t_years"], days / 365.25, rtol=0, atol=0)
    assert cohort.assessments["t_years"].min() < 0
    assert cohort.patients["t_last_seen"][0] == pytest.approx(2369 / 365.25)


def test_doses_are_totals_in_micrograms(tmp_path: Path) -> None:
    cohort = read(tmp_path)
    second = cohort.doses[cohort.doses["patient_id"] == "P02"]
    # Basal 5.5 µg/day and 30 µg every 6 hours (Kawano 2018).
    assert list(second["daily_dose_ug"]) == [90, 150, 125.5]
    assert list(second["mode"]) == ["simple", "simple", "bolus"]


def test_a_simple_dose_may_be_its_basal_rate(tmp_path: Path) -> None:
    files = base_files()
    swap("doses.csv", "02,150,simple,150", "02,,simple,150")(files)
    assert 150 in list(read(tmp_path, files).doses["daily_dose_ug"])


def test_flexible_doses_are_not_compared_with_their_basal_rate(tmp_path: Path) -> None:
    files = base_files()
    swap("doses.csv", "190,flex,,", "190,flex,50,")(files)
    assert 190 in list(read(tmp_path, files).doses["daily_dose_ug"])


@pytest.mark.parametrize("given, accepted", [(126.4, True), (124.3, True), (127, False)])
def test_a_given_total_may_differ_by_one_microgram_or_percent(
    given: float, accepted: bool, tmp_path: Path
) -> None:
    files = base_files()
    swap("doses.csv", "02,,bolus", f"02,{given},bolus")(files)
    if accepted:
        assert given in list(read(tmp_path, files).doses["daily_dose_ug"])
    else:
        with pytest.raises(InvalidCohort, match=r"add up to 125\.5"):
            read(tmp_path, files)


@pytest.mark.parametrize(
    "unit, factor",
    [
        ("ug/day", 1),
        ("\u00b5g/day", 1),
        ("\u03bcg/day", 1),
        ("mcg/day", 1),
        ("mg/day", 1000),
        ("MG / day", 1000),
    ],
)
def test_stated_units_are_honoured(unit: str, factor: float, tmp_path: Path) -> None:
    rows = [f"P01,{year},{dose / factor!r},{unit}" for year, dose in ((0, 100.0), (1, 168.0))]
    files: Files = {
        "patients.csv": "patient_id,diagnosis\nP01,MS\n",
        "doses.csv": "patient_id,t_years,daily_dose_ug,unit\n" + "\n".join(rows) + "\n",
    }
    assert list(read(tmp_path, files).doses["daily_dose_ug"]) == [100, 168]


def test_small_doses_with_a_stated_unit_are_a_warning(tmp_path: Path) -> None:
    files: Files = {
        "patients.csv": "patient_id,diagnosis\nP01,MS\n",
        "doses.csv": "patient_id,t_years,daily_dose_ug,unit\nP01,0,1,ug/day\nP01,1,2,ug/day\n",
    }
    codes = {p.code: p.severity for p in read(tmp_path, files).warnings}
    assert codes == {"dose_unit": "warning", "few_doses": "warning"}


def test_scores_keep_their_meaning(tmp_path: Path) -> None:
    scores = read(tmp_path).assessments
    mas = scores[scores["scale"] == "mas"]
    assert list(mas["value"]) == [1.5, 1.3]
    assert scores.loc[scores["n_muscles"] == 8, "value"].item() == 0.25


def test_records_follow_the_order_of_patients_then_time(tmp_path: Path) -> None:
    files = base_files()
    lines = str(files["patients.csv"]).splitlines()
    files["patients.csv"] = "\n".join([lines[0], lines[3], lines[1], lines[2]]) + "\n"
    doses = str(files["doses.csv"]).splitlines()
    files["doses.csv"] = "\n".join([doses[0], *reversed(doses[1:])]) + "\n"
    cohort = read(tmp_path, files)
    assert list(cohort.doses["patient_id"].unique()) == ["P03", "P01", "P02"]
    assert cohort.doses.groupby("patient_id")["t_years"].is_monotonic_increasing.all()
    assert list(cohort.doses.index) == list(range(len(cohort.doses)))


def test_rows_without_a_value_are_set_aside_and_logged(tmp_path: Path) -> None:
    files = base_files()
    add("assessments.csv", "P01,2012-01-01,penn,,,,,")(files)
    add("assessments.csv", ",,,,,,,")(files)
    add("refills.csv", "P01,2012-01-01,3.5,,20")(files)
    cohort = read(tmp_path, files)
    entries = cohort.set_aside[["table", "row", "patient_id", "reason"]].to_records(index=False)
    assert [tuple(entry) for entry in entries] == [
        ("assessments", 10, "", "blank row"),
        ("assessments", 9, "P01", "no value recorded"),
        ("refills", 4, "P01", "no actual_residual_ml recorded"),
    ]
    assert len(cohort.assessments) == cohort.rows_read["assessments"] - 2


def test_sentinels_count_only_when_declared(tmp_path: Path) -> None:
    files = base_files()
    add("assessments.csv", "P01,2012-01-01,penn,99,,,,")(files)
    add("doses.csv", "P01,2014-01-10,-1,,,,,")(files)
    with pytest.raises(InvalidCohort) as caught:
        read(tmp_path / "undeclared", files)
    codes = [p.code for p in caught.value.problems if p.severity == "error"]
    assert codes == ["negative", "scale_range"]
    declared = '[sentinels]\n"assessments.value" = [99]\n"doses.daily_dose_ug" = [-1.0]\n'
    files["cohort.toml"] = declared
    cohort = read(tmp_path / "declared", files)
    assert list(cohort.set_aside["reason"]) == [
        "no daily_dose_ug recorded",
        "no value recorded",
    ]
    assert [p.code for p in cohort.warnings] == ["sentinel_read", "sentinel_read"]
    assert not cohort.synthetic


def test_own_columns_are_kept_aside_and_ignored(tmp_path: Path) -> None:
    files = base_files()
    swap("refills.csv", "reservoir_ml", "x_reservoir")(files)
    cohort = read(tmp_path, files)
    assert cohort.refills["reservoir_ml"].isna().all()
    assert cohort.warnings == ()


def test_an_open_holiday_and_an_explant_explain_zero_doses(tmp_path: Path) -> None:
    files = base_files()
    add("events.csv", "P01,2014-06-01,explant,")(files)
    add("events.csv", "P02,2015-01-01,holiday_start,")(files)
    add("doses.csv", "P01,2014-06-01,0,,,,,")(files)
    add("doses.csv", "P02,2016-01-01,0,,,,,")(files)
    assert (read(tmp_path, files).doses["daily_dose_ug"] == 0).sum() == 3


def test_doses_may_go_on_after_a_reimplant(tmp_path: Path) -> None:
    files = base_files()
    add("events.csv", "P01,2012-06-01,explant,")(files)
    add("events.csv", "P01,2012-12-01,reimplant,")(files)
    assert read(tmp_path, files).warnings == ()


def test_minimum_rate_during_a_holiday_is_no_slip(tmp_path: Path) -> None:
    files = base_files()
    swap("doses.csv", "2014-02-01,0,", "2014-02-01,1,")(files)
    assert read(tmp_path, files).doses["daily_dose_ug"].min() == 1


def test_a_change_of_unit_half_way_is_one_problem(tmp_path: Path) -> None:
    files = base_files()
    put(
        "doses.csv",
        "patient_id,date,daily_dose_ug\nP01,2010-01-04,0.2\nP01,2010-06-01,0.21\n"
        "P01,2011-01-10,220\nP01,2012-01-10,230\n",
    )(files)
    with pytest.raises(InvalidCohort) as caught:
        read(tmp_path, files)
    found = [(p.code, p.row) for p in caught.value.problems if p.severity == "error"]
    assert found == [("dose_jump", 3)]


def test_patients_without_doses_are_kept_with_a_warning(tmp_path: Path) -> None:
    files = base_files()
    add("patients.csv", "P04,CP,,2012-01-01,,,,,,,,")(files)
    add("patients.csv", "P05,MS,,2012-01-01,,,cervical,,,,,")(files)
    add("doses.csv", "P05,2012-01-01,60,,,,,")(files)
    cohort = read(tmp_path, files)
    assert len(cohort.patients) == 5
    assert {(p.row, p.code) for p in cohort.warnings} == {
        (5, "no_doses"),
        (6, "few_doses"),
        (6, "other_diagnosis"),
    }
    assert {p.severity for p in cohort.warnings} == {"warning"}


def test_death_may_be_known_after_the_last_visit(tmp_path: Path) -> None:
    files = base_files()
    swap("patients.csv", "2015-09-15", "2015-06-15")(files)
    assert read(tmp_path, files).events["event"].iloc[-1] == "death"


@pytest.mark.parametrize("prefix, end", [("\ufeff", "\n"), ("", "\r\n"), ("\ufeff", "\r\n")])
def test_byte_order_mark_and_line_ends_make_no_difference(
    prefix: str, end: str, tmp_path: Path
) -> None:
    plain = read(tmp_path / "plain")
    files: Files = {
        name: (prefix + str(text).replace("\n", end)) for name, text in base_files().items()
    }
    assert read(tmp_path / "other", files).fingerprint == plain.fingerprint


def test_line_numbers_are_those_of_an_editor(tmp_path: Path) -> None:
    files = base_files()
    files["events.csv"] = (
        "patient_id,date,event,detail\n\n"
        'P01,2012-01-05,trigger,"bladder\nand skin"\n'
        "P01,2012-01-99,trigger,uti\n"
    )
    del files["doses.csv"]
    files["doses.csv"] = "patient_id,date,daily_dose_ug\nP01,2010-01-04,100\n"
    with pytest.raises(InvalidCohort) as caught:
        read(tmp_path, files)
    assert [p.row for p in caught.value.problems if p.code == "not_a_date"] == [5]


def test_missing_paths_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="no such file or folder"):
        Cohort.read(tmp_path / "nowhere")
    with pytest.raises(CohortError, match="holds neither"):
        Cohort.read(tmp_path)
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(CohortError, match="is not a cohort"):
        Cohort.read(tmp_path / "notes.txt")


def test_truth_and_notes_beside_the_tables_are_left_alone(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "cohort", base_files())
    write_files(folder / "truth", {"regimes.csv": "a,b\n1,2\n"})
    write_files(folder, {"README.md": "notes", "settings.toml": "a = 1\n", ".x.csv": "hidden"})
    assert Cohort.read(folder).warnings == ()


def test_files_that_may_not_be_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    folder = write_files(tmp_path / "cohort", base_files())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(InvalidCohort, match="cannot be opened"):
            Cohort.read(folder)
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(CohortError, match="cannot be read"):
        Cohort.read(folder)


def test_files_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itb_bayes.cohort.csvtable.MEGABYTE", 400)
    monkeypatch.setenv("ITB_BAYES_MAX_FILE_MB", "1")
    with pytest.raises(InvalidCohort) as caught:
        read(tmp_path)
    assert ("doses.csv", "file_too_large") in {(p.file, p.code) for p in caught.value.problems}


def test_values_are_shown_short_and_clean() -> None:
    assert show_value("a\x1b[31m\u202eb\n" + "x" * 500) == "a [31m b " + "x" * 50 + "…"
    assert show_value("plain") == "plain"


def test_suggestions_are_near_or_absent() -> None:
    assert suggest("daily dose ug", ["daily_dose_ug", "mode"]) == "Did you mean 'daily_dose_ug'?"
    assert nearest_word("qqqq", ["mode"]) is None
    assert suggest("qqqq", ["mode"]) == ""


def test_reading_large_cohorts_takes_less_than_three_seconds(tmp_path: Path) -> None:
    n_patients, n_doses = 300, 100
    ids = np.repeat([f"P{i:03d}" for i in range(n_patients)], n_doses)
    t_years = np.tile(np.arange(n_doses) / 10, n_patients)
    doses = pd.DataFrame({"patient_id": ids, "t_years": t_years, "daily_dose_ug": 150})
    folder = tmp_path / "large"
    folder.mkdir()
    doses.to_csv(folder / "doses.csv", index=False)
    patients = pd.DataFrame({"patient_id": np.unique(ids), "diagnosis": "MS"})
    patients.to_csv(folder / "patients.csv", index=False)
    start = time.process_time()
    cohort = Cohort.read(folder)
    assert time.process_time() - start < 3.0
    assert len(cohort.doses) == n_patients * n_doses
    assert cohort.warnings == ()


@pytest.mark.parametrize(
    ("doses", "told"),
    [
        ((100, 150, 1600, 160, 170), [(4, "10.7 times the one before")]),
        ((100, 150, 16, 160, 170), [(4, "1/9.4 of the one before")]),
        ((100, 150, 160, 165, 1700), [(6, "10.3 times the one before")]),
        ((100, 150, 160, 165, 17), [(6, "1/9.7 of the one before")]),
        ((100, 150, 1500, 1500, 1500), [(4, "10.0 times the one before")]),  # carried forward
        ((40, 150, 160, 400, 390), []),
        ((100, 600, 130, 140, 150), []),  # five times one neighbour alone
        ((15, 150, 160, 165, 170), [(3, "10.0 times the one before")]),
    ],
)
def test_a_slip_of_the_decimal_point_is_a_warning(
    tmp_path: Path, doses: tuple[float, ...], told: list[tuple[int, str]]
) -> None:
    files = base_files()
    lines = [f"P01,{2010 + k}-02-04,{dose}" for k, dose in enumerate(doses)]
    put("doses.csv", "\n".join(("patient_id,date,daily_dose_ug", *lines, "")))(files)
    files.pop("refills.csv", None)
    found = [p for p in read(tmp_path, files).warnings if p.code == "dose_slip"]
    assert [(p.row, words in p.message) for p, (_, words) in zip(found, told, strict=True)] == [
        (row, True) for row, _ in told
    ]
    assert all(p.mend.startswith("If a digit or the decimal point slipped") for p in found)


def test_a_small_last_dose_after_a_holiday_is_no_slip(tmp_path: Path) -> None:
    files = base_files()
    rows = "P01,2010-01-04,100\nP01,2011-01-04,400\nP01,2012-01-04,420\nP01,2013-01-04,40\n"
    put("doses.csv", "patient_id,date,daily_dose_ug\n" + rows)(files)
    files.pop("refills.csv", None)
    events = "P01,2012-06-01,holiday_start\nP01,2012-07-01,holiday_end\n"
    codes = [p.code for p in read(tmp_path, files).warnings]
    assert "dose_slip" in codes
    put("events.csv", "patient_id,date,event\n" + events)(files)
    codes = [p.code for p in read(tmp_path / "again", files).warnings]
    assert "dose_slip" not in codes
