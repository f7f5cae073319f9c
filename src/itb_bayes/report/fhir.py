"""A patient's document as a FHIR Bundle: RiskAssessment resources, R4B or R5.

Probabilities are percentages, as FHIR has them (constraint ras-2), ``when`` is always set, there is
no qualitative risk, and no code that has not been verified: concepts are text.
"""

import calendar
import uuid
from datetime import date, timedelta
from typing import Any, Literal

from markupsafe import escape

from itb_bayes.cohort.contract import DAYS_PER_YEAR
from itb_bayes.figures.style import plain_text
from itb_bayes.report.document import PatientDocument, Risk
from itb_bayes.report.explained import ExplanationNow

Release = Literal["R4B", "R5"]

RANGE_EXTENSION = "urn:itb-bayes:range-across-plausible-model-settings"
_UCUM = "http://unitsofmeasure.org"
_TEST_DATA = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
_SPACE = uuid.UUID("6f3a3c0e-6f0a-5d0b-9d0e-0f2b6f6f6a11")


def fhir_bundle(document: PatientDocument, release: Release, today: date) -> dict[str, Any]:
    """Return the Bundle of one patient.

    Parameters
    ----------
    document : PatientDocument
    release : {"R4B", "R5"}
        Elements used are also those of R4 4.0.1.
    today : date
        Day of the as-of time; where the document holds none, taken as the day of the last record:
        cohorts hold times since implant, FHIR needs dates.
    """
    seen = data_day(document, today)
    ids = {name: _urn(document, name) for name in ("patient", "device", "dose", "now", "ahead")}
    resources = [
        ("patient", _patient(document)),
        ("device", _device(document, release)),
        ("dose", _dose(document, ids, seen)),
    ]
    if document.explanations is not None:
        now = [_present(document, item, seen) for item in document.explanations.items]
        resources.append(("now", _assessment(document, ids, today, "present as of the data", now)))
    ahead = [_ahead(document, risk, seen) for risk in document.risks_ahead]
    resources.append(("ahead", _assessment(document, ids, today, "ahead", ahead)))
    return {
        "resourceType": "Bundle",
        **_meta(document),
        "type": "collection",
        "entry": [{"fullUrl": ids[name], "resource": resource} for name, resource in resources],
    }


def data_day(document: PatientDocument, today: date) -> date:
    """Return the day of a patient's last record, as of which the numbers are.

    Parameters
    ----------
    document : PatientDocument
    today : date
        Day of the as-of time.
    """
    if document.asked_as_of_years is None:
        return today
    years = max(document.asked_as_of_years - document.as_of_years, 0.0)
    return today - timedelta(days=round(DAYS_PER_YEAR * years))


def percent(probability: float) -> float:
    """Return a probability in per cent, as FHIR has it.

    Raises
    ------
    ValueError
        If it does not lie between 0 and 1.
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError("a probability lies between 0 and 1")
    return float(f"{100.0 * probability:.6g}")


def months_later(day: date, months: float) -> date:
    """Return the day a whole number of months later; the month's last day where there is none."""
    year, month = divmod(day.month - 1 + round(months), 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _urn(document: PatientDocument, name: str) -> str:
    key = f"{document.provenance.run_id}/{document.page_id}/{name}"
    return f"urn:uuid:{uuid.uuid5(_SPACE, key)}"


def _meta(document: PatientDocument) -> dict[str, Any]:
    """Return the tag of test data; nothing for others, since FHIR knows no empty objects."""
    return {"meta": {"tag": [_TEST_DATA]}} if document.provenance.synthetic else {}


def _narrative(text: str) -> dict[str, str]:
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(text)}</p></div>',
    }


def _notice(document: PatientDocument) -> str:
    label = "SYNTHETIC DATA. " if document.provenance.synthetic else ""
    return f"{label}{document.notice.research_use} {document.notice.emergency}"


def _patient(document: PatientDocument) -> dict[str, Any]:
    identifiers = [{"system": "urn:itb-bayes:page", "value": document.page_id}]
    if plain_text(document.patient_id) == document.patient_id:
        identifiers.append({"system": "urn:itb-bayes:cohort", "value": document.patient_id})
    return {"resourceType": "Patient", **_meta(document), "identifier": identifiers}


def _device(document: PatientDocument, release: Release) -> dict[str, Any]:
    kind = {"text": "statistical software, research use only"}
    p = document.provenance
    return {
        "resourceType": "Device",
        **_meta(document),
        "type": [kind] if release == "R5" else kind,
        "version": [
            {
                "value": f"itb_bayes {p.package_version}; model {p.model_name} {p.model_version} "
                f"({p.model_digest}); run {p.run_id}"
            }
        ],
    }


def _dose(document: PatientDocument, ids: dict[str, str], seen: date) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        **_meta(document),
        "status": "final",
        "code": {"text": "programmed intrathecal baclofen dose"},
        "subject": {"reference": ids["patient"]},
        "effectiveDateTime": seen.isoformat(),
        "valueQuantity": {
            "value": document.inputs.dose_ug[-1],
            "unit": "µg/day",
            "system": _UCUM,
            "code": "ug/d",
        },
    }


def _assessment(
    document: PatientDocument, ids: dict[str, str], today: date, what: str,
    predictions: list[dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    told = f"As of {document.as_of_years:g} years after implant; mode {document.provenance.mode}."
    if document.quality.reasons:
        told += f" {document.quality.status}: {'; '.join(document.quality.reasons)}."
    resource: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        **_meta(document),
        "text": _narrative(_notice(document)),
        "status": "preliminary",
        "method": {"text": f"itb_bayes {document.kind} model, posterior probability: {what}"},
        "subject": {"reference": ids["patient"]},
        "occurrenceDateTime": today.isoformat(),
        "performer": {"reference": ids["device"]},
        "basis": [{"reference": ids["dose"]}],
        "note": [{"text": f"{_notice(document)} {told} {' '.join(document.limits)}"}],
    }
    return resource | ({"prediction": predictions} if predictions else {})


def _present(document: PatientDocument, item: ExplanationNow, seen: date) -> dict[str, Any]:
    day = seen.isoformat()
    rationale = "Present as of the last record; the explanations exclude one another."
    rationale += _beside(document, item.group_share)
    return _prediction(item.name, item, {"start": day, "end": day}, rationale)


def _ahead(document: PatientDocument, risk: Risk, seen: date) -> dict[str, Any]:
    end = months_later(seen, risk.horizon_months).isoformat()
    rationale = f"Within or at {risk.horizon_months:g} months of the last record."
    base = document.comparators
    if risk.threshold_ug is None:
        rationale += _beside(document, risk.group_share)
    elif base.base_rate is not None:
        rationale += (
            f" For comparison, {percent(base.base_rate):g} % of the yearly comparisons of "
            f"{base.base_group} showed such a rise."
        )
    return _prediction(risk.definition, risk, {"start": seen.isoformat(), "end": end}, rationale)


def _beside(document: PatientDocument, share: float | None) -> str:
    """Return the mean of the same probability over the patients compared with."""
    if share is None or document.explanations is None:
        return ""
    return f" Mean over {document.explanations.group}: {percent(share):g} %."


def _prediction(
    outcome: str, item: ExplanationNow | Risk, period: dict[str, str], rationale: str
) -> dict[str, Any]:
    low, high = percent(item.low), percent(item.high)
    return {
        "extension": [
            {
                "url": RANGE_EXTENSION,
                "valueRange": {"low": _share(low), "high": _share(high)},
            }
        ],
        "outcome": {"text": outcome},
        "probabilityDecimal": percent(item.probability),
        "whenPeriod": period,
        "rationale": f"{rationale} Range across plausible model settings: {low:g} to {high:g} %.",
    }


def _share(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "%", "system": _UCUM, "code": "%"}
