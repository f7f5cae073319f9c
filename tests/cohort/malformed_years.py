"""Malformed cohorts on the clock of years since implant."""

from base_cohort import Files
from mutations import Case, D, Mutation, P


def _years(t: str, seen: str = "5") -> Mutation:
    patients = f"patient_id,diagnosis,t_last_seen\nP01,MS,{seen}\n"
    doses = f"patient_id,t_years,daily_dose_ug\nP01,0,100\nP01,1,120\nP01,{t},130\n"

    def mutate(files: Files) -> None:
        files.clear()
        files.update({P: patients, D: doses})

    return mutate


YEARS = (
    Case("years: text", _years("two"), "not_a_number", D, 4, "t_years", "not a number"),
    Case(
        "years: days", _years("365", ""), "beyond_lifetime", D, 4, "t_years", "not days or months"
    ),
    Case("years: before", _years("-1"), "before_implant", D, 4, "t_years", "before the implant"),
    Case("years: after", _years("6"), "after_last_seen", D, 4, "t_years", "last seen"),
    Case(
        "years: reversed",
        _years("2", "-5"),
        "time_reversed",
        P,
        2,
        "t_last_seen",
        "before the implant",
    ),
    Case(
        "years: calendar", _years("2", "2015"), "beyond_lifetime", P, 2, "t_last_seen", "60 years"
    ),
    Case("years: twice", _years("1"), "two_doses", D, 4, "t_years", "line 3"),
    Case("years: infinite", _years("inf"), "not_finite", D, 4, "t_years", "infinite"),
)
