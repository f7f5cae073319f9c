"""Documents as HTML pages: one file each, no script, nothing loaded from anywhere."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from itb_bayes.figures.sparkline import sparkline_path
from itb_bayes.report import sentences
from itb_bayes.report.document import IndexDocument, PatientDocument, PatientRow
from itb_bayes.report.wording import (
    estimated_dose,
    in_100,
    months_ahead,
    range_in_100,
    recorded_dose,
    signed_percent,
    time_since,
)
from itb_bayes.risk.interval import Interval

_STATUS_CLASSES = {"ok": "ok", "limited": "limited", "not estimated": "none"}
_SPARK_WIDTH, _SPARK_HEIGHT = 72.0, 20.0
RULE_UG = 100.0


@dataclass(frozen=True)
class Charts:
    """The charts of one page, as SVG elements."""

    trajectory: Markup
    dotplot: Markup


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("itb_bayes.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def patient_page(document: PatientDocument, charts: Charts) -> str:
    """Return one patient's page."""
    return _render(
        "patient.html.j2",
        document,
        say=_patient_words(document),
        trajectory=charts.trajectory,
        dotplot=charts.dotplot,
    )


def index_page(document: IndexDocument) -> str:
    """Return the page that lists all patients."""
    return _render("index.html.j2", document, say=_index_words(document))


def _render(template: str, document: PatientDocument | IndexDocument, **values: Any) -> str:
    text = (
        _environment()
        .get_template(template)
        .render(
            doc=document,
            provenance=document.provenance,
            gate=document.gate,
            notice=document.notice,
            **values,
        )
    )
    return text.rstrip("\n") + "\n"


def _patient_words(document: PatientDocument) -> dict[str, Any]:
    inputs = document.inputs
    words: dict[str, Any] = {
        "as_of": sentences.as_of(document),
        "last_dose": recorded_dose(inputs.dose_ug[-1]),
        "status": sentences.status_sentence(document),
        "status_class": _STATUS_CLASSES[document.quality.status],
        "rule": sentences.rule_verdict(document.comparators),
        "rule_sentence": sentences.rule_sentence(document.comparators),
        "chart_title": sentences.chart_title(document),
        "readings": [
            (f"{t:.2f}", recorded_dose(dose))
            for t, dose in zip(inputs.t_years, inputs.dose_ug, strict=True)
        ],
        "centiles": _centile_rows(document),
    }
    if not document.risks_ahead or document.drift is None or document.group is None:
        return words
    risk, drift = document.risks_ahead[-1], document.drift.percent_per_year
    count = in_100(risk.probability).removesuffix(" in 100")
    return words | {
        "threshold": f"{risk.threshold_ug:g}",
        "horizon": months_ahead(risk.horizon_months),
        "rise": in_100(risk.probability),
        "rise_count": count if count.startswith(("fewer", "more")) else f"about {count}",
        "rise_range": range_in_100(risk.low, risk.high),
        "range_definition": risk.range_definition,
        "drift": signed_percent(drift.median),
        "drift_range": sentences.drift_range(drift),
        "typical": signed_percent(document.group.drift_percent.median),
        "rise_sentence": sentences.rise_sentence(document),
        "drift_sentence": sentences.drift_sentence(document),
        "dots_title": sentences.dots_title(document),
        "forecasts": sentences.forecast_rows(document),
    }


def _centile_rows(document: PatientDocument) -> list[list[str]]:
    """Return the centiles of every second year."""
    if document.group is None:
        return []
    centiles = document.group.centiles
    return [
        [f"{t:g}", *(estimated_dose(row[k]) for row in centiles.dose_ug)]
        for k, t in enumerate(centiles.t_years)
        if t % 2.0 == 0.0
    ]


def _index_words(document: IndexDocument) -> dict[str, Any]:
    contrast = document.contrast
    sentence = ""
    if contrast is not None:
        drift = contrast.drift_percent
        sentence = (
            f"{contrast.label}, difference in drift of the typical patient: "
            f"{signed_percent(drift.median)} percentage points per year (90 % range "
            f"{sentences.drift_range(drift)}); {in_100(contrast.p_above_zero)} that it is above "
            "zero, among all patients fitted."
        )
    return {
        "n_not_estimated": sum(row.risk is None for row in document.patients),
        "horizon": months_ahead(document.horizon_months),
        "threshold": f"{RULE_UG:g}",
        "groups": [
            {
                "diagnosis": row.diagnosis,
                "n": row.n_fitted,
                "dose": _dose_with_range(row.dose_year1_ug),
                "drift": _percent_with_range(row.drift_percent),
            }
            for row in document.groups
        ],
        "contrast": sentence,
        "rows": [_row_words(row) for row in document.patients],
    }


def _row_words(row: PatientRow) -> dict[str, str]:
    chance = ""
    if row.risk is not None:
        value, spread = in_100(row.risk.probability), range_in_100(row.risk.low, row.risk.high)
        chance = value if value == spread else f"{value} ({spread})"
        chance = chance.replace(" in 100", "")
    flagged = {True: "flagged", False: "not flagged", None: "no verdict"}
    return {
        "href": f"{row.page_id}.html",
        "label": row.label,
        "diagnosis": row.diagnosis,
        "as_of": time_since(row.as_of_years),
        "path": sparkline_path(
            np.array(row.t_years), np.array(row.dose_ug), _SPARK_WIDTH, _SPARK_HEIGHT
        ),
        "dose": recorded_dose(row.dose_now_ug),
        "drift": _percent_with_range(row.drift_percent) if row.drift_percent else "",
        "chance": chance,
        "why": "; ".join(row.reasons),
        "rule": flagged[row.rule_flagged],
    }


def _percent_with_range(interval: Interval) -> str:
    return f"{signed_percent(interval.median)} ({sentences.drift_range(interval)})"


def _dose_with_range(interval: Interval) -> str:
    low, high = estimated_dose(interval.q05), estimated_dose(interval.q95)
    return f"{estimated_dose(interval.median)} ({low} to {high})"
