"""What follows from two runs: how many times faster, and whether both say the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Run = Mapping[str, Any]


@dataclass(frozen=True)
class Efficiency:
    """Effective draws of one model at the cost of all it took but compiling.

    Attributes
    ----------
    cpu_s : float
        Processor time of mode, curvature, warm-up and draws.
    bulk, tail : float
        Least effective draws per processor second.
    is_measured : bool
        False where the draws are those of the other model, at this model's price of a gradient.
    """

    cpu_s: float
    bulk: float
    tail: float
    is_measured: bool


def gradient_ratio(ours: Run, plain: Run) -> float:
    """Return how many times longer the plain model takes for value and gradient."""
    return float(plain["gradient"]["shortest_s"] / ours["gradient"]["shortest_s"])


def efficiency(ours: Run, run: Run) -> Efficiency:
    """Return the effective draws per second of a run; derived where it was not sampled."""
    found = run.get("sampling")
    if found is not None:
        cpu_s, is_measured = found["cpu_s"], True
    else:
        found, is_measured = ours["sampling"], False
        dearer = run["gradient"]["shortest_s"] - ours["gradient"]["shortest_s"]
        cpu_s = found["cpu_s"] + found["gradients"] * dearer
    return Efficiency(cpu_s, found["ess_bulk"] / cpu_s, found["ess_tail"] / cpu_s, is_measured)


def disagreement(ours: Run, plain: Run) -> tuple[float, float]:
    """Return the largest relative difference of values, and of gradients at each one's scale."""
    pair = ours["gradient"], plain["gradient"]
    values, others = (np.array(run["values"]) for run in pair)
    slopes, other_slopes = (np.array(run["gradients"]) for run in pair)
    scale = np.abs(slopes).max(axis=1, keepdims=True)
    return (
        float(np.abs(others / values - 1.0).max()),
        float((np.abs(other_slopes - slopes) / scale).max()),
    )


def disagreement_between_points(ours: Run, other: Run) -> tuple[float, float]:
    """Return the same where log densities may differ by a constant: values less that of the first.

    The differences of values are relative to the largest change of the log density.
    """
    pair = ours["gradient"], other["gradient"]
    values, others = (np.array(run["values"]) - run["values"][0] for run in pair)
    apart = np.abs(others - values).max() / np.abs(values).max()
    return float(apart), disagreement(ours, other)[1]


def constant_apart(ours: Run, other: Run) -> float:
    """Return by how much the other's log density is larger, on average over the points."""
    pair = ours["gradient"], other["gradient"]
    values, others = (np.array(run["values"]) for run in pair)
    return float(np.mean(others - values))
