"""Patients with hostile identifiers and short records, and a written report read back."""

from dataclasses import dataclass
from pathlib import Path

from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.report.document import PatientDocument, patient_from_json
from itb_bayes.report.index_document import IndexDocument, index_from_json

HOSTILE = (
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "$\\frac{1}{2}$",
    "\u202egnp.exe\u200f",
    "nul\x00bell\x07line\nend",
    "x" * 500,
    "../../x",
    "CON",
    "p1",
    "P1",
    "Café",
    "Cafe\u0301",
    "{{ 7*7 }}{% raw %}",
    "=cmd|' /C calc'!A0",
)
SHORT, LIMITED, CANARY = "short-record", "limited-record", "ZZCANARY999"
IDS = (*HOSTILE, SHORT, LIMITED, CANARY, *(f"Q{k:02d}" for k in range(9)))
DIAGNOSES = tuple("CP" if k % 9 == 8 else ("MS", "SCI")[k % 2] for k in range(len(IDS)))


@dataclass(frozen=True)
class Report:
    """A written report, read back."""

    fit: Fit | RegimesFit
    folder: Path
    index: IndexDocument
    documents: dict[str, PatientDocument]

    def html(self, patient_id: str) -> str:
        """Return the page of a patient."""
        name = f"{self.documents[patient_id].page_id}.html"
        return (self.folder / name).read_text(encoding="utf-8")

    @property
    def pages(self) -> dict[str, str]:
        """Return the text of every HTML file by name."""
        return {p.name: p.read_text(encoding="utf-8") for p in self.folder.glob("*.html")}


def read_report(fit: Fit | RegimesFit, folder: Path) -> Report:
    """Read a written report back from its JSON files."""
    found = [patient_from_json(p.read_text(encoding="utf-8")) for p in folder.glob("pt-*.json")]
    index = index_from_json((folder / "index.json").read_text(encoding="utf-8"))
    return Report(fit, folder, index, {d.patient_id: d for d in found})
