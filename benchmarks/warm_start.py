"""From the start of a process to the first draw: with empty caches, then again, then on other data.

usage: python benchmarks/warm_start.py [--out docs/results] [--models @drift @regimes]

Every start is a process of its own; caches begin empty, in a folder of the benchmark. The other data
are a cohort of the same settings and another seed. The draws of the first fit are not
made: a start ends where the first chain would begin its warm-up.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from peers.machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
COHORT = ROOT / "data/synthetic/clinic-small"
STEPS = ("import", "read the cohort", "build the model", "compile", "find the mode")


@dataclass(frozen=True)
class Start:
    """One start: seconds of each step, on the clock and of the processor."""

    model: str
    what: str
    wall_s: dict[str, float]
    cpu_s: dict[str, float]


def start_once(model: str, folder: str) -> None:
    """Start as ``itb-bayes fit`` does, and print the seconds of each step as JSON."""
    marks = [(0.0, 0.0)]
    began = time.perf_counter() - time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)

    def mark() -> None:
        marks.append((time.perf_counter() - began, time.process_time()))

    from itb_bayes.cohort.cohort import Cohort
    from itb_bayes.inference.fit import compile_model, in_coordinates
    from itb_bayes.inference.machinery import machinery_of
    from itb_bayes.inference.settings import profile_settings
    from itb_bayes.spec import load_model

    mark()
    spec, cohort = load_model(model), Cohort.read(folder)
    mark()
    machinery = machinery_of(spec)
    built = machinery.build(spec, machinery.plan(spec, cohort))
    mark()
    compiled = compile_model(built)
    mark()
    in_coordinates(compiled, profile_settings("standard", kind=spec.kind))
    mark()
    steps = zip(STEPS, marks, marks[1:], strict=False)
    print(json.dumps({name: [b[0] - a[0], b[1] - a[1]] for name, a, b in steps}))


def measure(model: str, what: str, folder: Path, cache: Path) -> Start:
    """Start a process and return what it took."""
    clean = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "PYTENSOR_FLAGS")}
    command = [sys.executable, __file__, "--once", model, str(folder)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True,
        env=clean | {"ITB_BAYES_CACHE": str(cache)},
    )  # fmt: skip
    steps = json.loads(done.stdout.splitlines()[-1])
    found = Start(
        model, what, {k: v[0] for k, v in steps.items()}, {k: v[1] for k, v in steps.items()}
    )
    total = sum(found.cpu_s.values())
    print(f"{model}, {what}: {total:.1f} s of processor time", file=sys.stderr)
    return found


def page(starts: list[Start]) -> str:
    """Return the result page."""
    machine = describe_machine()
    rows = []
    for start in starts:
        cells = [f"{start.cpu_s[step]:.1f}" for step in STEPS]
        before = sum(start.cpu_s[step] for step in STEPS[:4])
        clock = sum(start.wall_s[step] for step in STEPS[:4])
        rows.append(
            f"| `{start.model}` | {start.what} | {' | '.join(cells)} | **{before:.1f}** | {clock:.0f} |"
        )
    return (
        "# From the start to the first draw\n\n"
        "A fit of `clinic-small` (SYNTHETIC, 30 patients) begins: with empty caches; once more; and, "
        "with the caches of the first, on a cohort of another seed. Seconds of "
        "processor time.\n\n"
        "```console\npython benchmarks/warm_start.py\n```\n\n"
        f"| model | caches | {' | '.join(STEPS)} | until the density is ready | the same on the clock |\n"
        f"|---|---|{'--:|' * (len(STEPS) + 2)}\n" + "\n".join(rows) + "\n\n"
        f"{machine['processor']}, {machine['cores']} cores, shared with other work: processor time is "
        "the figure to compare, the clock is not. Finding the mode (`@regimes` alone) is evaluation "
        "of the density, as sampling is: it grows with the cohort, and nothing of it is compiled.\n\n"
        "What is compiled is kept under a digest of the model's graphs, in which data have a name, a "
        "type and a rank but no value. The C functions that the sampler calls read the data through "
        "pointers, so that one file serves any cohort with the same diagnoses and centres; the graphs "
        "are neither rewritten nor compiled again. nutpie's own functions close over the data and "
        "cannot be kept: with them a warm start took 7 (`@drift`) and 15 to 25 (`@regimes`) seconds "
        "of processor time in the column *compile*. Draws are the same to the last digit "
        "(`tests/inference/test_compiling.py`).\n"
    )


def main() -> None:
    """Measure all starts and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs/results")
    parser.add_argument("--models", nargs="+", default=["@drift", "@regimes"])
    parser.add_argument("--once", nargs=2, metavar=("MODEL", "COHORT"))
    options = parser.parse_args()
    if options.once:
        start_once(*options.once)
        return
    from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort

    starts = []
    with tempfile.TemporaryDirectory() as folder:
        other, cache = Path(folder) / "other", Path(folder) / "cache"
        settings = load_settings(str(COHORT / "settings.toml"), seed=7)
        write_cohort(simulate_cohort(settings, lambda *_: None), other)
        for model in options.models:
            for what, cohort in (
                ("empty", COHORT),
                ("filled, same data", COHORT),
                ("filled, other data", other),
            ):
                starts.append(measure(model, what, cohort, cache))
    (options.out / "warm-start.md").write_text(page(starts), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
