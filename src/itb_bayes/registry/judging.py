"""Explanations judged over a cohort in parts: one part at a time in each worker, nothing lost.

Of each judged visit a worker hands over the patient, the day, the probabilities and the scores of
plain charts, and of each part the episodes; the metrics are then those of one cohort.
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

from itb_bayes.cohort.partitions import Partitions
from itb_bayes.errors import CohortError, ModelError, UsageError
from itb_bayes.evaluate.comparators import COMPARATORS
from itb_bayes.evaluate.distribute import Workplace, run_tasks
from itb_bayes.evaluate.explanations.filtered import ExplanationFold, filtered_probabilities
from itb_bayes.evaluate.explanations.judged import FoldFacts, Judged, judge_visits
from itb_bayes.evaluate.explanations.reference import (
    TARGETS,
    Reference,
    any_reference_of,
    with_episodes,
)
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.threads import at_most
from itb_bayes.model.regimes_plan import RegimesPlan, plan_scoring
from itb_bayes.registry.problems import part_problem, parts_failed
from itb_bayes.registry.results import ResultFolder
from itb_bayes.registry.scoring import without_patients

VISIT = "visit"
"""What a row is of: a visit, or else an episode of the target that it names."""

_NUMBERS = (*TARGETS, *COMPARATORS)
FITTED_HERE = "the fit was made with patients of this part, who cannot judge it"


@dataclass(frozen=True)
class JudgedPart:
    """What a worker made of one part.

    Attributes
    ----------
    digest : str
        Of the records that were read.
    table : pandas.DataFrame or None
        Visits and episodes, ``patient_id, what, day, end_day`` and numbers; None where there is a
        problem.
    counts : dict of int
        ``asked``, ``patients``, ``scored``, ``unreliable``, ``truth`` (1 where the truth is known).
    definition : str
        The reference standard.
    problem : str
        Empty where there is none.
    """

    digest: str
    table: pd.DataFrame | None
    counts: dict[str, int]
    definition: str
    problem: str = ""


@dataclass(frozen=True, eq=False)
class _Judging:
    fit: RegimesFit
    partitions: Partitions
    fitted: frozenset[bytes]
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
        If a patient lies in two parts, or parts cannot be judged; the others are kept.
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
    shared = _Judging(without_patients(fit), partitions, records_of(fit.plan), not place.in_process)
    n_parts = partitions.n_parts
    with results.hold():
        missing = [k for k in range(n_parts) if results.counts(k, partitions.digest(k)) is None]
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
        counts = [results.counts(k, partitions.digest(k)) or {} for k in range(n_parts)]
        table = _together([results.path(k) for k in range(n_parts)])
    if len({count.get("truth") for count in counts}) > 1:
        raise UsageError(
            f"some parts of {partitions.folder} hold truth/regimes.csv and some do not; judge them "
            "against one reference: add it to all, or remove it from all."
        )
    definition = any_reference_of(partitions.read(0), partitions.part(0)).definition
    return _judged(table, counts, f"run {fit.run_id}", definition, partitions.name), definition


def judge_part(shared: _Judging, number: int) -> JudgedPart:
    """Judge one part; the same on every machine."""
    digest, folder = shared.partitions.digest(number), shared.partitions.part(number)
    try:
        cohort = shared.partitions.read(number)
        plan = plan_scoring(shared.fit.plan, cohort)
        found = any_reference_of(cohort, folder)
    except (CohortError, ModelError, UsageError) as error:
        return JudgedPart(digest, None, {}, "", part_problem(error))
    if shared.fitted & records_of(plan):
        return JudgedPart(digest, None, {}, "", FITTED_HERE)
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
        "truth": int("tolerance" in judged.episodes),
    }
    return JudgedPart(digest, _as_rows(judged), counts, found.definition)


def records_of(plan: RegimesPlan) -> frozenset[bytes]:
    """Return a digest of the identifier and the records of each patient."""
    found = []
    for who, first, last in zip(plan.patient_ids, plan.offsets, plan.offsets[1:], strict=False):
        rows = np.nan_to_num(plan.data[first:last], nan=-9.0).tobytes()
        found.append(hashlib.blake2b(who.encode() + b"\0" + rows, digest_size=12).digest())
    return frozenset(found)


def _as_rows(judged: Judged) -> pd.DataFrame:
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
    rows = rows.astype({"day": np.int32, "end_day": np.int32, **dict.fromkeys(_NUMBERS, float)})
    return rows[["patient_id", "what", "day", "end_day", *_NUMBERS]]


def _together(paths: list[Path]) -> pd.DataFrame:
    """Return the rows of all parts, texts as codes."""
    texts = ["patient_id", "what"]
    parts = [pq.read_table(path, read_dictionary=texts) for path in paths]
    plain = [part.replace_schema_metadata(None) for part in parts]
    return pa.concat_tables(plain).unify_dictionaries().to_pandas()


def _judged(
    table: pd.DataFrame, counts: Sequence[Mapping[str, int]], fold: str,
    definition: str, name: str,
) -> Judged:  # fmt: skip
    """Return all parts as one cohort that was judged."""
    patient = table["patient_id"].cat.codes.to_numpy()
    table = table.assign(patient_id=patient)
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
