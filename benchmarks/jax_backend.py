"""Does @regimes say the same when JAX runs it, and what does a gradient take there?

usage: python benchmarks/jax_backend.py [--patients 300 1000 3000] [--out docs/results]

Needs JAX (the extra ``gpu``, or requirements-bench.txt). Patients of the synthetic registry,
repeated where more are asked for. Values and gradients of the compiled kernel and of JAX are
compared at the same points, and both are timed on whatever JAX runs on: a graphics processor if
there is one, else the processor. Writes jax-backend.md; progress goes to stderr.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from peers.machine import describe_machine

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.density import Density, LogDensity
from itb_bayes.inference.jax_model import PythonDensity, compile_with_jax
from itb_bayes.inference.sampling import compile_model
from itb_bayes.model.regimes import build_regimes, build_regimes_on_arrays
from itb_bayes.model.regimes_plan import RegimesPlan, plan_regimes
from itb_bayes.spec import load_model

ROOT = Path(__file__).resolve().parent.parent
N_POINT = 3
CALLS = 3
AGREES = 1e-9


@dataclass(frozen=True)
class Row:
    """One size: how far apart both are, relative, and the seconds of a gradient and of compiling."""

    patients: int
    visits: int
    value_apart: float
    gradient_apart: float
    kernel_s: float
    jax_s: float
    compile_s: float


def repeated(plan: RegimesPlan, n: int) -> RegimesPlan:
    """Return ``n`` patients: those of the plan, over and over."""
    taken = plan.select(np.arange(n) % plan.n_patient)
    return replace(taken, patient_ids=tuple(f"P{k}" for k in range(n)))


def measure(spec: Any, plan: RegimesPlan) -> Row:
    """Compare and time both."""
    kernel = Density(compile_model(build_regimes(spec, plan)))
    started = time.perf_counter()
    compiled = compile_with_jax(build_regimes_on_arrays(spec, plan))
    other = PythonDensity(compiled)
    place = places(kernel, compiled, [v.name for v in build_regimes(spec, plan).value_vars])
    rng = np.random.default_rng(20261123)
    apart = []
    for k in range(N_POINT):
        x = rng.uniform(-0.3, 0.3, kernel.n_dim)
        y = np.empty_like(x)
        y[place] = x
        found, slope = other.evaluate(y)
        if k == 0:
            took = time.perf_counter() - started
        value, gradient = kernel.evaluate(x)
        scale = np.abs(gradient).max()
        apart.append((abs(found / value - 1.0), np.abs(slope[place] - gradient).max() / scale))
    worst = np.max(apart, axis=0)
    if worst.max() > AGREES:
        raise SystemExit(f"kernel and JAX are {worst.max():.0e} apart: nothing is written")
    return Row(
        plan.n_patient, int(plan.offsets[-1]), float(worst[0]), float(worst[1]),
        shortest(kernel, x), shortest(other, y), took,
    )  # fmt: skip


def places(kernel: Density, compiled: Any, names: list[str]) -> np.ndarray:
    """Return where each of the kernel's numbers is among those of JAX: their orders differ."""
    numbers = np.arange(kernel.n_dim, dtype=float) / kernel.n_dim
    of_kernel = kernel.expand(numbers)
    of_jax = compiled._make_expand_func(0, 0, 0)(numbers, **compiled._shared_data)
    both = [np.concatenate([np.ravel(v[name]) for name in names]) for v in (of_kernel, of_jax)]
    if not np.array_equal(both[0], numbers):
        raise SystemExit("the kernel's numbers are not in the order of the model")
    return np.rint(both[1] * kernel.n_dim).astype(int)


def shortest(density: LogDensity, x: np.ndarray) -> float:
    """Return the shortest of a few calls, in seconds on the clock."""
    return min(_timed(lambda: density.evaluate(x)) for _ in range(CALLS))


def _timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def page(rows: list[Row]) -> str:
    """Return the result page."""
    machine, device = describe_machine(), jax.devices()[0]
    is_gpu = device.platform == "gpu"
    where = device.device_kind if is_gpu else "the processor (no graphics processor here)"
    table = [
        f"| {r.patients:,} | {r.visits:,} | {r.value_apart:.0e} | {r.gradient_apart:.0e} | "
        f"{1e3 * r.kernel_s:,.0f} | {1e3 * r.jax_s:,.0f} | {r.kernel_s / r.jax_s:.2g} | "
        f"{r.compile_s:.0f} |"
        for r in rows
    ]
    said = (
        f"From {min((r.patients for r in rows if r.jax_s < r.kernel_s), default=0):,} patients on JAX "
        "is the faster (0: nowhere)."
        if is_gpu
        else "**Not measured on a graphics processor**: none was there. On a processor the kernel is "
        "the one to use, which is why it is the default; what these figures show is that both say "
        "the same."
    )
    return "\n".join(
        [
            "# The regimes model run by JAX",
            "",
            "Written by `python benchmarks/jax_backend.py`. SYNTHETIC patients of the registry, repeated "
            "where there are more. `itb-bayes fit --backend jax` takes the same model, its likelihood "
            "written on arrays of all patients (`itb_bayes.kernel.regimes_arrays`) instead of patient "
            "after patient, with gradients worked out by JAX.",
            "",
            f"JAX {jax.__version__} on {where}; the kernel on one core of {machine['processor']}. Apart: "
            f"the largest relative difference of log densities, and of gradients beside their largest "
            f"component, at {N_POINT} points.",
            "",
            "| patients | days of record | log densities apart | gradients apart | kernel, ms a gradient "
            "| JAX, ms a gradient | kernel's time over JAX's | JAX compiles in, s |",
            "|--:|--:|--:|--:|--:|--:|--:|--:|",
            *table,
            "",
            said,
            "",
        ]
    )


def main() -> None:
    """Measure every size, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, nargs="+", default=[300, 1000, 3000])
    parser.add_argument("--out", type=Path, default=ROOT / "docs/results")
    options = parser.parse_args()
    spec = load_model("@regimes")
    plan = plan_regimes(spec, Cohort.read(ROOT / "data/synthetic/registry"))
    rows = []
    for n in options.patients:
        rows.append(measure(spec, repeated(plan, n)))
        sys.stderr.write(f"{rows[-1]}\n")
    text = page(rows)
    (options.out / "jax-backend.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
