"""Reports of a cohort in parts: one part at a time in each worker, nothing finished lost."""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from itb_bayes import __version__
from itb_bayes.cohort.asof import AsOf, as_of_years
from itb_bayes.cohort.partitions import Partitions, part_name
from itb_bayes.errors import CohortError, ModelError, NobodyOnRecord, UsageError
from itb_bayes.evaluate.distribute import Workplace, run_tasks
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.threads import at_most
from itb_bayes.model.regimes_plan import plan_scoring
from itb_bayes.registry.lookalikes import shared_looks
from itb_bayes.registry.page_folder import PageFolder, whole_part
from itb_bayes.registry.problems import part_problem, parts_failed
from itb_bayes.registry.scoring import without_patients
from itb_bayes.report.document import Gate
from itb_bayes.report.explained_groups import GroupFacts, ReferenceGroups
from itb_bayes.report.exports import Exports
from itb_bayes.report.frame import HORIZONS_MONTHS
from itb_bayes.report.html import registry_page
from itb_bayes.report.naming import LIST
from itb_bayes.report.part_pages import Part, PartRequest, write_part
from itb_bayes.report.registry_document import RegistryIndex, merge_lists, registry_to_json
from itb_bayes.report.writing import THRESHOLD, OnProgress
from itb_bayes.risk.regimes_patient import summarise_explained

LAST_YEARS = 39.0
"""Centiles are drawn to the end of this year's axis, whatever the parts hold."""


@dataclass(frozen=True)
class ReportRequest:
    """What is asked of the pages.

    Attributes
    ----------
    threshold : float
        Probability from which a list counts a patient as one to look at.
    exports : Exports
    as_of : date, float or None
        Use records up to that day, or so many years since implant; every record's own end where
        None.
    """

    threshold: float = THRESHOLD
    exports: Exports = field(default_factory=Exports)
    as_of: AsOf | None = None


@dataclass(frozen=True)
class RegistryReport:
    """A report in parts.

    Attributes
    ----------
    folder : Path
    written_now : int
        Parts that this run has written; the others were there.
    index : RegistryIndex
    """

    folder: Path
    written_now: int
    index: RegistryIndex


@dataclass(frozen=True, eq=False)
class _Reporting:
    """What every worker needs: the fit without its patients, and where parts and pages are."""

    pages: PartRequest
    partitions: Partitions
    out: Path
    as_of: AsOf | None
    identity: str
    looks: Mapping[int, frozenset[str]]
    single_thread: bool

    def made_of(self, number: int) -> str:
        """Return the digest of everything that the pages of a part are made of."""
        shared = sorted(self.looks.get(number, ()))
        parts = [__version__, self.identity, self.partitions.digest(number), shared]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def report_registry(
    fit: RegimesFit,
    partitions: Partitions,
    out: Path,
    request: ReportRequest | None = None,
    *,
    allow_unconverged: bool = False,
    place: Workplace | None = None,
    on_progress: OnProgress | None = None,
) -> RegistryReport:
    """Write the pages of every part of a cohort; goes on from what is finished there.

    A worker holds one part at a time, and this process one list. Pages do not depend on the number
    of workers, on the order of the parts, on how often the run was killed, or, but for the digest
    of the data that they name, on the part that a patient lies in.

    Parameters
    ----------
    fit : RegimesFit
    partitions : Partitions
        Every worker must see its folder, and ``out``, under the same path.
    out : Path
    request : ReportRequest, optional
    allow_unconverged : bool
        Make watermarked pages of a fit that did not pass its gate.
    place : Workplace, optional
        Default: this process.
    on_progress : callable, optional
        Called with a phase, the work done, and all.

    Raises
    ------
    GateError
        If the fit did not pass its gate, unless ``allow_unconverged``.
    CohortError
        If a patient lies in two parts, or parts break the contract; the others have their pages.
    UsageError
        If ``out`` cannot be used, an export cannot be made, or Dask fails.
    """
    request, place = request or ReportRequest(), place or Workplace(0)
    fit.require_gate(allow_unconverged)
    exports = replace(request.exports, workers=1)
    exports.check(Gate(fit.gate.passed, tuple(fit.gate.failures())))
    partitions = replace(partitions, folder=partitions.folder.absolute())
    partitions.check_identities()
    told = on_progress or (lambda phase, done, total: None)
    identity = _identity(fit, partitions, request)
    folder = PageFolder(out.absolute(), identity, "pages")
    pages = PartRequest(without_patients(fit), _NO_GROUPS, request.threshold, exports)
    shared = _Reporting(
        pages, partitions, folder.folder, request.as_of, json.dumps(identity, sort_keys=True),
        shared_looks(partitions), not place.in_process,
    )  # fmt: skip
    with folder.hold():
        folder.clear_unfinished()
        missing = folder.outdated([shared.made_of(k) for k in range(partitions.n_parts)])
        if missing:
            shared = replace(shared, pages=replace(pages, groups=_compared(fit, told)))
            _write_parts(shared, missing, place, told)
        index = merge_lists(folder.lists(partitions.n_parts), request.threshold)
        if not index.n_patients:
            raise UsageError(
                f"nobody of cohort {partitions.name!r} has a dose on record by "
                f"{request.as_of or 'any day'}; choose a later --as-of."
            )
        folder.write_text(f"{LIST}.json", registry_to_json(index), mode=0o600)
        folder.write_text(f"{LIST}.html", registry_page(index), mode=0o600)
        folder.remove_beyond(partitions.n_parts)
    return RegistryReport(out, len(missing), index)


_NO_GROUPS = GroupFacts(0, {}, {}, {}, {}, {}, {}, {})
"""Stands where pages are not drawn."""


def _write_parts(
    shared: _Reporting, missing: list[int], place: Workplace, told: Callable[[str, int, int], None]
) -> None:
    n_parts = shared.partitions.n_parts
    problems: dict[int, str] = {}
    told("parts", n_parts - len(missing), n_parts)
    done = enumerate(run_tasks(report_part, shared, missing, place), start=1)
    for count, (number, problem) in done:
        if problem:
            problems[number] = problem
        told("parts", n_parts - len(missing) + count, n_parts)
    if problems:
        raise parts_failed(problems, n_parts, "reported")


def report_part(shared: _Reporting, number: int) -> str:
    """Write the pages of one part; the same on every machine.

    Returns
    -------
    str
        Why there are none; empty where there are.

    Raises
    ------
    UsageError
        If they cannot be written.
    """
    made_of = shared.made_of(number)
    try:
        cohort = shared.partitions.read(number)
        until = {} if shared.as_of is None else as_of_years(cohort, shared.as_of, part=True)
        plan = plan_scoring(shared.pages.fit.plan, cohort, until_years=until)
    except NobodyOnRecord:
        plan = shared.pages.fit.plan  # which holds no patient
    except (CohortError, ModelError, UsageError) as error:
        return part_problem(error)
    looks = shared.looks.get(number, frozenset())
    part = Part(part_name(number), cohort, plan, until, looks)
    # Alone in its worker process a part keeps to one thread: the workers share the cores.
    one_thread = at_most(1) if shared.single_thread else nullcontext()
    with one_thread, whole_part(shared.out, number, made_of) as building:
        write_part(shared.pages, part, building, made_of)
    return ""


def _compared(fit: RegimesFit, told: Callable[[str, int, int], None]) -> GroupFacts:
    """Return what pages say about the fitted patients."""
    told("fitted patients", 0, fit.plan.n_patient)
    fitted = summarise_explained(
        fit, HORIZONS_MONTHS, lambda done, total: told("fitted patients", done, total)
    )
    return ReferenceGroups(fit, fitted, LAST_YEARS).facts()


def _identity(fit: RegimesFit, partitions: Partitions, request: ReportRequest) -> dict[str, object]:
    exports = {k: v for k, v in asdict(request.exports).items() if k != "workers"}
    return {
        "fit": fit.manifest["run"],
        "gate_passed": fit.gate.passed,
        "cohort": partitions.name,
        "synthetic": partitions.synthetic or fit.synthetic,
        "as_of": None if request.as_of is None else str(request.as_of),
        "threshold": request.threshold,
        "also": sorted(exports["formats"]),
        "date": None if exports["today"] is None else str(exports["today"]),
    }
