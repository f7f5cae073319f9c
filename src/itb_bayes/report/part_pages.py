"""The pages of one part of a cohort in parts, in a folder of their own."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.report.charts import ChartRoom
from itb_bayes.report.document import PatientDocument
from itb_bayes.report.drawing import draw_files
from itb_bayes.report.explained_assembly import ExplainedAssembly, Unseen
from itb_bayes.report.explained_groups import GroupFacts
from itb_bayes.report.exports import Exports
from itb_bayes.report.folder import ReportFolder
from itb_bayes.report.frame import HORIZONS_MONTHS, Source
from itb_bayes.report.html import index_page
from itb_bayes.report.index_document import index_to_json
from itb_bayes.report.naming import LIST
from itb_bayes.risk.regimes_patient import ExplainedPatient, summarise_explained

PATIENTS_AT_ONCE = 20
"""Patients whose visits are held in memory together."""

_DRAWING = threading.Lock()
"""The style of charts belongs to the process: where a worker has several threads, one draws."""


@dataclass(frozen=True, eq=False)
class PartRequest:
    """What the pages of all parts share.

    Attributes
    ----------
    fit : RegimesFit
        Its draws; no patient of it is needed.
    groups : GroupFacts
        The fitted patients, with whom those of the parts are compared.
    threshold : float
        Probability from which a list counts a patient as one to look at.
    exports : Exports
    """

    fit: RegimesFit
    groups: GroupFacts
    threshold: float
    exports: Exports


@dataclass(frozen=True, eq=False)
class Part:
    """One part, read and laid out.

    Attributes
    ----------
    name : str
        As its list names it.
    cohort : Cohort
    plan : RegimesPlan
        Its records, laid out by the terms of the fit.
    until_years : mapping
        As-of time of patients, years since implant; empty where none was asked for.
    shared_looks : frozenset of str
        Labels that patients of this part share with patients of it or of another.
    """

    name: str
    cohort: Cohort
    plan: RegimesPlan
    until_years: Mapping[str, float]
    shared_looks: frozenset[str]


def write_part(request: PartRequest, part: Part, out: Path, made_of: str) -> None:
    """Write the pages of a part, and its list.

    Parameters
    ----------
    request : PartRequest
    part : Part
    out : Path
        New or empty.
    made_of : str
        Digest of everything that the pages are made of, kept in the folder.

    Raises
    ------
    UsageError
        If a file cannot be written.
    """
    folder, room = ReportFolder.prepare(out), ChartRoom()
    documents: list[PatientDocument] = []
    plan = part.plan
    source = Source.of_unseen(part.cohort, plan)
    # Of a part where nobody has a dose by then the list is empty.
    assembly = _assembly(request, part, (), Unseen(plan, source, request.groups, part.shared_looks))
    for first in range(0, plan.n_patient, PATIENTS_AT_ONCE):
        few = plan.between(first, min(first + PATIENTS_AT_ONCE, plan.n_patient))
        summaries = summarise_explained(
            request.fit, HORIZONS_MONTHS, unseen=few, as_of_years=part.until_years
        )
        unseen = Unseen(few, source, request.groups, part.shared_looks)
        assembly = _assembly(request, part, summaries, unseen)
        for summary in summaries:
            document = assembly.patient(summary)
            with _DRAWING:
                files = draw_files(document, request.exports, room)
            for name, content in files:
                folder.write(name, content)
            documents.append(document)
    index = replace(assembly.index(documents), part=part.name)
    for name, content in request.exports.of_report(documents).items():
        folder.write(name, content)
    folder.write(f"{LIST}.json", index_to_json(index))
    folder.write(f"{LIST}.html", index_page(index))
    folder.finish(made_of)


def _assembly(
    request: PartRequest, part: Part, summaries: tuple[ExplainedPatient, ...], unseen: Unseen
) -> ExplainedAssembly:
    return ExplainedAssembly(
        request.fit, summaries, unseen, request.threshold, as_of_years=part.until_years
    )
