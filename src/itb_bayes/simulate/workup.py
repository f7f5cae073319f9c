"""Tests for a device fault, the operations they lead to, and the management of tolerance."""

from typing import TYPE_CHECKING

from itb_bayes.simulate.clinician import bolus_prescription, start_bolus
from itb_bayes.simulate.person import draw

if TYPE_CHECKING:
    from itb_bayes.simulate.care import Care

_OPEN_CATHETER_FACTOR = 0.35


def carry_out_workup(care: "Care", day: int, *, forced: bool) -> None:
    """Interrogate, then image: pump first if the volume or an alarm points there."""
    if care.paused_since is not None:
        care.suspicion.test_done(day, clean=False)
        return
    pump_suspected = care.suspicion.discrepant
    pump_first = pump_suspected or (forced and care.device.active("pump", day) is not None)
    if pump_first and rotor_study(care, day):
        _schedule_surgery(care, day, "pump")
        return
    result = dye_study(care, day)
    if result == "positive":
        _schedule_surgery(care, day, "catheter")
        return
    if not pump_first and rotor_study(care, day):
        _schedule_surgery(care, day, "pump")
        return
    care.suspicion.test_done(day, clean=result == "negative")
    rules = care.settings.workup
    clean = rules.exploration.value * min(care.suspicion.negative_tests, 3) / 2
    explore = rules.exploration_indeterminate.value if result == "indeterminate" else clean
    if care.rng.random() < explore:
        _schedule_surgery(care, day, "catheter")


def rotor_study(care: "Care", day: int) -> bool:
    """Carry out a rotor study, note it, and return whether it was positive."""
    rules = care.settings.workup
    faulty = care.device.active("pump", day) is not None
    chance = rules.rotor_sensitivity.value if faulty else 1 - rules.rotor_specificity.value
    positive = bool(care.rng.random() < chance)
    care.history.note(day, "rotor_study", "positive" if positive else "negative")
    return positive


def dye_study(care: "Care", day: int) -> str:
    """Aspirate and inject dye; return positive, negative or indeterminate."""
    rules = care.settings.workup
    fault = care.device.active("catheter", day)
    blocked = rules.not_aspirable_fault if fault else rules.not_aspirable_intact
    aspirated = care.rng.random() >= blocked.value
    care.history.note(day, "aspiration", "negative" if aspirated else "positive")
    sensitivity = rules.dye_sensitivity.value
    if fault is not None and fault.passes(day) > 0.95:
        # An intermittent block that is open today, or a leak that has only begun.
        sensitivity *= _OPEN_CATHETER_FACTOR
    chance = sensitivity if fault is not None else 1 - rules.dye_specificity.value
    positive = care.rng.random() < chance
    result = "indeterminate" if not aspirated else "positive" if positive else "negative"
    care.history.note(day, "dye_study", result)
    return result


def _schedule_surgery(care: "Care", day: int, part: str) -> None:
    care.suspicion.test_done(day, clean=False)
    care.suspicion.testing = True
    care.plan(day + int(draw(care.rng, care.settings.workup.surgery_days)), "surgery", part)


def operate(care: "Care", day: int, part: str) -> None:
    """Replace a part; a fault that is found becomes a confirmed event."""
    if care.paused_since is not None:
        care.suspicion.test_done(day, clean=False)
        return
    found = care.device.repair(part, day)
    if found:
        care.history.note(day, f"{part}_fault_confirmed")
        delay = int(draw(care.rng, care.settings.workup.dose_cut_days))
        care.plan(day + delay, "dose_cut")
    else:
        care.history.note(day, "catheter_revision" if part == "catheter" else "pump_replacement")
    if part == "pump":
        care.reservoir.fill(day, care.prescription.daily_ug)
    care.suspicion.clear(day)
    care.risk_infection(day)


def replace_pump(care: "Care", day: int) -> None:
    """Replace the pump because of its age; the catheter is looked at in passing."""
    noticed = care.rng.random() < care.settings.workup.found_at_replacement.value
    care.device.replace_pump(day)
    care.history.note(day, "pump_replacement")
    care.reservoir.fill(day, care.prescription.daily_ug)
    care.risk_infection(day)
    if noticed and care.device.active("catheter", day) is not None:
        operate(care, day, "catheter")


def manage_tolerance(care: "Care", day: int) -> None:
    """Call it tolerance, after clean tests, and try a holiday or bolus mode."""
    policy = care.policy
    chance, which = care.rng.random(), care.rng.random()
    if policy.management == "none" or chance >= policy.tolerance_per_visit.value:
        return
    care.suspicion.managed_on = day
    care.history.note(day, "tolerance_diagnosed")
    if policy.management == "holiday" or (policy.management == "either" and which < 0.5):
        care.history.note(day, "holiday_start")
        care.pause(day)
        care.plan(day + int(draw(care.rng, care.settings.mode.holiday_days)), "holiday_end")
    else:
        switch_to_bolus(care, day)


def switch_to_bolus(care: "Care", day: int) -> None:
    """Give the day's drug as boluses over a very small basal dose; tolerance resets."""
    planned = None
    for tolerance in care.course.tolerances:
        if tolerance.start_day < day:
            planned = tolerance.boluses_per_day
            tolerance.reset(day, draw(care.rng, care.settings.tolerance.kept_after_reset))
    prescription = start_bolus(care.settings.mode, planned, care.rng)
    wanted = care.prescription.daily_ug * draw(care.rng, care.settings.mode.holiday_restart)
    per_day = prescription.boluses_per_day or 1
    basal = prescription.basal_ug_day or 0.0
    if planned is None and wanted > prescription.daily_ug:
        prescription = bolus_prescription(basal, float(round((wanted - basal) / per_day)), per_day)
    care.history.note(day, "mode_change", "bolus")
    care.suspicion.clear(day)
    care.suspicion.changed_mode_on = day
    care.prescribe(day, prescription)
