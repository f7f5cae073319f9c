"""SIGKILL at random moments of fit, calibrate, score and report: what is lost, doubled or halved.

usage: python benchmarks/killed.py [--kills 40] [--seed 1] [--jobs fit score] [--out docs/results]

Each command is first run to its end: that is the reference. Then, again and again in a new folder,
it is killed and run again. Half of the kills come before a random file operation of the command
(opening, renaming, removing or making something below its folder), the other half at a random time.
After each kill every finished result must be whole; after the second run all results must be byte
for byte those of the reference, nothing else may lie in the folder, and what was finished before
the kill must not have been done again. Writes killed.json; the exit code is 1 if anything failed.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from killing.jobs import Job, make_jobs

OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod")


@dataclass
class Tally:
    """How the kills of one command ended."""

    command: str
    kills: int = 0
    at_operation: int = 0
    after_the_end: int = 0
    with_results: int = 0
    failures: int = 0
    seconds: float = 0.0


def run_in_fork(
    job: Job, out: Path, kill_before: int | None = None, count: Path | None = None
) -> int:
    """Run a job in a fork of this process; return its process id.

    The fork kills itself before its ``kill_before``-th operation on files below ``out``, or writes
    the number of its operations to ``count``.
    """
    pid = os.fork()
    if pid:
        return pid
    seen = 0

    def watch(event: str, arguments: tuple) -> None:
        nonlocal seen
        if event in OPERATIONS and arguments and str(arguments[0]).startswith(str(out)):
            seen += 1
            if seen == kill_before:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    code = 1
    try:
        job.run(out)
        code = 0
        if count is not None:
            count.write_text(str(seen))
    finally:
        sys.stdout.flush()
        os._exit(code)


def kill_often(
    name: str, job: Job, work: Path, kills: int, rng: random.Random
) -> tuple[Tally, list[str]]:
    """Kill one command so many times; return the tally and what went wrong, in words."""
    tally, wrong = Tally(name), []
    reference, duration, operations = _reference(job, work / f"{name}-reference")
    log = _sampled(work / f"{name}-reference")
    for number in range(kills):
        out = work / f"{name}-{number}"
        out.mkdir()
        by_operation = number % 2 == 0
        place = rng.randint(1, operations) if by_operation else None
        pid = run_in_fork(job, out, place)
        if not by_operation:
            time.sleep(rng.uniform(0.0, duration))
            os.kill(pid, signal.SIGKILL)
        killed = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        tally.kills += killed
        tally.at_operation += killed and by_operation
        tally.after_the_end += not killed
        problem = _judge(job, out, reference, log, tally)
        if problem:
            tally.failures += 1
            where = f"operation {place} of {operations}" if by_operation else "a random time"
            wrong.append(f"{name}, killed at {where}: {problem}")
            print(f"FAILED {wrong[-1]}", file=sys.stderr, flush=True)
    return tally, wrong


def _reference(job: Job, out: Path) -> tuple[dict[str, bytes], float, int]:
    out.mkdir()
    started = time.monotonic()
    count = out.with_suffix(".count")
    assert os.waitpid(run_in_fork(job, out, count=count), 0)[1] == 0, "the command does not run"
    return job.results(out), time.monotonic() - started, int(count.read_text())


def _judge(job: Job, out: Path, reference: dict[str, bytes], log: list[str], tally: Tally) -> str:
    """Return what is wrong after a kill and a second run; empty when nothing is."""
    try:
        before = job.results(out)
    except Exception as error:  # a half-written file may break its reader in any way
        return f"a finished result cannot be read ({type(error).__name__}: {str(error)[:200]})"
    chains = {name for name in before if name.startswith("part/")}
    tally.with_results += bool(before)
    halves = [
        n
        for n, content in before.items()
        if n not in chains and content != reference.get(n, content)
    ]
    if halves:
        return f"{halves[0]} is not what was to be written"
    sampled = _sampled(out)
    if os.waitpid(run_in_fork(job, out), 0)[1] != 0:
        return "the second run did not end well"
    after = job.results(out)
    if after != reference:
        differ = sorted(n for n in {*after, *reference} if after.get(n) != reference.get(n))
        return f"after the second run {differ[:3]} differ"
    again = _sampled(out)[len(sampled) :]
    done = {f"part/chains-{first}.nc" for first in again} & chains
    if done or ("manifest.json" in before and again) or set(_sampled(out)) != set(log):
        return f"finished chains were sampled again ({sorted(done)})"
    left = [p.name for p in out.rglob("*") if p.name.endswith((".part", ".replaced"))]
    return f"{left[0]} was left behind" if left else ""


def _sampled(out: Path) -> list[str]:
    log = out / "sampled.log"
    return log.read_text().split() if log.exists() else []


def main() -> int:
    """Kill all commands; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", nargs="+", default=["fit", "calibrate", "score", "report"])
    parser.add_argument("--out", type=Path, help="folder of killed.json")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    tallies, wrong = [], []
    with tempfile.TemporaryDirectory(prefix="killed-") as folder:
        jobs = make_jobs(Path(folder))
        for name in options.jobs:
            started = time.monotonic()
            tally, failures = kill_often(name, jobs[name], Path(folder), options.kills, rng)
            tally.seconds = round(time.monotonic() - started, 1)
            tallies.append(asdict(tally))
            wrong += failures
            print(tallies[-1], file=sys.stderr, flush=True)
    text = (
        json.dumps({"seed": options.seed, "commands": tallies, "failures": wrong}, indent=1) + "\n"
    )
    if options.out:
        (options.out / "killed.json").write_text(text, encoding="utf-8", newline="\n")
    print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
