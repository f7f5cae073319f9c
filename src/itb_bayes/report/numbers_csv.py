"""All numbers of a report as one CSV file that no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable

from itb_bayes.report.document import PatientDocument

COLUMNS = (
    "patient_id", "page_id", "t_years", "quantity", "horizon_months", "explanation",
    "probability", "low", "high", "mcse", "group_share", "dose_ug", "mode", "model", "run",
    "status", "synthetic", "notice",
)  # fmt: skip
NOTICE = "research use only; not a medical device"
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")

Value = str | float | bool | None


def numbers_csv(documents: Iterable[PatientDocument]) -> str:
    """Return long rows: explanations now, risks ahead, quantiles of the dose (µg/day).

    A patient without numbers has one row that says so. The numbers are those of the documents.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for document in documents:
        for row in _rows(document):
            writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def formula_free(text: str) -> str:
    """Return text that a spreadsheet shows as it is: what could start a formula gets a quote.

    OWASP ASVS 1.2.10. Control characters would break rows of careless readers and are dropped.
    """
    shown = "".join(c for c in text if c >= " " and c != "\x7f")
    return f"'{shown}" if text.startswith(_ACTIVE) or shown.startswith(_ACTIVE) else shown


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return formula_free(value)
    return f"{value:.6g}"


def _rows(document: PatientDocument) -> list[dict[str, Value]]:
    common: dict[str, Value] = {
        "patient_id": document.patient_id,
        "page_id": document.page_id,
        "t_years": document.as_of_years,
        "mode": document.provenance.mode,
        "model": f"{document.provenance.model_name} {document.provenance.model_version}",
        "run": document.provenance.run_id,
        "status": document.quality.status,
        "synthetic": document.provenance.synthetic,
        "notice": NOTICE,
    }
    rows: list[dict[str, Value]] = []
    for item in document.explanations.items if document.explanations else ():
        rows.append(
            common
            | {
                "quantity": "present", "explanation": item.explanation,
                "probability": item.probability, "low": item.low, "high": item.high,
                "mcse": item.mcse, "group_share": item.group_share,
            }
        )  # fmt: skip
    for risk in document.risks_ahead:
        rows.append(
            common
            | {
                "quantity": risk.quantity, "horizon_months": risk.horizon_months,
                "explanation": risk.explanation, "probability": risk.probability,
                "low": risk.low, "high": risk.high, "mcse": risk.mcse,
                "group_share": risk.group_share,
            }
        )  # fmt: skip
    for forecast in document.forecasts:
        for name in ("q05", "q25", "median", "q75", "q95"):
            rows.append(
                common
                | {
                    "quantity": "dose", "horizon_months": forecast.horizon_months,
                    "explanation": name, "dose_ug": getattr(forecast.dose_ug, name),
                }
            )  # fmt: skip
    return rows or [common]
