"""How long all checks of a fit take, by the clock and in processor time.

    python benchmarks/check_speed.py FIT [FIT ...]

writes ``docs/results/check-speed.md``. Each fit is checked by ``itb-bayes check`` in a process of
its own, whose first run fills the caches of compiled code and is not counted.
"""

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from itb_bayes.inference.machinery import load_fit

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results" / "check-speed.md"
LIMIT_SECONDS = 300.0
GATE_NOT_PASSED = 5


@dataclass(frozen=True)
class Timing:
    """How long one fit took.

    Attributes
    ----------
    fit : str
        Model, cohort and size in words.
    wall_seconds, cpu_seconds : float
    """

    fit: str
    wall_seconds: float
    cpu_seconds: float


def describe(folder: Path) -> str:
    """Return what a fit is of."""
    fit = load_fit(folder)
    sizes = fit.posterior.sizes
    n_record = int(
        fit.plan.series.t_years.size if fit.spec.kind == "drift" else fit.plan.offsets[-1]
    )
    return (
        f"`{fit.spec.name}` on `{fit.manifest['cohort']}`: {fit.plan.n_patient} patients, "
        f"{n_record:,} {'doses' if fit.spec.kind == 'drift' else 'days of record'}, "
        f"{sizes['chain']} x {sizes['draw']} draws"
        + ("" if fit.gate.passed else "; its gate was not passed")
    )


def run_check(folder: Path) -> tuple[float, float]:
    """Check a fit; return wall and processor seconds of the process."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "itb_bayes", "check", str(folder), "--quiet", "--out"]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([*command, f"{out}/checks"], capture_output=True, text=True)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, GATE_NOT_PASSED):
        sys.exit(done.stderr)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used


def main(folders: list[str]) -> int:
    """Measure, write the page; exit code 1 if a check took more than five minutes."""
    timings = []
    for name in folders:
        folder = Path(name)
        run_check(folder)
        timings.append(Timing(describe(folder), *run_check(folder)))
        print(timings[-1], file=sys.stderr)
    lines = [
        "# How long all checks take",
        "",
        "`itb-bayes check FIT` in a process of its own, caches of compiled code warm, on two cores "
        "shared with other work (by the clock it depends on that work; on two idle cores it lies "
        "between the processor time and half of it).",
        "",
        "| fit | processor time, s | by the clock, s |",
        "|---|--:|--:|",
        *(f"| {t.fit} | {t.cpu_seconds:.0f} | {t.wall_seconds:.0f} |" for t in timings),
        "",
        "Repeat with `python benchmarks/check_speed.py FIT [FIT ...]`.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    return int(max(t.cpu_seconds for t in timings) > LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
