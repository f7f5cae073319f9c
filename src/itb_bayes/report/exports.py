"""What may lie beside the pages: PDF, CSV, FHIR and CDS Hooks, all from the same documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from itb_bayes.errors import GateError, UsageError
from itb_bayes.report.cds_card import cds_card
from itb_bayes.report.document import Gate, PatientDocument, json_text
from itb_bayes.report.fhir import fhir_bundle
from itb_bayes.report.numbers_csv import numbers_csv
from itb_bayes.report.pdf import render_pdf, require_pdf

FORMATS = ("pdf", "csv", "fhir-r4b", "fhir-r5", "cds")
CSV_FILE = "numbers.csv"


@dataclass(frozen=True)
class Exports:
    """What is asked for beside the pages.

    Attributes
    ----------
    formats : tuple of str
        Of :data:`FORMATS`.
    today : date or None
        Taken as the day of the last record; FHIR needs it.
    workers : int
        Processes that draw pages, where there are many.
    """

    formats: tuple[str, ...] = ()
    today: date | None = None
    workers: int = 1

    def check(self, gate: Gate) -> None:
        """Make sure that everything asked for can be made, before any page is.

        Raises
        ------
        UsageError
            If a format is unknown, FHIR has no date, PDF cannot be written, or there are no
            workers.
        GateError
            If the fit did not pass its gate: machines read no watermark.
        """
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown:
            raise UsageError(f"no format {unknown[0]!r}; --also takes {', '.join(FORMATS)}.")
        if self.today is None and any(name.startswith("fhir") for name in self.formats):
            raise UsageError(
                "FHIR needs dates, and fits hold times since implant: say with --date which day "
                "the records run to, e.g. --date 2026-03-31."
            )
        if self.workers < 1:
            raise UsageError(f"--workers must be at least 1 (got {self.workers}).")
        machine = [name for name in self.formats if name != "pdf"]
        if machine and not gate.passed:
            raise GateError(
                f"the fit did not pass its convergence gate: no {machine[0]} is made of it. Leave "
                "--also out; the pages carry a watermark, other files could not."
            )
        if "pdf" in self.formats:
            require_pdf()

    def names(self, page_ids: Sequence[str]) -> list[str]:
        """Return the names of the files that will be written."""
        suffixes = {
            "pdf": "pdf", "fhir-r4b": "fhir-r4b.json", "fhir-r5": "fhir-r5.json",
            "cds": "card.json",
        }  # fmt: skip
        found = [
            f"{page}.{suffix}"
            for page in page_ids
            for name, suffix in suffixes.items()
            if name in self.formats
        ]
        return [*found, CSV_FILE] if "csv" in self.formats else found

    def of_page(self, document: PatientDocument) -> dict[str, str | bytes]:
        """Return the files beside one page, by name, but for its PDF."""
        made: dict[str, str | bytes] = {}
        page = document.page_id
        if "fhir-r4b" in self.formats and self.today:
            made[f"{page}.fhir-r4b.json"] = json_text(fhir_bundle(document, "R4B", self.today))
        if "fhir-r5" in self.formats and self.today:
            made[f"{page}.fhir-r5.json"] = json_text(fhir_bundle(document, "R5", self.today))
        if "cds" in self.formats:
            made[f"{page}.card.json"] = json_text(cds_card(document))
        return made

    def pdf_of(self, document: PatientDocument, html: str) -> dict[str, bytes]:
        """Return the PDF of a page by name; nothing where none is asked for."""
        if "pdf" not in self.formats:
            return {}
        page = document.page_id
        return {f"{page}.pdf": render_pdf(html, f"{document.provenance.run_id}/{page}")}

    def of_report(self, documents: Sequence[PatientDocument]) -> dict[str, str | bytes]:
        """Return the files beside the list of all patients, by name."""
        return {CSV_FILE: numbers_csv(documents)} if "csv" in self.formats else {}
