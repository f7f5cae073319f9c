"""What the list of all patients says, as plain values."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from itb_bayes.report.document import Gate, Kind, Notice, Provenance, Risk, SchemaVersion, json_text
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.patient import Status


@dataclass(frozen=True)
class GroupRow:
    """One diagnosis of the cohort.

    Attributes
    ----------
    diagnosis : str
    n_fitted : int or None
        Patients fitted; None where the number is withheld: it is small, or would give a small one
        away.
    dose_year1_ug : Interval or None
        Typical dose at year 1 (µg/day); None for fits that do not model it.
    drift_percent : Interval
        Yearly change (%).
    """

    diagnosis: str
    n_fitted: int | None
    dose_year1_ug: Interval | None
    drift_percent: Interval


@dataclass(frozen=True)
class Contrast:
    """Difference of the yearly change between two groups, in percentage points."""

    label: str
    drift_percent: Interval
    p_above_zero: float


@dataclass(frozen=True)
class Leading:
    """The most probable explanation of a patient, present now.

    Attributes
    ----------
    explanation, name : str
    probability, low, high : float
    count, none_count : int
        Whole numbers in 100 of it, and of "none of these".
    """

    explanation: str
    name: str
    probability: float
    low: float
    high: float
    count: int
    none_count: int


@dataclass(frozen=True)
class PatientRow:
    """One patient in the list; the numbers are those of their page.

    Attributes
    ----------
    chance : float or None
        What the list is ordered by: of a drift fit, the probability of a large rise; of a regimes
        fit, that anything but "none" is present. None where not estimated.
    count, previous_count : int or None
        The same in 100, now and in the earlier report.
    """

    page_id: str
    patient_id: str
    label: str
    diagnosis: str
    as_of_years: float
    status: Status
    reasons: tuple[str, ...]
    dose_now_ug: float
    t_years: tuple[float, ...]
    dose_ug: tuple[float, ...]
    drift_percent: Interval | None
    risk: Risk | None
    rule_flagged: bool | None
    chance: float | None
    count: int | None
    previous_count: int | None
    leading: Leading | None = None


@dataclass(frozen=True)
class Workload:
    """What looking at everybody above a threshold would mean.

    Attributes
    ----------
    threshold : float
        Of the probability that ranks the list.
    n_flagged : int
        Patients of the list at or above it.
    expected_true, expected_missed : float
        Sum of the probabilities of those above, and of those below: how many are expected to have
        what the probability is of, if the model is right.
    chosen : bool
        Whether this is the threshold that was asked for.
    """

    threshold: float
    n_flagged: int
    expected_true: float
    expected_missed: float
    chosen: bool


@dataclass(frozen=True)
class IndexDocument:
    """Everything that the list of patients says.

    Attributes
    ----------
    n_fitted : int
        Patients in the fit; the list may hold fewer.
    n_set_aside : int
        Readings and patients that the fit did not use.
    groups : tuple of GroupRow
    contrast : Contrast or None
        MS - SCI, where the cohort has both.
    patients : tuple of PatientRow
        Highest probability first; those not estimated last.
    workload : tuple of Workload
        Empty where nobody is estimated.
    workload_of : str
        What the probability of the workload is of, in words.
    since : str
        Run of the earlier report that changes are told against; empty where there is none.
    part : str
        Of a report in parts, the part that these patients lie in; empty otherwise.
    """

    schema_version: SchemaVersion
    kind: Kind
    provenance: Provenance
    gate: Gate
    notice: Notice
    horizon_months: float
    n_fitted: int
    n_set_aside: int
    groups: tuple[GroupRow, ...]
    contrast: Contrast | None
    patients: tuple[PatientRow, ...]
    workload: tuple[Workload, ...]
    workload_of: str
    since: str
    part: str = ""


_INDEX = TypeAdapter(IndexDocument)


def index_to_json(document: IndexDocument) -> str:
    """Return a list of patients as JSON text, in ASCII."""
    return json_text(_INDEX.dump_python(document, mode="json"))


def index_from_json(text: str) -> IndexDocument:
    """Read a list of patients back."""
    return _INDEX.validate_json(text)


def index_schema() -> dict[str, Any]:
    """Return the JSON Schema of the list of patients."""
    return _INDEX.json_schema(mode="serialization")
