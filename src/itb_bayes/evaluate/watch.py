"""Visits under surveillance and the episodes among them, laid out as flat arrays."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.accuracy import Array, Flags
from itb_bayes.evaluate.visits import DAYS_PER_YEAR

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Watch:
    """The visits under surveillance and the episodes among them.

    Attributes
    ----------
    patient : ndarray of int64, shape (n_visit,)
        Number of the patient, from 0, sorted.
    day : ndarray of int64, shape (n_visit,)
        Days since implant, increasing within a patient.
    truth : ndarray of bool, shape (n_visit,)
        Whether the condition is present.
    ended : ndarray of bool, shape (n_visit,)
        Whether an episode ended since the patient's visit before.
    years : ndarray, shape (n_patient,)
        Time from the first to the last visit.
    episode_patient, episode_start : ndarray of int64, shape (n_episode,)
        Episodes with at least one visit: patient and day of onset.
    episode_first, episode_stop : ndarray of int64, shape (n_episode,)
        Visits of an episode are ``first:stop``.
    n_unseen : int
        Episodes without any visit in the evaluated time; nobody could have caught them.
    """

    patient: Index
    day: Index
    truth: Flags
    ended: Flags
    years: Array
    episode_patient: Index
    episode_start: Index
    episode_first: Index
    episode_stop: Index
    n_unseen: int

    @property
    def n_patient(self) -> int:
        """Number of patients."""
        return self.years.size


def watch_visits(visits: pd.DataFrame, episodes: pd.DataFrame) -> Watch:
    """Lay out visits and episodes for surveillance.

    Parameters
    ----------
    visits : DataFrame
        ``patient_id, day``; rows of one patient together, days increasing.
    episodes : DataFrame
        ``patient_id, start_day, end_day``: present from start up to, not including, end; episodes
        of one patient do not overlap.

    Raises
    ------
    UsageError
        If there is no visit, or the visits are not sorted.
    """
    if not len(visits):
        raise UsageError("There is no visit to judge.")
    patient, names = pd.factorize(visits["patient_id"])
    patient, day = patient.astype(np.int64), visits["day"].to_numpy(dtype=np.int64)
    if np.any(np.diff(patient) < 0) or np.any(np.diff(day)[np.diff(patient) == 0] <= 0):
        raise UsageError("Visits must be sorted by patient, then day, without repeats.")
    first = np.searchsorted(patient, np.arange(names.size))
    stop = np.append(first[1:], patient.size)
    number = {str(name): k for k, name in enumerate(names)}
    truth, ended = np.zeros(day.size, dtype=bool), np.zeros(day.size, dtype=bool)
    seen: list[tuple[int, int, int, int]] = []
    unseen = 0
    rows = zip(episodes["patient_id"], episodes["start_day"], episodes["end_day"], strict=True)
    for pid, start, end in rows:
        who = number.get(str(pid))
        if who is None:
            continue
        own = day[first[who] : stop[who]]
        low, high = first[who] + np.searchsorted(own, [start, end], side="left")
        if high == low:
            unseen += int(own[0] <= start <= own[-1])
            continue
        truth[low:high] = True
        if high < stop[who]:
            ended[high] = True
        seen.append((who, int(start), int(low), int(high)))
    table = np.array(seen, dtype=np.int64).reshape(-1, 4)
    years = (day[stop - 1] - day[first]) / DAYS_PER_YEAR
    who_ill, start_day, first_visit, stop_visit = table.T
    return Watch(
        patient, day, truth, ended, years, who_ill, start_day, first_visit, stop_visit, unseen
    )
