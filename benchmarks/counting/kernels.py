"""Count one evaluation of a kernel, patient by patient, and print what was found as JSON.

usage: python benchmarks/counting/kernels.py KIND INPUTS.npz LATENCIES.json RESULTS.npz

Started with ``NUMBA_DISABLE_JIT=1``, so that the very functions that are compiled otherwise run as
plain Python. Their numbers, and the arrays they make, are those of `counting.counted`.
"""

import importlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from counting.counted import CountedMath, CountedNumpy, given, results
from counting.graph import Graph

KERNELS = {
    "regimes": ("itb_bayes.kernel.regimes.filter", "regimes_log_likelihood"),
    "drift": ("itb_bayes.kernel.drift_likelihood", "drift_log_likelihood"),
}
PATIENT_ROWS = {"regimes": ("own",), "drift": ("mean", "static")}
VISIT_ROWS = {"regimes": ("data", "codes"), "drift": ("t", "y")}
PATIENTS_AT_ONCE = {"regimes": 1}
"""A run of all would not fit in memory; what is worked out once for all patients is little here."""
ORDER = {
    "regimes": ("g", "own", "data", "codes", "offsets"),
    "drift": (
        "mean", "cov", "scalars", "t", "y", "offsets", "static", "process", "robust", "use_static",
    ),
}  # fmt: skip

Inputs = Mapping[str, np.ndarray]


@dataclass
class Tally:
    """What was counted, over all patients."""

    visits: int = 0
    written: Counter[tuple[str, str]] = field(default_factory=Counter)
    needed: Counter[tuple[str, str]] = field(default_factory=Counter)
    read: int = 0
    stored: int = 0
    chain_ns: float = 0.0

    def add(self, graph: Graph) -> None:
        """Add one run."""
        self.written.update(graph.written)
        self.needed.update(graph.needed())
        self.read += graph.read
        self.stored += graph.stored

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "visits": self.visits,
            "written": [[*key, n] for key, n in sorted(self.written.items())],
            "needed": [[*key, n] for key, n in sorted(self.needed.items())],
            "read": self.read,
            "stored": self.stored,
            "chain_ns": self.chain_ns,
        }


def some_patients(kind: str, inputs: Inputs, first: int, last: int) -> dict[str, np.ndarray]:
    """Return the inputs of a kernel for some patients alone."""
    offsets = inputs["offsets"]
    changed = {name: inputs[name][first:last] for name in PATIENT_ROWS[kind]}
    changed |= {name: inputs[name][offsets[first] : offsets[last]] for name in VISIT_ROWS[kind]}
    return {**inputs, **changed, "offsets": offsets[first : last + 1] - offsets[first]}


def run(kind: str, inputs: Inputs) -> tuple[Graph, list[np.ndarray]]:
    """Return the graph of one call of a kernel, and its results."""
    module, name = KERNELS[kind]
    kernel = getattr(importlib.import_module(module), name)
    graph = Graph()
    watch_kernels(graph)
    arguments = []
    for key in ORDER[kind]:
        value = inputs[key]
        if key == "offsets":
            arguments.append(value)
        else:
            arguments.append(given(graph, value) if value.ndim else value.item())
    return graph, [results(array) for array in kernel(*arguments)]


def watch_kernels(graph: Graph) -> None:
    """Let the kernels' modules find counting stand-ins where they imported math and numpy."""
    counted_math, counted_numpy = CountedMath(graph), CountedNumpy(graph)
    for name, module in sys.modules.items():
        if name.startswith("itb_bayes.kernel."):
            for attribute, stand_in in (("math", counted_math), ("np", counted_numpy)):
                if hasattr(module, attribute):
                    setattr(module, attribute, stand_in)


def main() -> None:
    """Count, print, and write the kernel's results for comparison with the compiled kernel."""
    kind, inputs_path, latencies, results_path = sys.argv[1:]
    with np.load(inputs_path) as stored:
        inputs = dict(stored)
    latency_ns = json.loads(Path(latencies).read_text(encoding="utf-8"))
    n_patient = inputs["offsets"].size - 1
    tally = Tally(visits=int(inputs["offsets"][-1]))
    at_once = PATIENTS_AT_ONCE.get(kind, n_patient)
    rows = []
    for i in range(0, n_patient, at_once):
        graph, found = run(kind, some_patients(kind, inputs, i, i + at_once))
        tally.add(graph)
        rows.append(found)
        if at_once == 1:
            tally.chain_ns += graph.longest_chain_ns(latency_ns)
    if at_once > 1:
        # Patients wait for nothing of one another: only one by one do their chains add up.
        for i in range(n_patient):
            graph, _ = run(kind, some_patients(kind, inputs, i, i + 1))
            tally.chain_ns += graph.longest_chain_ns(latency_ns)
    np.savez(results_path, *(np.concatenate(parts) for parts in zip(*rows, strict=True)))
    print(json.dumps(tally.as_json()))


if __name__ == "__main__":
    main()
