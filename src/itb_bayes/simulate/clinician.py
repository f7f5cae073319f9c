"""How the dose is set: on what was measured, by the policy of the centre."""

from dataclasses import dataclass

import numpy as np

from itb_bayes.simulate.person import draw
from itb_bayes.simulate.schema import ModePart, PolicyPart
from itb_bayes.simulate.spasticity import Reading


@dataclass(frozen=True)
class Prescription:
    """A dose in force: total ug/day and how it is given."""

    daily_ug: float
    mode: str = "simple"
    basal_ug_day: float | None = None
    bolus_ug: float | None = None
    boluses_per_day: int | None = None


def round_dose(dose_ug: float, coarse: bool) -> float:
    """Round a dose as programmers do: to 5 or 10 ug when coarse, else to 0.1 or 1 ug."""
    coarse_unit, fine_unit = (10.0, 1.0) if dose_ug >= 150 else (5.0, 0.1)
    unit = coarse_unit if coarse else fine_unit
    rounded = np.floor(dose_ug / unit + 0.5) * unit
    return round(float(max(rounded, unit, 1.0)), 1)


def relative_change(
    policy: PolicyPart, reading: Reading, titrating: bool, rng: np.random.Generator
) -> float:
    """Return the wanted change as a fraction of the dose, from the reading alone.

    Never positive when the mean score is at or below ``stop_at``: the stop rule of
    Kawano 2018.
    """
    excess = reading.mean_tone - policy.goal.value
    inert, whim, size, cut = rng.random(), rng.random(), rng.normal(1, 0.25), rng.random()
    if excess < -policy.cut_below.value and cut < policy.cut_probability.value:
        return -draw(rng, policy.cut)
    if reading.mean_tone <= policy.stop_at.value:
        return 0.0
    span = policy.titration_step if titrating else policy.step
    if excess > policy.dead_band.value:
        if inert < policy.inertia.value * (0.4 if titrating else 1.0):
            return 0.0
        wanted = np.expm1(policy.gain.value * excess * max(size, 0.3) * (1.8 if titrating else 1.0))
        return float(np.clip(wanted, span.low, span.high))
    return draw(rng, policy.step) if whim < policy.habit.value else 0.0


def change_dose(
    policy: PolicyPart, current: Prescription, fraction: float, rng: np.random.Generator
) -> Prescription:
    """Apply a relative change, rounded; unchanged if rounding eats it."""
    coarse = bool(rng.random() < policy.coarse_rounding.value)
    if fraction == 0.0:
        return current
    wanted = min(current.daily_ug * (1 + fraction), policy.highest_ug.value)
    if current.mode == "bolus":
        return _change_bolus(current, wanted)
    dose = round_dose(wanted, coarse)
    if (dose - current.daily_ug) * fraction <= 0:
        return current
    return Prescription(dose, current.mode)


def _change_bolus(current: Prescription, wanted_ug: float) -> Prescription:
    basal, per_day = current.basal_ug_day or 0.0, current.boluses_per_day or 1
    bolus = float(max(np.floor((wanted_ug - basal) / per_day + 0.5), 5.0))
    return bolus_prescription(basal, bolus, per_day)


def bolus_prescription(basal_ug_day: float, bolus_ug: float, per_day: int) -> Prescription:
    """Return a bolus-mode prescription; the total is basal plus boluses."""
    total = round(basal_ug_day + bolus_ug * per_day, 1)
    return Prescription(total, "bolus", basal_ug_day, bolus_ug, per_day)


def start_bolus(
    mode: ModePart, planned_per_day: int | None, rng: np.random.Generator
) -> Prescription:
    """Switch to periodic boluses over a very small basal dose (Kawano 2018)."""
    per_day = mode.boluses_per_day[int(rng.integers(0, len(mode.boluses_per_day)))]
    per_day = planned_per_day if planned_per_day is not None else per_day
    return bolus_prescription(mode.bolus_basal_ug_day.value, mode.bolus_ug.value, per_day)


def first_dose(policy: PolicyPart, requirement_ug: float, rng: np.random.Generator) -> Prescription:
    """Choose the dose at discharge from a screening bolus that reflects the requirement."""
    seen = requirement_ug * np.exp(rng.normal(-0.05, policy.start_error_log_sd.value))
    coarse = bool(rng.random() < policy.coarse_rounding.value)
    flex = rng.random() < policy.flex_share.value
    dose = round_dose(float(np.clip(seen, 25.0, 200.0)), coarse)
    return Prescription(dose, "flex" if flex else "simple")
