"""What the list of a report in parts says: whom to look at first of all parts, and the parts."""

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from itb_bayes.report.document import json_text
from itb_bayes.report.explained_assembly import place_in_list
from itb_bayes.report.frame import MIN_CELL, shorten, workload_of
from itb_bayes.report.index_document import IndexDocument, PatientRow
from itb_bayes.report.naming import SHOWN_DIGITS

TOP = 300
"""Patients that the list of a report in parts names one by one."""


@dataclass(frozen=True)
class PartRow:
    """One part of the report.

    Attributes
    ----------
    folder : str
        Of its pages and its own list.
    n_patients, n_not_estimated : int
    n_flagged : int
        Patients at or above the chosen threshold.
    highest : float or None
        Highest of the probabilities that rank the list; None where nobody is estimated.
    highest_count : int or None
        The same in 100, as the list says it.
    """

    folder: str
    n_patients: int
    n_not_estimated: int
    n_flagged: int
    highest: float | None
    highest_count: int | None


@dataclass(frozen=True)
class RegistryIndex:
    """Everything that the list of a report in parts says.

    Attributes
    ----------
    listed : IndexDocument
        Its patients are the first of all parts; its workload is that of all patients.
    folders : tuple of str
        Folder of the page of each listed patient.
    n_patients, n_not_estimated : int
        Of all parts.
    mean_chance, mean_rise : float or None
        Means over all patients with numbers; None where these are too few to say.
    parts : tuple of PartRow
    """

    listed: IndexDocument
    folders: tuple[str, ...]
    n_patients: int
    n_not_estimated: int
    mean_chance: float | None
    mean_rise: float | None
    parts: tuple[PartRow, ...]


def merge_lists(
    lists: Iterable[tuple[str, IndexDocument]], threshold: float, top: int = TOP
) -> RegistryIndex:
    """Put the lists of parts together; one of them is in memory at a time.

    Parameters
    ----------
    lists : iterable of (str, IndexDocument)
        Folder and list of every part, in the order of the parts.
    threshold : float
        Probability from which a patient counts as one to look at.
    top : int
        Patients that are named.
    """
    first: IndexDocument | None = None
    kept: list[tuple[PatientRow, str]] = []
    chances: list[float] = []
    rises: list[float] = []
    parts: list[PartRow] = []
    n_set_aside, digest = 0, hashlib.sha256()
    for folder, part in lists:
        first = first or replace(part, patients=())
        digest.update(part.provenance.data_digest.encode())
        n_set_aside += part.n_set_aside
        rows = part.patients
        own = [row.chance for row in rows if row.chance is not None]
        chances += own
        rises += [row.risk.probability for row in rows if row.risk is not None]
        parts.append(_part_row(folder, part, threshold))
        found = [*kept, *((row, folder) for row in rows)]
        kept = heapq.nsmallest(top, found, key=lambda entry: place_in_list(entry[0]))
    assert first is not None, "a cohort has at least one part"
    provenance = replace(first.provenance, data_digest=digest.hexdigest()[:SHOWN_DIGITS])
    listed = replace(
        first,
        provenance=provenance,
        n_set_aside=n_set_aside,
        patients=tuple(row for row, _ in kept),
        workload=workload_of(chances, threshold),
        part="",
    )
    return RegistryIndex(
        listed=listed,
        folders=tuple(folder for _, folder in kept),
        n_patients=sum(part.n_patients for part in parts),
        n_not_estimated=sum(part.n_not_estimated for part in parts),
        mean_chance=_mean(chances),
        mean_rise=_mean(rises),
        parts=tuple(parts),
    )


def _part_row(folder: str, part: IndexDocument, threshold: float) -> PartRow:
    chances = [row.chance for row in part.patients if row.chance is not None]
    first = next(iter(part.patients), None)
    return PartRow(
        folder=folder,
        n_patients=len(part.patients),
        n_not_estimated=len(part.patients) - len(chances),
        n_flagged=sum(chance >= threshold for chance in chances),
        highest=first.chance if first else None,
        highest_count=first.count if first else None,
    )


def _mean(values: list[float]) -> float | None:
    return shorten(float(np.mean(values))) if len(values) >= MIN_CELL else None


_REGISTRY = TypeAdapter(RegistryIndex)


def registry_to_json(document: RegistryIndex) -> str:
    """Return the list of a report in parts as JSON text, in ASCII."""
    return json_text(_REGISTRY.dump_python(document, mode="json"))


def registry_from_json(text: str) -> RegistryIndex:
    """Read the list of a report in parts back."""
    return _REGISTRY.validate_json(text)


def registry_schema() -> dict[str, Any]:
    """Return the JSON Schema of the list of a report in parts."""
    return _REGISTRY.json_schema(mode="serialization")
