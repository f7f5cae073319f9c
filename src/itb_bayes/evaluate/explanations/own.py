"""Patients whom a fit was made with: they cannot judge it.

A patient is known by identifier and first records, or, where a fit no longer holds identifiers, by
a longer run of first records: records that were added since change neither.
"""

import hashlib

import numpy as np

from itb_bayes.model.regimes_plan import RegimesPlan

FIRST_WITH_IDENTIFIER, FIRST_ALONE = 3, 12
"""Days of record, from the first on."""

Marks = frozenset[bytes]


def marks_of(plan: RegimesPlan) -> Marks:
    """Return by what the patients of a plan are known again, as digests."""
    return frozenset(mark for patient in _marks(plan) for mark in patient)


def count_own(plan: RegimesPlan, fitted: Marks) -> int:
    """Return how many patients of a plan are among those of :func:`marks_of` a fit's plan."""
    return sum(not fitted.isdisjoint(patient) for patient in _marks(plan))


def _marks(plan: RegimesPlan) -> list[tuple[bytes, ...]]:
    found = []
    for who, first, last in zip(plan.patient_ids, plan.offsets, plan.offsets[1:], strict=False):
        rows = np.nan_to_num(plan.data[first:last], nan=-9.0)
        known = [who.encode() + b"\0" + rows[:FIRST_WITH_IDENTIFIER].tobytes()]
        if len(rows) >= FIRST_ALONE:
            known.append(rows[:FIRST_ALONE].tobytes())
        found.append(tuple(hashlib.blake2b(mark, digest_size=12).digest() for mark in known))
    return found
