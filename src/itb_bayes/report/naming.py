"""Names of pages: keyed, so that a file name says nothing about a patient.

The key is derived from the run and data digests of the fit bundle. Pages show only the first digits
of either, so somebody who holds file names, or even a page, but not the bundle cannot find a
patient's page by trying medical record numbers.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from typing import Any

from itb_bayes.figures.style import plain_text

LONGEST_LABEL = 60
LIST = "index"
"""Name of the list of all patients."""

SHOWN_DIGITS = 12


def page_key(manifest: Mapping[str, Any]) -> bytes:
    """Return the secret that page names of one fit are made with."""
    text = f"itb-bayes report\n{manifest['run']}\n{manifest['data']}"
    return hashlib.sha256(text.encode()).digest()


def page_id(patient_id: str, key: bytes) -> str:
    """Return the name of a patient's page.

    Identifiers are taken as they are, without Unicode normalisation: two that look alike are two
    patients and have two pages.
    """
    digest = hmac.new(key, patient_id.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
    return f"pt-{digest[:16]}"


def label_of(patient_id: str) -> str:
    """Return an identifier that can be shown: no control characters, and not too long.

    Where something is not shown the label says so.
    """
    shown = " ".join(plain_text(patient_id).split())
    if len(shown) > LONGEST_LABEL:
        shown = f"{shown[:LONGEST_LABEL]}…"
    return shown if shown == patient_id else f"{shown} (not shown in full)"


def looks(label: str) -> str:
    """Return what two labels share that a reader may take for one another."""
    return unicodedata.normalize("NFKC", label).casefold()
