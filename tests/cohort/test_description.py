"""The description of a cohort, checked against counts made by hand."""

from pathlib import Path

import pytest
from base_cohort import Files, base_files, write_files
from mutations import add, swap

from itb_bayes.cohort import Cohort, CohortDescription, describe
from itb_bayes.cohort.description import Coverage, FlowStep, GroupSize, Quantiles, follow_up_years


def _described(folder: Path, files: Files | None = None) -> CohortDescription:
    return describe(Cohort.read(write_files(folder / "cohort", files or base_files())))


def test_sizes_and_follow_up(tmp_path: Path) -> None:
    found = _described(tmp_path)
    years = [2369 / 365.25, 2130 / 365.25, 1322 / 365.25]
    assert found.patients == 3
    assert found.patient_years == pytest.approx(sum(years))
    assert found.rows == {
        "patients": 3,
        "doses": 11,
        "assessments": 7,
        "refills": 2,
        "events": 6,
    }
    assert found.dose_rows == Quantiles(3, 3.0, 3.5, 4.0, 4.0, 4.0)
    assert found.follow_up_years.median == pytest.approx(years[1])
    assert found.synthetic


def test_a_visit_is_a_distinct_time(tmp_path: Path) -> None:
    # P01: four doses and one assessment before the implant; everything else coincides.
    assert _described(tmp_path).visits == Quantiles(3, 3.0, 3.5, 4.0, 4.5, 5.0)


def test_dose_at_one_year_is_the_dose_in_force(tmp_path: Path) -> None:
    found = _described(tmp_path).dose_at_year_1_ug
    # The year is 365.25 days: the doses changed on the 366th day are not yet in force.
    assert (found.n, found.minimum, found.median, found.maximum) == (3, 60, 90, 140)
    files = base_files()
    swap("patients.csv", "2017-03-01", "")(files)
    for line in ("P02,2012-05-02,150,simple,150,,,2000\n", "P02,2014-05-02,,bolus,5.5,30,4,2000\n"):
        swap("doses.csv", line, "")(files)
    for line in ("P02,2012-05-02,mas,1.3,,,R2,\n", "P02,2014-05-02,penn,2,,,,\n"):
        swap("assessments.csv", line, "")(files)
    swap("refills.csv", "P02,2012-05-02,6,7.25,40\n", "")(files)
    swap("events.csv", "P02,2013-03-01,rotor_study,negative\n", "")(files)
    found = _described(tmp_path / "short", files).dose_at_year_1_ug
    assert (found.n, found.maximum) == (2, 140)


def test_groups_channels_and_columns(tmp_path: Path) -> None:
    found = _described(tmp_path)
    assert [group.name for group in found.by_diagnosis] == ["HSP", "MS", "SCI"]
    assert found.by_centre[0] == GroupSize("North", 2, pytest.approx((2369 + 2130) / 365.25))
    assert found.channels == (
        Coverage("doses", 3, 1.0),
        Coverage("spasticity and spasms", 3, 1.0),
        Coverage("neurological score", 1, 1 / 3),
        Coverage("refills", 2, 2 / 3),
        Coverage("events", 3, 1.0),
    )
    filled = {row.name: row.n for row in found.optional_columns}
    assert filled["patients.ais_grade"] == 1
    assert filled["doses.concentration_ug_ml"] == 10
    assert "doses.patient_id" not in filled


def test_flow_adds_up(tmp_path: Path) -> None:
    files = base_files()
    add("assessments.csv", "P01,2012-01-01,penn,,,,,")(files)
    add("patients.csv", "P04,CP,,2012-01-01,,,,,,,,")(files)
    found = _described(tmp_path, files)
    counts = {(step.step, step.what): step.n for step in found.flow}
    assert FlowStep("set aside", "assessments: no value recorded", 1) in found.flow
    assert counts["read", "assessments"] == 8
    assert counts["used", "assessments"] == 7
    assert counts["patients", "in the cohort"] == 4
    assert counts["patients", "without doses"] == 1
    assert counts["patients", "with doses, for the models"] == 3
    assert found.by_centre[-1].name == "not recorded"


def test_a_patient_without_any_record_has_no_follow_up(tmp_path: Path) -> None:
    files: Files = {
        "patients.csv": "patient_id,diagnosis\nA,MS\nB,MS\n",
        "doses.csv": "patient_id,t_years,daily_dose_ug\nA,0,100\nA,0.5,110\nA,0.7,120\n",
    }
    cohort = Cohort.read(write_files(tmp_path, files))
    assert follow_up_years(cohort).to_dict() == {"A": 0.7, "B": 0.0}
    assert describe(cohort).dose_at_year_1_ug == Quantiles(0, None, None, None, None, None)
