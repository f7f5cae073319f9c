"""The dose in force at regular times."""

import numpy as np
import pandas as pd
import pytest

from drift_cases import read_cohort
from itb_bayes.cohort.series import dose_series

DAY = 1 / 365.25


def readings(series, pid: str) -> dict[float, float]:
    """Return time to dose of one patient, times to three digits."""
    mine = series.patient == series.patient_ids.index(pid)
    times = np.round(series.t_years[mine], 3)
    return dict(zip(times.tolist(), series.daily_dose_ug[mine].tolist(), strict=True))


def aside(series) -> list[tuple]:
    """Return what was set aside as (patient, time, reason)."""
    frame = series.set_aside
    return [
        (pid, None if pd.isna(t) else round(float(t), 3), why)
        for pid, t, why in zip(frame["patient_id"], frame["t_years"], frame["reason"], strict=True)
    ]


def test_the_dose_holds_until_the_next_row(tmp_path):
    cohort = read_cohort(tmp_path, "A,MS,3.0\n", "A,0,80\nA,0.3,100\nA,1.2,150\nA,2.6,160\n")
    series = dose_series(cohort, step_months=12)
    assert readings(series, "A") == {0.0: 80.0, 0.5: 100.0, 1.0: 100.0, 2.0: 150.0, 3.0: 160.0}
    assert series.step_months == 12.0
    np.testing.assert_array_equal(series.daily_dose_now_ug, [160.0])
    np.testing.assert_array_equal(series.dose_year_before_ug, [150.0])
    assert (series.ended, series.n_rows.tolist()) == (("",), [4])
    assert aside(series) == []


def test_a_change_log_and_a_visit_log_give_the_same_readings(tmp_path):
    people = "A,MS,4.3\nB,SCI,3.1\n"
    changes = {"A": [(0, 60), (0.4, 90), (1.7, 140), (3.2, 155)], "B": [(0, 50), (2.05, 75)]}
    visits = np.arange(0.0, 4.3, 0.05)
    log = "".join(f"{p},{t},{d}\n" for p, rows in changes.items() for t, d in rows)
    visit_log = ""
    for pid, rows in changes.items():
        last = 4.3 if pid == "A" else 3.1
        times = sorted({*np.round(visits[visits <= last], 2), *(t for t, _ in rows)})
        held = [max(row for row in rows if row[0] <= t)[1] for t in times]
        visit_log += "".join(f"{pid},{t:g},{d}\n" for t, d in zip(times, held, strict=True))
    for step in (3, 6, 12):
        one = dose_series(read_cohort(tmp_path / f"a{step}", people, log), step_months=step)
        two = dose_series(read_cohort(tmp_path / f"b{step}", people, visit_log), step_months=step)
        for pid in "AB":
            assert readings(one, pid) == readings(two, pid)
            assert len(readings(one, pid)) >= 4


def test_the_grid_is_finer_in_the_first_year_and_ends_at_the_end_of_follow_up(tmp_path):
    cohort = read_cohort(tmp_path, "A,MS,2.9\nB,MS,2.1\n", "A,0,80\nA,2.5,90\nB,0.3,70\nB,1.5,75\n")
    series = dose_series(cohort, step_months=6)
    assert list(readings(series, "A")) == [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 2.9]
    # B: the first dose 0.2 years before the grid is a reading; the end 0.1 years after it is not.
    assert list(readings(series, "B")) == [0.3, 0.5, 0.75, 1.0, 1.5, 2.0]


@pytest.mark.parametrize(("late", "dose"), [(2 * DAY, 150.0), (2.2 * DAY, 100.0)])
def test_an_anniversary_row_counts_up_to_two_days_late(late, dose, tmp_path):
    cohort = read_cohort(tmp_path, "A,MS,3\n", f"A,0,100\nA,{2 + late - 1e-6:.7f},150\n")
    assert readings(dose_series(cohort, step_months=12), "A")[2.0] == dose


def test_a_follow_up_that_ends_two_days_early_reaches_the_anniversary(tmp_path):
    cohort = read_cohort(tmp_path, f"A,MS,{3 - 1.9 * DAY:.7f}\n", "A,0,100\nA,1,150\n")
    assert readings(dose_series(cohort, step_months=12), "A")[3.0] == 150.0


def test_readings_in_a_holiday_are_set_aside(tmp_path):
    cohort = read_cohort(
        tmp_path, "A,MS,4\n", "A,0,100\nA,1.9,150\nA,2.1,120\n",
        "A,1.95,holiday_start\nA,2.05,holiday_end\n",
    )  # fmt: skip
    series = dose_series(cohort, step_months=12)
    assert readings(series, "A") == {0.0: 100, 0.5: 100, 1.0: 100, 3.0: 120, 4.0: 120}
    assert aside(series) == [("A", 2.0, "drug holiday")]


def test_no_dose_is_carried_through_an_explant(tmp_path):
    events = "A,2.5,explant\nA,3.5,reimplant\nB,2.5,explant\n"
    doses = "A,0,100\nA,2,150\nA,4.5,70\nB,0,90\n"
    series = dose_series(read_cohort(tmp_path, "A,MS,6\nB,MS,5\n", doses, events), step_months=12)
    assert readings(series, "A") == {0.0: 100, 0.5: 100, 1.0: 100, 2.0: 150, 5.0: 70, 6.0: 70}
    assert readings(series, "B") == {0.0: 90, 0.5: 90, 1.0: 90, 2.0: 90}
    assert aside(series) == [
        ("A", 3.0, "no pump (explanted)"),
        ("A", 4.0, "no dose recorded since reimplant"),
        ("B", 3.0, "no pump (explanted)"),
        ("B", 4.0, "no pump (explanted)"),
        ("B", 5.0, "no pump (explanted)"),
    ]


def test_a_dose_given_at_reimplant_counts_from_then_on(tmp_path):
    events = "A,1.5,explant\nA,2.5,reimplant\nB,1.5,explant\nB,1.5,reimplant\n"
    doses = "A,0,100\nA,2.5,60\nB,0,90\nB,1.5,80\n"
    series = dose_series(read_cohort(tmp_path, "A,MS,4\nB,SCI,3\n", doses, events), step_months=12)
    assert readings(series, "A") == {0.0: 100, 0.5: 100, 1.0: 100, 3.0: 60, 4.0: 60}
    assert readings(series, "B") == {0.0: 90, 0.5: 90, 1.0: 90, 2.0: 80, 3.0: 80}


def test_a_zero_dose_and_readings_after_death_are_set_aside(tmp_path):
    cohort = read_cohort(
        tmp_path, "A,MS,3.5\n", "A,0,100\nA,0.9,0\nA,1.6,90\n",
        "A,0.9,holiday_start\nA,0.95,holiday_end\nA,3.0,death\n",
    )  # fmt: skip
    series = dose_series(cohort, step_months=12)
    assert readings(series, "A") == {0.0: 100, 0.5: 100, 2.0: 90, 3.0: 90}
    assert aside(series) == [("A", 1.0, "dose is zero")]
    assert series.ended == ("died",)


def test_the_last_reading_is_the_dose_in_force_at_the_end(tmp_path):
    people = "A,MS,3.12\nB,MS,3.12\n"
    doses = "A,0,100\nA,2,200\nA,3.1,400\nB,0,100\nB,2,200\n"
    series = dose_series(read_cohort(tmp_path, people, doses), step_months=6)
    np.testing.assert_array_equal(series.daily_dose_now_ug, [400.0, 200.0])
    last = series.t_years[series.offsets[1:] - 1]
    np.testing.assert_allclose(last, [3.12, 3.0])
    np.testing.assert_array_equal(series.dose_year_before_ug, [200.0, 200.0])


def test_why_treatment_does_not_go_on_is_known(tmp_path):
    people = "A,MS,4\nB,MS,4\nC,MS,4\nD,MS,4\n"
    doses = "".join(f"{p},{t},100\n" for p in "ABCD" for t in (0, 1, 2))
    events = "A,3.5,explant\nB,3.9,holiday_start\nC,4.0,lost\n"
    cohort = read_cohort(tmp_path, people, doses, events)
    assert dose_series(cohort).ended == ("explanted", "on a drug holiday", "lost to follow-up", "")
    before = dose_series(cohort, until_years=dict.fromkeys("ABCD", 3.0))
    assert before.ended == ("", "", "", "")


def test_records_after_the_as_of_time_are_not_looked_at(tmp_path):
    people, doses = "A,MS,5\nB,SCI,5\n", "A,0,100\nA,2.6,400\nB,0,50\nB,1,60\nB,4,99\n"
    events = "A,2.2,holiday_start\nA,2.7,holiday_end\n"
    whole = dose_series(read_cohort(tmp_path / "1", people, doses, events), step_months=12)
    until = {"A": 2.5, "B": 5.0}
    past = dose_series(
        read_cohort(tmp_path / "2", people, doses, events), step_months=12, until_years=until
    )
    # 2.5 lies in the holiday, and only the end of the holiday (2.7) is after it.
    assert readings(past, "A") == {0.0: 100, 0.5: 100, 1.0: 100, 2.0: 100}
    assert ("A", 2.5, "drug holiday") in aside(past)
    assert readings(past, "B") == readings(whole, "B")
    assert readings(whole, "A")[3.0] == 400.0


def test_a_row_just_after_the_as_of_time_is_not_seen(tmp_path):
    """The two days of grace for anniversaries must not look past the as-of time."""
    cohort = read_cohort(tmp_path, "A,MS,5\n", f"A,0,100\nA,{2 + DAY:.7f},300\n")
    past = dose_series(cohort, step_months=12, until_years={"A": 2.0})
    assert readings(past, "A")[2.0] == 100.0


@pytest.mark.parametrize(("spacing", "step"), [(1.0, 12.0), (0.8, 12.0), (0.7, 6.0), (0.25, 6.0)])
def test_auto_step_follows_the_spacing_of_the_records(spacing, step, tmp_path):
    doses = "".join(f"A,{t:g},{100 + k}\n" for k, t in enumerate(np.arange(0.0, 6.0, spacing)))
    assert dose_series(read_cohort(tmp_path, "A,MS,6\n", doses)).step_months == step


def test_auto_step_of_one_row_per_patient_is_six_months(tmp_path):
    assert dose_series(read_cohort(tmp_path, "A,MS,3\n", "A,0,100\n")).step_months == 6.0


def test_from_years_starts_at_the_dose_then_in_force(tmp_path):
    cohort = read_cohort(tmp_path, "A,MS,4\n", "A,0,80\nA,0.8,120\nA,2.5,150\n")
    series = dose_series(cohort, step_months=12, from_years=1.0)
    assert readings(series, "A") == {1.0: 120.0, 2.0: 120.0, 3.0: 150.0, 4.0: 150.0}


@pytest.mark.parametrize(("minimum", "kept"), [(1, ("A", "B", "C")), (2, ("A", "B")), (6, ("A",))])
def test_patients_with_too_few_readings_are_set_aside_and_listed(minimum, kept, tmp_path):
    cohort = read_cohort(
        tmp_path, "A,MS,5\nB,SCI,0.6\nC,SCI,0\n", "A,0,100\nA,1,120\nB,0,90\nC,0,70\n"
    )
    series = dose_series(cohort, step_months=12, minimum_points=minimum)
    assert series.patient_ids == kept
    reason = f"patient with fewer than {minimum} usable dose readings"
    assert aside(series) == [(pid, None, reason) for pid in "ABC" if pid not in kept]
    np.testing.assert_array_equal(np.unique(series.patient), np.arange(len(kept)))
    assert series.offsets[-1] == series.t_years.size


def test_an_unknown_end_of_follow_up_is_the_last_record_of_any_kind(tmp_path):
    cohort = read_cohort(tmp_path, "A,MS,\nB,MS,\n", "A,0,100\nA,1,120\nB,0,90\n", "B,3,trigger\n")
    series = dose_series(cohort, step_months=12)
    assert list(readings(series, "A")) == [0.0, 0.5, 1.0]
    assert list(readings(series, "B")) == [0.0, 0.5, 1.0, 2.0, 3.0]


def test_a_patient_without_dose_rows_is_set_aside(tmp_path):
    series = dose_series(read_cohort(tmp_path, "A,MS,3\nB,MS,3\n", "A,0,100\n"), step_months=12)
    assert series.patient_ids == ("A",)
    assert aside(series) == [("B", None, "patient with fewer than 2 usable dose readings")]


def test_nobody_with_readings_gives_an_empty_series(tmp_path):
    series = dose_series(read_cohort(tmp_path, "A,MS,0.1\n", "A,0,100\n"), minimum_points=5)
    assert series.patient_ids == ()
    assert series.t_years.size == series.daily_dose_ug.size == series.patient.size == 0
    np.testing.assert_array_equal(series.offsets, [0])
