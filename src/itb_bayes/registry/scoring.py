"""Scoring of a cohort in parts: one part at a time in each worker, nothing finished lost."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import xarray as xr

from itb_bayes import __version__
from itb_bayes.cohort.asof import AsOf, as_of_years
from itb_bayes.cohort.partitions import Partitions
from itb_bayes.errors import CohortError, ModelError, NobodyOnRecord, UsageError
from itb_bayes.evaluate.distribute import Workplace, run_tasks
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.threads import at_most
from itb_bayes.registry.problems import part_problem, parts_failed
from itb_bayes.registry.results import SUMMARY_FILE, ResultFolder
from itb_bayes.risk.explanation_table import unscored_table
from itb_bayes.risk.scoring import ScoringRequest, score_cohort

NOT_PASSED = "GATE NOT PASSED"


@dataclass(frozen=True)
class PartScores:
    """What a worker made of one part.

    Attributes
    ----------
    digest : str
        Of the records that were read.
    table : pandas.DataFrame or None
        Scores; None where the part breaks the contract.
    counts : dict of int
        Patients by what became of them.
    problem : str
        Why there is no table, without any value of a patient; empty otherwise.
    """

    digest: str
    table: pd.DataFrame | None
    counts: dict[str, int]
    problem: str = ""


@dataclass(frozen=True)
class RegistryScores:
    """A scored registry.

    Attributes
    ----------
    folder : Path
    n_parts : int
    scored_now : int
        Parts that this run has scored; the others were there.
    counts : dict of int
        Patients by what became of them: ``estimated``, or why not.
    """

    folder: Path
    n_parts: int
    scored_now: int
    counts: dict[str, int]


@dataclass(frozen=True, eq=False)
class _Scoring:
    """What every worker needs: the fit without its patients, and where the parts are."""

    fit: RegimesFit
    request: ScoringRequest
    partitions: Partitions
    as_of: AsOf | None
    single_thread: bool


def score_registry(
    fit: RegimesFit,
    partitions: Partitions,
    out: Path,
    request: ScoringRequest,
    *,
    as_of: AsOf | None = None,
    place: Workplace | None = None,
    on_part: Callable[[int, int], None] | None = None,
) -> RegistryScores:
    """Score every part of a cohort into a folder; goes on from what is finished there.

    A worker holds one part at a time, and this process one table of scores. Scores do not depend
    on the number of workers, on the order of the parts, on how often the run was killed, or on
    the part that a patient lies in.

    Parameters
    ----------
    fit : RegimesFit
    partitions : Partitions
        Every worker must see its folder under the same path.
    out : Path
    request : ScoringRequest
    as_of : date or float, optional
        Use records up to that day, or so many years since implant; patients whose record ended
        more than a year before give no numbers. By default every record is judged by its own end.
    place : Workplace, optional
        Default: this process.
    on_part : callable, optional
        Called with the parts done and all parts.

    Raises
    ------
    CohortError
        If a patient lies in two parts, or parts break the contract; the others are scored.
    UsageError
        If ``out`` cannot be used, or Dask fails.
    """
    place = place or Workplace(0)
    partitions = replace(partitions, folder=partitions.folder.absolute())
    partitions.check_identities()
    results = ResultFolder(out.absolute(), _identity(fit, partitions, request, as_of))
    with results.hold():
        done: dict[int, dict[str, int]] = {}
        for number in range(partitions.n_parts):
            counts = results.counts(number, partitions.digest(number))
            if counts is not None:
                done[number] = counts
        missing = [number for number in range(partitions.n_parts) if number not in done]
        shared = _Scoring(without_patients(fit), request, partitions, as_of, not place.in_process)
        problems: dict[int, str] = {}
        for number, scores in run_tasks(score_part, shared, missing, place):
            if scores.table is None:
                problems[number] = scores.problem
            else:
                results.keep(number, scores.digest, scores.table, scores.counts)
                done[number] = scores.counts
            if on_part is not None:
                on_part(len(done) + len(problems), partitions.n_parts)
        if problems:
            raise parts_failed(problems, partitions.n_parts, "scored")
        counts = _sum(done.values())
        results.remove_beyond(partitions.n_parts)
        results.write_text(SUMMARY_FILE, _summary_text(partitions, counts))
    return RegistryScores(out, partitions.n_parts, len(missing), counts)


def without_patients(fit: RegimesFit) -> RegimesFit:
    """Return what a worker needs of a fit: its draws, and no patient of it."""
    draws = xr.DataTree.from_dict({"posterior": fit.posterior})
    return RegimesFit(fit.spec, fit.plan.between(0, 0), draws, fit.gate, fit.manifest)


def score_part(shared: _Scoring, number: int) -> PartScores:
    """Score one part; the same on every machine."""
    digest = shared.partitions.digest(number)
    try:
        cohort = shared.partitions.read(number)
        judged = shared.as_of is not None
        until = as_of_years(cohort, shared.as_of, part=True) if judged else None
        # Alone in its worker process a part keeps to one thread: the workers share the cores.
        with at_most(1) if shared.single_thread else nullcontext():
            table = score_cohort(
                shared.fit, cohort, shared.request, until_years=until, refuse_stale=judged
            )
    except NobodyOnRecord:
        ids = cohort.patients["patient_id"].astype(str).tolist()
        table = unscored_table(shared.fit, ids, shared.request.mode)
    except (CohortError, ModelError, UsageError) as error:
        return PartScores(digest, None, {}, part_problem(error))
    if not shared.fit.gate.passed:
        table = table.assign(status=NOT_PASSED)
    return PartScores(digest, table, count_patients(table))


def count_patients(table: pd.DataFrame) -> dict[str, int]:
    """Return the number of patients by what became of them, the numbers in the reasons left out."""
    status = table.groupby("patient_id", sort=False)["status"].last()
    kinds = status.str.replace(r" \(Pareto k.*?\)", "", regex=True)
    return {str(kind): int(n) for kind, n in kinds.value_counts(sort=False).sort_index().items()}


def _identity(
    fit: RegimesFit, partitions: Partitions, request: ScoringRequest, as_of: AsOf | None
) -> dict[str, object]:
    return {
        "fit": fit.manifest["run"],
        "gate_passed": fit.gate.passed,
        "cohort": partitions.name,
        "synthetic": partitions.synthetic or fit.synthetic,
        "as_of": None if as_of is None else str(as_of),
        "unreliable_weights": "all draws",
        "version": __version__,
        **asdict(request),
    }


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for kind, n in part.items():
            total[kind] = total.get(kind, 0) + n
    return dict(sorted(total.items()))


def _summary_text(partitions: Partitions, counts: dict[str, int]) -> str:
    summary = {"parts": partitions.n_parts, "patients": sum(counts.values()), "status": counts}
    return json.dumps(summary, indent=1, sort_keys=True) + "\n"
