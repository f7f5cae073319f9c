"""How long a report of many patients takes: a fit's patients, repeated until there are enough.

usage: python benchmarks/report_speed.py FIT [PATIENTS]

Writes ``docs/results/report-speed.md``. FIT is a fit of ``@regimes``; every repetition is a patient
of its own, with a page of its own. A fit that missed its gate gives watermarked pages, which take
the same time.
"""

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.threads import available_cores
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.report.exports import Exports
from itb_bayes.report.writing import write_report

RESULT = Path(__file__).resolve().parent.parent / "docs/results/report-speed.md"


def repeated(plan: RegimesPlan, n_patient: int) -> RegimesPlan:
    """Return a plan of ``n_patient`` patients: those of ``plan`` in turn, under new names."""
    times = -(-n_patient // plan.n_patient)
    sizes = np.tile(np.diff(plan.offsets), times)
    whole = replace(
        plan,
        patient_ids=tuple(f"patient-{i + 1:04d}" for i in range(times * plan.n_patient)),
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
        data=np.tile(plan.data, (times, 1)),
        codes=np.tile(plan.codes, (times, 1)),
        diagnosis_index=np.tile(plan.diagnosis_index, times),
        centre_index=np.tile(plan.centre_index, times),
        older_catheter=np.tile(plan.older_catheter, times),
        untreated_tone=np.tile(plan.untreated_tone, times),
    )
    return whole.between(0, n_patient)


def processor_time() -> float:
    """Return processor time of this process and of those that it has started and that ended, s."""
    return sum(os.times()[:4])


def main(folder: str, n_patient: int) -> None:
    """Measure, and write the page."""
    fit = load_fit(folder)
    big = RegimesFit(fit.spec, repeated(fit.plan, n_patient), fit.draws, fit.gate, fit.manifest)
    n_draw = fit.thinned.sizes["chain"] * fit.thinned.sizes["draw"]
    marks: dict[str, tuple[float, float]] = {}

    def told(phase: str, done: int, total: int) -> None:
        marks[phase] = (time.perf_counter() - started, processor_time() - used)

    with tempfile.TemporaryDirectory() as out:
        started, used = time.perf_counter(), processor_time()
        workers = available_cores()
        made = write_report(
            big, Path(out) / "pages", allow_unconverged=True, exports=Exports(workers=workers),
            on_progress=told,
        )  # fmt: skip
        wall, cpu = time.perf_counter() - started, processor_time() - used
        sizes = {p.name: p.stat().st_size for p in made.folder.glob("*.html")}
    index = sizes.pop("index.html")
    missed = (
        "" if fit.gate.passed else f" that missed its gate ({fit.gate.failures()[0]}): watermarked"
    )
    RESULT.write_text(
        f"""# Reports of many patients

Pages and documents of {n_patient} patients with {int(big.plan.offsets[-1])} days of record, from
{n_draw} posterior draws of a fit of `@regimes`{missed}.

```console
python benchmarks/report_speed.py FIT {n_patient}
```

On {workers} cores, of which it had {cpu / wall:.2f} on average: the numbers are worked on by a thread
for each core, the pages are drawn by a process for each.

| phase | processor time, s | on the clock, s |
|---|--:|--:|
| numbers of all patients | {marks["patients"][1]:.0f} | {marks["patients"][0]:.0f} |
| everything | {cpu:.0f} | {wall:.0f} |

Largest patient's page: {max(sizes.values()) / 1000:.0f} kB; list of all: {index / 1000:.0f} kB.
""",
        encoding="utf-8",
        newline="\n",
    )
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300)
