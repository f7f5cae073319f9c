"""How the time and the memory of one gradient grow with patients and with visits.

usage: python benchmarks/growth.py [--largest 10000] [--out docs/results]

The patients of ``clinic-small`` are repeated; a gradient is one call of the compiled density, as the
sampler makes it: priors, likelihood of every patient, derivatives. Nothing is sampled.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from peers.machine import describe_machine

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.density import Density, NotFiniteError
from itb_bayes.inference.machinery import machinery_of
from itb_bayes.inference.sampling import compile_model
from itb_bayes.spec import load_model

ROOT = Path(__file__).resolve().parent.parent
COHORT = ROOT / "data/synthetic/clinic-small"
SIZES = (30, 100, 300, 1000, 3000, 10_000)
SHARES = (0.125, 0.25, 0.5, 1.0)
AT = 300
"""Patients while the number of visits is varied."""
LARGE = 300
"""Exponents are fitted from so many patients on: below, what does not grow with them is seen."""
PER_VISIT = {"drift": ("t_years", "log_dose"), "regimes": ("data", "codes")}


@dataclass(frozen=True)
class Point:
    """One measurement: patients and visits, seconds of a gradient, bytes of data and of memory."""

    patients: int
    visits: int
    seconds: float
    data_mb: float
    more_mb: float


@dataclass(frozen=True)
class Model:
    """A compiled model whose patients can be repeated."""

    kind: str
    compiled: Any
    point: np.ndarray
    n_patient: int

    @classmethod
    def of(cls, kind: str) -> "Model":
        """Compile the shipped model of a kind."""
        spec = load_model(f"@{kind}")
        machinery = machinery_of(spec)
        plan = machinery.plan(spec, Cohort.read(COHORT))
        compiled = compile_model(machinery.build(spec, plan))
        for seed in range(20):
            point = compiled.initial_point_func(seed)
            try:
                Density(compiled).evaluate(point)
            except NotFiniteError:
                continue
            return cls(kind, compiled, point, plan.n_patient)
        raise SystemExit(f"no start point of @{kind} has a finite density")

    def repeated(self, n: int, share: float) -> tuple[Any, int]:
        """Return the model with ``n`` patients, each with the first ``share`` of the visits."""
        data = self.compiled.shared_data
        sizes = np.diff(data["offsets"])
        kept = np.minimum(np.maximum((sizes * share).astype(int), 2), sizes)
        who = np.arange(n) % self.n_patient
        first = data["offsets"][:-1]
        rows = np.concatenate([np.arange(first[i], first[i] + kept[i]) for i in who])
        changed = {"offsets": np.concatenate([[0], np.cumsum(kept[who])])}
        for name, values in data.items():
            if name in PER_VISIT[self.kind]:
                changed[name] = values[rows]
            elif name != "offsets" and values.ndim and values.shape[0] == self.n_patient:
                changed[name] = values[who]
        return self.compiled.with_data(**changed), rows.size

    def measure(self, n: int, share: float = 1.0) -> Point:
        """Return the shortest processor time of a few gradients."""
        model, visits = self.repeated(n, share)
        density = Density(model)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        density.evaluate(self.point)
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
        best, spent, calls = np.inf, 0.0, 0
        while calls < 3 or (spent < 0.3 and calls < 1000):
            started = time.process_time()
            density.evaluate(self.point)
            took = time.process_time() - started
            best, spent, calls = min(best, took), spent + took, calls + 1
        read = sum(values.nbytes for values in model.shared_data.values())
        print(f"@{self.kind}: {n} patients, {visits} visits: {1e3 * best:.3g} ms", file=sys.stderr)
        return Point(n, visits, best, read / 1e6, more / 1e3)


def exponent(points: Sequence[Point], of: str) -> float:
    """Return the slope of log seconds on log patients or visits."""
    kept = [p for p in points if p.patients >= LARGE] or list(points)
    if len(kept) < 2:
        kept = list(points)
    x = np.log([getattr(p, of) for p in kept])
    return float(np.polyfit(x, np.log([p.seconds for p in kept]), 1)[0])


Found = dict[str, tuple[list[Point], list[Point]]]


def draw(found: Found, path: Path) -> None:
    """Draw time against patients and against visits."""
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "itb-bayes"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True, layout="constrained")
    for kind, series in found.items():
        for axis, points, of in zip(axes, series, ("patients", "visits"), strict=True):
            x = [getattr(p, of) for p in points]
            label = f"@{kind}: exponent {exponent(points, of):.2f}"
            axis.loglog(x, [1e3 * p.seconds for p in points], "o-", label=label)
    axes[0].set(xlabel="patients", ylabel="milliseconds per gradient")
    axes[1].set(xlabel=f"visits of {AT} patients")
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def section(kind: str, by_patients: list[Point], by_visits: list[Point]) -> str:
    """Return the part of the page on one model."""
    rows = "\n".join(
        f"| {p.patients} | {p.visits} | {1e3 * p.seconds:.3g} | {1e6 * p.seconds / p.visits:.2f} | "
        f"{p.data_mb:.3g} | {p.more_mb:.3g} |"
        for p in (*by_patients, *by_visits)
    )
    return (
        f"## `@{kind}`\n\nTime grows with the {exponent(by_patients, 'patients'):.2f}th power of the "
        f"number of patients (from {LARGE} on), and with the {exponent(by_visits, 'visits'):.2f}th of "
        "the number of visits.\n\n"
        "| patients | visits | ms per gradient | µs per visit | MB of data | MB taken besides |\n"
        f"|--:|--:|--:|--:|--:|--:|\n{rows}\n"
    )


def page(found: Found) -> str:
    """Return the result page."""
    machine = describe_machine()
    return (
        "# Growth of a gradient with patients and visits\n\n"
        "Value and gradient of the whole log density, as the sampler calls it, in one thread. SYNTHETIC "
        "patients of `clinic-small`, repeated; the last rows of each table have fewer visits each. A visit of `@regimes` is a day on which anything was recorded.\n\n"
        "```console\npython benchmarks/growth.py\n```\n\n"
        "![Milliseconds per gradient against patients and against visits](growth.svg)\n\n"
        f"{machine['processor']}, {machine['cores']} cores, shared with other work: shortest processor "
        "time of at least three calls. *Taken besides*: what the first call of a size added to the "
        "peak memory of the process; nothing where earlier sizes had taken as much.\n\n"
        + "\n".join(section(kind, *series) for kind, series in found.items())
    )


def main() -> None:
    """Measure, and write page and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--out", type=Path, default=ROOT / "docs/results")
    options = parser.parse_args()
    found: Found = {}
    for kind in ("drift", "regimes"):
        model = Model.of(kind)
        found[kind] = (
            [model.measure(n) for n in SIZES if n <= options.largest],
            [model.measure(AT, share) for share in SHARES],
        )
    draw(found, options.out / "growth.svg")
    (options.out / "growth.md").write_text(page(found), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
