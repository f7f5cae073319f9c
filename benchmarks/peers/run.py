"""What a tool of the benchmark is asked for and what it hands back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from peers.problem import DIAGNOSES, Problem

Array = NDArray[np.float64]

CORES = 2
"""Chains or processes that a tool may run at once."""


@dataclass(frozen=True)
class Run:
    """One run that is asked for.

    Attributes
    ----------
    problem : Problem
    folder : Path
        Where the problem lies, with the same readings as a cohort.
    draws, tune, chains, seed : int
    """

    problem: Problem
    folder: Path
    draws: int
    tune: int
    chains: int
    seed: int


@dataclass(frozen=True)
class Draws:
    """What a tool drew.

    Attributes
    ----------
    values : mapping of str to ndarray, shape (chain, draw)
        By the names of :data:`peers.problem.PARAMETERS`; a tool whose model lacks a parameter
        leaves it out.
    divergences : int
    setup_cpu_s : float
        Processor time inside the sampling call that went into compiling; moved to the set-up.
    handing_over_cpu_s : float
        Processor time inside the sampling call in which draws were received and read, where
        they come from another process as text; stays in the sampling, and is told apart.
    """

    values: Mapping[str, Array]
    divergences: int
    setup_cpu_s: float = 0.0
    handing_over_cpu_s: float = 0.0


class Peer(Protocol):
    """A tool: two steps, so that making a sampler and sampling are timed apart."""

    def prepare(self, run: Run) -> Any:
        """Read the data, build the model and compile whatever can be compiled."""

    def sample(self, prepared: Any, run: Run) -> Draws:
        """Warm up and draw."""


def load_labels() -> None:
    """Load what is loaded when the first array of a process gets labels: set-up, not sampling.

    For every tool whose sampler hands labelled draws over.
    """
    import arviz_base  # noqa: F401
    import xarray as xr

    xr.DataArray([0.0])


def named_values(posterior: Mapping[str, Any]) -> dict[str, Array]:
    """Return draws by the common names.

    Parameters
    ----------
    posterior : mapping
        ``level`` and ``drift`` of shape (chain, draw, diagnosis); ``level_sd``, ``drift_sd``,
        ``correlation_01`` (optional) and ``within_sd`` of shape (chain, draw).
    """
    values: dict[str, Array] = {}
    for of in ("level", "drift"):
        both = np.asarray(posterior[of], dtype=float)
        values |= {f"{of}[{name}]": both[..., k] for k, name in enumerate(DIAGNOSES)}
    for name in ("level_sd", "drift_sd", "within_sd"):
        values[name] = np.asarray(posterior[name], dtype=float)
    if "correlation_01" in posterior:
        values["correlation"] = 2.0 * np.asarray(posterior["correlation_01"], dtype=float) - 1.0
    return values
