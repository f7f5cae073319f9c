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
from itb_bayes.report.naming import LIST
from itb_bayes.report.registry_document import PartRow, RegistryIndex
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
OWN = "What similar patients have stands on each page."


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


def index_words(document: IndexDocument, beside: str | None = None) -> dict[str, Any]:
    """Return everything that the list says.

    Parameters
    ----------
    document : IndexDocument
    beside : str, optional
        What the chances are beside; their mean over the patients listed where not given.
    """
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
        "listed": _listed(document, len(document.patients)),
        "first_of": "",
        "up": document.part,
        "parts": (),
        "legend": _legend(document, comparison(document) if beside is None else beside),
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


def _listed(document: IndexDocument, n: int) -> str:
    if document.provenance.mode == "refit":
        return f"{n} of {document.n_fitted} fitted"
    return f"{n}, not part of the fit of {document.n_fitted}"


def registry_words(document: RegistryIndex) -> dict[str, Any]:
    """Return everything that the list of a report in parts says."""
    listed, n_named = document.listed, len(document.listed.patients)
    words = index_words(listed, _beside_all(document))
    for row, folder in zip(words["rows"], document.folders, strict=True):
        row["href"] = f"{folder}/{row['href']}"
    words["listed"] = _listed(listed, document.n_patients)
    words["n_not_estimated"] = document.n_not_estimated
    words["n_estimated"] = document.n_patients - document.n_not_estimated
    words["first_of"] = (
        ""
        if n_named == document.n_patients
        else f"The first {n_named:,} of {document.n_patients:,} patients: every other one is in "
        "the list of their part, below."
    )
    words["parts"] = [
        {
            "href": f"{part.folder}/{LIST}.html",
            "name": part.folder,
            "n": part.n_patients,
            "look": part.n_flagged,
            "highest": _highest(part),
            "none": part.n_not_estimated,
        }
        for part in document.parts
    ]
    return words


def _highest(part: PartRow) -> str:
    if part.highest is None or part.highest_count is None:
        return ""
    return f"{said_count(part.highest, part.highest_count)} in 100"


def _beside_all(document: RegistryIndex) -> str:
    if document.mean_chance is None:
        return OWN
    n = document.n_patients - document.n_not_estimated
    mean = _means(document.listed, document.mean_chance, document.mean_rise)
    return (
        f"For comparison, the mean over the {n:,} patients of all parts with numbers: {mean}. {OWN}"
    )


def _legend(document: IndexDocument, beside: str) -> str:
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
            f"{rule} {beside} The model reads doses only; it does not say why a dose "
            "rises."
        )
    return (
        "To explain: chance in 100 that any explanation but “none of these” is present now. "
        "Foremost: the most probable of these, with its chance in 100 and the range across "
        "plausible model settings; in brackets where “none of these” is more probable than it. "
        f"Rise: chance in 100 {rise}.{changed} {rule} {beside}"
    )


def comparison(document: IndexDocument) -> str:
    """Return what the chances of the list are beside: their mean over the patients listed."""
    chances = [row.chance for row in document.patients if row.chance is not None]
    if len(chances) < MIN_CELL:
        return OWN
    rises = [row.risk.probability for row in document.patients if row.risk is not None]
    mean = _means(document, float(np.mean(chances)), float(np.mean(rises)) if rises else None)
    n = len(chances)
    return f"For comparison, the mean over the {n} listed patients with numbers: {mean}. {OWN}"


def _means(document: IndexDocument, chance: float, rise: float | None) -> str:
    if document.kind == "drift":
        return in_100(chance)
    return f"to explain {in_100(chance)}" + ("" if rise is None else f", rise {in_100(rise)}")


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
