"""The truth behind a simulated patient: what no clinic could write down."""

import numpy as np

from itb_bayes.simulate.history import History
from itb_bayes.simulate.person import DAYS_PER_YEAR
from itb_bayes.simulate.records import Row

TRUTH_COLUMNS = {
    "patients": (
        "patient_id", "drift_log_per_year", "plateau_ug_day", "untreated_tone", "exit_reason",
        "t_exit",
    ),
    "regimes": (
        "patient_id", "part", "kind", "form", "t_onset", "t_end", "end", "t_detected",
        "log_size", "share_delivered",
    ),
    "requirement": (
        "patient_id", "t_years", "requirement_ug_day", "share_delivered", "programmed_ug_day",
    ),
}  # fmt: skip

MONTH_DAYS = DAYS_PER_YEAR / 12


def truth_tables(history: History, untreated_tone: float) -> dict[str, list[Row]]:
    """Return the truth rows of one patient; times in years since implant."""
    course, person = history.course, history.person
    patient: Row = {
        "patient_id": person.patient_id,
        "drift_log_per_year": round(course.drift_log_per_year, 4),
        "plateau_ug_day": round(course.plateau_ug, 1),
        "untreated_tone": round(untreated_tone, 2),
        "exit_reason": history.exit_reason,
        "t_exit": _years(history.exit_day),
    }
    rows = [*_requirement_regimes(history), *_fault_regimes(history), *_pauses(history)]
    rows = [row for row in rows if float(row["t_onset"] or 0) < history.exit_day / DAYS_PER_YEAR]
    rows.sort(key=lambda row: (float(row["t_onset"] or 0), str(row["kind"])))
    regimes = [{"patient_id": person.patient_id, **row} for row in rows]
    return {"patients": [patient], "regimes": regimes, "requirement": _grid(history)}


def _years(day: float) -> float:
    return round(day / DAYS_PER_YEAR, 4)


def _detected(history: History, event: str, start_day: int, end_day: float) -> float | None:
    days = [e.day for e in history.events if e.event == event and start_day <= e.day <= end_day]
    return _years(days[0]) if days else None


def _requirement_regimes(history: History) -> list[Row]:
    course, exit_day = history.course, history.exit_day
    rows: list[Row] = []
    for trigger in course.triggers:
        end = min(trigger.end_day, exit_day)
        rows.append(
            {
                "part": "requirement",
                "kind": "trigger",
                "form": trigger.kind,
                "t_onset": _years(trigger.start_day),
                "t_end": _years(end),
                "end": "passed" if trigger.end_day <= exit_day else "exit",
                "t_detected": _detected(history, "trigger", trigger.start_day, end),
            }
        )
    for change in course.changes:
        event = "disease_progression"
        event = "disease_improvement" if change.kind == "improvement" else event
        end = min(change.end_day, exit_day)
        rows.append(
            {
                "part": "requirement",
                "kind": "improvement" if change.kind == "improvement" else "progression",
                "form": change.kind if change.kind == "relapse" else "continuous",
                "t_onset": _years(change.start_day),
                "t_end": _years(end),
                "end": "complete" if change.end_day <= exit_day else "exit",
                "t_detected": _detected(history, event, change.start_day, change.start_day + 200)
                if change.recorded
                else None,
                "log_size": round(change.size, 3),
            }
        )
    for tolerance in course.tolerances:
        end = min(tolerance.resets[0][0], exit_day) if tolerance.resets else exit_day
        rows.append(
            {
                "part": "requirement",
                "kind": "tolerance",
                "form": tolerance.form,
                "t_onset": _years(tolerance.start_day),
                "t_end": _years(end),
                "end": "reset" if tolerance.resets else "exit",
                "t_detected": _detected(history, "tolerance_diagnosed", tolerance.start_day, end),
                "log_size": round(tolerance.size, 3),
            }
        )
    return rows


def _fault_regimes(history: History) -> list[Row]:
    rows: list[Row] = []
    for fault in history.device.faults:
        end = min(fault.end_day, history.exit_day)
        present = fault.end_day > history.exit_day
        rows.append(
            {
                "part": "delivery",
                "kind": fault.part,
                "form": fault.form,
                "t_onset": _years(fault.start_day),
                "t_end": _years(end),
                "end": "exit" if present else "repaired" if fault.found else "replaced_unnoticed",
                "t_detected": _years(end) if fault.found else None,
                "share_delivered": round(fault.floor, 3),
            }
        )
    return rows


def _pauses(history: History) -> list[Row]:
    return [
        {
            "part": "delivery",
            "kind": "paused",
            "form": "holiday_or_explant",
            "t_onset": _years(start),
            "t_end": _years(end),
            "end": "resumed" if end < history.exit_day else "exit",
            "share_delivered": 0.0,
        }
        for start, end in history.pauses
    ]


def _grid(history: History) -> list[Row]:
    rows: list[Row] = []
    for month in range(int(history.exit_day / MONTH_DAYS) + 1):
        day = month * MONTH_DAYS
        paused = any(start <= day < end for start, end in history.pauses)
        share = 0.0 if paused else history.device.patency(day)
        rows.append(
            {
                "patient_id": history.person.patient_id,
                "t_years": round(month / 12, 3),
                "requirement_ug_day": round(float(np.exp(history.course.log_requirement(day))), 1),
                "share_delivered": round(share, 3),
                "programmed_ug_day": history.dose_at(day),
            }
        )
    return rows
