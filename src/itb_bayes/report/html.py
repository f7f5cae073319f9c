"""Documents as HTML pages: one file each, no script, nothing loaded from anywhere."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from itb_bayes.report import sentences
from itb_bayes.report.document import PatientDocument
from itb_bayes.report.explained import NAMES
from itb_bayes.report.explained_sentences import explained_words
from itb_bayes.report.frame import HORIZONS_MONTHS, RISE
from itb_bayes.report.index_document import IndexDocument
from itb_bayes.report.limits import RANGE_DEFINITION
from itb_bayes.report.list_words import index_words, registry_words
from itb_bayes.report.registry_document import RegistryIndex
from itb_bayes.report.sensitivity import sensitivity_lines
from itb_bayes.report.wording import (
    estimated_dose,
    in_100,
    months_ahead,
    range_in_100,
    recorded_dose,
    signed_percent,
)

ANSWERS = {**NAMES, RISE: "a rise of more than 100 µg/day"}
"""Answers whose sensitivity is told, as people read them."""

_STATUS_CLASSES = {"ok": "ok", "limited": "limited", "not estimated": "none"}


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
    explained = document.kind == "regimes"
    words = _patient_words(document)
    return _render(
        "explained.html.j2" if explained else "patient.html.j2",
        document,
        say=words | explained_words(document) if explained else words,
        trajectory=charts.trajectory,
        dotplot=charts.dotplot,
    )


def index_page(document: IndexDocument) -> str:
    """Return the page that lists all patients."""
    return _render("index.html.j2", document, say=index_words(document))


def registry_page(document: RegistryIndex) -> str:
    """Return the page that lists the first patients of all parts, and the parts."""
    return _render("index.html.j2", document.listed, say=registry_words(document))


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
    ahead = document.forecasts[-1].horizon_months if document.forecasts else HORIZONS_MONTHS[-1]
    words: dict[str, Any] = {
        "as_of": sentences.as_of(document),
        "asked": sentences.asked_as_of(document),
        "sensitivity": sensitivity_lines(document.sensitivity, ANSWERS),
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
        "horizon": months_ahead(ahead),
        "range_definition": RANGE_DEFINITION,
    }
    if document.forecasts:
        words |= {
            "dots_title": sentences.dots_title(document),
            "forecasts": sentences.forecast_rows(document),
            "beyond": sentences.beyond_sentence(document),
        }
    if not document.risks_ahead or document.drift is None or document.group is None:
        return words
    risk, drift = document.risks_ahead[-1], document.drift.percent_per_year
    count = in_100(risk.probability).removesuffix(" in 100")
    return words | {
        "threshold": f"{risk.threshold_ug:g}",
        "rise": in_100(risk.probability),
        "rise_count": count if count.startswith(("fewer", "more")) else f"about {count}",
        "rise_range": range_in_100(risk.low, risk.high),
        "range_definition": risk.range_definition,
        "drift": signed_percent(drift.median),
        "drift_range": sentences.drift_range(drift),
        "typical": signed_percent(document.group.drift_percent.median),
        "rise_sentence": sentences.rise_sentence(document),
        "drift_sentence": sentences.drift_sentence(document),
    }


def _centile_rows(document: PatientDocument) -> list[list[str]]:
    """Return the centiles of every second year."""
    if document.group is None or document.group.centiles is None:
        return []
    centiles = document.group.centiles
    return [
        [f"{t:g}", *(estimated_dose(row[k]) for row in centiles.dose_ug)]
        for k, t in enumerate(centiles.t_years)
        if t % 2.0 == 0.0
    ]
