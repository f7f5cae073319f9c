"""What the list of all patients says, in words and table cells."""

import base64
import hashlib
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from markupsafe import Markup

from itb_bayes.figures.sparkline import sparkline_path
from itb_bayes.report.document import Risk
from itb_bayes.report.frame import MIN_CELL
from itb_bayes.report.index_document import IndexDocument, PatientRow
from itb_bayes.report.sentences import drift_range
from itb_bayes.report.wording import (
    estimated_dose,
    in_100,
    months_ahead,
    range_in_100,
    recorded_dose,
    said_count,
    short_time_since,
    signed_percent,
)
from itb_bayes.risk.interval import Interval

SPARK_WIDTH, SPARK_HEIGHT, SPARK_POINTS = 72.0, 20.0, 16
RULE_UG = 100.0


@dataclass(frozen=True)
class Column:
    """Head of a column."""

    title: str
    number: bool = False
    sorted: bool = False


@cache
def list_script() -> tuple[Markup, str]:
    """Return the script that sorts and filters the list, and its hash for the page's policy."""
    path = resources.files("itb_bayes.report") / "templates" / "list.js"
    text = path.read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).digest()
    # The script is a constant of this package; nothing of a cohort is in it.
    return Markup(text), base64.b64encode(digest).decode("ascii")


def index_words(document: IndexDocument) -> dict[str, Any]:
    """Return everything that the list says."""
    script, script_hash = list_script()
    n_estimated = sum(row.chance is not None for row in document.patients)
    drift = document.kind == "drift"
    workload = [
        {
            "at": in_100(row.threshold),
            "n": row.n_flagged,
            "found": f"{row.expected_true:.1f}",
            "missed": f"{row.expected_missed:.1f}",
            "chosen": row.chosen,
        }
        for row in document.workload
    ]
    return {
        "title": "Dose reports" if drift else "Patient reports",
        "script": script,
        "script_hash": script_hash,
        "n_estimated": n_estimated,
        "n_not_estimated": len(document.patients) - n_estimated,
        "legend": _legend(document),
        "group_names": sorted({row.diagnosis for row in document.patients}),
        "columns": _columns(document),
        "rows": [_row(row, document) for row in document.patients],
        "levels": any(row.dose_year1_ug for row in document.groups),
        "groups": [
            {
                "diagnosis": row.diagnosis,
                "n": "withheld" if row.n_fitted is None else str(row.n_fitted),
                "dose": _dose_with_range(row.dose_year1_ug),
                "drift": percent_with_range(row.drift_percent),
            }
            for row in document.groups
        ],
        "withheld": any(row.n_fitted is None for row in document.groups),
        "min_cell": MIN_CELL,
        "contrast": _contrast(document),
        "workload": workload,
        "chosen": next((row for row in workload if row["chosen"]), None),
    }


def _legend(document: IndexDocument) -> str:
    horizon = months_ahead(document.horizon_months)
    rise = f"that the dose {horizon} after the last record is more than {RULE_UG:g} µg/day above it"
    rule = (
        "Rule: whether the recorded dose rose by more than 100 µg/day in the last 12 months. "
        "Data to: years and months since implant; every number is as of then."
    )
    changed = (
        f" Was: the same chance in the earlier report (run {document.since})."
        if document.since
        else ""
    )
    if document.kind == "drift":
        return (
            f"Chance: in 100, {rise}, with the range across plausible model settings.{changed} "
            f"{rule} {comparison(document)} The model reads doses only; it does not say why a dose "
            "rises."
        )
    return (
        "To explain: chance in 100 that any explanation but “none of these” is present now. "
        "Foremost: the most probable of these, with its chance in 100 and the range across "
        "plausible model settings; in brackets where “none of these” is more probable than it. "
        f"Rise: chance in 100 {rise}.{changed} {rule} {comparison(document)}"
    )


def comparison(document: IndexDocument) -> str:
    """Return what the chances of the list are beside: their mean over the patients listed."""
    chances = [row.chance for row in document.patients if row.chance is not None]
    own = "What similar patients have stands on each page."
    if len(chances) < MIN_CELL:
        return own
    rises = [row.risk.probability for row in document.patients if row.risk is not None]
    mean = in_100(float(np.mean(chances)))
    if document.kind != "drift":
        mean = f"to explain {mean}"
        if rises:
            mean += f", rise {in_100(float(np.mean(rises)))}"
    n = len(chances)
    return f"For comparison, the mean over the {n} listed patients with numbers: {mean}. {own}"


def _columns(document: IndexDocument) -> list[Column]:
    head = [
        Column("Patient"), Column("Diagnosis"), Column("Data to"), Column("History"),
        Column("Last dose, µg/day", number=True),
    ]  # fmt: skip
    was = [Column("Was", number=True)] if document.since else []
    if document.kind == "drift":
        own = [
            Column("Drift, % per year (90 % range)", number=True),
            Column("Chance (range)", number=True, sorted=True),
            *was,
        ]
    else:
        own = [
            Column("To explain", number=True, sorted=True), *was,
            Column("Foremost"), Column("Chance (range)", number=True),
            Column("Rise", number=True),
        ]  # fmt: skip
    return [*head, *own, Column("Rule")]


def _row(row: PatientRow, document: IndexDocument) -> dict[str, Any]:
    flagged = {True: "flagged", False: "no", None: "?"}
    return {
        "href": f"{row.page_id}.html",
        "label": row.label,
        "diagnosis": row.diagnosis,
        "as_of": short_time_since(row.as_of_years),
        "path": _spark(row),
        "dose": recorded_dose(row.dose_now_ug),
        "look": row.chance is not None and row.chance >= chosen_threshold(document),
        "shown_chance": "" if row.chance is None else f"{100.0 * row.chance:.3g}",
        "cells": _cells(row, document),
        "why": "; ".join(row.reasons),
        "rule": flagged[row.rule_flagged],
    }


def chosen_threshold(document: IndexDocument) -> float:
    """Return the probability from which a patient counts as one to look at."""
    return next((row.threshold for row in document.workload if row.chosen), math.inf)


def _cells(row: PatientRow, document: IndexDocument) -> list[str]:
    if row.chance is None or row.count is None:
        return []
    was = ["" if row.previous_count is None else str(row.previous_count)]
    was = was if document.since else []
    if document.kind == "drift":
        drift = percent_with_range(row.drift_percent) if row.drift_percent else ""
        return [drift, _chance_with_range(row.risk), *was]
    lead = row.leading
    assert lead is not None
    value = said_count(lead.probability, lead.count)
    spread = range_in_100(lead.low, lead.high).removesuffix(" in 100")
    return [
        said_count(row.chance, row.count),
        *was,
        lead.name if lead.count > lead.none_count else f"({lead.name})",
        value if value == spread else f"{value} ({spread})",
        "" if row.risk is None else in_100(row.risk.probability).removesuffix(" in 100"),
    ]


def _chance_with_range(risk: Risk | None) -> str:
    if risk is None:
        return ""
    value, spread = in_100(risk.probability), range_in_100(risk.low, risk.high)
    both = value if value == spread else f"{value} ({spread})"
    return both.replace(" in 100", "")


def _spark(row: PatientRow) -> str:
    """Return a small multiple: at most so many readings, evenly chosen, the last one kept."""
    t, dose = np.array(row.t_years), np.array(row.dose_ug)
    if t.size > SPARK_POINTS:
        chosen = np.unique(np.linspace(0, t.size - 1, SPARK_POINTS).round().astype(int))
        t, dose = t[chosen], dose[chosen]
    return sparkline_path(t, dose, SPARK_WIDTH, SPARK_HEIGHT, digits=0)


def _contrast(document: IndexDocument) -> str:
    contrast = document.contrast
    if contrast is None:
        return ""
    drift = contrast.drift_percent
    return (
        f"{contrast.label}, difference in drift of the typical patient: "
        f"{signed_percent(drift.median)} percentage points per year (90 % range "
        f"{drift_range(drift)}); {in_100(contrast.p_above_zero)} that it is above zero, among all "
        "patients fitted."
    )


def percent_with_range(interval: Interval) -> str:
    """Return a yearly change with its 90 % range."""
    return f"{signed_percent(interval.median)} ({drift_range(interval)})"


def _dose_with_range(interval: Interval | None) -> str:
    if interval is None:
        return ""
    low, high = estimated_dose(interval.q05), estimated_dose(interval.q95)
    return f"{estimated_dose(interval.median)} ({low} to {high})"
