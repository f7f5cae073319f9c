"""The data contract, version 1: tables, columns, units, ranges and vocabularies.

Everything that reads, checks, writes or documents a cohort takes its facts from here.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "number", "date", "flag"]

CONTRACT_VERSION = 1
DAYS_PER_YEAR = 365.25
EARLIEST_YEAR = 1980
LIFETIME_YEARS = 60.0

DIAGNOSES = ("MS", "SCI", "HSP", "HAM", "CP", "TBI", "STROKE", "OTHER")
SEXES = ("F", "M")
SCI_LEVELS = ("cervical", "thoracic", "lumbar")
AIS_GRADES = ("A", "B", "C", "D", "E")
MS_COURSES = ("RR", "SP", "PP")
EXIT_REASONS = ("alive", "died", "lost", "explanted")
MODES = ("simple", "flex", "bolus")
STUDY_EVENTS = ("dye_study", "rotor_study", "aspiration")
STUDY_RESULTS = ("positive", "negative", "indeterminate")
EVENTS = (
    "catheter_fault_confirmed",
    "pump_fault_confirmed",
    "catheter_revision",
    "pump_replacement",
    "infection",
    "explant",
    "reimplant",
    "holiday_start",
    "holiday_end",
    "mode_change",
    "trigger",
    "tolerance_diagnosed",
    "disease_progression",
    "disease_improvement",
    *STUDY_EVENTS,
    "death",
    "lost",
)
EVENTS_BEFORE_IMPLANT = ("trigger", "disease_progression", "disease_improvement")

# Micrograms per stated unit; keys are case-folded and without spaces. Both the micro sign
# (U+00B5) and the Greek mu (U+03BC) fold to the latter.
UNIT_FACTORS = {"ug/day": 1.0, "\u03bcg/day": 1.0, "mcg/day": 1.0, "mg/day": 1000.0}


@dataclass(frozen=True)
class ScaleSpec:
    """Range and step of an assessment scale.

    Attributes
    ----------
    low, high : float
        Smallest and largest score.
    step : float
        Distance of neighbouring scores of a single rating.
    extra : tuple of float
        Single ratings allowed between the steps (1+ of the modified Ashworth scale).
    is_ashworth : bool
        Whether the scale is rated muscle by muscle and may be recorded as a mean.
    """

    low: float
    high: float
    step: float
    extra: tuple[float, ...] = ()
    is_ashworth: bool = False


SCALES = {
    "ashworth_1_5": ScaleSpec(1.0, 5.0, 1.0, is_ashworth=True),
    "ashworth_0_4": ScaleSpec(0.0, 4.0, 1.0, is_ashworth=True),
    "mas": ScaleSpec(0.0, 4.0, 1.0, extra=(1.5,), is_ashworth=True),
    "penn": ScaleSpec(0.0, 4.0, 1.0),
    "edss": ScaleSpec(0.0, 10.0, 0.5),
}


@dataclass(frozen=True)
class ColumnSpec:
    """One column of the contract.

    Attributes
    ----------
    name : str
        Column name, with its unit where it has one.
    kind : {"id", "text", "number", "date", "flag"}
        How its cells are read.
    required : bool
        Whether the column must be there.
    filled : bool
        Whether every cell must hold a value.
    vocabulary : tuple of str
        Allowed words; empty for free text.
    low, high : float
        Allowed range of a number, ends included.
    hint : str
        What to do about a value outside the range or vocabulary.
    """

    name: str
    kind: Kind
    required: bool = False
    filled: bool = False
    vocabulary: tuple[str, ...] = ()
    low: float = float("-inf")
    high: float = float("inf")
    hint: str = ""


@dataclass(frozen=True)
class TableSpec:
    """One table of the contract.

    Attributes
    ----------
    name : str
        Table name: the file's stem or the sheet's name.
    required : bool
        Whether a cohort must have it.
    columns : tuple of ColumnSpec
        Columns a file may hold.
    needs : tuple of str
        Columns without which a row says nothing; such a row is set aside, not an error.
    """

    name: str
    required: bool
    columns: tuple[ColumnSpec, ...]
    needs: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in canonical order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ColumnSpec:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)


def _time_columns() -> tuple[ColumnSpec, ...]:
    return (ColumnSpec("date", "date", filled=True), ColumnSpec("t_years", "number", filled=True))


_PATIENT_ID = ColumnSpec("patient_id", "id", required=True, filled=True)
_MICROGRAMS = "Give micrograms, or say mg/day in a 'unit' column."

PATIENTS = TableSpec(
    "patients",
    True,
    (
        _PATIENT_ID,
        ColumnSpec("diagnosis", "text", required=True, filled=True, vocabulary=DIAGNOSES),
        ColumnSpec("centre", "text"),
        ColumnSpec("implant_date", "date"),
        ColumnSpec("sex", "text", vocabulary=SEXES),
        ColumnSpec("age_at_implant", "number", low=0, high=110, hint="Give years."),
        ColumnSpec("sci_level", "text", vocabulary=SCI_LEVELS),
        ColumnSpec("ais_grade", "text", vocabulary=AIS_GRADES),
        ColumnSpec("ms_course", "text", vocabulary=MS_COURSES),
        ColumnSpec("ambulatory", "flag"),
        ColumnSpec("catheter_model", "text"),
        ColumnSpec("pump_model", "text"),
        ColumnSpec("last_seen", "date"),
        ColumnSpec("t_last_seen", "number"),
        ColumnSpec("exit_reason", "text", vocabulary=EXIT_REASONS),
    ),
)

DOSES = TableSpec(
    "doses",
    True,
    (
        _PATIENT_ID,
        *_time_columns(),
        ColumnSpec("daily_dose_ug", "number", low=0, high=10_000, hint=_MICROGRAMS),
        ColumnSpec("mode", "text", vocabulary=MODES),
        ColumnSpec("basal_ug_day", "number", low=0, high=10_000, hint=_MICROGRAMS),
        ColumnSpec("bolus_ug", "number", low=0, high=5_000, hint=_MICROGRAMS),
        ColumnSpec("boluses_per_day", "number", low=0, high=96, hint="Give boluses per day."),
        ColumnSpec(
            "concentration_ug_ml",
            "number",
            low=10,
            high=10_000,
            hint="Give micrograms per millilitre (500 µg/mL, not 0.5 mg/mL).",
        ),
        ColumnSpec("unit", "text"),
    ),
    needs=("daily_dose_ug",),
)

ASSESSMENTS = TableSpec(
    "assessments",
    False,
    (
        _PATIENT_ID,
        *_time_columns(),
        ColumnSpec("scale", "text", required=True, filled=True, vocabulary=tuple(SCALES)),
        ColumnSpec("value", "number", required=True),
        ColumnSpec("muscle", "text"),
        ColumnSpec("side", "text"),
        ColumnSpec("rater", "text"),
        ColumnSpec("n_muscles", "number", low=1, high=100, hint="Give the number of muscles."),
    ),
    needs=("value",),
)

REFILLS = TableSpec(
    "refills",
    False,
    (
        _PATIENT_ID,
        *_time_columns(),
        ColumnSpec(
            "expected_residual_ml", "number", required=True, low=0, high=100, hint="Give mL."
        ),
        ColumnSpec("actual_residual_ml", "number", required=True, low=0, high=100, hint="Give mL."),
        ColumnSpec("reservoir_ml", "number", low=1, high=100, hint="Give mL."),
    ),
    needs=("expected_residual_ml", "actual_residual_ml"),
)

EVENTS_TABLE = TableSpec(
    "events",
    False,
    (
        _PATIENT_ID,
        *_time_columns(),
        ColumnSpec("event", "text", required=True, filled=True, vocabulary=EVENTS),
        ColumnSpec("detail", "text"),
    ),
)

TABLES = {table.name: table for table in (PATIENTS, DOSES, ASSESSMENTS, REFILLS, EVENTS_TABLE)}

# Input-only columns: the canonical tables hold t_years and t_last_seen, and doses in µg/day.
INPUT_ONLY = {
    "patients": ("last_seen",),
    "doses": ("date", "unit"),
    "assessments": ("date",),
    "refills": ("date",),
    "events": ("date",),
}


def canonical_columns(table: str) -> tuple[str, ...]:
    """Return the columns of the canonical table, in order."""
    return tuple(c for c in TABLES[table].column_names if c not in INPUT_ONLY[table])
