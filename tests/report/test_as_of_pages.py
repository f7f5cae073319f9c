"""Records that ended long before the as-of date give pages that say so, without numbers."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from page_reader import Page
from report_cases import read_report

from drift_cases import run_command, write_cohort
from fits import IDS, make_fit, make_plan, save_fit
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.report.writing import write_report
from itb_bayes.risk.patient import judge_record
from regimes_fits import regimes_cohort, small_regimes_fit

SHORT = IDS[3]
"""Their readings end in year 3, the others' in year 8; all were implanted on the same day."""

IMPLANT = "2010-01-01"
FIT_IDS = IDS[:6]


@pytest.fixture(scope="module")
def fit():
    return make_fit(make_plan(FIT_IDS, readings=[3 if i == SHORT else 8 for i in FIT_IDS]))


def calendar(folder: Path, ids=FIT_IDS, last="2018-01-01") -> Cohort:
    """Return a cohort of these patients, by dates, whose last record is on one day."""
    patients = "".join(f"{who},MS,{IMPLANT}\n" for who in ids)
    doses = "".join(f"{who},{day},120\n" for who in ids for day in (IMPLANT, last))
    files = {
        "patients.csv": f"patient_id,diagnosis,implant_date\n{patients}",
        "doses.csv": f"patient_id,date,daily_dose_ug\n{doses}",
        "cohort.toml": 'name = "calendar"\nsynthetic = true\n',
    }
    return Cohort.read(write_cohort(folder / "calendar", files))


def test_a_drift_record_that_ended_long_before_gives_no_numbers(fit, tmp_path):
    write_report(fit, tmp_path / "out", dates=calendar(tmp_path))
    made = read_report(fit, tmp_path / "out")
    stale, fresh = made.documents[SHORT], made.documents[IDS[0]]
    assert stale.quality.status == "not estimated"
    assert (stale.forecasts, stale.risks_ahead, stale.drift) == ((), (), None)
    assert stale.asked_as_of_years == fresh.asked_as_of_years == pytest.approx(8.0, abs=0.01)
    words = Page(made.html(SHORT)).words
    assert (
        "the last reading of the dose is 60 months older than the as-of date; at most 12 are "
        "accepted"
    ) in words
    assert "As-of date 8 years after implant" in words
    assert " in 100" not in words
    assert fresh.quality.status == "ok"
    assert "Data to 8 years after implant" in Page(made.html(IDS[0])).words


def test_a_regimes_record_is_judged_by_the_as_of_time_too(tmp_path):
    fit = small_regimes_fit(tmp_path / "small")
    write_report(fit, tmp_path / "out", ("R1", "R4"), as_of=2.9)
    made = read_report(fit, tmp_path / "out")
    assert made.documents["R1"].quality.status != "not estimated"
    assert made.documents["R1"].asked_as_of_years == 2.9
    old = made.documents["R4"]  # their last visit is in year 1.5
    (why,) = old.quality.reasons
    assert why.startswith("the last reading of tone or dose is 17 months older than the as-of date")
    assert old.explanations is None


def test_unseen_patients_are_seen_as_of_the_day(tmp_path):
    fit = small_regimes_fit(tmp_path / "small")
    write_report(fit, tmp_path / "out", unseen=regimes_cohort(tmp_path / "again"), as_of=1.3)
    made = read_report(fit, tmp_path / "out")
    assert max(d.as_of_years for d in made.documents.values()) <= 1.3
    assert {d.asked_as_of_years for d in made.documents.values()} == {1.3}


def test_an_as_of_time_before_what_was_fitted_is_refused(fit, tmp_path):
    with pytest.raises(UsageError, match="5 of the 6 patients have records after the as-of time"):
        write_report(fit, tmp_path / "out", as_of=5.0)
    assert not (tmp_path / "out").exists()
    write_report(fit, tmp_path / "out", (SHORT,), as_of=3.5)
    assert read_report(fit, tmp_path / "out").documents[SHORT].quality.status != "not estimated"


def test_a_day_needs_dates(fit, tmp_path):
    day = datetime.date(2020, 1, 1)
    with pytest.raises(UsageError, match="with --dates"):
        write_report(fit, tmp_path / "out", as_of=day)
    timed = regimes_cohort(tmp_path / "timed")
    with pytest.raises(UsageError, match="times since implant, not dates: leave --dates out"):
        write_report(fit, tmp_path / "out", dates=timed)
    with pytest.raises(UsageError, match="1 of the 6 fitted patients are not in cohort"):
        write_report(fit, tmp_path / "out", dates=calendar(tmp_path, FIT_IDS[1:]))
    with pytest.raises(UsageError, match="leave --dates out"):
        write_report(small_regimes_fit(tmp_path / "s"), tmp_path / "out", unseen=timed, dates=timed)


def test_the_command_takes_a_day_and_gives_it_to_fhir(fit, tmp_path):
    calendar(tmp_path)
    bundle = save_fit(fit, tmp_path / "fit")
    done = run_command(
        "report", bundle, "--out", tmp_path / "pages", "--dates", tmp_path / "calendar",
        "--as-of", "2018-06-30", "--also", "fhir-r5",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "6 patients, 1 not estimated" in done.stdout
    texts = [p.read_text("utf-8") for p in (tmp_path / "pages").glob("*.fhir-r5.json")]
    assert sum("2018-06-30" in text for text in texts) == 6
    refused = run_command("report", bundle, "--out", tmp_path / "pages", "--as-of", "June")
    assert refused.code == 2
    assert "neither a day nor a time" in refused.stderr


def test_risk_gives_the_same_patients_no_numbers(fit, tmp_path):
    calendar(tmp_path)
    bundle = save_fit(fit, tmp_path / "fit")
    days = ("--dates", tmp_path / "calendar")
    why = "the last reading of the dose is 60 months older than the as-of date"
    done = run_command("risk", bundle, *days)
    assert done.code == 0, done.stderr
    assert f"{SHORT}: not estimated: {why}" in done.stdout
    later = run_command("risk", bundle, *days, "--as-of", "2019-06-30", "--format", "csv")
    rows = [line.split(",") for line in later.stdout.splitlines()[1:]]
    assert [row[5] for row in rows] == [""] * len(FIT_IDS)
    assert {row[12] for row in rows} == {"not estimated"}
    without = run_command("risk", bundle)
    assert f"{SHORT}: not estimated" not in without.stdout
    refused = run_command("risk", bundle, "--as-of", "2020-01-01")
    assert refused.code == 2
    assert "with --dates" in refused.stderr


def test_the_record_alone_is_never_stale_for_drift(fit):
    series = fit.plan.series
    own = series.t_years[series.offsets[3] : series.offsets[4]]
    assert judge_record(own, 3, "")[0] == "limited"
    assert judge_record(own, 3, "", own[-1] + 1.0)[0] == "limited"
    assert judge_record(own, 3, "", own[-1] + 1.01)[0] == "not estimated"


def test_nothing_changes_where_no_calendar_is_known(fit, tmp_path):
    write_report(fit, tmp_path / "out")
    document = read_report(fit, tmp_path / "out").documents[SHORT]
    assert document.asked_as_of_years is None
    assert document.quality.status == "limited"
    assert "As-of date" not in Page(read_report(fit, tmp_path / "out").html(SHORT)).words


def test_doses_that_never_change_are_among_the_limits(tmp_path):
    plan = make_plan(FIT_IDS)
    dose = plan.series.daily_dose_ug.copy()
    dose[plan.series.patient < 2] = 150.0
    constant = replace(plan, series=replace(plan.series, daily_dose_ug=dose))
    for name, made, said in (("some", constant, 1), ("none", plan, 0)):
        write_report(make_fit(made), tmp_path / name)
        document = read_report(make_fit(made), tmp_path / name).documents[IDS[0]]
        assert sum("never change after the first year" in line for line in document.limits) == said
