"""How long ``itb-bayes --help`` takes: the shortest of several runs, each in a new process.

usage: python benchmarks/startup.py [RUNS]
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

COMMAND = (sys.executable, "-c", "from itb_bayes.cli.main import run; run()", "--help")
LIMIT_S = 0.5


@dataclass(frozen=True)
class Startup:
    """The shortest start-up seen.

    Attributes
    ----------
    wall_s : float
        Shortest time on the clock, in seconds.
    cpu_s : float
        Shortest processor time (user and system), in seconds; other work on the machine is not
        in it.
    """

    wall_s: float
    cpu_s: float


def measure(runs: int = 5) -> Startup:
    """Start the command line ``runs`` times and return the shortest times.

    Parameters
    ----------
    runs : int
        Number of processes to start, one after the other.

    Raises
    ------
    subprocess.CalledProcessError
        If the command fails.
    """
    walls, cpus = [], []
    for _ in range(runs):
        before, started = os.times(), time.perf_counter()
        subprocess.run(COMMAND, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - started)
        after = os.times()
        user = after.children_user - before.children_user
        cpus.append(user + after.children_system - before.children_system)
    return Startup(min(walls), min(cpus))


if __name__ == "__main__":
    n_runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    result = measure(n_runs)
    print(
        f"itb-bayes --help, shortest of {n_runs}: {result.wall_s:.3f} s on the clock, "
        f"{result.cpu_s:.3f} s of processor time (limit {LIMIT_S} s)"
    )
    sys.exit(result.wall_s >= LIMIT_S)
