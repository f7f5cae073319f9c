"""One command of the package run and measured, or killed on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peers.process_tree import descendants, memory_mb

COMMAND = (sys.executable, "-c", "from itb_bayes.cli.main import run; run()")


@dataclass(frozen=True)
class Run:
    """What one command took: seconds on the clock and of processors, and peak memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def measured(
    *words: str, kill_after: Path | None = None, kill: Callable[[int], int] = lambda pid: pid
) -> Run:
    """Run a command and measure it, with whatever it starts.

    Parameters
    ----------
    *words : str
        What follows ``itb-bayes`` on the command line.
    kill_after : Path, optional
        SIGKILL once this is there.
    kill : callable
        From the command's process to the one that is killed: by default itself, which may then fail.

    Raises
    ------
    SystemExit
        If the command fails for any other reason.
    """
    before, started, peak, killed = os.times(), time.perf_counter(), 0.0, None
    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, memory_mb(process.pid) or 0.0)
            if kill_after is not None and kill_after.exists() and killed is None:
                killed = kill(process.pid)
                os.kill(killed, signal.SIGKILL)
            time.sleep(0.2)
    if kill_after is not None and killed is None:
        raise SystemExit(f"ended before {kill_after.name} was there: {' '.join(words)}")
    if process.returncode and killed != process.pid:
        raise SystemExit(f"failed: {' '.join(words)}")
    after = os.times()
    cpu = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return Run(time.perf_counter() - started, cpu, peak)


def worker_of(pid: int) -> int:
    """Return a spawned worker of a command, not the tracker that watches shared memory."""
    return next(p for p in descendants(pid) if _is_worker(p))


def _is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
