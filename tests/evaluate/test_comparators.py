"""Comparators: time-honest, and what they should be on records made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohort.base_cohort import base_files, write_files
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.comparators import (
    COMPARATORS,
    base_rate,
    centre_on_first,
    chart,
    comparator_scores,
    cusum,
    ewma,
    rise_over_year,
)
from itb_bayes.evaluate.visits import ashworth_means, evaluation_visits


def days(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_the_rise_is_that_of_the_dose_in_force_over_12_months() -> None:
    day, dose = days(0, 300, 500, 900), np.array([50.0, 100.0, 180.0, 320.0])
    at = days(200, 364, 400, 500, 700, 900, 1300)
    # Up to two years the rise counts from the end of the first; within it there is none.
    assert rise_over_year(day, dose, at).tolist() == [0.0, 0.0, 0.0, 80.0, 80.0, 140.0, 0.0]


def test_charts_follow_their_recursions() -> None:
    x = np.array([1.0, 0.0, -2.0, 3.0])
    assert ewma(x, 0.5).tolist() == [0.5, 0.25, -0.875, 1.0625]
    assert cusum(x, 0.25).tolist() == [0.75, 0.5, 0.0, 2.75]
    assert centre_on_first(np.array([1.0, 3.0, 2.0, 2.0, 7.0])).tolist() == [
        0.0,
        1.0,
        0.0,
        0.0,
        5.0,
    ]


def test_a_chart_starts_after_titration_and_afresh_after_a_repair() -> None:
    day = days(10, 200, 300, 400, 500, 600)
    value = np.array([4.0, 1.0, 1.0, 3.0, 2.0, 2.5])
    at = days(150, 200, 400, 450, 451, 500, 600)
    found = chart(day, value, at, days(450), 0.25)
    deviation = 3.0 - 5.0 / 3.0
    assert found[:, 1] == pytest.approx([0, 0, deviation - 0.25, deviation - 0.25, 0, 0, 0])
    assert found[:, 0] == pytest.approx([0, 0, 0.2 * deviation, 0.2 * deviation, 0, 0, 0.2 * 0.25])
    assert chart(days(), np.empty(0), days(5), days(), 0.1).tolist() == [[0.0, 0.0]]


def test_later_records_change_no_score(tmp_path: Path) -> None:
    cohort = Cohort.read(write_files(tmp_path / "whole", base_files()))
    visits = pd.DataFrame({"patient_id": ["P01"] * 3 + ["P03"], "day": [400, 700, 1000, 900]})
    whole = comparator_scores(cohort, visits)
    assert list(whole.columns) == ["patient_id", "day", *COMPARATORS]
    assert whole["rule_100ug"].tolist() == [28.0, 28.0, 0.0, -50.0]
    files = base_files()
    for name in ("doses.csv", "assessments.csv", "events.csv"):
        head, *rows = str(files[name]).splitlines()
        kept = [row for row in rows if row.split(",")[1] <= "2012-12-01"]
        files[name] = "\n".join([head, *kept, ""])
    early = Cohort.read(write_files(tmp_path / "early", files))
    cut = comparator_scores(early, visits.iloc[:3])
    pd.testing.assert_frame_equal(cut, whole.iloc[:3])


def test_visits_are_readings_after_titration_or_doses_without_any(tmp_path: Path) -> None:
    cohort = Cohort.read(write_files(tmp_path, base_files()))
    means = ashworth_means(cohort)
    assert means["ashworth"].tolist() == [3.0, 0.75, 1.5, 1.3, 0.25]
    visits = evaluation_visits(cohort)
    assert visits["patient_id"].tolist() == ["P02", "P03"]
    assert visits["day"].tolist() == [366, 366]
    files = base_files()
    head, *rows = str(files["assessments.csv"]).splitlines()
    files["assessments.csv"] = "\n".join([head, *[row for row in rows if "P03" not in row], ""])
    unread = evaluation_visits(Cohort.read(write_files(tmp_path / "unread", files)), 1.0)
    assert unread.loc[unread["patient_id"] == "P03", "day"].tolist() == [366, 731, 759]


def test_the_base_rate_is_the_share_of_visits() -> None:
    assert base_rate(np.array([True, False, False, True])).tolist() == [0.5] * 4
