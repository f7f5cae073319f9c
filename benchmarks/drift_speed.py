"""Effective draws per processor second of the drift model beside other tools.

usage: python benchmarks/drift_speed.py [--patients 41 200 1000] [--out docs/results]

The same simulated readings, the same linear mixed model and the same priors go to every tool;
every tool runs in a process of its own, one after the other. Writes drift-speed.json and
drift-speed.md. Progress goes to stderr.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from peers.catalogue import ENTRIES, Entry
from peers.interpreter import STAN_PYTHON
from peers.machine import describe_machine
from peers.outcome import Outcome, outcome_of, read_steps
from peers.problem import TRUTH, simulate, write_problem
from peers.process_tree import memory_mb
from peers.speed_page import render_page

HERE = Path(__file__).resolve().parent
POLL_S = 0.2
FIRST_USE_DRAWS = 50


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes
    ----------
    entries : tuple of Entry
    patients : tuple of int
    draws, tune, chains, seed : int
    limit_s : float
        Time on the clock after which a process is stopped.
    caches : Path
        Where compiled code is kept; a folder of its own for each tool, empty at first.
    """

    entries: tuple[Entry, ...]
    patients: tuple[int, ...]
    draws: int
    tune: int
    chains: int
    seed: int
    limit_s: float
    caches: Path


def run_all(plan: Plan, folder: Path) -> tuple[list[Outcome], list[Outcome]]:
    """Return the outcomes of first use (empty caches) and of the runs that are compared."""
    problems = {}
    for n in plan.patients:
        problems[n] = folder / f"problem-{n}"
        write_problem(simulate(n, plan.seed), problems[n])
    smallest = min(plan.patients)
    first = [
        run_one(plan, entry, problems[smallest], smallest, FIRST_USE_DRAWS, "first use")
        for entry in plan.entries
    ]
    compared, too_slow = [], set()
    for n in sorted(plan.patients):
        for entry in plan.entries:
            if entry.key in too_slow:
                say(f"{n} patients, {entry.key}: left out, stopped on a smaller cohort")
                continue
            compared.append(run_one(plan, entry, problems[n], n, plan.draws, "run"))
            if compared[-1].status == "stopped":
                too_slow.add(entry.key)
    return first, compared


def run_one(
    plan: Plan, entry: Entry, problem: Path, n_patient: int, draws: int, what: str
) -> Outcome:
    """Run one tool in a process of its own and watch its memory and its time."""
    tune = min(draws, plan.tune)
    out = problem / f"{entry.key}-{draws}.jsonl"
    command = [sys.executable, "-m", "peers.child", entry.key, str(problem), str(out)]
    for name, value in (
        ("--draws", draws),
        ("--tune", tune),
        ("--chains", plan.chains),
        ("--seed", plan.seed),
    ):
        command += [name, str(value)]
    say(f"{n_patient} patients, {entry.key}, {what} ...")
    started = time.perf_counter()
    with (problem / f"{entry.key}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=HERE,
            env=_environment(plan.caches / entry.key),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        status, peak = _watch(process, started + plan.limit_s)
    wall = time.perf_counter() - started
    steps = read_steps(out)
    if status == "failed":
        tail = (problem / f"{entry.key}.log").read_text(encoding="utf-8").splitlines()[-3:]
        say("  failed: " + " | ".join(tail))
    outcome = outcome_of(
        steps,
        status,
        wall,
        peak,
        tool=entry.key,
        n_patient=n_patient,
        draws=draws,
        tune=tune,
        chains=plan.chains,
    )
    say(_line(outcome))
    return outcome


def _watch(process: subprocess.Popen[bytes], deadline: float) -> tuple[str, float | None]:
    """Return the status and the largest memory seen (MB); stop the process at the deadline."""
    peak: float | None = None
    while process.poll() is None:
        seen = memory_mb(process.pid)
        if seen is not None:
            peak = max(peak or 0.0, seen)
        if time.perf_counter() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return "stopped", peak
        time.sleep(POLL_S)
    return ("done" if process.returncode == 0 else "failed"), peak


def _environment(caches: Path) -> dict[str, str]:
    caches.mkdir(parents=True, exist_ok=True)
    variables = {
        "XDG_CACHE_HOME": caches,
        "ITB_BAYES_CACHE": caches,
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
        "NUMBA_CACHE_DIR": caches / "numba",
        "PYTHONPATH": HERE,
    }
    return {**os.environ, **{name: str(value) for name, value in variables.items()}}


def _line(outcome: Outcome) -> str:
    text = f"  {outcome.status} after {outcome.wall_s:.0f} s"
    if outcome.is_done:
        text += (
            f": set-up {outcome.setup_cpu_s:.1f}, sampling {outcome.sampling_cpu_s:.2f} CPU s, "
            f"smallest bulk ESS {outcome.ess_bulk:.0f}, {outcome.ess_per_cpu_s:.0f} per CPU s"
        )
    return text


def say(text: str) -> None:
    """Write a line of progress."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> None:
    """Run the benchmark and write its results."""
    options = _options()
    if options.stan_python:
        os.environ[STAN_PYTHON] = os.path.abspath(
            shutil.which(options.stan_python) or options.stan_python
        )
    chosen = [e for e in ENTRIES if not options.tools or e.key in options.tools]
    missing = [e.key for e in chosen if not e.is_installed()]
    if missing:
        say(f"not installed, left out: {', '.join(missing)}")
    before = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="drift-speed-") as scratch:
        plan = Plan(
            entries=tuple(e for e in chosen if e.key not in missing),
            patients=tuple(options.patients),
            draws=options.draws,
            tune=options.tune,
            chains=4,
            seed=options.seed,
            limit_s=options.limit,
            caches=Path(scratch) / "caches",
        )
        started = time.perf_counter()
        first, compared = run_all(plan, Path(scratch))
    result = {
        "machine": describe_machine(),
        "load_before_1_5_15_min": list(before),
        "minutes": (time.perf_counter() - started) / 60.0,
        "settings": {
            "chains": plan.chains,
            "draws": plan.draws,
            "tune": plan.tune,
            "seed": plan.seed,
            "limit_s": plan.limit_s,
            "truth": TRUTH,
        },
        "not_installed": missing,
        "first_use": [outcome.as_dict() for outcome in first],
        "runs": [outcome.as_dict() for outcome in compared],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "drift-speed.json").write_text(
        json.dumps(result, indent=1) + "\n", encoding="utf-8", newline="\n"
    )
    (options.out / "drift-speed.md").write_text(
        render_page(result, first, compared), encoding="utf-8", newline="\n"
    )
    say(f"wrote {options.out / 'drift-speed.md'} after {result['minutes']:.1f} minutes")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, nargs="+", default=[41, 200, 1000])
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument("--draws", type=int, default=1000, help="kept draws per chain")
    parser.add_argument("--tune", type=int, default=1000, help="warm-up draws per chain")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--limit", type=float, default=240.0, help="seconds per process")
    parser.add_argument("--tools", nargs="+", choices=[e.key for e in ENTRIES])
    parser.add_argument(
        "--stan-python",
        metavar="PATH",
        default=os.environ.get(STAN_PYTHON),
        help=f"the Python with pystan; otherwise what {STAN_PYTHON} names",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
