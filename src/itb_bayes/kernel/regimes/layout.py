"""Names of the numbers that the regime kernels read: states, parameters, columns of data."""

from enum import IntEnum


class State(IntEnum):
    """The hidden regimes: requirement states with an intact device, then device faults.

    A device fault and a change of the requirement at the same visit are rarer than one visit in
    300, so they are not kept apart: the fault is the explanation (docs/regimes-model.md).
    """

    STABLE = 0
    TRIGGER = 1
    TOLERANCE_RISING = 2
    TOLERANCE_SETTLED = 3
    PROGRESSION = 4
    CATHETER_LEAKING = 5
    CATHETER_CREEPING = 6
    CATHETER_PARTIAL = 7
    CATHETER_COMPENSATED = 8
    CATHETER_SEVERE = 9
    PUMP = 10


N_STATE = len(State)
N_INTACT = 5
"""States with an intact device come first."""

EXPLANATIONS = ("none", "trigger", "tolerance", "progression", "catheter", "pump")
EXPLANATION_OF_STATE = (0, 1, 2, 2, 3, 4, 4, 4, 4, 4, 5)
"""Index into :data:`EXPLANATIONS` of every state."""

CATHETER_STATES = tuple(s for s in State if EXPLANATIONS[EXPLANATION_OF_STATE[s]] == "catheter")
"""Every way in which the catheter may be at fault."""

TOLERANCE_STATES = tuple(s for s in State if EXPLANATIONS[EXPLANATION_OF_STATE[s]] == "tolerance")


class Par(IntEnum):
    """Population parameters, in the units of the kernels (log dose, tone points, years)."""

    WANDER_VAR = 0
    TITRATION = 1
    TITRATION_YEARS = 2
    TITRATION_VAR = 3
    START_GAP = 4
    START_VAR = 5
    TOLERANCE_RATE = 6
    TOLERANCE_VAR = 7
    TOLERANCE_STEP = 8
    TOLERANCE_STEP_VAR = 9
    PROGRESSION_RATE = 10
    PROGRESSION_VAR = 11
    HILL = 12
    LEAK_RATE = 13
    LEAK_VAR = 14
    LOSS_SEVERE = 15
    LOSS_PUMP = 16
    LOSS_SEVERE_VAR = 17
    LOSS_PUMP_VAR = 18
    TRIGGER_TONE = 19
    TRIGGER_TONE_VAR = 20
    OUTLIER = 21
    PENN_INTERCEPT = 22
    PENN_SLOPE = 23
    PENN_VAR = 24
    PENN_PATIENT_VAR = 25
    TRIGGER_ONSET = 26
    TRIGGER_END = 27
    TOLERANCE_EARLY = 28
    TOLERANCE_LATE = 29
    TOLERANCE_SETTLE = 30
    PROGRESSION_END = 31
    CATHETER_FIRST = 32
    CATHETER_LATER = 33
    SEVERE_SHARE = 34
    LEAK_SETTLES = 35
    PUMP_HAZARD = 36
    PUMP_SHAPE = 37
    FOUND_CATHETER = 38
    FOUND_PUMP = 39
    FOUND_TESTED = 40
    WORK_UP = 41
    ALARM = 42
    DYE_SENSITIVITY = 43
    DYE_FALSE = 44
    BLOCKED_FAULT = 45
    BLOCKED_INTACT = 46
    ROTOR_SENSITIVITY = 47
    ROTOR_FALSE = 48
    REFILL_VAR = 49
    REFILL_PUMP = 50
    REFILL_PUMP_VAR = 51
    EDSS_VAR = 52
    EDSS_RATE = 53
    EDSS_PROGRESSION = 54
    TOLERANCE_LABEL = 55
    TOLERANCE_LABEL_FALSE = 56
    PROGRESSION_LABEL = 57
    PROGRESSION_LABEL_FALSE = 58
    TRIGGER_LABEL = 59
    TRIGGER_LABEL_FALSE = 60
    RESET_DROP = 61
    RESET_VAR = 62
    BOLUS_POTENCY = 63
    MISSED = 64
    LEAK_DROP = 65
    LEAK_DROP_VAR = 66
    GAIN = 67
    DOSE_VAR = 68
    STILL = 69
    STILL_VAR = 70
    TOLERANCE_LABEL_LEAK = 71
    LEAK_STEP = 72
    LEAK_STEP_VAR = 73
    SUDDEN_SHARE = 74
    CREEP_SHARE = 75
    CREEP_RATE = 76
    CREEP_VAR = 77
    CREEP_DROP = 78
    UNRULED = 79
    TOLERANCE_SUDDEN = 80


N_PAR = len(Par)


class Own(IntEnum):
    """Parameters that differ between patients."""

    DRIFT = 0
    UNTREATED = 1
    TONE_VAR = 2
    PROGRESSION_ONSET = 3
    CATHETER_RATIO = 4
    GOAL = 5


N_OWN = len(Own)


class Col(IntEnum):
    """Columns of measured values."""

    T = 0
    LOG_DOSE = 1
    ASHWORTH = 2
    PENN = 3
    REFILL = 4
    REFILL_COUNT = 5
    EDSS = 6
    EDSS_YEARS = 7
    CATHETER_AGE = 8
    PUMP_AGE = 9
    DOSE_CHANGE = 10
    SEARCH = 11
    CATHETER_TESTED = 12
    PUMP_TESTED = 13
    EXCLUDED = 14


N_COL = len(Col)


class Code(IntEnum):
    """Columns of whole numbers."""

    DYE = 0
    ASPIRATION = 1
    ROTOR = 2
    TOLERANCE = 3
    PROGRESSION = 4
    TRIGGER = 5
    ACTION = 6
    BOLUS = 7


N_CODE = len(Code)

CATHETER_EARLY_YEARS = 1.0
"""End of the first piece of the catheter's hazard (Pucks-Faes 2018: half of faults in year 1)."""

TOLERANCE_FROM_YEARS = 1.0
"""Start of the hazard of tolerance: what the dose rises by in the first year is titration."""

TOLERANCE_EARLY_YEARS = 4.0
"""End of the first piece of the hazard of tolerance (early series: mean 16 months)."""

PUMP_REFERENCE_YEARS = 6.0
"""Age at which the pump's cumulative hazard is stated."""

START_ELSEWHERE = 1e-6
"""Probability of every other state at the first step: no evidence is impossible."""

SHORTEST_YEARS = 1.0 / 365.25
"""A step stands for at least a day: the chance of being found or named then is never nought."""

SCALE_POINTS = 4.0
"""Top of the scales of tone and spasm frequency."""

OUTLIER_DENSITY = 1.0 / SCALE_POINTS
"""Density of a reading that says nothing: uniform over the scale."""

OFF_SCALE_DENSITY = 1e-4
"""The same off the scale, where only courses drawn from the model itself have readings."""

UNRULED_NOT_CHANGED = 0.5
"""Of decisions on the dose that follow no rule: how many leave it alone."""

WIDEST_CHANGE = 1.0
"""Largest change of the log dose by a decision that follows no rule, up or down."""

LOST_SHARE = 0.1
"""Of the tone readings that say nothing: how many do because the requirement is not where it was
thought. It is then Gaussian about the log of the present dose."""

LOST_VAR = 0.25
"""Variance of that Gaussian: a factor of 1.6 either way."""
