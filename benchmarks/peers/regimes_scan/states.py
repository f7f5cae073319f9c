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
    return pt.stack([pt.as_tensor(values.get(s, 0.0), dtype="float64") for s in State])


def matrices(entries: Mapping[tuple[int, int], Any], n: int) -> Any:
    """Return ``n`` matrices (11, 11) of which some entries, each (n,) or a scalar, are not 0."""
    columns = [pt.broadcast_to(pt.as_tensor(value, dtype="float64"), (n,)) for value in entries.values()]
    where = np.array([s * N_STATE + u for s, u in entries])
    flat = pt.zeros((n, N_STATE * N_STATE))
    return flat[:, where].set(pt.stack(columns, axis=1)).reshape((n, N_STATE, N_STATE))
