"""The timeline of a patient, column by column, on cohorts written by hand; cutting it short."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cases import write_cohort
from itb_bayes.cohort.actions import Action
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.steps import SETTLING_YEARS
from itb_bayes.cohort.timeline import Timeline, timeline

REGISTRY = Path(__file__).resolve().parents[2] / "data/synthetic/registry"
YEAR = 365.25
HEADS = {
    "patients": "patient_id,diagnosis",
    "doses": "patient_id,t_years,daily_dose_ug,mode",
    "assessments": "patient_id,t_years,scale,value,muscle",
    "refills": "patient_id,t_years,expected_residual_ml,actual_residual_ml,reservoir_ml",
    "events": "patient_id,t_years,event,detail",
}
EVERY_VISIT = [(0, 100), (100, 100), (200, 120), (300, 120), (400, 120)]


def lay_out(
    folder: Path,
    doses=EVERY_VISIT,
    tone=(),
    refills=(),
    events=(),
    until_day: float | None = None,
) -> Timeline:
    """Return the timeline of one patient; records are tuples whose first is the day since implant.

    Of ``tone``: day, value[, scale]; of ``events``: day, event[, detail].
    """
    rows = {
        "patients": ["A,MS"],
        "doses": [_row(day, dose, *(mode or ["simple"])) for day, dose, *mode in doses],
        "assessments": [
            _row(day, *(scale or ["ashworth_0_4"]), value, f"muscle {k}")
            for k, (day, value, *scale) in enumerate(tone)
        ],
        "refills": [_row(*cells) for cells in refills],
        "events": [_row(day, event, *(detail or [""])) for day, event, *detail in events],
    }
    tables = {
        f"{name}.csv": "\n".join([HEADS[name], *lines]) + "\n"
        for name, lines in rows.items()
        if lines
    }
    tables["cohort.toml"] = 'name = "hand"\nsynthetic = true\n'
    cohort = Cohort.read(write_cohort(folder, tables))
    return timeline(cohort, until_years=None if until_day is None else {"A": until_day / YEAR})


def _row(day: float, *cells: object) -> str:
    return ",".join(["A", repr(day / YEAR), *map(str, cells)])


def at(steps: Timeline, name: str, day: float) -> float:
    """Return the value of a column at a day, which must be a step."""
    found = np.flatnonzero(np.abs(steps.t_years * YEAR - day) < 1e-6)
    assert found.size == 1
    return getattr(steps, name)[found[0]]


def days(steps: Timeline) -> list[float]:
    return np.round(steps.t_years * YEAR, 6).tolist()


def test_a_step_for_every_day_of_record(tmp_path):
    steps = lay_out(
        tmp_path,
        tone=[(-20, 3), (150, 1), (150, 2)],
        refills=[(250, 2, 3, 20)],
        events=[(-5, "trigger", "uti"), (350, "trigger", "uti"), (500, "lost")],
    )
    assert days(steps) == [0, 100, 150, 200, 250, 300, 350, 400]
    assert steps.patient_ids == ("A",)
    assert steps.offsets.tolist() == [0, 8]
    assert (steps.n_patient, steps.n_step) == (1, 8)
    assert at(steps, "ashworth", 150) == 1.5


def test_blank_columns(tmp_path):
    steps = lay_out(tmp_path)
    for name in ("ashworth", "penn", "refill_share", "edss_change", "edss_years"):
        assert np.isnan(getattr(steps, name)).all(), name
    for name in ("dye", "aspiration", "rotor"):
        assert (getattr(steps, name) == -1).all(), name
    for name in ("tolerance_label", "progression_label", "trigger_label", "action", "bolus"):
        assert (getattr(steps, name) == 0).all(), name
        assert getattr(steps, name).dtype == np.int64, name
    assert (steps.refill_count == 0).all()
    assert np.isnan(steps.untreated_tone).all()


def test_a_reading_belongs_to_the_dose_before_that_days_change(tmp_path):
    steps = lay_out(tmp_path, tone=[(200, 2), (300, 1)])
    assert np.exp(at(steps, "log_dose", 200)) == pytest.approx(100)
    assert np.exp(at(steps, "log_dose", 300)) == pytest.approx(120)
    assert at(steps, "dose_change", 200) == pytest.approx(np.log(1.2))
    assert at(steps, "ashworth", 200) == 2


def test_the_last_of_several_doses_of_a_day_is_the_one_left_in_force(tmp_path):
    steps = lay_out(tmp_path, doses=[(0, 100), (99.9, 110), (100.1, 130), (200, 130)])
    assert days(steps) == [0, 100, 200]
    assert at(steps, "dose_change", 100) == pytest.approx(np.log(1.3))
    assert np.exp(at(steps, "log_dose", 200)) == pytest.approx(130)


@pytest.mark.parametrize(
    ("doses", "tone", "expected"),
    [
        ([(0, 100), (100, 100)], [], 0.0),  # written down, the same
        ([(0, 100)], [(100, 1)], 0.0),  # a reading, and no new dose
        ([(0, 100)], [(100, 1, "penn")], np.nan),  # nothing is known of the dose
        ([(0, 100), (100, 150)], [], np.log(1.5)),
    ],
)
def test_dose_changes(doses, tone, expected, tmp_path):
    got = at(lay_out(tmp_path, doses=doses, tone=tone), "dose_change", 100)
    assert got == pytest.approx(expected, nan_ok=True)


def test_stopping_and_starting_again_is_no_titration(tmp_path):
    doses = [(0, 100), (100, 0), (200, 90), (205, 95)]
    steps = lay_out(tmp_path, doses=doses, events=[(100, "holiday_start"), (150, "holiday_end")])
    assert np.isnan(steps.dose_change[:-1]).all()
    assert np.isfinite(steps.dose_change[-1])


def test_the_first_dose_is_no_change(tmp_path):
    steps = lay_out(tmp_path)
    assert np.isnan(steps.dose_change[0])
    assert np.exp(steps.log_dose[0]) == pytest.approx(100)


@pytest.mark.parametrize("event", ["trigger", "dye_study", "pump_replacement", "infection"])
def test_a_change_on_a_day_with_an_event_is_left_out(event, tmp_path):
    detail = {"trigger": "uti", "dye_study": "negative"}.get(event, "")
    steps = lay_out(tmp_path, events=[(200, event, detail)])
    assert np.isnan(at(steps, "dose_change", 200))
    assert at(steps, "dose_change", 300) == 0.0


@pytest.mark.parametrize(("later", "known"), [(30, False), (SETTLING_YEARS * YEAR + 1, True)])
def test_the_dose_is_set_anew_for_six_weeks_after_an_operation(later, known, tmp_path):
    second = 100 + int(later)
    doses = [(0, 100), (100, 100), (second, 150)]
    steps = lay_out(tmp_path, doses=doses, events=[(100, "catheter_revision")])
    assert np.isfinite(at(steps, "dose_change", second)) == known


def test_a_dose_of_nothing_keeps_the_last_log_dose_and_drops_readings(tmp_path):
    steps = lay_out(
        tmp_path,
        doses=[(0, 100), (100, 0), (200, 90)],
        tone=[(150, 3), (150, 3, "penn"), (250, 1)],
        events=[(100, "holiday_start"), (140, "holiday_end")],
    )
    assert np.exp(at(steps, "log_dose", 150)) == pytest.approx(100)
    assert np.isnan(at(steps, "ashworth", 150))
    assert np.isnan(at(steps, "penn", 150))
    assert np.exp(at(steps, "log_dose", 250)) == pytest.approx(90)
    assert at(steps, "ashworth", 250) == 1


@pytest.mark.parametrize(
    ("scale", "value", "tone"), [("ashworth_0_4", 2, 2), ("ashworth_1_5", 2, 1), ("mas", "1+", 1.5)]
)
def test_scales_of_tone(scale, value, tone, tmp_path):
    steps = lay_out(tmp_path, tone=[(100, value, scale)])
    assert at(steps, "ashworth", 100) == tone


def test_muscles_of_a_day_are_averaged_and_spasms_kept_apart(tmp_path):
    steps = lay_out(tmp_path, tone=[(100, 1), (100, 2), (100, 3, "penn"), (200, 0)])
    assert at(steps, "ashworth", 100) == 1.5
    assert at(steps, "penn", 100) == 3
    assert at(steps, "ashworth", 200) == 0
    assert np.isnan(at(steps, "penn", 200))


@pytest.mark.parametrize(
    ("first", "readings", "untreated", "left"),
    [
        (0, [(-30, 3), (-1, 4), (10, 1)], 3.5, [10]),
        (0, [(0, 3), (10, 1)], 3.0, [10]),  # the day of the first dose is before it
        (20, [(-30, 4), (10, 3), (20, 2), (30, 1)], 3.0, [30]),  # started some days later
        (730, [(-30, 4), (300, 1), (800, 1)], 4.0, [800]),  # records start in mid-treatment
        (730, [(300, 1), (730, 2), (800, 1)], np.nan, [730, 800]),
    ],
)
def test_untreated_tone(first, readings, untreated, left, tmp_path):
    tone = [*readings, *((day, 2, "penn") for day, _ in readings)]
    steps = lay_out(tmp_path, doses=[(first, 100), (900, 100)], tone=tone)
    np.testing.assert_equal(steps.untreated_tone, [untreated])
    for name in ("ashworth", "penn"):
        seen = np.isfinite(getattr(steps, name))
        assert np.array(days(steps))[seen].tolist() == left, name


@pytest.mark.parametrize(
    ("start", "end"), [("holiday_start", "holiday_end"), ("explant", "reimplant")]
)
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_a_pause_silences_readings_refills_and_changes(start, end, offset, tmp_path):
    visits = (90, 100, 150, 200, 210, 300)
    given = [day for day in visits if day != 150]
    steps = lay_out(
        tmp_path,
        doses=[(0, 100), *((day + 0.4 * (day == 200), 100 + day) for day in given)],
        tone=[(day, 1) for day in visits] + [(day, 2, "penn") for day in visits],
        refills=[(day, 2, 3, 20) for day in given],
        events=[(100 + offset, start), (200 + offset, end)],
    )
    # The readings of the day on which it starts are before it, those of its last day are within.
    for name in ("ashworth", "penn", "refill_share"):
        seen = np.array(days(steps))[np.isfinite(getattr(steps, name))]
        assert seen.tolist() == [90, 100, 210, 300], name
    known = np.array(days(steps))[np.isfinite(steps.dose_change)]
    assert known.tolist() == [90, 300]


def test_a_pause_starts_and_ends_with_whole_days(tmp_path):
    steps = lay_out(
        tmp_path,
        tone=[(100, 1), (110, 1), (150, 1), (160, 1)],
        events=[(99.7, "holiday_start"), (149.6, "holiday_end")],
    )
    seen = np.array(days(steps))[np.isfinite(steps.ashworth)]
    assert seen.tolist() == [100, 160]


def test_an_explanted_pump_stays_silent(tmp_path):
    steps = lay_out(
        tmp_path,
        doses=[(0, 100), (100, 120)],
        tone=[(100, 1), (200, 2), (300, 2)],
        events=[(150, "explant")],
    )
    assert np.isfinite(steps.ashworth).tolist() == [False, True, False, False, False]


def test_every_action_and_none(tmp_path):
    events = [
        (50, "catheter_fault_confirmed"),
        (60, "pump_fault_confirmed"),
        (70, "catheter_revision"),
        (80, "pump_replacement"),
        (85, "explant"),
        (90, "reimplant"),
        (100, "holiday_start"),
        (110, "holiday_end"),
        (120, "mode_change", "bolus"),
        (130, "mode_change", "flex"),
        (140, "infection"),
        (150, "pump_fault_confirmed"),
        (150, "catheter_revision"),
    ]
    steps = lay_out(tmp_path, events=events)
    expected = {
        50: Action.CATHETER_CONFIRMED,
        60: Action.PUMP_CONFIRMED,
        70: Action.CATHETER_REVISED,
        80: Action.PUMP_REPLACED,
        85: 0,
        90: Action.REIMPLANTED,
        100: 0,
        110: Action.RESET,
        120: Action.RESET,
        130: 0,
        140: 0,
        150: Action.PUMP_CONFIRMED | Action.CATHETER_REVISED,
    }
    assert {day: at(steps, "action", day) for day in expected} == expected


@pytest.mark.parametrize(
    ("event", "new_catheter", "new_pump"),
    [
        ("catheter_fault_confirmed", True, False),
        ("catheter_revision", True, False),
        ("pump_fault_confirmed", False, True),
        ("pump_replacement", False, True),
        ("reimplant", True, True),
        ("infection", False, False),
    ],
)
def test_ages_start_again_after_an_operation(event, new_catheter, new_pump, tmp_path):
    before = [(150, "explant")] if event == "reimplant" else []
    steps = lay_out(tmp_path, events=[*before, (200, event)])
    for name, new in (("catheter_age_years", new_catheter), ("pump_age_years", new_pump)):
        assert at(steps, name, 200) * YEAR == pytest.approx(200)  # at the step, before the action
        assert at(steps, name, 300) * YEAR == pytest.approx(100 if new else 300)
        assert at(steps, name, 400) * YEAR == pytest.approx(200 if new else 400)


def test_refill_shares_are_relative_to_the_earlier_ones_of_the_pump(tmp_path):
    refills = [(100, 2, 3.8, 20), (200, 4, 5.6, 20), (300, 0, 2, 20), (400, 2, 2, 20)]
    steps = lay_out(tmp_path, refills=refills, events=[(300, "pump_replacement")])
    shares = [1.8 / 18, 1.6 / 16, 2 / 20]
    assert at(steps, "refill_share", 100) == pytest.approx(shares[0])
    assert at(steps, "refill_share", 200) == pytest.approx(shares[1] - shares[0] / 2)
    # On the day of the replacement it is the old pump that is emptied.
    assert at(steps, "refill_share", 300) == pytest.approx(shares[2] - sum(shares[:2]) / 3)
    assert at(steps, "refill_share", 400) == pytest.approx(0.0)
    assert [at(steps, "refill_count", day) for day in (100, 200, 300, 400)] == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("refill", "share"),
    [
        ((100, 2, 3.8, ""), 0.1),  # 20 ml where the reservoir was not recorded
        ((100, 10, 13, 40), 0.1),
        ((100, 19.5, 20, 20), np.nan),  # hardly anything was to leave it
    ],
)
def test_share_of_the_volume_that_stayed(refill, share, tmp_path):
    got = at(lay_out(tmp_path, refills=[refill]), "refill_share", 100)
    assert got == pytest.approx(share, nan_ok=True)


def test_changes_of_the_neurological_score(tmp_path):
    scores = [(-30, 4), (50, 5), (60, 5.5), (300, 6), (300, 7), (400, 6)]
    steps = lay_out(tmp_path, tone=[(day, value, "edss") for day, value in scores])
    # The second is too soon after the first to say anything of a rate: the third is taken from it.
    assert np.isnan(at(steps, "edss_change", 50))
    assert np.isnan(at(steps, "edss_change", 60))
    assert at(steps, "edss_change", 300) == pytest.approx(6.5 - 5)
    assert at(steps, "edss_years", 300) == pytest.approx(250 / YEAR)
    assert at(steps, "edss_change", 400) == pytest.approx(-0.5)
    assert at(steps, "edss_years", 400) == pytest.approx(100 / YEAR)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        (["negative"], 0),
        (["positive"], 1),
        (["indeterminate"], 2),
        (["negative", "positive"], 1),
        (["positive", "indeterminate"], 1),
        (["indeterminate", "negative"], 0),
    ],
)
@pytest.mark.parametrize("event", ["dye_study", "aspiration", "rotor_study"])
def test_results_of_tests(event, results, code, tmp_path):
    steps = lay_out(tmp_path, events=[(100, event, result) for result in results])
    name = event.removesuffix("_study")
    assert at(steps, name, 100) == code
    for other in {"dye", "aspiration", "rotor"} - {name}:
        assert at(steps, other, 100) == -1


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("tolerance_diagnosed", "tolerance_label"),
        ("disease_progression", "progression_label"),
        ("trigger", "trigger_label"),
    ],
)
def test_labels(event, name, tmp_path):
    steps = lay_out(tmp_path, events=[(100, event)])
    assert getattr(steps, name).tolist() == [0, 1, 0, 0, 0]


@pytest.mark.parametrize("detail", ["relapse", " Relapse"])
def test_a_relapse_is_a_passing_worsening(detail, tmp_path):
    steps = lay_out(tmp_path, events=[(100, "disease_progression", detail)])
    assert steps.trigger_label.tolist() == [0, 1, 0, 0, 0]
    assert not steps.progression_label.any()


def test_the_mode_in_force_is_that_of_the_dose_before(tmp_path):
    doses = [(0, 100, "simple"), (100, 100, "bolus"), (200, 90, ""), (300, 90, "flex")]
    assert lay_out(tmp_path, doses=doses).bolus.tolist() == [0, 0, 1, 0]


def test_modes_that_were_never_written_down(tmp_path):
    tables = {
        "patients.csv": "patient_id,diagnosis\nA,MS\nB,MS\n",
        "doses.csv": "patient_id,t_years,daily_dose_ug\nA,0,100\nA,1,120\n",
        "cohort.toml": 'name = "hand"\nsynthetic = true\n',
    }
    cohort = Cohort.read(write_cohort(tmp_path, tables))
    steps = timeline(cohort)
    assert steps.bolus.tolist() == [0, 0]
    assert steps.patient_ids == ("A",)  # B has no dose
    assert timeline(cohort, until_years={"A": -1.0}).n_patient == 0
    assert timeline(cohort, until_years={"A": -1.0}).offsets.tolist() == [0]


def test_a_pause_that_ends_after_the_as_of_date_is_still_a_pause(tmp_path):
    records = {
        "tone": [(150, 1), (160, 1), (250, 1)],
        "events": [(155, "holiday_start"), (245, "holiday_end")],
    }
    cut = lay_out(tmp_path / "cut", until_day=180, **records)
    whole = lay_out(tmp_path / "whole", **records)
    assert_prefix(cut, 0, whole, 0)
    assert np.isfinite(cut.ashworth).sum() == 1


def assert_prefix(cut: Timeline, i: int, whole: Timeline, j: int) -> None:
    """Hold that patient i of ``cut`` is the beginning of patient j of ``whole``."""
    n = cut.offsets[i + 1] - cut.offsets[i]
    for item in fields(Timeline):
        if item.name in ("patient_ids", "offsets"):
            continue
        short, long = getattr(cut, item.name), getattr(whole, item.name)
        if item.name == "untreated_tone":
            np.testing.assert_array_equal(short[i], long[j])
            continue
        short = short[cut.offsets[i] : cut.offsets[i + 1]]
        np.testing.assert_array_equal(short, long[whole.offsets[j] :][:n], err_msg=item.name)


@pytest.fixture(scope="module")
def registry() -> tuple[Cohort, Timeline]:
    cohort = Cohort.read(REGISTRY)
    ids = cohort.patients["patient_id"][:25]
    first = {
        name: table[table["patient_id"].isin(ids)].reset_index(drop=True)
        for name, table in cohort.tables.items()
    }
    small = replace(cohort, **first)
    return small, timeline(small)


@settings(max_examples=20, deadline=None)
@given(until=st.floats(0.0, 8.0), spread=st.floats(0.0, 0.2))
def test_cutting_the_records_cuts_the_timeline(until, spread, registry):
    cohort, whole = registry
    ids = cohort.patients["patient_id"]
    limits = {pid: until * (1 + spread * k) for k, pid in enumerate(ids)}
    cut = timeline(cohort, until_years=limits)
    for i, pid in enumerate(cut.patient_ids):
        j = whole.patient_ids.index(pid)
        t = whole.t_years[whole.offsets[j] : whole.offsets[j + 1]]
        assert cut.offsets[i + 1] - cut.offsets[i] == (t <= limits[pid] + 1e-9).sum()
        assert_prefix(cut, i, whole, j)
