"""What a report says, as plain values: pages are drawn from these documents and nothing else."""

import json
from dataclasses import dataclass

from pydantic import TypeAdapter

from itb_bayes.risk.interval import Interval
from itb_bayes.risk.patient import Status

SCHEMA_VERSION = "1"


@dataclass(frozen=True)
class Provenance:
    """Where the numbers come from.

    Attributes
    ----------
    package_version, model_name, model_version : str
    model_digest, data_digest, run_id : str
        First digits of the SHA-256 digests in the manifest of the fit.
    cohort : str
    synthetic : bool
        Whether the patients are simulated.
    mode : str
        "refit": the patient's own records were part of the fit.
    """

    package_version: str
    model_name: str
    model_version: str
    model_digest: str
    data_digest: str
    run_id: str
    cohort: str
    synthetic: bool
    mode: str


@dataclass(frozen=True)
class Gate:
    """Whether the fit passed its convergence gate, and what failed."""

    passed: bool
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Notice:
    """The lines that stand on every page."""

    research_use: str
    emergency: str


@dataclass(frozen=True)
class Quality:
    """Whether the record supports numbers, and why not."""

    status: Status
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Inputs:
    """The values of this patient that were used.

    Attributes
    ----------
    channels : tuple of str
        Kinds of record that the model reads.
    t_years, dose_ug : tuple of float
        Readings of the dose in force (µg/day), years since implant.
    step_months : float
        Distance of the readings.
    """

    channels: tuple[str, ...]
    t_years: tuple[float, ...]
    dose_ug: tuple[float, ...]
    step_months: float


@dataclass(frozen=True)
class Centiles:
    """Doses of new patients of a group: rows are the 5, 25, 50, 75 and 95 % quantiles."""

    t_years: tuple[float, ...]
    dose_ug: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class ReferenceGroup:
    """The patients compared with.

    Attributes
    ----------
    diagnosis : str
    n_fitted : int or None
        Patients of the diagnosis in the fit; None where they are fewer than ``min_cell``.
    min_cell : int
    drift_percent : Interval
        Yearly change of the typical patient's dose.
    centiles : Centiles
    """

    diagnosis: str
    n_fitted: int | None
    min_cell: int
    drift_percent: Interval
    centiles: Centiles


@dataclass(frozen=True)
class Drift:
    """Yearly change of the patient's own line.

    Attributes
    ----------
    percent_per_year : Interval
    p_above_typical : float
        Probability that it is above the typical patient's of his diagnosis.
    """

    percent_per_year: Interval
    p_above_typical: float


@dataclass(frozen=True)
class DoseForecast:
    """Dose after a horizon: quantiles, and 20 equally likely doses."""

    horizon_months: float
    dose_ug: Interval
    dots_ug: tuple[float, ...]


@dataclass(frozen=True)
class Risk:
    """One probability of something ahead.

    Attributes
    ----------
    quantity, explanation : str
        As in the long risk table.
    definition : str
        The event in words.
    horizon_months, threshold_ug : float
    probability : float
        Everything integrated out.
    low, high : float
        Spread over population parameters (5 and 95 %).
    range_definition : str
    mcse : float
        Simulation error of ``probability``.
    """

    quantity: str
    explanation: str
    definition: str
    horizon_months: float
    threshold_ug: float
    probability: float
    low: float
    high: float
    range_definition: str
    mcse: float


@dataclass(frozen=True)
class Comparators:
    """The published rule, and how often it flags.

    Attributes
    ----------
    last_year_rise_ug : float or None
        Change of the recorded dose over the last year; None where the record is shorter.
    rule_flagged : bool or None
    base_rate : float or None
        Share of yearly comparisons of the group that the rule flagged; None where there are too
        few patients to say.
    base_years : int or None
        Number of these comparisons.
    base_group : str
        The group, in words.
    """

    last_year_rise_ug: float | None
    rule_flagged: bool | None
    base_rate: float | None
    base_years: int | None
    base_group: str


@dataclass(frozen=True)
class PatientDocument:
    """Everything that one patient's page says.

    Attributes
    ----------
    patient_id, label : str
        As recorded, and as shown.
    as_of_years : float
        Years since implant of the last reading; every number is as of then.
    group, drift : None where not estimated.
    forecasts, risks_ahead : tuple
        Empty where not estimated.
    """

    schema_version: str
    page_id: str
    patient_id: str
    label: str
    diagnosis: str
    provenance: Provenance
    gate: Gate
    notice: Notice
    as_of_years: float
    quality: Quality
    inputs: Inputs
    group: ReferenceGroup | None
    drift: Drift | None
    forecasts: tuple[DoseForecast, ...]
    risks_ahead: tuple[Risk, ...]
    comparators: Comparators
    limits: tuple[str, ...]


@dataclass(frozen=True)
class GroupRow:
    """One diagnosis of the cohort: typical dose at year 1 (µg/day) and yearly change (%)."""

    diagnosis: str
    n_fitted: int
    dose_year1_ug: Interval
    drift_percent: Interval


@dataclass(frozen=True)
class Contrast:
    """Difference of the yearly change between two groups, in percentage points."""

    label: str
    drift_percent: Interval
    p_above_zero: float


@dataclass(frozen=True)
class PatientRow:
    """One patient in the list; the numbers are those of his page."""

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
    """

    schema_version: str
    provenance: Provenance
    gate: Gate
    notice: Notice
    horizon_months: float
    n_fitted: int
    n_set_aside: int
    groups: tuple[GroupRow, ...]
    contrast: Contrast | None
    patients: tuple[PatientRow, ...]


_PATIENT = TypeAdapter(PatientDocument)
_INDEX = TypeAdapter(IndexDocument)


def to_json(document: PatientDocument | IndexDocument) -> str:
    """Return a document as JSON text, in ASCII: no character of an identifier acts on a screen."""
    if isinstance(document, PatientDocument):
        content = _PATIENT.dump_python(document, mode="json")
    else:
        content = _INDEX.dump_python(document, mode="json")
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def patient_from_json(text: str) -> PatientDocument:
    """Read a patient's document back."""
    return _PATIENT.validate_json(text)


def index_from_json(text: str) -> IndexDocument:
    """Read a list of patients back."""
    return _INDEX.validate_json(text)
