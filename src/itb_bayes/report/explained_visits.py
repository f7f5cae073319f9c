"""The values of one patient that a regimes fit used, day by day, and what happened to them."""

import math

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.actions import Action
from itb_bayes.kernel.regimes.layout import Code, Col
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.report.explained import EventMark, Known, Visit
from itb_bayes.report.frame import shorten

_RESULTS = {0: "negative", 1: "positive", 2: "indeterminate"}
_TESTS = ((Code.DYE, "dye study"), (Code.ASPIRATION, "aspiration"), (Code.ROTOR, "rotor study"))
_LABELS = (
    (Code.TOLERANCE, "tolerance noted"),
    (Code.PROGRESSION, "progression noted"),
    (Code.TRIGGER, "trigger or relapse noted"),
)
_ACTIONS = (
    (Action.CATHETER_CONFIRMED, "catheter fault confirmed"),
    (Action.PUMP_CONFIRMED, "pump fault confirmed"),
    (Action.CATHETER_REVISED, "catheter revised"),
    (Action.PUMP_REPLACED, "pump replaced"),
    (Action.REIMPLANTED, "reimplanted"),
    (Action.RESET, "holiday ended or mode changed"),
)
CHANNEL_NAMES = {
    "dose": "dose decisions",
    "ashworth": "Ashworth scores",
    "spasms": "Penn spasm scores",
    "refills": "refill volumes",
    "neuro": "neurological scores (EDSS)",
    "tests": "work-up tests",
    "labels": "notes of the clinic",
    "events": "confirmed faults",
}
_COLUMNS = {
    "dose": Col.DOSE_CHANGE,
    "ashworth": Col.ASHWORTH,
    "spasms": Col.PENN,
    "refills": Col.REFILL,
    "neuro": Col.EDSS,
}
_CONFIRMED = int(Action.CATHETER_CONFIRMED | Action.PUMP_CONFIRMED)


def visits_of(plan: RegimesPlan, patient: int, dose_ug: NDArray[np.float64]) -> tuple[Visit, ...]:
    """Return the values of every day of a patient's record; ``dose_ug`` holds from each on."""
    rows, codes = _own(plan, patient)
    return tuple(
        Visit(
            t_years=shorten(float(row[Col.T])),
            dose_ug=shorten(float(dose)),
            ashworth=_number(row[Col.ASHWORTH]),
            penn=_number(row[Col.PENN]),
            refill_percent=_number(100.0 * row[Col.REFILL]),
            edss_change=_number(row[Col.EDSS]),
            notes="; ".join(_notes(code)),
        )
        for row, code, dose in zip(rows, codes, dose_ug, strict=True)
    )


def events_of(plan: RegimesPlan, patient: int) -> tuple[EventMark, ...]:
    """Return tests, operations and labels of a patient, oldest first."""
    rows, codes = _own(plan, patient)
    marks = []
    for row, code in zip(rows, codes, strict=True):
        notes = _notes(code)
        if notes:
            marks.append(EventMark(shorten(float(row[Col.T])), "; ".join(notes)))
    return tuple(marks)


def known_of(plan: RegimesPlan, patient: int) -> tuple[Known, ...]:
    """Return how often each kind of record speaks about a patient, and when it last did."""
    rows, codes = _own(plan, patient)
    found = []
    for channel, name in CHANNEL_NAMES.items():
        if channel in _COLUMNS:
            spoken = np.isfinite(rows[:, _COLUMNS[channel]])
        elif channel == "tests":
            spoken = (codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]] >= 0).any(axis=1)
        elif channel == "labels":
            spoken = (codes[:, [Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER]] > 0).any(axis=1)
        else:
            spoken = (codes[:, Code.ACTION] & _CONFIRMED) > 0
        times = rows[spoken, Col.T]
        last = shorten(float(times.max())) if times.size else None
        found.append(Known(name, int(spoken.sum()), last))
    return tuple(found)


def _own(plan: RegimesPlan, patient: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    own = slice(int(plan.offsets[patient]), int(plan.offsets[patient + 1]))
    return plan.data[own], plan.codes[own]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else shorten(float(value)) + 0.0


def _notes(code: NDArray[np.int64]) -> list[str]:
    notes = [f"{name} {_RESULTS[int(code[k])]}" for k, name in _TESTS if code[k] >= 0]
    notes += [name for k, name in _LABELS if code[k] > 0]
    notes += [name for bit, name in _ACTIONS if int(code[Code.ACTION]) & int(bit)]
    return notes
