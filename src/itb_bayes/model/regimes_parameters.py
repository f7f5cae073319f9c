"""From priors to kernel parameters: one table, read by PyMC graphs and by numpy alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from itb_bayes.kernel.regimes.layout import Own, Par
from itb_bayes.model.regimes_plan import RegimesPlan

TYPICAL_UNTREATED = 1.9
"""Tone before implant, in points above the goal, that the patient's own is compared with.

Coffey 1993: 3.9 on the scale from 1; Kawano 2018: 3.31 on the same; about 2.9 on the 0-4 scale.
"""

_CENTRED = {"reading_sd": "ashworth", "goal": "dose"}
"""Parameters with one value per centre where centres are modelled."""

Rule = tuple[str, Callable[[Any, Any], Any]]


def _same(x: Any, xp: Any) -> Any:
    return x


def _square(x: Any, xp: Any) -> Any:
    return x * x


def _whole_points(x: Any, xp: Any) -> Any:
    """Penn scores are whole points: without their rounding a density could grow without limit."""
    return x * x + 1.0 / 12.0


def _half_points(x: Any, xp: Any) -> Any:
    """The EDSS has half points, and a change of it two of them."""
    return x * x + 2.0 * 0.5**2 / 12.0


def _inverse(x: Any, xp: Any) -> Any:
    return 1.0 / x


def _negative(x: Any, xp: Any) -> Any:
    return -x


def _hazard(x: Any, xp: Any) -> Any:
    return -xp.log1p(-x)


RULES: dict[Par, Rule] = {
    Par.WANDER_VAR: ("wander_sd", _square),
    Par.TITRATION: ("titration_depth", _same),
    Par.TITRATION_YEARS: ("titration_months", _same),
    Par.TITRATION_VAR: ("titration_depth_sd", _square),
    Par.START_GAP: ("start_gap", _same),
    Par.START_VAR: ("start_gap_sd", _square),
    Par.TOLERANCE_RATE: ("tolerance_rate", _same),
    Par.TOLERANCE_VAR: ("tolerance_rate_cv", _square),
    Par.TOLERANCE_STEP: ("tolerance_step", _same),
    Par.TOLERANCE_STEP_VAR: ("tolerance_step_cv", _square),
    Par.PROGRESSION_RATE: ("progression_rate", _same),
    Par.PROGRESSION_VAR: ("progression_rate_cv", _square),
    Par.HILL: ("steepness", _same),
    Par.LEAK_RATE: ("leak_rate", _same),
    Par.LEAK_STEP: ("leak_step", _same),
    Par.LEAK_STEP_VAR: ("leak_step_sd", _square),
    Par.LEAK_VAR: ("leak_rate_cv", _square),
    Par.CREEP_SHARE: ("creep_share", _same),
    Par.CREEP_RATE: ("creep_rate", _same),
    Par.CREEP_VAR: ("creep_rate_cv", _square),
    Par.CREEP_DROP: ("creep_drop", _same),
    Par.LOSS_SEVERE: ("severe_delivery", _negative),
    Par.LOSS_PUMP: ("pump_delivery", _negative),
    Par.LOSS_SEVERE_VAR: ("severe_delivery_sd", _square),
    Par.LOSS_PUMP_VAR: ("pump_delivery_sd", _square),
    Par.TRIGGER_TONE: ("trigger_tone", _same),
    Par.TRIGGER_TONE_VAR: ("trigger_tone_sd", _square),
    Par.OUTLIER: ("outlier_share", _same),
    Par.PENN_INTERCEPT: ("spasm_intercept", _same),
    Par.PENN_SLOPE: ("spasm_slope", _same),
    Par.PENN_VAR: ("spasm_sd", _whole_points),
    Par.PENN_PATIENT_VAR: ("spasm_patient_sd", _square),
    Par.TRIGGER_ONSET: ("trigger_per_year", _same),
    Par.TRIGGER_END: ("trigger_weeks", _inverse),
    Par.TOLERANCE_EARLY: ("tolerance_early_per_year", _same),
    Par.TOLERANCE_LATE: ("tolerance_late_per_year", _same),
    Par.TOLERANCE_SUDDEN: ("tolerance_sudden_share", _same),
    Par.TOLERANCE_SETTLE: ("tolerance_months", _inverse),
    Par.PROGRESSION_END: ("progression_months", _inverse),
    Par.CATHETER_FIRST: ("catheter_first_year", _same),
    Par.CATHETER_LATER: ("catheter_later", _same),
    Par.SEVERE_SHARE: ("severe_share", _same),
    Par.SUDDEN_SHARE: ("sudden_share", _same),
    Par.LEAK_SETTLES: ("leak_months", _inverse),
    Par.PUMP_HAZARD: ("pump_failed_by_six_years", _hazard),
    Par.PUMP_SHAPE: ("pump_shape", _same),
    Par.FOUND_CATHETER: ("found_catheter", _same),
    Par.FOUND_PUMP: ("found_pump", _same),
    Par.FOUND_TESTED: ("found_after_test", _same),
    Par.WORK_UP: ("work_up_per_year", _same),
    Par.ALARM: ("alarm_per_year", _same),
    Par.DYE_SENSITIVITY: ("dye_sensitivity", _same),
    Par.DYE_FALSE: ("dye_false", _same),
    Par.BLOCKED_FAULT: ("blocked_fault", _same),
    Par.BLOCKED_INTACT: ("blocked_intact", _same),
    Par.ROTOR_SENSITIVITY: ("rotor_sensitivity", _same),
    Par.ROTOR_FALSE: ("rotor_false", _same),
    Par.REFILL_VAR: ("refill_sd", _square),
    Par.REFILL_PUMP: ("pump_shortfall", _same),
    Par.REFILL_PUMP_VAR: ("pump_shortfall_sd", _square),
    Par.EDSS_VAR: ("edss_sd", _half_points),
    Par.EDSS_RATE: ("edss_per_year", _same),
    Par.EDSS_PROGRESSION: ("edss_progression", _same),
    Par.TOLERANCE_LABEL: ("tolerance_label_per_year", _same),
    Par.TOLERANCE_LABEL_LEAK: ("tolerance_label_leak", _same),
    Par.TOLERANCE_LABEL_FALSE: ("tolerance_label_false", _same),
    Par.PROGRESSION_LABEL: ("progression_label_per_year", _same),
    Par.PROGRESSION_LABEL_FALSE: ("progression_label_false", _same),
    Par.TRIGGER_LABEL: ("trigger_label_per_year", _same),
    Par.TRIGGER_LABEL_FALSE: ("trigger_label_false", _same),
    Par.RESET_DROP: ("reset_drop", _same),
    Par.RESET_VAR: ("reset_drop_sd", _square),
    Par.LEAK_DROP: ("leak_drop", _same),
    Par.LEAK_DROP_VAR: ("leak_drop_sd", _square),
    Par.BOLUS_POTENCY: ("bolus_potency", _same),
    Par.MISSED: ("missed_share", _same),
    Par.GAIN: ("dose_gain", _same),
    Par.DOSE_VAR: ("dose_sd", _square),
    Par.STILL: ("still_share", _same),
    Par.STILL_VAR: ("still_points", _square),
    Par.UNRULED: ("unruled_share", _same),
}
"""Which prior, on its model scale, makes which kernel parameter, and how."""

_VARIES = {
    Par.LEAK_VAR: "leak_rate",
    Par.CREEP_VAR: "creep_rate",
    Par.TOLERANCE_VAR: "tolerance_rate",
    Par.TOLERANCE_STEP_VAR: "tolerance_step",
    Par.PROGRESSION_VAR: "progression_rate",
}
"""Variances that are stated as coefficients of variation, and of what."""

_CHANNEL_OF = {
    "spasms": ("spasm_intercept", "spasm_slope", "spasm_sd", "spasm_patient_sd"),
    "dose": ("goal", "dose_gain", "dose_sd", "still_share", "still_points", "unruled_share"),
    "refills": ("refill_sd", "pump_shortfall", "pump_shortfall_sd"),
    "tests": (
        "dye_sensitivity", "dye_false", "blocked_fault", "blocked_intact", "rotor_sensitivity",
        "rotor_false", "work_up_per_year", "alarm_per_year", "found_after_test",
    ),
    "events": ("found_catheter", "found_pump", "found_after_test"),
    "labels": (
        "tolerance_label_per_year", "tolerance_label_leak", "tolerance_label_false",
        "progression_label_per_year", "progression_label_false", "trigger_label_per_year",
        "trigger_label_false",
    ),
    "neuro": ("edss_sd", "edss_per_year", "edss_progression"),
}  # fmt: skip

_OFF = {Par.FOUND_CATHETER, Par.FOUND_PUMP, Par.FOUND_TESTED, Par.WORK_UP, Par.ALARM,
        Par.TOLERANCE_LABEL, Par.TOLERANCE_LABEL_LEAK, Par.TOLERANCE_LABEL_FALSE,
        Par.PROGRESSION_LABEL, Par.PROGRESSION_LABEL_FALSE, Par.TRIGGER_LABEL,
        Par.TRIGGER_LABEL_FALSE}  # fmt: skip
"""Rates that must be nought where their channel is off: silence is then no evidence."""


def used_priors(plan: RegimesPlan) -> frozenset[str]:
    """Return the names of the priors that a plan samples: those of channels that are on."""
    off = {name for channel, names in _CHANNEL_OF.items() if channel not in plan.channels
           for name in names}  # fmt: skip
    own = {"drift", "untreated_tone", "untreated_follows", "reading_sd", "older_catheter_ratio",
           "progression_per_year", "goal"}  # fmt: skip
    unused = off | (set() if plan.older_catheter.any() else {"older_catheter_ratio"})
    if not np.isfinite(plan.untreated_tone).any():
        unused.add("untreated_follows")
    return frozenset({name for name, _ in RULES.values()} | own) - unused


@dataclass(frozen=True)
class Design:
    """What of a plan the parameters are laid over: numpy arrays, or variables of a graph.

    Attributes
    ----------
    diagnosis_index, centre_index : shape (n_patient,)
        -1 stands for a group that was not fitted.
    older_catheter : shape (n_patient,)
    untreated_deviation : shape (n_patient,)
        Log of the patient's tone before implant over the typical one; 0 where not recorded.
    has_centres : bool
    """

    diagnosis_index: Any
    centre_index: Any
    older_catheter: Any
    untreated_deviation: Any
    has_centres: bool


def design_of(plan: RegimesPlan) -> Design:
    """Return the design of a plan as numpy arrays."""
    recorded = np.isfinite(plan.untreated_tone)
    above = np.clip(np.where(recorded, plan.untreated_tone, 2.0) - 1.0, 0.4, 3.0)
    deviation = np.where(recorded, np.log(above / TYPICAL_UNTREATED), 0.0)
    return Design(
        plan.diagnosis_index,
        plan.centre_index,
        plan.older_catheter,
        deviation,
        bool(plan.centres),
    )


def kernel_parameters(
    values: Mapping[str, Any], design: Design | RegimesPlan, xp: Any
) -> tuple[Any, Any]:
    """Return the kernel's population vector (81,) and patient matrix (n_patient, 6).

    Parameters
    ----------
    values : mapping
        Prior name to value on the model scale: scalars; ``drift`` and ``progression_per_year``
        one per diagnosis; ``reading_sd`` and ``goal`` one per centre, or scalars without centres.
    design : Design or RegimesPlan
    xp : module
        ``numpy`` or ``pytensor.tensor``.

    Notes
    -----
    A scored patient of a diagnosis or centre that was not fitted gets the mean over the fitted
    ones.
    """
    if isinstance(design, RegimesPlan):
        design = design_of(design)
    vector = []
    for par in Par:
        name, rule = RULES[par]
        if name in values:
            scale = values[_VARIES[par]] ** 2 if par in _VARIES else 1.0
            vector.append(rule(values[name], xp) * scale)
        else:
            vector.append(xp.zeros(()) + _placeholder(par))
    ones = xp.ones_like(design.older_catheter)
    ratio = values.get("older_catheter_ratio", 1.0)
    follows = values.get("untreated_follows", 0.0)
    untreated = values["untreated_tone"] * xp.exp(follows * design.untreated_deviation)
    reading_sd = _by_centre(values["reading_sd"], design, xp)
    goal = _by_centre(values["goal"], design, xp) if "goal" in values else 1.0
    columns = {
        Own.DRIFT: pick(values["drift"], design.diagnosis_index, xp),
        Own.UNTREATED: 1.0 + untreated,
        Own.TONE_VAR: reading_sd**2 * ones,
        Own.PROGRESSION_ONSET: pick(values["progression_per_year"], design.diagnosis_index, xp),
        Own.CATHETER_RATIO: 1.0 + (ratio - 1.0) * design.older_catheter,
        Own.GOAL: goal * ones,
    }
    own = xp.stack([columns[o] for o in Own], axis=1)
    return xp.stack(vector), own


def pick(values: Any, index: Any, xp: Any) -> Any:
    """Return ``values[index]``, and the mean of all values where the index is -1."""
    return xp.concatenate([values, values.mean()[None]])[index]


def _by_centre(values: Any, design: Design, xp: Any) -> Any:
    return pick(values, design.centre_index, xp) if design.has_centres else values


def _placeholder(par: Par) -> float:
    return 0.0 if par in _OFF else 0.5
