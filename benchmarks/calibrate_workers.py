"""Throughput of one and of two Dask workers on calibration, and whether their numbers agree.

    python benchmarks/calibrate_workers.py

writes ``docs/results/calibrate-workers.md``. The same replicates of ``calibrate @drift`` run on one
local worker, then on two, each in a fresh folder. Starting the workers and compiling in each is
timed apart, by a first replicate per worker. Where other programs share the machine, the processor
time that the workers got says how much of two cores there was.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.calibration.drift import DriftExperiment
from itb_bayes.evaluate.calibration.experiment import Replicate, run_replicate
from itb_bayes.evaluate.distribute import Workplace, run_tasks
from itb_bayes.model.plan import plan_drift
from itb_bayes.resources import demo_cohort_dir
from itb_bayes.spec import load_model

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results" / "calibrate-workers.md"
SEED = 17


@dataclass(frozen=True)
class Run:
    """Replicates on some workers.

    Attributes
    ----------
    workers : int
    start_seconds : float
        Until the first replicate of each worker was done.
    wall_seconds, cpu_seconds : float
        Of the others: by the clock, and processor time of the workers.
    counted : int
        How many these are.
    replicates : dict of int to Replicate
    """

    workers: int
    start_seconds: float
    wall_seconds: float
    cpu_seconds: float
    counted: int
    replicates: dict[int, Replicate]

    @property
    def per_minute(self) -> float:
        """Replicates per minute by the clock."""
        return 60.0 * self.counted / self.wall_seconds

    @property
    def per_core_minute(self) -> float:
        """Replicates per minute of processor time."""
        return 60.0 * self.counted / self.cpu_seconds


def seeded(experiment: DriftExperiment, number: int) -> tuple[Replicate, int]:
    """Run one replicate; say in which process."""
    return run_replicate(experiment, SEED, number), os.getpid()


def processor_seconds(process: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(experiment: DriftExperiment, workers: int, count: int) -> Run:
    """Run replicates, counting from when every worker has finished one."""
    found: dict[int, Replicate] = {}
    seen: dict[int, float] = {}
    started, mark, before = time.perf_counter(), 0.0, 0
    for number, (replicate, process) in run_tasks(
        seeded, experiment, range(count), Workplace(workers)
    ):
        found[number] = replicate
        seen.setdefault(process, 0.0)
        if not mark and len(seen) == workers:
            mark, before = time.perf_counter(), len(found)
            seen = {process: processor_seconds(process) for process in seen}
        if len(found) == count:
            ended = time.perf_counter()
            used = sum(processor_seconds(process) - start for process, start in seen.items())
    return Run(workers, mark - started, ended - mark, used, count - before, found)


def main() -> int:
    """Measure both and write the page; exit code 1 if numbers differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=40)
    count = parser.parse_args().replicates
    spec = load_model("@drift")
    experiment = DriftExperiment(spec, plan_drift(spec, Cohort.read(demo_cohort_dir())))
    one, two = (measure(experiment, workers, count) for workers in (1, 2))
    same = one.replicates == two.replicates
    rows = [
        f"| {run.workers} | {run.start_seconds:.0f} | {run.counted} | {run.wall_seconds:.0f} | "
        f"{run.cpu_seconds:.0f} | {run.cpu_seconds / run.wall_seconds:.2f} | "
        f"{run.per_minute:.1f} | {run.per_core_minute:.1f} |"
        for run in (one, two)
    ]
    lines = [
        "# One and two workers",
        "",
        f"{count} replicates of `calibrate @drift` on the `clinic-small` design, by local Dask "
        "workers of one thread. Starting, importing and compiling in each worker is timed apart: "
        "it is paid once.",
        "",
        "| workers | start, s | replicates after it | by the clock, s | processor time, s | cores "
        "got | replicates per minute | per minute of processor |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"Throughput of two over one: **{two.per_minute / one.per_minute:.2f}** by the clock; work "
        f"per processor second: {two.per_core_minute / one.per_core_minute:.2f} of one worker's. "
        "Cores got below the number of workers mean that other programs took the rest.",
        "",
        f"Ranks, R-hat, effective sizes and divergences of all replicates are "
        f"{'the same' if same else 'NOT the same'}.",
        "",
        "Repeat with `python benchmarks/calibrate_workers.py`.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    print("\n".join(lines))
    return int(not same)


if __name__ == "__main__":
    np.seterr(divide="ignore", invalid="ignore")
    sys.exit(main())
