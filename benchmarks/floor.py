"""How far a likelihood with its gradient is from what its arithmetic alone would take.

usage: python benchmarks/floor.py [--out docs/results]

The operations of one evaluation are counted by running the kernels' own functions as plain Python
on counting numbers (`counting/`); what an operation costs is measured on this machine; the compiled
kernels are timed on the same inputs, and must give the same numbers as were counted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from counting.graph import OPERATIONS
from counting.kernels import PATIENT_ROWS, VISIT_ROWS
from counting.throughput import TAPE_BYTES, array_ns, busy_ns, byte_ns, chain_ns
from peers.machine import describe_machine
from pytensor.compile.mode import Mode
from pytensor.graph.traversal import ancestors

from itb_bayes.cohort import Cohort
from itb_bayes.inference.machinery import machinery_of
from itb_bayes.kernel.drift_likelihood import drift_log_likelihood
from itb_bayes.kernel.regimes.filter import regimes_log_likelihood
from itb_bayes.model.drift_op import DriftLogLikelihood
from itb_bayes.model.regimes_op import MISSING, RegimesLogLikelihood
from itb_bayes.spec import load_model

ROOT = Path(__file__).resolve().parent.parent
COHORT = ROOT / "data/synthetic/clinic-small"
OPS = {"regimes": RegimesLogLikelihood, "drift": DriftLogLikelihood}
KERNELS = {"regimes": regimes_log_likelihood, "drift": drift_log_likelihood}
NAMES = {
    "regimes": ("g", "own", "data", "codes", "offsets"),
    "drift": ("mean", "cov", "scalars", "t", "y", "offsets", "static"),
}
WHOLE = ("codes", "offsets")
ROUNDS = 40
EVERY = 3
"""Every third patient is counted and timed: counting all would take minutes."""
REPEATED = {"regimes": 1, "drift": 60}
"""How often the patients are repeated for timing: a call of the drift kernel is too short else."""
AGREE = 1e-9
ELEMENT_BYTES = 8


@dataclass(frozen=True)
class Count:
    """Operations and array elements of one evaluation, and what it takes."""

    kind: str
    patients: int
    visits: int
    written: Counter[tuple[str, str]]
    needed: Counter[tuple[str, str]]
    bytes_moved: int
    chain_ns: float
    measured_ns: float

    def of(self, which: Counter[tuple[str, str]], operation: str) -> float:
        """Return how many operations of a kind a visit takes."""
        return sum(n for (_, name), n in which.items() if name == operation) / self.visits

    def by_part(self, which: Counter[tuple[str, str]], part: str) -> float:
        """Return how many operations of any kind a visit takes in one module."""
        return sum(n for (module, _), n in which.items() if module == part) / self.visits

    def cost_ns(self, which: Counter[tuple[str, str]], each_ns: dict[str, float]) -> float:
        """Return nanoseconds of a visit's operations at given prices."""
        return sum(self.of(which, name) * each_ns[name] for name in OPERATIONS)


def inputs_of(kind: str) -> dict[str, np.ndarray]:
    """Return what the sampler gives a kernel at the start point of the shipped model."""
    spec = load_model(f"@{kind}")
    machinery = machinery_of(spec)
    model = machinery.build(spec, machinery.plan(spec, Cohort.read(COHORT)))
    density = model.logp()
    nodes = {v.owner for v in ancestors([density]) if v.owner is not None}
    node = next(n for n in nodes if isinstance(n.op, OPS[kind]))
    function = model.compile_fn(
        node.inputs, inputs=model.value_vars, mode=Mode("py", None), on_unused_input="ignore"
    )
    values = function(model.initial_point())
    found = {
        name: np.ascontiguousarray(value).astype(np.int64 if name in WHOLE else float)
        for name, value in zip(NAMES[kind], values, strict=True)
    }
    if kind == "regimes":
        found["data"] = np.where(found["data"] == MISSING, np.nan, found["data"])
    found = thinned(kind, found)
    if kind == "regimes":
        return found
    flags = {name: np.array(getattr(node.op, name)) for name in ("process", "robust", "use_static")}
    return found | flags


def thinned(kind: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the inputs of every third patient."""
    offsets = inputs["offsets"]
    who = np.arange(0, offsets.size - 1, EVERY)
    visits = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in who])
    sizes = np.diff(offsets)[who]
    changed = {name: inputs[name][who] for name in PATIENT_ROWS[kind] if len(inputs[name]) > 1}
    changed |= {name: inputs[name][visits] for name in VISIT_ROWS[kind]}
    return inputs | changed | {"offsets": np.concatenate([[0], np.cumsum(sizes)])}


def repeated(kind: str, inputs: dict[str, np.ndarray]) -> list[Any]:
    """Return the arguments of a kernel, the patients repeated for timing."""
    times = REPEATED[kind]
    sizes = np.tile(np.diff(inputs["offsets"]), times)
    changed = {"offsets": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)}
    if times > 1:
        changed |= {name: np.tile(inputs[name], times) for name in ("t", "y")}
        changed["mean"] = np.tile(inputs["mean"], (times, 1))
    return [value if value.ndim else value.item() for value in (inputs | changed).values()]


def measure_ns(kind: str, inputs: dict[str, np.ndarray]) -> float:
    """Return the shortest processor time of one visit in the compiled kernel."""
    arguments = repeated(kind, inputs)
    best = np.inf
    for _ in range(ROUNDS):
        started = time.process_time_ns()
        KERNELS[kind](*arguments)
        best = min(best, time.process_time_ns() - started)
    return float(best) / REPEATED[kind] / int(inputs["offsets"][-1])


def count(kind: str, latency_ns: dict[str, float]) -> Count:
    """Count a kernel's operations, and time it.

    Raises
    ------
    SystemExit
        If what was counted gave other numbers than the compiled kernel.
    """
    inputs = inputs_of(kind)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        np.savez(folder / "inputs.npz", **inputs)
        (folder / "latency.json").write_text(json.dumps(latency_ns), encoding="utf-8")
        files = [str(folder / name) for name in ("inputs.npz", "latency.json", "results.npz")]
        program = str(Path(__file__).parent / "counting/kernels.py")
        done = subprocess.run(
            [sys.executable, program, kind, *files],
            env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
            stdout=subprocess.PIPE,
            check=True,
        )
        with np.load(folder / "results.npz") as stored:
            counted = list(stored.values())
    arguments = [value if value.ndim else value.item() for value in inputs.values()]
    for got, want in zip(counted, KERNELS[kind](*arguments), strict=True):
        if not np.allclose(got, want, rtol=AGREE, atol=AGREE * np.abs(want).max()):
            raise SystemExit(f"{kind}: what was counted gives other numbers than the kernel")
    told = json.loads(done.stdout)
    return Count(
        kind=kind,
        patients=inputs["offsets"].size - 1,
        visits=told["visits"],
        written=Counter({(part, name): n for part, name, n in told["written"]}),
        needed=Counter({(part, name): n for part, name, n in told["needed"]}),
        bytes_moved=ELEMENT_BYTES * (told["read"] + told["stored"]),
        chain_ns=told["chain_ns"] / told["visits"],
        measured_ns=measure_ns(kind, inputs),
    )


TITLES = {
    "add": "additions", "subtract": "subtractions", "multiply": "multiplications",
    "divide": "divisions", "sqrt": "square roots", "exp": "exp", "expm1": "expm1", "log": "log",
    "log1p": "log1p", "pow": "powers", "lgamma": "log gamma",
}  # fmt: skip


@dataclass(frozen=True)
class Prices:
    """What an operation and a byte cost on this machine, in nanoseconds."""

    chain: dict[str, float]
    busy: dict[str, float]
    array: dict[str, float]
    byte: float

    @classmethod
    def measured(cls) -> "Prices":
        """Measure them."""
        return cls(chain_ns(), busy_ns(), array_ns(), byte_ns())


def price_table(prices: Prices) -> str:
    """Return what each operation costs."""
    rows = [
        f"| {title} | {prices.chain[name]:.2f} | {prices.busy[name]:.2f} | "
        + (f"{prices.array[name]:.3f} |" if name in prices.array else "as before |")
        for name, title in TITLES.items()
        if name != "subtract"
    ]
    return (
        "| ns each | waiting for the one before | eight independent | several to an instruction |\n"
        "|---|--:|--:|--:|\n" + "\n".join(rows).replace("additions", "additions, subtractions")
    )


def count_table(counts: list[Count]) -> str:
    """Return operations and bytes of a visit."""
    heads = [f"`@{c.kind}` {which}" for c in counts for which in ("written", "needed")]
    lines = [f"| a visit | {' | '.join(heads)} |", "|---|" + "--:|" * len(heads)]
    for name, title in TITLES.items():
        cells = [c.of(which, name) for c in counts for which in (c.written, c.needed)]
        if max(cells) >= 0.05:
            lines.append(f"| {title} | {' | '.join(f'{cell:,.1f}' for cell in cells)} |")
    for c in counts:
        blank = ["" for _ in heads]
        blank[heads.index(f"`@{c.kind}` written")] = f"{c.bytes_moved / c.visits:,.0f}"
        lines.append(f"| bytes read and written, `@{c.kind}` | {' | '.join(blank)} |")
    return "\n".join(lines)


def floor_table(counts: list[Count], prices: Prices) -> str:
    """Return floors, measured time, and how many times the floor it is."""
    heads = " | ".join(f"`@{c.kind}`, ns a visit | measured is" for c in counts)
    lines = [f"| | {heads} |", "|---|" + "--:|" * (2 * len(counts))]
    together = prices.busy | prices.array
    floors = {
        "**operations needed, one at a time, all units busy**": lambda c: c.cost_ns(
            c.needed, prices.busy
        ),
        "operations as written, the same": lambda c: c.cost_ns(c.written, prices.busy),
        "operations needed, arithmetic several to an instruction": lambda c: c.cost_ns(
            c.needed, together
        ),
        "longest chain of operations that wait for one another": lambda c: c.chain_ns,
        "bytes read and written": lambda c: c.bytes_moved / c.visits * prices.byte,
    }
    for title, floor in floors.items():
        cells = [f"{floor(c):,.0f} | {c.measured_ns / floor(c):.1f} ×" for c in counts]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    cells = [f"{c.measured_ns:,.0f} | " for c in counts]
    lines.append(f"| **measured** | {' | '.join(cells)} |")
    return "\n".join(lines)


def part_table(c: Count) -> str:
    """Return where the operations are."""
    found = {part for part, _ in c.written if c.by_part(c.written, part) >= 0.05}
    parts = sorted(found, key=lambda part: -c.by_part(c.written, part))
    rows = [
        f"| `{part}` | {c.by_part(c.written, part):,.1f} | {c.by_part(c.needed, part):,.1f} |"
        for part in parts
    ]
    return (
        f"`@{c.kind}`, operations a visit:\n\n| module | written | needed |\n|---|--:|--:|\n"
        + "\n".join(rows)
    )


def page(counts: list[Count], prices: Prices) -> str:
    """Return the result page."""
    machine = describe_machine()
    first = counts[0]
    share = first.measured_ns / first.cost_ns(first.needed, prices.busy)
    sizes = "; ".join(f"`@{c.kind}`: {c.patients} patients, {c.visits} visits" for c in counts)
    return f"""# The floor of a gradient

How long one likelihood with its whole gradient would take if nothing but its arithmetic took time,
beside how long it takes. A visit of `@regimes` takes **{first.measured_ns / 1e3:.1f} µs, {share:.1f} times its floor**.

```console
python benchmarks/floor.py
```

{machine["processor"]}, {machine["cores"]} cores, shared with other work: shortest processor time of several rounds, one
core. Inputs are those of the shipped models at their start point, on every third SYNTHETIC patient
of `clinic-small` ({sizes}).

## Measured time and floors

{floor_table(counts, prices)}

The floor that is quoted is the first: every operation that a result needs, once, at the rate at
which one core does independent ones of its kind, one kind after the other. It is a price, not a
bound: kinds have units of their own and may overlap, and several operations fit into one instruction
where the same is done to several numbers, such as the states (third row). Below the fourth row
nothing can come that takes patients one after the other, whatever units it has.

## Counts

{count_table(counts)}

The kernels' own functions are run as plain Python on numbers that count what is done to them
(`benchmarks/counting`); the command stops unless values and gradients agree with the compiled kernel to
{AGREE:g}. **Written**: every operation of the code. **Needed**: what is left when nothing is done twice
with the same operands, nothing is done that no result or decision depends on, and sums with nought
and products with nought or one are left out. Changes of sign and comparisons are not counted; a
square is one multiplication. Bytes are elements of arrays, 8 bytes each, that the code reads and
writes, wherever they lie; the tape of a patient stays in the second cache.

{chr(10).join(part_table(c) + chr(10) for c in counts)}
## Prices

{price_table(prices)}

A byte that is read or written costs {1e3 * prices.byte:.0f} ps, in arrays of {TAPE_BYTES // 1000} kB. Compiled as the kernels
are: by numba, without fast math, so that no multiplication is fused with an addition. Functions
include the addition that keeps their argument in range.
"""


def main() -> None:
    """Measure, count, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs/results")
    options = parser.parse_args()
    prices = Prices.measured()
    counts = []
    for kind in ("regimes", "drift"):
        counts.append(count(kind, prices.chain))
        print(f"@{kind}: {counts[-1].measured_ns:,.0f} ns a visit", file=sys.stderr)
    (options.out / "floor.md").write_text(page(counts, prices), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
