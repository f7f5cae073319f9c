"""Write a report: one page and one document per patient, and the list of all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from itb_bayes.cohort.asof import AsOf
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.model.plan import DriftPlan
from itb_bayes.model.regimes_plan import RegimesPlan, plan_scoring
from itb_bayes.report.assembly import Assembly
from itb_bayes.report.document import Gate, PatientDocument
from itb_bayes.report.earlier import Earlier, read_earlier
from itb_bayes.report.explained_assembly import ExplainedAssembly, Unseen, last_years
from itb_bayes.report.explained_groups import ReferenceGroups
from itb_bayes.report.exports import Exports
from itb_bayes.report.folder import ReportFolder
from itb_bayes.report.frame import HORIZONS_MONTHS, Source
from itb_bayes.report.html import index_page
from itb_bayes.report.index_document import IndexDocument, index_to_json
from itb_bayes.report.naming import LIST
from itb_bayes.report.press import Press
from itb_bayes.risk.as_of import as_of_times, refuse_later_records
from itb_bayes.risk.patient import summarise_patients
from itb_bayes.risk.refit import Refit
from itb_bayes.risk.regimes_patient import summarise_explained

THRESHOLD = 0.2
"""Probability from which the list counts a patient as one to look at."""

OnProgress = Callable[[str, int, int], None]
"""Called with a phase (such as "patients" or "pages"), the work done, and all; first with 0."""


@dataclass(frozen=True)
class WrittenReport:
    """What was made.

    Attributes
    ----------
    folder : Path
    index : IndexDocument
        Its patients are in the order of the list; their pages are ``<page_id>.html``.
    n_removed : int
        Pages of an earlier report in this folder that are not part of this one.
    """

    folder: Path
    index: IndexDocument
    n_removed: int


def write_report(
    fit: Fit | RegimesFit,
    out: Path | str,
    patients: tuple[str, ...] = (),
    *,
    allow_unconverged: bool = False,
    threshold: float = THRESHOLD,
    since: Path | None = None,
    exports: Exports | None = None,
    unseen: Cohort | None = None,
    as_of: AsOf | None = None,
    dates: Cohort | None = None,
    fallback: Refit | None = None,
    on_progress: OnProgress | None = None,
) -> WrittenReport:
    """Write the pages of a fit.

    The same fit gives the same bytes: nothing on a page depends on the clock or on which other
    pages are made.

    Parameters
    ----------
    fit : Fit or RegimesFit
    out : path
        Folder for the pages: new, empty, or holding an earlier report.
    patients : tuple of str
        Only these; all where empty.
    allow_unconverged : bool
        Make watermarked pages of a fit that did not pass its gate.
    threshold : float
        Probability from which the list counts a patient as one to look at.
    since : path, optional
        Folder of an earlier report of the same model; pages then say what has changed.
    exports : Exports, optional
        What is written beside the pages.
    unseen : Cohort, optional
        Make pages of these patients, whom the fit has not seen, instead of the fitted ones. Their
        records after ``as_of`` are not looked at.
    as_of : date or float, optional
        As-of time (:func:`itb_bayes.cohort.asof.as_of_years`): records that ended long before give
        pages without numbers.
    dates : Cohort, optional
        The fitted cohort, whose dates a fit does not hold; without ``as_of``, its last day of
        record is the as-of date.
    fallback : Refit, optional
        For patients of ``unseen`` whom the draws of the fit do not foretell; without it their
        pages have no numbers.
    on_progress : callable, optional

    Raises
    ------
    GateError
        If the fit did not pass its gate, unless ``allow_unconverged``.
    UsageError
        If a patient is not in the fit, a folder cannot be used, an export cannot be made, the
        as-of time fits neither the cohort nor what was fitted, or a drift fit is asked for pages of
        patients that it has not seen.
    ModelError
        If no patient of ``unseen`` has a dose on record.
    """
    fit.require_gate(allow_unconverged)
    exports = exports or Exports()
    exports.check(Gate(fit.gate.passed, tuple(fit.gate.failures())))
    until = as_of_times(fit, unseen, dates, as_of)
    plan = None if unseen is None else _lay_out(fit, unseen, until)
    wanted = choose_patients(fit.plan if plan is None else plan, patients)
    if plan is None:
        refuse_later_records(fit, wanted, until)
    earlier = Earlier() if since is None else read_earlier(since, fit)
    folder = ReportFolder.prepare(Path(out))
    told = on_progress or (lambda phase, done, total: None)
    assembly: Assembly | ExplainedAssembly
    if isinstance(fit, Fit):
        summaries = summarise_patients(fit, HORIZONS_MONTHS, until)
        assembly = Assembly(fit, summaries, threshold, earlier.documents, earlier.run, until)
    else:
        others = None
        if unseen is not None and plan is not None:
            others = _Others(plan, Source.of_unseen(unseen, plan), frozenset(wanted), fallback)
        assembly = _explain(fit, others, (threshold, earlier, until), told)
    chosen = [assembly.summaries[i] for i in wanted]
    documents = _write_pages(assembly, chosen, folder, exports, told)
    for name, content in exports.of_report(documents).items():
        folder.write(name, content)
    index = assembly.index(documents)
    folder.write(f"{LIST}.json", index_to_json(index))
    folder.write(f"{LIST}.html", index_page(index))
    return WrittenReport(folder.path, index, folder.finish())


def _lay_out(
    fit: Fit | RegimesFit, unseen: Cohort, until_years: Mapping[str, float]
) -> RegimesPlan:
    return plan_scoring(explaining(fit).plan, unseen, until_years=until_years)


def explaining(fit: Fit | RegimesFit) -> RegimesFit:
    """Return a fit of which pages of patients that it has not seen can be made.

    Raises
    ------
    UsageError
        If it is a drift fit.
    """
    if isinstance(fit, RegimesFit):
        return fit
    raise UsageError(
        "pages of patients that the fit has not seen are made of regimes fits; this is a drift "
        "fit. Leave --cohort out, or fit again with these patients."
    )


@dataclass(frozen=True, eq=False)
class _Others:
    """Patients that the fit has not seen, the ones whose pages are made, and the fallback."""

    plan: RegimesPlan
    source: Source
    wanted: frozenset[int]
    fallback: Refit | None


def _explain(
    fit: RegimesFit, others: _Others | None,
    shared: tuple[float, Earlier, Mapping[str, float]], told: OnProgress,
) -> ExplainedAssembly:  # fmt: skip
    threshold, earlier, until = shared
    phase = "patients" if others is None else "fitted patients"
    told(phase, 0, fit.plan.n_patient)
    fitted = summarise_explained(
        fit, HORIZONS_MONTHS, lambda done, total: told(phase, done, total),
        as_of_years=until if others is None else None,
    )  # fmt: skip
    rest = (threshold, earlier.documents, earlier.run, until)
    if others is None:
        return ExplainedAssembly(fit, fitted, None, *rest)
    plan = others.plan
    told("patients", 0, plan.n_patient)
    summaries = summarise_explained(
        fit, HORIZONS_MONTHS, lambda done, total: told("patients", done, total), unseen=plan,
        as_of_years=until, fallback=others.fallback, wanted=others.wanted,
    )  # fmt: skip
    groups = ReferenceGroups(fit, fitted, last_years(summaries)).facts()
    return ExplainedAssembly(fit, summaries, Unseen(plan, others.source, groups), *rest)


def choose_patients(plan: DriftPlan | RegimesPlan, patients: tuple[str, ...]) -> list[int]:
    """Return the positions of the chosen patients, in the order of the plan.

    Raises
    ------
    UsageError
        If one is not in it.
    """
    ids = plan.patient_ids if isinstance(plan, RegimesPlan) else plan.series.patient_ids
    place = {patient_id: i for i, patient_id in enumerate(ids)}
    for patient_id in patients:
        if patient_id not in place:
            raise UsageError(
                f"patient {patient_id!r} is not among these {len(place)} patients. Identifiers "
                "are compared exactly, and `itb-bayes risk` lists those of a fit; patients set "
                "aside have no page."
            )
    return sorted({place[patient_id] for patient_id in patients or tuple(place)})


def _write_pages(
    assembly: Assembly | ExplainedAssembly,
    summaries: Sequence[Any],
    folder: ReportFolder,
    exports: Exports,
    told: OnProgress,
) -> list[PatientDocument]:
    documents = [assembly.patient(summary) for summary in summaries]
    stems = [LIST, *(document.page_id for document in documents)]
    pages = [f"{stem}.{kind}" for stem in stems for kind in ("html", "json")]
    folder.announce([*pages, *exports.names(stems[1:])])
    told("pages", 0, len(documents))
    with Press(exports, len(documents)) as press:
        drawn = (files for document in documents for files in press.draw(document))
        for done, files in enumerate(chain(drawn, press.rest()), start=1):
            for name, content in files:
                folder.write(name, content)
            told("pages", done, len(documents))
    return documents
