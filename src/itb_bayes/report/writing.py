"""Write a report: one page and one document per patient, and the list of all."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from itb_bayes.errors import UsageError
from itb_bayes.figures.style import chart_style
from itb_bayes.inference.fitted import Fit
from itb_bayes.report.assembly import HORIZONS_MONTHS, Assembly
from itb_bayes.report.charts import ChartRoom
from itb_bayes.report.document import IndexDocument, PatientDocument, to_json
from itb_bayes.report.folder import ReportFolder
from itb_bayes.report.html import Charts, index_page, patient_page
from itb_bayes.risk.patient import PatientSummary, summarise_patients

INDEX = "index"


@dataclass(frozen=True)
class WrittenReport:
    """What was made.

    Attributes
    ----------
    folder : Path
    index : IndexDocument
        Its patients are in the order of the list; their pages are ``<page_id>.html``.
    """

    folder: Path
    index: IndexDocument


def write_report(
    fit: Fit,
    out: Path | str,
    patients: tuple[str, ...] = (),
    *,
    allow_unconverged: bool = False,
    on_page: Callable[[int, int], None] | None = None,
) -> WrittenReport:
    """Write the pages of a fit.

    The same fit gives the same bytes: nothing on a page depends on the clock or on which other
    pages are made.

    Parameters
    ----------
    fit : Fit
    out : path
        Folder for the pages: new, empty, or holding an earlier report.
    patients : tuple of str
        Only these; all where empty.
    allow_unconverged : bool
        Make watermarked pages of a fit that did not pass its gate.
    on_page : callable, optional
        Called with the number of pages done, and of all; first with 0, when drawing begins.

    Raises
    ------
    GateError
        If the fit did not pass its gate, unless ``allow_unconverged``.
    UsageError
        If a patient is not in the fit, or the folder cannot be used.
    """
    fit.require_gate(allow_unconverged)
    wanted = choose_patients(fit, patients)
    folder = ReportFolder.prepare(Path(out))
    summaries = summarise_patients(fit, HORIZONS_MONTHS)
    assembly = Assembly(fit, summaries)
    documents = _write_pages(assembly, [summaries[i] for i in wanted], folder, on_page)
    index = assembly.index(documents)
    folder.write(f"{INDEX}.json", to_json(index))
    folder.write(f"{INDEX}.html", index_page(index))
    folder.finish()
    return WrittenReport(folder.path, index)


def choose_patients(fit: Fit, patients: tuple[str, ...]) -> list[int]:
    """Return the positions of the chosen patients, in the order of the fit.

    Raises
    ------
    UsageError
        If one is not in the fit.
    """
    place = {patient_id: i for i, patient_id in enumerate(fit.plan.series.patient_ids)}
    for patient_id in patients:
        if patient_id not in place:
            raise UsageError(
                f"patient {patient_id!r} is not in this fit ({len(place)} patients). Identifiers "
                "are compared exactly; patients set aside before the fit have no page."
            )
    return sorted({place[patient_id] for patient_id in patients or tuple(place)})


def _write_pages(
    assembly: Assembly,
    summaries: list[PatientSummary],
    folder: ReportFolder,
    on_page: Callable[[int, int], None] | None,
) -> list[PatientDocument]:
    documents = [assembly.patient(summary) for summary in summaries]
    stems = [INDEX, *(document.page_id for document in documents)]
    folder.announce([f"{stem}.{kind}" for stem in stems for kind in ("html", "json")])
    if on_page is not None:
        on_page(0, len(documents))
    room = ChartRoom()
    with chart_style():
        for done, document in enumerate(documents, start=1):
            charts = Charts(room.trajectory(document), room.dotplot(document))
            folder.write(f"{document.page_id}.json", to_json(document))
            folder.write(f"{document.page_id}.html", patient_page(document, charts))
            if on_page is not None:
                on_page(done, len(documents))
    return documents
