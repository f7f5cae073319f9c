"""Explanations judged over a cohort in parts: one part at a time in each worker, nothing lost.

Of each judged visit a worker hands over the patient's place in the part, the day, the probabilities
and the scores of plain charts, and of each part the episodes; the metrics are then those of one
cohort.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from itb_bayes import __version__
from itb_bayes.cohort.partitions import Partitions
from itb_bayes.errors import CohortError, ModelError, NobodyOnRecord, UsageError
from itb_bayes.evaluate.comparators import COMPARATORS
from itb_bayes.evaluate.distribute import Workplace, run_tasks
from itb_bayes.evaluate.explanations.filtered import ExplanationFold, filtered_probabilities
from itb_bayes.evaluate.explanations.judged import FoldFacts, Judged, judge_visits
from itb_bayes.evaluate.explanations.own import Marks, count_own, marks_of
from itb_bayes.evaluate.explanations.reference import (
    CONFIRMATION,
    TARGETS,
    TRUTH,
    Reference,
    any_reference_of,
    truth_file,
    with_episodes,
)
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.threads import at_most
from itb_bayes.model.regimes_plan import plan_scoring
from itb_bayes.registry.problems import part_problem, parts_failed
from itb_bayes.registry.results import ResultFolder
from itb_bayes.registry.scoring import without_patients

VISIT = "visit"
"""What a row is of: a visit, or else an episode of the target that it names."""

_NUMBERS = (*TARGETS, *COMPARATORS)
_COLUMNS = ("patient", "what", "day", "end_day", *_NUMBERS)
FITTED_HERE = (
    "the fit was made with {n} of its patients, who cannot judge it: take them out of the part, or "
    "name a fit to others"
)


@dataclass(frozen=True)
class JudgedPart:
    """What a worker made of one part.

    Attributes
    ----------
    digest : str
        Of what was read (:func:`judged_digest`).
    table : pandas.DataFrame or None
        Visits and episodes, ``patient, what, day, end_day`` and numbers; None where there is a
        problem. A patient is their place in the part's file, so that no identifier is kept.
    counts : dict of int
        ``asked``, ``patients``, ``scored``, ``unreliable``, ``truth`` (1 where the truth is known),
        ``listed`` (patients in the file).
    problem : str
        Empty where there is none.
    """

    digest: str
    table: pd.DataFrame | None
    counts: dict[str, int]
    problem: str = ""


@dataclass(frozen=True, eq=False)
class _Judging:
    fit: RegimesFit
    partitions: Partitions
    fitted: Marks
    single_thread: bool


def judge_registry(
    fit: RegimesFit,
    partitions: Partitions,
    out: Path,
    *,
    place: Workplace | None = None,
    on_part: Callable[[int, int], None] | None = None,
) -> tuple[Judged, str]:
    """Filter and compare every part of a cohort; goes on from what is finished in ``out``.

    Parameters
    ----------
    fit : RegimesFit
        To other patients; it passed its gate.
    partitions : Partitions
        Every worker must see its folder under the same path.
    out : Path
        Folder of what is kept of each part.
    place : Workplace, optional
        Default: this process.
    on_part : callable, optional
        Called with the parts done and all parts.

    Returns
    -------
    judged : Judged
        Of all parts; patients are numbers, so that they take little room.
    definition : str
        The reference standard.

    Raises
    ------
    CohortError
        If a patient lies in two parts, a part cannot be judged (the others are kept), or one
        changes while the run goes on.
    UsageError
        If there is nothing to judge against, truths are known of some parts only, ``out`` cannot
        be used, or Dask fails.
    """
    place = place or Workplace(0)
    partitions = replace(partitions, folder=partitions.folder.absolute())
    partitions.check_identities()
    identity = {
        "fit": fit.manifest["run"],
        "cohort": partitions.name,
        "synthetic": partitions.synthetic or fit.synthetic,
    }
    results = ResultFolder(out.absolute(), identity, "judged visits")
    shared = _Judging(without_patients(fit), partitions, marks_of(fit.plan), not place.in_process)
    n_parts = partitions.n_parts

    def kept(number: int) -> dict[str, int] | None:
        return results.counts(number, judged_digest(partitions, number))

    with results.hold():
        missing = [k for k in range(n_parts) if kept(k) is None]
        problems: dict[int, str] = {}
        for done, (number, part) in enumerate(run_tasks(judge_part, shared, missing, place), 1):
            if part.table is None:
                problems[number] = part.problem
            else:
                results.keep(number, part.digest, part.table, part.counts)
            if on_part is not None:
                on_part(n_parts - len(missing) + done, n_parts)
        if problems:
            raise parts_failed(problems, n_parts, "judged")
        results.remove_beyond(n_parts)
        counts = [found for found in map(kept, range(n_parts)) if found is not None]
        if len(counts) < n_parts:
            raise CohortError(
                f"{n_parts - len(counts)} of {n_parts} parts of {partitions.folder} changed while "
                "the run went on; run the same command again: it judges them anew."
            )
        listed = np.cumsum([0, *(count["listed"] for count in counts)])
        table = _together([results.path(k) for k in range(n_parts)], listed)
    if len({count["truth"] for count in counts}) > 1:
        raise UsageError(
            f"some parts of {partitions.folder} hold truth/regimes.csv and some do not; judge them "
            "against one reference: add it to all, or remove it from all."
        )
    definition = TRUTH if counts[0]["truth"] else CONFIRMATION
    return _judged(table, counts, f"run {fit.run_id}", definition, partitions.name), definition


def judge_part(shared: _Judging, number: int) -> JudgedPart:
    """Judge one part; the same on every machine."""
    digest, folder = judged_digest(shared.partitions, number), shared.partitions.part(number)
    try:
        cohort = shared.partitions.read(number)
        plan = plan_scoring(shared.fit.plan, cohort)
        found = any_reference_of(cohort, folder)
    except NobodyOnRecord:
        counts = dict.fromkeys(("asked", "patients", "scored", "unreliable"), 0)
        counts |= {"truth": int(truth_file(folder).is_file()), "listed": len(cohort.patients)}
        return JudgedPart(digest, _typed(pd.DataFrame(columns=_COLUMNS)), counts)
    except (CohortError, ModelError, UsageError) as error:
        return JudgedPart(digest, None, {}, part_problem(error))
    own = count_own(plan, shared.fitted)
    if own:
        return JudgedPart(digest, None, {}, FITTED_HERE.format(n=own))
    with at_most(1) if shared.single_thread else nullcontext():
        scores, unreliable = filtered_probabilities(plan, shared.fit.posterior)
    fold = ExplanationFold("", scores, unreliable, float("nan"), 0)
    judged = judge_visits(cohort, found, [fold])
    facts = judged.folds[0]
    counts = {
        "asked": judged.n_asked,
        "patients": facts.patients,
        "scored": facts.days_scored,
        "unreliable": facts.days_unreliable,
        "truth": int(truth_file(folder).is_file()),
        "listed": len(cohort.patients),
    }
    ids = cohort.patients["patient_id"].astype(str)
    place = pd.Series(np.arange(len(ids), dtype=np.int64), index=ids)
    return JudgedPart(digest, _as_rows(judged, place), counts)


def judged_digest(partitions: Partitions, number: int) -> str:
    """Return the digest of all that the judged visits of a part are made of."""
    digest = hashlib.sha256(f"{__version__} {partitions.digest(number)} ".encode())
    truth = truth_file(partitions.part(number))
    digest.update(truth.read_bytes() if truth.is_file() else b"none")
    return digest.hexdigest()


def _as_rows(judged: Judged, place: pd.Series) -> pd.DataFrame:
    visits = judged.visits.assign(what=VISIT, end_day=-1)
    episodes = [
        pd.DataFrame(
            {
                "patient_id": table["patient_id"],
                "what": target,
                "day": table["start_day"],
                "end_day": table["end_day"],
            }
        )
        for target, table in judged.episodes.items()
    ]
    rows = pd.concat([visits, *(table for table in episodes if len(table))], ignore_index=True)
    rows["patient"] = place.reindex(rows["patient_id"].astype(str)).to_numpy()
    return _typed(rows[list(_COLUMNS)])


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    whole = {"patient": np.int64, "day": np.int32, "end_day": np.int32}
    return rows.astype({**whole, "what": "str", **dict.fromkeys(_NUMBERS, float)})


def _together(paths: list[Path], first: NDArray[np.int64]) -> pd.DataFrame:
    """Return the rows of all parts, texts as codes; patients are numbered from ``first`` on."""
    parts = []
    for path, before in zip(paths, first, strict=False):
        part = pq.read_table(path, read_dictionary=["what"]).replace_schema_metadata(None)
        patient = pa.array(part["patient"].to_numpy() + before)
        parts.append(part.set_column(0, "patient_id", patient))
    return pa.concat_tables(parts).unify_dictionaries().to_pandas()


def _judged(
    table: pd.DataFrame, counts: Sequence[Mapping[str, int]], fold: str,
    definition: str, name: str,
) -> Judged:  # fmt: skip
    """Return all parts as one cohort that was judged."""
    what = table["what"]
    visits = table.loc[what == VISIT].drop(columns=["what", "end_day"])
    episodes = {
        target: table.loc[what == target, ["patient_id", "day", "end_day"]].rename(
            columns={"day": "start_day"}
        )
        for target in TARGETS
    }
    found = with_episodes(Reference(visits, episodes, definition), name)

    def total(what: str) -> int:
        return sum(int(count[what]) for count in counts)

    facts = FoldFacts(
        fold, total("patients"), total("scored"), total("unreliable"), float("nan"), 0
    )
    rows: dict[str, Any] = {k: v.reset_index(drop=True) for k, v in found.episodes.items()}
    return Judged(visits.reset_index(drop=True), total("asked"), rows, (facts,))
