"""An earlier report of the same model, to tell what has changed since."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from itb_bayes.errors import UsageError
from itb_bayes.inference.stored import StoredFit
from itb_bayes.report.document import PatientDocument, patient_from_json
from itb_bayes.report.folder import MARKER_FILE, read_marker
from itb_bayes.report.naming import SHOWN_DIGITS


@dataclass(frozen=True)
class Earlier:
    """Documents of an earlier report.

    Attributes
    ----------
    documents : dict
        By patient.
    run : str
        That the report was made from; empty where there is no earlier report.
    """

    documents: dict[str, PatientDocument] = field(default_factory=dict)
    run: str = ""


def read_earlier(folder: Path, fit: StoredFit[Any, Any]) -> Earlier:
    """Read the patients' documents of an earlier report.

    Raises
    ------
    UsageError
        If the folder holds no report of this version, or one of another model: numbers of two
        models are not comparable.
    """
    digest = fit.spec.digest[:SHOWN_DIGITS]
    if not (folder / MARKER_FILE).is_file():
        raise UsageError(
            f"{folder} holds no report; name the folder of an earlier one with --since."
        )
    names = sorted(name for name in read_marker(folder) if name.startswith("pt-"))
    found: dict[str, PatientDocument] = {}
    runs = set()
    for name in names:
        if not name.endswith(".json") or name.count(".") > 1:
            continue
        try:
            document = patient_from_json((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            raise UsageError(
                f"{folder} holds a page's document that cannot be read; name a whole report of "
                "this version with --since, or leave it out."
            ) from None
        if document.provenance.model_digest != digest:
            raise UsageError(
                f"{folder} was made by model {document.provenance.model_name} "
                f"{document.provenance.model_version} ({document.provenance.model_digest}), this "
                f"fit by {fit.spec.name} {fit.spec.version} ({digest}): changes are told between "
                "reports of the same model only. Leave --since out."
            )
        found[document.patient_id] = document
        runs.add(document.provenance.run_id)
    return Earlier(found, ", ".join(sorted(runs)))
