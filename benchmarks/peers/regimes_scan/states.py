"""Small helpers of the plain model: numbers of states as vectors and matrices."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt

from itb_bayes.kernel.regimes.layout import N_STATE, State


def one_hot(states: Iterable[int]) -> Any:
    """Return 1 for the given states and 0 for the others, shape (11,)."""
    found = np.zeros(N_STATE)
    found[[int(s) for s in states]] = 1.0
    return found


def by_state(values: Mapping[State, Any]) -> Any:
    """Return the numbers of some states and 0 for the others, shape (11,)."""
    # Joining eleven scalars, and taking their gradients apart, costs far more to compile.
    alike: dict[int, tuple[Any, list[int]]] = {}
    for s, value in values.items():
        alike.setdefault(id(value), (value, []))[1].append(s)
    return sum((value * one_hot(states) for value, states in alike.values()), pt.zeros(N_STATE))


def matrices(entries: Mapping[tuple[int, int], Any], n: int) -> Any:
    """Return ``n`` matrices (11, 11) of which some entries, each (n,) or a scalar, are not 0."""
    columns = [value + pt.zeros(n) for value in entries.values()]
    where = np.array([s * N_STATE + u for s, u in entries])
    flat = pt.zeros((n, N_STATE * N_STATE))
    return flat[:, where].set(pt.stack(columns, axis=1)).reshape((n, N_STATE, N_STATE))
