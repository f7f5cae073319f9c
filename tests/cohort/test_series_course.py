"""How a patient's treatment was going: interruptions, its end, and the dose a year before."""

import numpy as np
import pytest

from drift_cases import read_cohort
from itb_bayes.cohort.series import dose_series


@pytest.mark.parametrize(
    ("events", "until", "ended"),
    [
        ("", None, ""),
        ("A,3.5,lost\n", None, "lost to follow-up"),
        ("A,3.5,death\n", None, "died"),
        ("A,3.5,death\n", 3.0, ""),
        ("A,3.0,explant\n", None, "explanted"),
        ("A,2.0,explant\nA,2.5,reimplant\n", None, ""),
        ("A,3.8,holiday_start\n", None, "on a drug holiday"),
    ],
)
def test_why_treatment_does_not_go_on(events, until, ended, tmp_path):
    cohort = read_cohort(tmp_path, "A,MS,4\n", "A,0,100\nA,2.6,150\n", events)
    limits = None if until is None else {"A": until}
    assert dose_series(cohort, step_months=12, until_years=limits).ended == (ended,)


@pytest.mark.parametrize(
    ("doses", "events", "before"),
    [
        ("A,0,80\nA,2.4,150\nA,3.2,260\n", "", 150.0),
        ("A,0,80\nA,3.0,150\n", "", 150.0),  # the row of the anniversary itself
        ("A,0,80\nA,2.4,0\nA,3.4,260\n", "A,2.4,holiday_start\nA,2.45,holiday_end\n", np.nan),
        ("A,0,80\nA,3.4,260\n", "A,2.5,explant\nA,3.4,reimplant\n", np.nan),
        ("A,0,80\nA,3.4,260\n", "A,2.5,explant\nA,2.8,reimplant\n", np.nan),
        ("A,0,80\nA,3.4,260\n", "A,2.9,holiday_start\nA,3.1,holiday_end\n", np.nan),
    ],
)
def test_the_dose_a_year_before_the_last_reading(doses, events, before, tmp_path):
    cohort = read_cohort(tmp_path, "A,MS,4\n", doses, events)
    series = dose_series(cohort, step_months=12)
    assert series.t_years[-1] == 4.0
    np.testing.assert_equal(series.dose_year_before_ug, [before])


def test_a_year_before_within_the_first_year_is_not_compared(tmp_path):
    cohort = read_cohort(tmp_path, "A,MS,1.9\n", "A,0,80\nA,1.5,90\n")
    series = dose_series(cohort, step_months=12)
    assert np.isnan(series.dose_year_before_ug[0])
    assert series.n_rows.tolist() == [2]
