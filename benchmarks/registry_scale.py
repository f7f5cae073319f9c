"""Scoring a registry in parts: throughput, memory, draws, and a worker killed on the way.

usage: python benchmarks/registry_scale.py FIT [PATIENTS] [PATIENTS_PER_PART]

Writes ``docs/results/registry-scale.md``. FIT is a fit of ``@regimes``. Patients are simulated by
``clinic-small`` and scored by two worker processes at their last visit.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from measured import Run, measured, worker_of
from peers.machine import describe_machine

from itb_bayes.cohort.partitions import Partitions
from itb_bayes.inference.machinery import load_fit
from itb_bayes.risk.scoring import ScoringRequest, score_cohort

RESULT = Path(__file__).resolve().parent.parent / "docs/results/registry-scale.md"
WORKERS, REGISTRY = 2, 100_000
KEYS = ["patient_id", "quantity", "horizon_months", "explanation"]


def scores(folder: Path) -> pd.DataFrame:
    """Return all scores of a folder, in one order."""
    return pq.read_table(folder).to_pandas().sort_values(KEYS, ignore_index=True)


def draws_table(fit_folder: str, cohort: Path, n_patient: int) -> list[str]:
    """Return lines that compare fewer draws with many."""
    fit, part = load_fit(Path(fit_folder)), Partitions.open(cohort).read(0)
    few = set(part.patients["patient_id"].head(n_patient))
    tables = {name: frame[frame["patient_id"].isin(few)] for name, frame in part.tables.items()}
    part = type(part)(**{**vars(part), **tables})
    lines, reference = [], None
    for per_chain in (250, 100, 50, 25):
        started = time.process_time()
        found = score_cohort(fit, part, ScoringRequest(draws_per_chain=per_chain))
        cpu = time.process_time() - started
        present = found[found["quantity"] == "present"].set_index(["patient_id", "explanation"])
        chance = present["probability"]
        n_estimated = present.index.get_level_values(0).nunique()
        if reference is None:
            reference, error = chance, "reference"
        else:
            difference = (chance - reference).dropna()
            error = (
                f"{100 * np.sqrt((difference**2).mean()):.1f} / "
                f"{100 * difference.abs().quantile(0.95):.1f}"
            )
        lines.append(
            f"| {4 * per_chain} | {1000 * cpu / n_patient:.0f} | {n_estimated} of {n_patient} | "
            f"{error} |"
        )
    return lines


def main(fit: str, n_patient: int, size: int) -> None:
    """Measure, and write the page."""
    with tempfile.TemporaryDirectory() as work:
        cohort, small = Path(work) / "cohort", Path(work) / "small"
        simulate = ("data", "simulate", "clinic-small", "--patients-per-part", str(size))
        made = measured(
            *simulate, "--patients", str(n_patient), "--out", str(cohort), "--workers", str(WORKERS)
        )
        measured(*simulate, "--patients", str(3 * size), "--out", str(small))
        score = ("score", fit, "--quiet", "--workers", str(WORKERS))
        one = Path(work) / "small-scores"
        first = measured(*score, str(small), "--out", str(one))
        again = Path(work) / "killed"
        killed = measured(
            *score,
            str(small),
            "--out",
            str(again),
            kill_after=again / "part-00000.parquet",
            kill=worker_of,
        )
        same = scores(one).equals(scores(again))
        whole = measured(*score, str(cohort), "--out", str(Path(work) / "scores"))
        size_mb = sum(p.stat().st_size for p in cohort.rglob("*.parquet")) / 1e6
        lines = draws_table(fit, cohort, min(100, size))
    RESULT.write_text(
        page(n_patient, size, made, first, killed, whole, size_mb, lines, same),
        encoding="utf-8",
        newline="\n",
    )
    print(RESULT.read_text(encoding="utf-8"))


def page(
    n: int, size: int, made: Run, first: Run, killed: Run, whole: Run, size_mb: float,
    lines: list[str], same: bool,
) -> str:  # fmt: skip
    """Return the result page."""
    machine = describe_machine()
    per_patient = (whole.cpu_s - first.cpu_s) / (n - 3 * size)
    start_s = max(whole.cpu_s - n * per_patient, 0.0)
    hours = (start_s + REGISTRY * per_patient) / 3600
    table = "\n".join(lines)
    verdict = "the same scores to the last digit" if same else "OTHER SCORES: a defect"
    return f"""# Registry scale

SYNTHETIC patients of `clinic-small`, in parts of {size}, scored at their last visit by a fit of
`@regimes` with 400 posterior draws, on {WORKERS} Dask workers.

```console
python benchmarks/registry_scale.py FIT {n} {size}
```

| | patients | on the clock, s | processor time, s | peak memory of all processes, MB |
|---|--:|--:|--:|--:|
| simulate in parts | {n} | {made.wall_s:.0f} | {made.cpu_s:.0f} | {made.peak_mb:.0f} |
| score | {3 * size} | {first.wall_s:.0f} | {first.cpu_s:.0f} | {first.peak_mb:.0f} |
| score, one worker killed on the way | {3 * size} | {killed.wall_s:.0f} | {killed.cpu_s:.0f} | {killed.peak_mb:.0f} |
| score | {n} | {whole.wall_s:.0f} | {whole.cpu_s:.0f} | {whole.peak_mb:.0f} |

{machine["processor"]}, {machine["cores"]} cores, shared with other work: processor time is the figure to
compare, the clock is not. Memory counts the command, its two workers and their watcher, shared
pages once; it grows with the size of a part, not with the number of parts. The {n} patients take
{size_mb:.1f} MB of Parquet.

**A patient costs {1000 * per_patient:.0f} ms of processor time.** {REGISTRY:,} patients were not run: by
extrapolation they take {hours:.1f} processor hours, {hours / WORKERS:.1f} hours on {WORKERS} idle cores, and no more
memory. Two thirds of it is the switching filter, once for every draw over every visit, so
time falls in proportion to draws.

A run in which one of the two workers was killed (SIGKILL) after the first part gave {verdict}.

## Fewer draws

The first {min(100, size)} patients, `--draws-per-chain` 250 to 25 of four chains; beside 1,000 draws, the error
of the chances that an explanation is present now, in points of 100.

| draws | processor time per patient, ms | estimated | error: root mean square / 95 % below |
|--:|--:|--:|--:|
{table}

Patients whose importance weights are unreliable get no number, whatever the draws: the fit knows
too little about patients like them, and they are to be fitted.
"""


if __name__ == "__main__":
    arguments = sys.argv[2:]
    main(
        sys.argv[1],
        int(arguments[0]) if arguments else 2000,
        int(arguments[1]) if len(arguments) > 1 else 100,
    )
