"""The latent requirement: drift, tolerance and its reset, triggers."""

import numpy as np
import pytest

from itb_bayes.simulate import load_settings
from itb_bayes.simulate.clinic import draw_centres, simulate_patient
from itb_bayes.simulate.person import apportion, draw_person
from itb_bayes.simulate.requirement import Tolerance, Trigger, draw_course, wander
from itb_bayes.simulate.schema import Incident

SETTINGS = load_settings("base")


@pytest.mark.parametrize("form", ["step", "slope"])
def test_tolerance_grows_then_a_holiday_resets_it(form: str) -> None:
    tolerance = Tolerance(1000, form, 0.6, 200.0)
    assert tolerance.shift(1000) == 0.0
    assert tolerance.shift(1100) == pytest.approx(0.3)
    assert tolerance.shift(2000) == pytest.approx(0.6)
    tolerance.reset(1500, 0.2)
    assert tolerance.shift(1499) == pytest.approx(0.6)
    assert tolerance.shift(1500) == pytest.approx(0.12)
    assert tolerance.shift(3000) == pytest.approx(0.12)
    tolerance.reset(2500, 0.5)
    assert tolerance.shift(3000) == pytest.approx(0.06)


def test_a_reset_before_tolerance_is_complete_stops_its_growth() -> None:
    tolerance = Tolerance(0, "slope", 0.8, 800.0)
    tolerance.reset(400, 0.0)
    assert tolerance.shift(399) == pytest.approx(0.4, abs=0.002)
    assert tolerance.shift(900) == 0.0


def test_wandering_has_its_spread_and_its_length() -> None:
    t = np.arange(0, 10, 7 / 365.25)
    draws = np.array([wander(np.random.default_rng(i), t, 0.06, 0.5) for i in range(600)])
    assert draws.std() == pytest.approx(0.06, rel=0.1)
    steps = np.abs(np.diff(draws, axis=1))
    assert steps.max() < 0.06
    lag = np.argmin(np.abs(t - 2.5))
    correlation = np.corrcoef(draws[:, 0], draws[:, lag])[0, 1]
    assert abs(correlation) < 0.2


def test_requirement_rises_at_the_patients_own_drift() -> None:
    calm = load_settings("skoog2019")
    errors, checked = [], 0
    for index in range(60):
        rng = np.random.default_rng(index)
        person = draw_person(calm, index, rng)
        course = draw_course(calm, person, 0.0, (), rng)
        if course.changes:
            continue
        checked += 1
        days = np.arange(700, 2550, 7)
        logs = [course.log_requirement(float(day)) for day in days]
        errors.append(np.polyfit(days / 365.25, logs, 1)[0] - course.drift_log_per_year)
        assert np.exp(course.log_requirement(366)) == pytest.approx(course.plateau_ug, rel=0.35)
    assert checked > 30
    # Wandering (SD 0.06) leaves about 0.02 on a slope over five years, and no bias.
    assert np.mean(errors) == pytest.approx(0.0, abs=0.008)
    assert np.std(errors) < 0.03


def test_planned_changes_happen_when_planned() -> None:
    person = draw_person(load_settings("skoog2019"), 1, np.random.default_rng(0))
    planned = (
        Incident(patient=2, kind="improvement", t_years=2.0, size=0.5, source="test"),
        Incident(patient=2, kind="tolerance", form="abrupt", t_years=3.0, size=0.7, source="test"),
    )
    with_plan = draw_course(SETTINGS, person, 0.0, planned, np.random.default_rng(1))
    improved = [change for change in with_plan.changes if change.kind == "improvement"]
    assert [change.size for change in improved] == [-0.5]
    assert improved[0].start_day == 730
    assert person.follow_up_days > 1095
    sudden = [tolerance for tolerance in with_plan.tolerances if tolerance.form == "step"]
    assert any(t.size == 0.7 and t.start_day == 1095 for t in sudden)


def test_trigger_tone_comes_and_goes() -> None:
    course = draw_course(
        SETTINGS,
        draw_person(SETTINGS, 1, np.random.default_rng(0)),
        0.0,
        (),
        np.random.default_rng(1),
    )
    object.__setattr__(course, "triggers", (Trigger(100, 128, 0.8, "uti"),))
    assert course.trigger_tone(99) == 0.0
    assert 0.3 < course.trigger_tone(100) < 0.8
    assert course.trigger_tone(114) == pytest.approx(0.8, abs=0.01)
    assert course.trigger_tone(128) == 0.0


def test_a_holiday_resets_tolerance_and_lowers_the_dose() -> None:
    """A planned tolerance in a clinic that manages by holiday, over many patients."""
    base = load_settings("clinic-small", patients=25, years=9.0)
    incidents = tuple(
        Incident(
            patient=i + 1, kind="tolerance", form="abrupt", t_years=2.0, size=1.2, source="test"
        )
        for i in range(25)
    )
    policies = {
        name: policy.model_copy(update={"management": "holiday"})
        for name, policy in base.policy.items()
    }
    settings = base.model_copy(update={"incident": incidents, "policy": policies})
    centres = draw_centres(settings)
    histories = [simulate_patient(settings, centres, index)[2] for index in range(25)]
    falls = []
    for history in histories:
        starts = [e.day for e in history.events if e.event == "holiday_start"]
        ends = [e.day for e in history.events if e.event == "holiday_end"]
        for start, end in zip(starts, ends, strict=False):
            assert not any(start < entry.day < end for entry in history.doses)
            assert any(
                tolerance.resets and tolerance.resets[0][0] <= end
                for tolerance in history.course.tolerances
                if tolerance.start_day < start
            ) or all(tolerance.start_day >= start for tolerance in history.course.tolerances)
            falls.append(history.dose_at(end) / history.dose_at(start))
    assert len(falls) >= 5
    assert max(falls) < 0.7


def test_dealing_meets_counts_exactly_and_keeps_its_prefix() -> None:
    dealt = [apportion([22.0, 19.0], index) for index in range(82)]
    assert [group for group, _ in dealt[:41]].count(0) == 22
    assert [group for group, _ in dealt].count(1) == 38
    for group in (0, 1):
        assert [nth for g, nth in dealt if g == group] == list(
            range(len([g for g, _ in dealt if g == group]))
        )
