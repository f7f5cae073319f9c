"""The 100 µg/day rule by hand."""

import numpy as np
import pytest

from drift_cases import read_cohort
from itb_bayes.cohort.series import dose_series
from itb_bayes.inference.patients import RISE_UG
from itb_bayes.risk import rule
from itb_bayes.risk.rule import RuleCount, count_rule, yearly_rises


@pytest.mark.parametrize(
    ("t", "dose", "rises"),
    [
        ([0, 0.5, 1, 2, 3], [50, 90, 100, 201, 150], [101, -51]),
        ([0, 1, 1.5, 2.5, 3.9], [50, 100, 180, 220, 400], [80, 40]),  # held at 2: 180, at 3: 220
        ([1.4, 2, 3, 4], [90, 100, 130, 260], [30, 130]),  # nothing is known of year 1
        ([0, 1], [50, 100], []),
        ([0, 0.5], [50, 100], []),
        ([1, 2], [100, 200], [100]),
    ],
)
def test_yearly_rises_start_after_the_first_year(t, dose, rises):
    got = yearly_rises(np.array(t, float), np.array(dose, float))
    np.testing.assert_allclose(got, rises)


def test_counting_over_chosen_patients(tmp_path):
    doses = {
        "A": [100, 201, 250, 360],  # years 1 to 4: +101, +49, +110
        "B": [100, 200, 310, 310],  # +100 (not more than), +110, 0
        "C": [400, 100, 100, 100],
    }
    rows = "".join(f"{p},{t},{d}\n" for p, ds in doses.items() for t, d in enumerate(ds, start=1))
    cohort = read_cohort(tmp_path, "A,MS,4\nB,SCI,4\nC,SCI,4\n", rows)
    series = dose_series(cohort, step_months=12)
    everyone = count_rule(series, np.ones(3, dtype=bool))
    assert everyone == RuleCount(3, 9)
    assert everyone.rate == pytest.approx(1 / 3)
    assert count_rule(series, np.array([False, True, True])) == RuleCount(1, 6)
    nobody = count_rule(series, np.zeros(3, dtype=bool))
    assert nobody == RuleCount(0, 0)
    assert np.isnan(nobody.rate)


def test_one_threshold_everywhere():
    assert rule.RISE_UG == RISE_UG == 100.0
