"""What a report says, as plain values: pages are drawn from these documents and nothing else."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from itb_bayes.report.explained import (
    EventMark,
    Evidence,
    Explanations,
    Known,
    NextStep,
    Visit,
)
from itb_bayes.report.sensitivity import Sensitivity
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.patient import Status

SchemaVersion = Literal["2"]
SCHEMA_VERSION: SchemaVersion = "2"
"""Raised whenever a field changes its meaning; documents of another version are not read."""

Kind = Literal["drift", "regimes"]


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
        "refit": the fit takes in the patient's own records; "conditional": its draws are weighted
        by them; "population": neither.
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
    step_months : float or None
        Distance of the readings; None where every day of record is one.
    """

    channels: tuple[str, ...]
    t_years: tuple[float, ...]
    dose_ug: tuple[float, ...]
    step_months: float | None


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
        Yearly change of the typical patient's dose; of a regimes fit, of their requirement.
    centiles : Centiles or None
        None where no band can be drawn.
    centiles_of : str
        Whose centiles these are, in words.
    """

    diagnosis: str
    n_fitted: int | None
    min_cell: int
    drift_percent: Interval
    centiles: Centiles | None
    centiles_of: str


@dataclass(frozen=True)
class Drift:
    """Yearly change of the patient's own line.

    Attributes
    ----------
    percent_per_year : Interval
    p_above_typical : float
        Probability that it is above the typical patient's of their diagnosis.
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
class BeyondStudied:
    """A forecast whose 90 % range leaves the doses that were studied.

    Attributes
    ----------
    low_ug, high_ug : float
        Doses that were studied (µg/day).
    horizon_months : float
        Of the last forecast; the counts are of its dots.
    n_below, n_above : int
        Equally likely doses outside.
    n_dots : int
    """

    low_ug: float
    high_ug: float
    horizon_months: float
    n_below: int
    n_above: int
    n_dots: int


@dataclass(frozen=True)
class Risk:
    """One probability of something ahead.

    Attributes
    ----------
    quantity, explanation : str
        As in the long risk table.
    definition : str
        The event in words.
    horizon_months : float
    threshold_ug : float or None
        None where the event is no rise of the dose.
    probability : float
        Everything integrated out.
    low, high : float
        Spread over population parameters (5 and 95 %).
    range_definition : str
    mcse : float
        Simulation error of ``probability``.
    group_share : float or None
        Mean of this probability over the patients compared with; None where they are too few, or
        another base rate stands beside it.
    """

    quantity: str
    explanation: str
    definition: str
    horizon_months: float
    threshold_ug: float | None
    probability: float
    low: float
    high: float
    range_definition: str
    mcse: float
    group_share: float | None = None


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
    asked_as_of_years : float or None
        The as-of date that was asked for, years since implant: how old the record is by then
        decides whether there are numbers. None where no calendar is known.
    sensitivity : Sensitivity or None
        Whether other priors would give another answer; None where nothing is estimated.
    beyond_studied : BeyondStudied or None
        Where the 90 % range of a forecast leaves the doses that were studied.
    group, drift, explanations : None where not estimated, or not said by this kind of fit.
    forecasts, risks_ahead, evidence, next_steps : tuple
        Empty where not estimated.
    events, visits, known : tuple
        Empty for fits that read doses only.
    """

    schema_version: SchemaVersion
    kind: Kind
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
    explanations: Explanations | None = None
    evidence: tuple[Evidence, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
    events: tuple[EventMark, ...] = ()
    visits: tuple[Visit, ...] = ()
    known: tuple[Known, ...] = ()
    sensitivity: Sensitivity | None = None
    asked_as_of_years: float | None = None
    beyond_studied: BeyondStudied | None = None


_PATIENT = TypeAdapter(PatientDocument)


def to_json(document: PatientDocument) -> str:
    """Return a document as JSON text, in ASCII: no character of an identifier acts on a screen."""
    return json_text(_PATIENT.dump_python(document, mode="json"))


def json_text(content: Any) -> str:
    """Return plain values as JSON text, in ASCII."""
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def patient_from_json(text: str) -> PatientDocument:
    """Read a patient's document back."""
    return _PATIENT.validate_json(text)


def patient_schema() -> dict[str, Any]:
    """Return the JSON Schema of a patient's document."""
    return _PATIENT.json_schema(mode="serialization")
