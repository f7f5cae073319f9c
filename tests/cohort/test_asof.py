"""As-of times: days and years since implant."""

import datetime

import pytest

from drift_cases import write_cohort
from itb_bayes.cohort.asof import as_of_years, parse_as_of
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError

PATIENTS = """patient_id,diagnosis,implant_date,last_seen
A,MS,2015-01-01,2019-06-30
B,SCI,2017-01-01,
"""
DOSES = """patient_id,date,daily_dose_ug
A,2015-01-01,100
A,2018-03-05,140
B,2017-01-01,100
B,2020-02-10,140
"""


@pytest.fixture(scope="module")
def dated(tmp_path_factory):
    files = {"patients.csv": PATIENTS, "doses.csv": DOSES, "cohort.toml": 'name = "dated"\n'}
    return Cohort.read(write_cohort(tmp_path_factory.mktemp("dated") / "c", files))


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    files = {
        "patients.csv": "patient_id,diagnosis\nA,MS\n",
        "doses.csv": "patient_id,t_years,daily_dose_ug\nA,0,100\nA,2,140\n",
        "cohort.toml": 'name = "timed"\n',
    }
    return Cohort.read(write_cohort(tmp_path_factory.mktemp("timed") / "c", files))


def test_the_last_day_of_record_is_the_as_of_date(dated):
    day = datetime.date(2020, 2, 10)
    assert as_of_years(dated) == as_of_years(dated, day)
    found = as_of_years(dated)
    assert found["A"] == pytest.approx((day - datetime.date(2015, 1, 1)).days / 365.25)
    assert found["B"] == pytest.approx((day - datetime.date(2017, 1, 1)).days / 365.25)


def test_a_later_day_makes_everybody_older(dated):
    before, later = as_of_years(dated), as_of_years(dated, datetime.date(2021, 2, 10))
    assert all(later[who] - before[who] == pytest.approx(366 / 365.25) for who in before)


def test_years_are_the_same_for_everybody(dated, timed):
    assert as_of_years(dated, 2.5) == {"A": 2.5, "B": 2.5}
    assert as_of_years(timed, 2.5) == {"A": 2.5}


def test_without_dates_there_is_no_day(timed):
    assert as_of_years(timed) == {}
    with pytest.raises(UsageError, match="has times since implant, not dates"):
        as_of_years(timed, datetime.date(2020, 1, 1))


def test_a_day_before_every_record_is_refused(dated):
    with pytest.raises(UsageError, match="before the first record"):
        as_of_years(dated, datetime.date(2014, 12, 31))
    assert as_of_years(dated, datetime.date(2015, 1, 1))["A"] == 0.0


def test_as_of_is_a_day_or_years():
    assert parse_as_of(None) is None
    assert parse_as_of("4.5") == 4.5
    assert parse_as_of("2026-03-31") == datetime.date(2026, 3, 31)


@pytest.mark.parametrize(
    ("text", "why"),
    [("0", "number of years"), ("-1", "number of years"), ("150", "number of years"),
     ("nan", "number of years"), ("31.3.2026", "neither a day"), ("soon", "neither a day")],
)  # fmt: skip
def test_anything_else_is_refused(text, why):
    with pytest.raises(UsageError, match=why):
        parse_as_of(text)
