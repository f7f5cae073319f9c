"""What explanations are judged against: the truth of a simulated cohort, or confirmed faults."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.truth import PAUSED, fault_episodes, read_regimes, truth_at
from itb_bayes.evaluate.visits import DAYS_PER_YEAR, evaluation_visits, whole_days

TARGETS = ("device_fault", "tolerance", "progression")
CONFIRMED = ("catheter_fault_confirmed", "pump_fault_confirmed")
LOOKBACK_YEARS = 0.5
"""A confirmed fault counts as present for so long before it was found."""

TRUTH = "the truth of the simulation: from onset to repair or end"
CONFIRMATION = (
    f"a fault confirmed within the next {12 * LOOKBACK_YEARS:g} months; faults that were never "
    "looked for count as absent, and those present for longer as absent before (both make good "
    "probabilities look worse)"
)


@dataclass(frozen=True, eq=False)
class Reference:
    """Visits to be judged and what was there.

    Attributes
    ----------
    visits : pandas.DataFrame
        ``patient_id, t_years, day``, sorted by patient, then day.
    episodes : mapping of str to DataFrame
        By target: ``patient_id, start_day, end_day``.
    definition : str
        The reference standard, in one sentence.
    """

    visits: pd.DataFrame
    episodes: Mapping[str, pd.DataFrame]
    definition: str


def reference_of(cohort: Cohort, folder: Path) -> Reference:
    """Return what the explanations of a cohort can be judged against.

    Parameters
    ----------
    cohort : Cohort
    folder : path
        Where it was read from; a simulated one holds ``truth/regimes.csv``.

    Raises
    ------
    UsageError
        If the cohort has neither a truth nor a confirmed fault, or no visit to judge.
    """
    found = any_reference_of(cohort, folder)
    if not len(found.visits):
        raise UsageError(f"cohort {cohort.name!r} has no visit after titration to be judged.")
    return with_episodes(found, cohort.name)


def with_episodes(found: Reference, name: str) -> Reference:
    """Return a reference without the targets that nobody has.

    Parameters
    ----------
    found : Reference
    name : str
        Of the cohort.

    Raises
    ------
    UsageError
        If no target is left.
    """
    if not any(len(table) for table in found.episodes.values()):
        raise UsageError(
            f"cohort {name!r} has neither truth/regimes.csv nor a confirmed fault: there is "
            "nothing to judge explanations against."
        )
    return replace(found, episodes={k: v for k, v in found.episodes.items() if len(v)})


def truth_file(folder: Path) -> Path:
    """Return where a simulated cohort keeps its truth."""
    return folder / "truth" / "regimes.csv"


def any_reference_of(cohort: Cohort, folder: Path) -> Reference:
    """Return what a part of a cohort can be judged against, be it nothing; see reference_of."""
    visits = evaluation_visits(cohort)
    if truth_file(folder).is_file():
        regimes = read_regimes(folder)
        seen = truth_at(regimes, visits)
        visits = visits.loc[~seen[PAUSED].to_numpy()].reset_index(drop=True)
        episodes = {name: fault_episodes(regimes, name) for name in TARGETS}
        definition = TRUTH
    else:
        episodes = {"device_fault": confirmed_episodes(cohort)}
        definition = CONFIRMATION
    return Reference(visits, episodes, definition)


def confirmed_episodes(cohort: Cohort) -> pd.DataFrame:
    """Return half a year before each confirmed fault as an episode; overlapping ones are joined."""
    events = cohort.events.loc[cohort.events["event"].isin(CONFIRMED)]
    end = whole_days(events["t_years"].to_numpy(dtype=float))
    rows = pd.DataFrame(
        {
            "patient_id": events["patient_id"].astype(str).to_numpy(),
            "kind": "catheter",
            "form": "",
            "start_day": end - np.int64(round(LOOKBACK_YEARS * DAYS_PER_YEAR)),
            "end_day": end,
        }
    )
    return fault_episodes(rows, "device_fault")
