import pytest

from itb_bayes.report.wording import (
    dose_range,
    estimated_dose,
    in_100,
    months_ahead,
    range_in_100,
    recorded_dose,
    signed_dose,
    signed_percent,
    time_since,
)


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.0, "fewer than 1 in 100"), (0.0099, "fewer than 1 in 100"), (0.01, "1 in 100"),
        (0.345, "35 in 100"), (0.99, "99 in 100"), (0.9901, "more than 99 in 100"),
        (1.0, "more than 99 in 100"),
    ],
)  # fmt: skip
def test_probabilities_are_whole_numbers_in_100(p: float, said: str) -> None:
    assert in_100(p) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.181, 0.52, "18 to 52 in 100"),
        (0.001, 0.002, "fewer than 1 in 100"),
        (0.001, 0.03, "fewer than 1 to 3 in 100"),
        (0.95, 1.0, "95 to more than 99 in 100"),
    ],
)
def test_ranges_of_probabilities(low: float, high: float, said: str) -> None:
    assert range_in_100(low, high) == said


@pytest.mark.parametrize(
    ("dose", "said"),
    [(1.0, "5"), (87.4, "85"), (87.6, "90"), (400.0, "400"), (404.0, "400"), (405.0, "410"),
     (1234.0, "1230")],
)  # fmt: skip
def test_estimated_doses_are_rounded_to_5_and_above_400_to_10(dose: float, said: str) -> None:
    assert estimated_dose(dose) == said


def test_recorded_numbers_are_said_as_recorded() -> None:
    assert recorded_dose(196.9) == "196.9"
    assert recorded_dose(250.0) == "250"
    assert signed_dose(-15.5) == "\u221215.5"
    assert signed_dose(15.0) == "+15"
    assert signed_dose(0.01) == "0"
    assert dose_range(101.0, 444.0) == "100 to 440"


def test_yearly_changes_carry_a_sign() -> None:
    assert signed_percent(7.66) == "+7.7"
    assert signed_percent(-1.24) == "\u22121.2"
    assert signed_percent(-0.04) == "0.0"


@pytest.mark.parametrize(
    ("years", "said"),
    [(10.25, "10 years 3 months"), (1.0, "1 year"), (0.0, "0 years"), (0.5, "6 months"),
     (1.09, "1 year 1 month"), (4.99, "5 years")],
)  # fmt: skip
def test_times_are_years_and_months(years: float, said: str) -> None:
    assert time_since(years) == said


def test_horizons() -> None:
    assert months_ahead(12.0) == "12 months"
    assert months_ahead(1.0) == "1 month"
