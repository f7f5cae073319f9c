"""What was truly present at each visit of a simulated cohort, from its ``truth/regimes.csv``."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.errors import CohortError
from itb_bayes.evaluate.visits import DAYS_PER_YEAR, whole_days

TARGETS = {
    "device_fault": ("catheter", "pump"),
    "catheter": ("catheter",),
    "pump": ("pump",),
    "tolerance": ("tolerance",),
    "progression": ("progression",),
    "trigger": ("trigger",),
}
"""What is judged, and the kinds of truth row that count as it."""

PAUSED = "paused"


def read_regimes(folder: str | Path) -> pd.DataFrame:
    """Read the true regimes of a simulated cohort.

    Parameters
    ----------
    folder : str or Path
        The cohort's folder, which holds ``truth/regimes.csv``.

    Returns
    -------
    DataFrame
        ``patient_id, kind, form, start_day, end_day``: present from ``start_day`` up to, not
        including, ``end_day``.

    Raises
    ------
    CohortError
        If the file is missing or lacks a column.
    """
    path = Path(folder) / "truth" / "regimes.csv"
    if not path.is_file():
        raise CohortError(
            f"{path} is missing: only a simulated cohort carries the truth; "
            "make one with itb-bayes data simulate."
        )
    table = pd.read_csv(path, dtype={"patient_id": "str"})
    needed = ("patient_id", "kind", "form", "t_onset", "t_end")
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise CohortError(f"{path} lacks the column(s) {', '.join(missing)}; simulate it again.")
    return regime_days(table)


def regime_days(table: pd.DataFrame) -> pd.DataFrame:
    """Turn truth rows (``t_onset``, ``t_end`` in years) into whole days since implant.

    Truth times are rounded to four decimals of a year; whole days make them comparable with the
    dates of the records.
    """
    return pd.DataFrame(
        {
            "patient_id": table["patient_id"].astype(str).to_numpy(),
            "kind": table["kind"].astype(str).to_numpy(),
            "form": table["form"].astype(str).to_numpy(),
            "start_day": whole_days(table["t_onset"].to_numpy(dtype=float)),
            "end_day": whole_days(table["t_end"].to_numpy(dtype=float)),
        }
    )


def truth_at(regimes: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Return what was present at each visit.

    Parameters
    ----------
    regimes : DataFrame
        From :func:`read_regimes`.
    visits : DataFrame
        ``patient_id, day`` and any other columns.

    Returns
    -------
    DataFrame
        The visits with one bool column for each of :data:`TARGETS`, and ``paused``: no drug flows
        (a holiday, or an explant up to a reimplant or the end). A device fault is present from its
        onset until its repair: on the day of the repair it is known, and gone.
    """
    day = visits["day"].to_numpy(dtype=np.int64)
    flags = {name: np.zeros(day.size, dtype=bool) for name in (*TARGETS, PAUSED)}
    rows_of = visits.groupby("patient_id", sort=False).indices
    for pid, rows in regimes.groupby("patient_id", sort=False):
        at = np.asarray(rows_of.get(str(pid), ()), dtype=np.int64)
        if not at.size:
            continue
        start, end = rows["start_day"].to_numpy(), rows["end_day"].to_numpy()
        present = (start[:, None] <= day[at]) & (day[at] < end[:, None])
        kind = rows["kind"].to_numpy(dtype=object)
        for name, kinds in (*TARGETS.items(), (PAUSED, (PAUSED,))):
            flags[name][at] = present[np.isin(kind.astype(str), kinds)].any(axis=0)
    return visits.assign(**flags)


def fault_episodes(regimes: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return the episodes of a target; episodes of one patient that overlap count as one.

    Parameters
    ----------
    regimes : DataFrame
        From :func:`read_regimes`.
    target : str
        A name of :data:`TARGETS`.

    Returns
    -------
    DataFrame
        ``patient_id, start_day, end_day``, sorted by patient and start.
    """
    rows = regimes.loc[regimes["kind"].isin(TARGETS[target])]
    rows = rows.loc[rows["end_day"] > rows["start_day"]]
    rows = rows.sort_values(["patient_id", "start_day"], kind="stable")
    merged: list[tuple[str, int, int]] = []
    triples = zip(rows["patient_id"], rows["start_day"], rows["end_day"], strict=True)
    for pid, start, end in triples:
        if merged and merged[-1][0] == pid and start <= merged[-1][2]:
            merged[-1] = (pid, merged[-1][1], max(merged[-1][2], int(end)))
        else:
            merged.append((str(pid), int(start), int(end)))
    return pd.DataFrame(
        {
            "patient_id": pd.Series([item[0] for item in merged], dtype="str"),
            "start_day": np.array([item[1] for item in merged], dtype=np.int64),
            "end_day": np.array([item[2] for item in merged], dtype=np.int64),
        }
    )


def persistence_years(episodes: pd.DataFrame) -> float:
    """Return how long a condition persists, as the clustering of visits feels it (years).

    Half the mean squared length of the episodes over their mean length: the area under the
    autocorrelation of a rare condition, and the mean length where lengths are exponential. Long
    episodes hold most of the visits, so they count for more. NaN where there are none.
    """
    days: NDArray[np.float64] = (episodes["end_day"] - episodes["start_day"]).to_numpy(float)
    if not days.size:
        return float("nan")
    return float(np.sum(days**2) / (2.0 * np.sum(days)) / DAYS_PER_YEAR)
