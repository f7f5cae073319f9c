"""Where Stan's chains begin: near the middle of the priors, as its user would have to ask for."""

import numpy as np
from numpy.typing import NDArray

from peers.regimes_stan.values import FAMILIES, VECTORS, Values

SPREAD = 0.3
"""How far from the middle a chain begins at most, on the unconstrained scale."""


def starts(values: Values, chains: int, seed: int) -> list[dict[str, list[float]]]:
    """Return the program's vectors at the start of every chain."""
    rng = np.random.default_rng(seed)
    return [_start(values, rng) for _ in range(chains)]


def _start(values: Values, rng: np.random.Generator) -> dict[str, list[float]]:
    found = {}
    for vector, family in zip(VECTORS, FAMILIES, strict=True):
        first, second = values.of_family(family).reshape(-1, 2).T
        away = rng.uniform(-SPREAD, SPREAD, first.size)
        found[vector] = _near_middle(family, first, second, away).tolist()
    return found


def _near_middle(
    family: str,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    away: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return values that lie ``away`` from the middle on the unconstrained scale."""
    if family == "normal":
        return first + second * away
    if family == "lognormal":
        return np.exp(first + away)
    return 1.0 / (1.0 + second / first * np.exp(-away))
