"""A patient's document as a CDS Hooks card: information only, no suggestion."""

import uuid
from typing import Any

from itb_bayes.report.document import PatientDocument
from itb_bayes.report.explained_sentences import evidence_lines, leading_sentence, rise_line
from itb_bayes.report.sentences import as_of, rise_sentence
from itb_bayes.report.wording import said_count

LONGEST_SUMMARY = 139
_SPACE = uuid.UUID("0b4b39c4-5a0c-5d3a-8a52-1d7d1f6b8c52")


def cds_card(document: PatientDocument) -> dict[str, Any]:
    """Return a response with one card of indicator ``info``; it names no patient.

    ``warning`` and ``critical`` are for what needs attention at once, which this is not.
    """
    p = document.provenance
    return {
        "cards": [
            {
                "uuid": str(uuid.uuid5(_SPACE, f"{p.run_id}/{document.page_id}")),
                "summary": _summary(document)[:LONGEST_SUMMARY],
                "indicator": "info",
                "detail": "\n\n".join(_details(document)),
                "source": {"label": f"itb_bayes {p.package_version}, run {p.run_id}"},
            }
        ]
    }


def _summary(document: PatientDocument) -> str:
    start = "SYNTHETIC. " if document.provenance.synthetic else ""
    if document.explanations is not None:
        first = document.explanations.items[0]
        return (
            f"{start}Research use only. To consider: {first.name}, "
            f"{said_count(first.probability, first.count)} in 100, as of {as_of(document)}."
        )
    if document.risks_ahead:
        return f"{start}Research use only. Dose forecast as of {as_of(document)}."
    return f"{start}Research use only. Not estimated."


def _details(document: PatientDocument) -> list[str]:
    parts = [f"**{document.notice.research_use} {document.notice.emergency}**"]
    if document.explanations is not None:
        parts += [leading_sentence(document), rise_line(document)]
        if document.evidence:
            about = document.evidence[0].explanation
            name = next(i.name for i in document.explanations.items if i.explanation == about)
            lines = [
                f"- {side} ({times}): {seen}" for side, times, seen in evidence_lines(document)
            ]
            parts.append("\n".join([f"About “{name}”, beside “none of these”:", *lines]))
    elif document.risks_ahead:
        parts.append(rise_sentence(document))
    else:
        parts.append(f"Why: {'; '.join(document.quality.reasons)}.")
    return [part for part in parts if part]
