"""The clinician: stop rule, rounding, bolus mode; the work-up and its accuracy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itb_bayes.simulate import load_settings, simulate_cohort
from itb_bayes.simulate.clinic import draw_centres, simulate_patient
from itb_bayes.simulate.clinician import (
    Prescription,
    bolus_prescription,
    change_dose,
    first_dose,
    relative_change,
    round_dose,
    start_bolus,
)
from itb_bayes.simulate.history import RefillEntry
from itb_bayes.simulate.schema import Incident
from itb_bayes.simulate.spasticity import Reading
from itb_bayes.simulate.suspicion import Suspicion

KAWANO = load_settings("kawano2018")
REGISTRY = load_settings("registry")
POLICIES = [(name, policy) for name, policy in sorted(REGISTRY.policy.items())]


def _reading(mean_tone: float) -> Reading:
    return Reading(mean_tone, (mean_tone,), 0, 1.0)


@given(
    seed=st.integers(0, 10_000),
    mean=st.floats(0, 4),
    titrating=st.booleans(),
    which=st.integers(0, len(POLICIES) - 1),
)
def test_no_policy_raises_the_dose_at_or_below_its_stop(
    seed: int, mean: float, titrating: bool, which: int
) -> None:
    policy = POLICIES[which][1]
    change = relative_change(policy, _reading(mean), titrating, np.random.default_rng(seed))
    span = policy.titration_step if titrating else policy.step
    assert -policy.cut.high <= change <= max(span.high, policy.step.high)
    if mean <= policy.stop_at.value:
        assert change <= 0.0


def test_kawano_patients_are_never_raised_at_a_mean_ashworth_of_one() -> None:
    centres = draw_centres(KAWANO)
    stopped = 0
    for index in range(8):
        history = simulate_patient(KAWANO, centres, index)[2]
        means = {entry.day: np.mean(entry.reading.scores) for entry in history.readings}
        before = None
        for entry in history.doses:
            at_floor = means.get(entry.day) == 1.0
            if at_floor and before is not None and before.mode == entry.prescription.mode:
                assert entry.prescription.daily_ug <= before.daily_ug
                stopped += 1
            before = entry.prescription
    assert stopped > 20


def test_high_tone_is_usually_answered_with_a_raise() -> None:
    policy = REGISTRY.policy["reading"]
    rng = np.random.default_rng(0)
    changes = [relative_change(policy, _reading(2.5), False, rng) for _ in range(500)]
    raised = np.mean([change > 0 for change in changes])
    assert raised == pytest.approx(1 - policy.inertia.value, abs=0.06)


@given(dose=st.floats(1, 2000), coarse=st.booleans())
def test_rounding_is_to_the_programmers_units(dose: float, coarse: bool) -> None:
    rounded = round_dose(dose, coarse)
    unit = (10.0 if dose >= 150 else 5.0) if coarse else (1.0 if dose >= 150 else 0.1)
    assert rounded > 0
    assert rounded == round(rounded, 1)
    assert (rounded / unit) == pytest.approx(round(rounded / unit), abs=1e-6)
    assert abs(rounded - dose) <= unit / 2 + 1e-9 or rounded == unit


@given(dose=st.floats(5, 1500), fraction=st.floats(-0.3, 0.3), seed=st.integers(0, 1000))
def test_a_change_never_goes_the_wrong_way(dose: float, fraction: float, seed: int) -> None:
    policy = REGISTRY.policy["reading"]
    current = Prescription(round(dose, 1))
    after = change_dose(policy, current, fraction, np.random.default_rng(seed))
    assert (after.daily_ug - current.daily_ug) * fraction >= 0
    assert after.daily_ug <= policy.highest_ug.value


@given(bolus=st.integers(5, 200), per_day=st.integers(1, 12), fraction=st.floats(-0.2, 0.3))
def test_bolus_totals_agree_with_their_parts(bolus: int, per_day: int, fraction: float) -> None:
    policy = REGISTRY.policy["reading"]
    given_now = bolus_prescription(5.5, float(bolus), per_day)
    after = change_dose(policy, given_now, fraction, np.random.default_rng(1))
    assert after.mode == "bolus"
    assert after.basal_ug_day == 5.5
    assert after.bolus_ug is not None
    assert after.daily_ug == pytest.approx(5.5 + after.bolus_ug * per_day, abs=0.05)


@pytest.mark.parametrize("per_day, total", [(4, 125.5), (3, 95.5)])
def test_bolus_mode_starts_as_published(per_day: int, total: float) -> None:
    started = start_bolus(KAWANO.mode, per_day, np.random.default_rng(0))
    assert started == Prescription(total, "bolus", 5.5, 30.0, per_day)


def test_first_doses_are_those_of_discharge() -> None:
    policy = REGISTRY.policy["reading"]
    rng = np.random.default_rng(0)
    doses = [first_dose(policy, 95.0, rng).daily_ug for _ in range(400)]
    assert min(doses) >= 25
    assert max(doses) <= 200
    assert np.median(doses) == pytest.approx(90, rel=0.08)


def test_suspicion_needs_a_discrepancy_of_volume_in_excess() -> None:
    suspicion = Suspicion(REGISTRY.workup)
    suspicion.see_refill(RefillEntry(100, 4.0, 3.0, 20.0))
    assert not suspicion.is_raised(100, 0)
    suspicion.see_refill(RefillEntry(190, 4.0, 5.5, 20.0))
    assert not suspicion.is_raised(190, 0)
    suspicion.see_refill(RefillEntry(280, 4.0, 9.0, 20.0))
    assert suspicion.is_raised(280, 0)


def test_suspicion_follows_futile_raises_and_sudden_loss() -> None:
    futile = Suspicion(REGISTRY.workup)
    for day, dose in ((400, 200.0), (460, 230.0), (520, 270.0)):
        futile.see_reading(day, 0.6, dose)
    assert futile.is_raised(520, 365)
    calm = Suspicion(REGISTRY.workup)
    for day, dose in ((400, 200.0), (460, 200.0), (520, 210.0)):
        calm.see_reading(day, 0.3, dose)
    assert not calm.is_raised(520, 365)
    calm.see_reading(560, 1.6, 210.0)
    assert calm.is_raised(560, 365)
    calm.clear(561)
    assert not calm.is_raised(600, 365)


def test_work_up_has_the_published_accuracy() -> None:
    """Dye studies of patients with and without a fault; aspiration fails in between."""
    base = load_settings("registry", patients=60, years=6.0)
    faults = tuple(
        Incident(patient=i, kind="catheter", form="abrupt", t_years=1.5, size=0.1, source="test")
        for i in range(1, 61)
    )
    settings = base.model_copy(update={"incident": faults})
    centres = draw_centres(settings)
    seen: dict[bool, list[str]] = {True: [], False: []}
    for index in range(60):
        history = simulate_patient(settings, centres, index)[2]
        for event in history.events:
            if event.event == "dye_study":
                present = any(
                    fault.part == "catheter" and fault.start_day <= event.day < fault.end_day
                    for fault in history.device.faults
                )
                seen[present].append(event.detail)
    done = [detail for detail in seen[True] if detail != "indeterminate"]
    assert len(done) >= 25
    assert np.mean([detail == "positive" for detail in done]) == pytest.approx(0.81, abs=0.15)
    clean = [detail for detail in seen[False] if detail != "indeterminate"]
    assert np.mean([detail == "positive" for detail in clean]) < 0.25


def test_confirmed_faults_are_true_and_the_dose_falls_within_a_month() -> None:
    settings = load_settings("registry", patients=80)
    centres = draw_centres(settings)
    ratios = []
    for index in range(80):
        history = simulate_patient(settings, centres, index)[2]
        found = {(f.part, f.end_day) for f in history.device.faults if f.found}
        for event in history.events:
            if event.event.endswith("_fault_confirmed"):
                part = event.event.split("_")[0]
                assert (part, event.day) in found
                if history.exit_day > event.day + 40:
                    ratios.append(history.dose_at(event.day + 29) / history.dose_at(event.day))
    assert len(ratios) >= 8
    assert np.mean(ratios) < 0.92


def test_mistyped_doses_are_off_by_default_and_tenfold_when_asked_for() -> None:
    settings = load_settings("clinic-small", patients=3)
    assert settings.missing.tenfold_dose.value == 0.0
    slips = settings.missing.tenfold_dose.model_copy(update={"value": 1.0})
    missing = settings.missing.model_copy(update={"tenfold_dose": slips})
    right = simulate_cohort(settings).tables["doses"]
    wrong = simulate_cohort(settings.model_copy(update={"missing": missing})).tables["doses"]
    for row, slip in zip(right, wrong, strict=True):
        assert slip["daily_dose_ug"] == pytest.approx(10 * float(row["daily_dose_ug"] or 0))
