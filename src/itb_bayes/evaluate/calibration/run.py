"""Run, or go on with, a calibration: replicates on Dask, each kept as soon as it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.calibration.experiment import Experiment, Replicate, run_replicate
from itb_bayes.evaluate.calibration.store import CalibrationFolder, rank_rows
from itb_bayes.evaluate.distribute import Workplace, run_tasks
from itb_bayes.inference.progress import Progress

LEAST_REPLICATES = 20


@dataclass(frozen=True)
class Calibration:
    """A finished calibration.

    Attributes
    ----------
    replicates : mapping of int to Replicate
    table : pandas.DataFrame
        One row per replicate and quantity; see :func:`rank_rows`.
    """

    replicates: Mapping[int, Replicate]
    table: pd.DataFrame


def calibrate(
    experiment: Experiment,
    folder: Path,
    *,
    replicates: int,
    seed: int = 1,
    place: Workplace | None = None,
    quiet: bool = False,
) -> Calibration:
    """Run the replicates that are missing in a folder; return all of them.

    The result does not depend on where or in what order replicates ran, nor on how often the run
    was killed and started again.

    Parameters
    ----------
    experiment : Experiment
    folder : path
    replicates : int
        More of them later continue the same run.
    seed : int
    place : Workplace, optional
        Default: two local Dask workers.
    quiet : bool
        No progress on stderr.

    Raises
    ------
    UsageError
        If there are too few replicates to judge, the folder holds something else, or Dask fails.
    """
    if replicates < LEAST_REPLICATES:
        raise UsageError(
            f"--replicates must be at least {LEAST_REPLICATES} (got {replicates}): ranks of fewer "
            "cannot be told from uniform ones."
        )
    kept = CalibrationFolder(folder, {**experiment.identity, "seed": seed})
    with kept.hold():
        done = kept.finished()
        missing = [k for k in range(replicates) if k not in done]
        progress = Progress("calibration", replicates, quiet=quiet)
        task = partial(_task, seed=seed)
        for number, replicate in run_tasks(task, experiment, missing, place or Workplace()):
            kept.keep(replicate)
            done[number] = replicate
            progress.update(len(done))
        progress.finish()
        chosen = {k: done[k] for k in range(replicates)}
        table = rank_rows(chosen, replicates)
        kept.write_table(table)
    return Calibration(chosen, table)


def _task(experiment: Experiment, number: int, seed: int) -> Replicate:
    return run_replicate(experiment, seed, number)
