"""What is written down of a patient's history: the rows of the data contract's tables."""

import datetime
from collections.abc import Iterator

import numpy as np

from itb_bayes.simulate.history import History, ReadingEntry
from itb_bayes.simulate.person import DAYS_PER_YEAR
from itb_bayes.simulate.schema import CentrePart, Settings
from itb_bayes.simulate.spasticity import MUSCLES

Cell = str | float | int | bool | None
Row = dict[str, Cell]

COLUMNS = {
    "patients": (
        "patient_id", "diagnosis", "centre", "implant_date", "sex", "age_at_implant", "sci_level",
        "ais_grade", "ms_course", "ambulatory", "catheter_model", "pump_model", "last_seen",
        "t_last_seen", "exit_reason",
    ),
    "doses": (
        "patient_id", "date", "t_years", "daily_dose_ug", "mode", "basal_ug_day", "bolus_ug",
        "boluses_per_day", "concentration_ug_ml",
    ),
    "assessments": (
        "patient_id", "date", "t_years", "scale", "value", "muscle", "side", "rater", "n_muscles",
    ),
    "refills": (
        "patient_id", "date", "t_years", "expected_residual_ml", "actual_residual_ml",
        "reservoir_ml",
    ),
    "events": ("patient_id", "date", "t_years", "event", "detail"),
}  # fmt: skip


class Recorder:
    """Writes down one patient's history, with what gets lost and mistyped on the way."""

    def __init__(self, settings: Settings, history: History, rng: np.random.Generator) -> None:
        self._settings, self._history, self._rng = settings, history, rng
        self._centre: CentrePart = settings.centre[history.person.centre]
        first = datetime.date(settings.cohort.first_implant_year.value, 1, 1)
        self._implant = first + datetime.timedelta(days=history.person.implant_offset_days)

    def tables(self) -> dict[str, list[Row]]:
        """Return the rows of every table the cohort keeps."""
        keeps = self._settings.cohort.channels
        annual = self._settings.cohort.dose_rows == "annual"
        tables = {
            "patients": [self._patient()],
            "doses": list(self._annual_doses() if annual else self._doses()),
        }
        # Every channel is drawn whether or not it is kept, so that a cohort without one has
        # the same other tables as a cohort with it.
        found = {
            "assessments": list(self._assessments()),
            "refills": list(self._refills()),
            "events": list(self._events()),
        }
        tables.update({name: rows for name, rows in found.items() if name in keeps})
        return tables

    def _when(self, day: float) -> Row:
        if self._settings.cohort.time_basis == "date":
            return {"date": (self._implant + datetime.timedelta(days=int(day))).isoformat()}
        return {"t_years": round(day / DAYS_PER_YEAR, 4)}

    def _lost(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def _patient(self) -> Row:
        person, history = self._history.person, self._history
        row: Row = {
            "patient_id": person.patient_id,
            "diagnosis": person.diagnosis,
            "centre": self._centre.name,
        }
        covariates: Row = {
            "sex": person.sex,
            "age_at_implant": person.age_at_implant,
            "sci_level": person.sci_level,
            "ais_grade": person.ais_grade,
            "ms_course": person.ms_course,
            "ambulatory": person.ambulatory,
            "catheter_model": person.catheter_model,
            "pump_model": person.pump_model,
        }
        for name, value in covariates.items():
            row[name] = None if self._lost(self._settings.missing.covariate.value) else value
        if self._settings.cohort.time_basis == "date":
            row["implant_date"] = self._implant.isoformat()
            row["last_seen"] = self._when(history.exit_day)["date"]
        else:
            row["t_last_seen"] = round(history.exit_day / DAYS_PER_YEAR, 4)
        row["exit_reason"] = history.exit_reason
        return row

    def _doses(self) -> Iterator[Row]:
        for entry in self._history.doses:
            slip = self._lost(self._settings.missing.tenfold_dose.value)
            if not entry.changed and self._centre.dose_rows == "change":
                continue
            given = entry.prescription
            yield {
                "patient_id": self._history.person.patient_id,
                **self._when(entry.day),
                "daily_dose_ug": round(given.daily_ug * (10 if slip else 1), 1),
                "mode": given.mode,
                "basal_ug_day": given.basal_ug_day,
                "bolus_ug": given.bolus_ug,
                "boluses_per_day": given.boluses_per_day,
                "concentration_ug_ml": entry.concentration_ug_ml,
            }

    def _annual_doses(self) -> Iterator[Row]:
        last = int(self._history.exit_day / DAYS_PER_YEAR)
        for year in range(1, last + 1):
            yield {
                "patient_id": self._history.person.patient_id,
                **self._when(year * DAYS_PER_YEAR),
                "daily_dose_ug": self._history.dose_at(year * DAYS_PER_YEAR),
            }

    def _assessments(self) -> Iterator[Row]:
        missing = self._settings.missing
        patient: Row = {"patient_id": self._history.person.patient_id}
        edss = dict(self._history.edss)
        for entry in self._history.readings:
            lost, penn_lost = self._lost(missing.assessment.value), self._lost(missing.penn.value)
            base = {**patient, **self._when(entry.day)}
            if not lost:
                yield from self._ashworth(entry, base)
            if self._centre.penn and not penn_lost:
                yield {**base, "scale": "penn", "value": entry.reading.penn}
            if entry.day in edss:
                yield {**base, "scale": "edss", "value": edss[entry.day]}

    def _ashworth(self, entry: ReadingEntry, base: Row) -> Iterator[Row]:
        scores, centre = entry.reading.scores, self._centre
        row: Row = {
            **base,
            "scale": centre.scale,
            "rater": f"{centre.name}-{entry.reading.rater + 1}",
        }
        if centre.record == "mean":
            mean = round(float(np.mean(scores)), 2)
            yield {**row, "value": mean, "n_muscles": len(scores)}
            return
        for (muscle, side), score in zip(MUSCLES[: len(scores)], scores, strict=True):
            yield {**row, "value": score, "muscle": muscle, "side": side}

    def _refills(self) -> Iterator[Row]:
        for entry in self._history.refills:
            if self._lost(self._settings.missing.refill.value):
                continue
            yield {
                "patient_id": self._history.person.patient_id,
                **self._when(entry.day),
                "expected_residual_ml": entry.expected_ml,
                "actual_residual_ml": entry.actual_ml,
                "reservoir_ml": entry.reservoir_ml,
            }

    def _events(self) -> Iterator[Row]:
        for entry in self._history.events:
            yield {
                "patient_id": self._history.person.patient_id,
                **self._when(entry.day),
                "event": entry.event,
                "detail": entry.detail or None,
            }
