"""How long one evaluation of the drift likelihood with its gradient takes, and its compilation.

Times are processor time of this process, the shortest of several rounds, so that other work on
the machine is not in them. Patients have 5 to 25 visits, 15 on average.

usage: python benchmarks/kernel.py [--compile] [ROUNDS]

``--compile`` also compiles everything anew in a temporary folder and says how long that takes.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import itb_bayes.kernel  # noqa: F401  (names the folder for compiled code before numba reads it)

import numpy as np  # isort: skip
from numba import njit  # isort: skip

from itb_bayes.kernel.drift_effects import patient_conditionals
from itb_bayes.kernel.drift_likelihood import drift_log_likelihood, static_statistics
from itb_bayes.kernel.panel import Panel
from itb_bayes.kernel.structure import Process, Structure

STRUCTURES = {
    "independent": Structure(Process.NONE, False, False),
    "independent, robust": Structure(Process.NONE, True, False),
    "titration": Structure(Process.NONE, False, True),
    "OU": Structure(Process.OU, False, False),
    "OU, titration": Structure(Process.OU, False, True),
    "OU, titration, robust": Structure(Process.OU, True, True),
    "random walk, titration": Structure(Process.RANDOM_WALK, False, True),
    "random walk, titration, robust": Structure(Process.RANDOM_WALK, True, True),
}
PATIENTS = (41, 300, 1000, 10_000)
SCALARS = np.array([np.log(0.12), np.log(4.3), 0.7, np.log(1.4), np.log(0.35)])
MEAN = np.array([5.1, 0.05, 0.8])
COV = np.array([[0.4, 0.004, 0.1], [0.004, 0.002, 0.001], [0.1, 0.001, 0.2]])


def make_panel(n_patient: int) -> Panel:
    """Return invented readings of ``n_patient`` patients with 5 to 25 visits each."""
    rng = np.random.default_rng(n_patient)
    lengths = rng.integers(5, 26, n_patient)
    t = np.concatenate([np.sort(rng.uniform(0.0, 9.0, n)) for n in lengths])
    y = 5.0 + 0.05 * t + 0.15 * rng.standard_normal(t.size)
    return Panel(t, y, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


@njit
def repeat(times, mean, cov, scalars, t, y, offsets, static, process, robust, use_static):  # type: ignore[no-untyped-def]
    """Evaluate ``times`` times from compiled code, as the sampler does."""
    total = 0.0
    for _ in range(times):
        total += drift_log_likelihood(
            mean, cov, scalars, t, y, offsets, static, process, robust, use_static
        )[0][0]
    return total


def shortest(work: Callable[[], object], rounds: int) -> float:
    """Return the shortest processor time of ``work`` in seconds."""
    times = []
    for _ in range(rounds):
        started = time.process_time_ns()
        work()
        times.append(time.process_time_ns() - started)
    return min(times) * 1e-9


def evaluation_s(panel: Panel, structure: Structure, rounds: int) -> float:
    """Return the time of one evaluation with gradient, in seconds."""
    p = structure.n_effect
    static = np.zeros((1, p + 1, p + 1))
    if structure.is_static:
        static = static_statistics(panel.t_years, panel.y, panel.offsets)
    mean = np.tile(MEAN[:p], (panel.n_patient, 1))
    cov = COV[:p, :p].copy()
    times = max(1, 3000 // panel.n_patient)

    def work() -> None:
        repeat(
            times, mean, cov, SCALARS, panel.t_years, panel.y, panel.offsets, static,
            int(structure.process), structure.robust, structure.is_static,
        )  # fmt: skip

    work()
    return shortest(work, rounds) / times


def first_calls() -> None:
    """Compile (or load) both kernels by calling them once and print the processor time."""
    structure = Structure(Process.OU, True, True)
    panel = make_panel(2)
    started = time.process_time()
    drift_log_likelihood(
        np.tile(MEAN, (2, 1)), COV, SCALARS, panel.t_years, panel.y, panel.offsets,
        np.zeros((1, 4, 4)), int(structure.process), structure.robust, False,
    )  # fmt: skip
    likelihood = time.process_time()
    t, y = panel.patient(0)
    patient_conditionals(
        MEAN[None], COV[None], SCALARS[None], t, y, structure, t[-1:] + 1.0, y[-1:],
        np.random.default_rng(0),
    )  # fmt: skip
    ended = time.process_time()
    print(f"likelihood {likelihood - started:.2f} s, conditionals {ended - likelihood:.2f} s")


def main() -> None:
    """Print the table."""
    if "--first-calls" in sys.argv:
        first_calls()
        return
    rounds = next((int(word) for word in sys.argv[1:] if word.isdigit()), 100)
    if "--compile" in sys.argv:
        ours = ("NUMBA_CACHE_DIR", "PYTENSOR_FLAGS")  # set on import; must be chosen anew
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        with tempfile.TemporaryDirectory() as folder:
            for state in ("cold", "warm"):
                print(f"first calls, {state}: ", end="", flush=True)
                subprocess.run(
                    [sys.executable, __file__, "--first-calls"],
                    check=True,
                    env=environment | {"ITB_BAYES_CACHE": folder},
                )
    print("| terms | patients | µs per gradient | ns per patient | ns per visit |")
    print("|---|--:|--:|--:|--:|")
    for n_patient in PATIENTS:
        panel = make_panel(n_patient)
        for name, structure in STRUCTURES.items():
            seconds = evaluation_s(panel, structure, rounds)
            print(
                f"| {name} | {n_patient} | {seconds * 1e6:.1f} | {seconds / n_patient * 1e9:.0f} "
                f"| {seconds / panel.n_visit * 1e9:.1f} |"
            )


if __name__ == "__main__":
    main()
