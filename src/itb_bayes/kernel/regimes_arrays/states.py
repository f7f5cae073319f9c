"""Numbers of states as vectors and matrices, in whatever array module is given."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from itb_bayes.kernel.regimes.layout import N_STATE, State


def one_hot(states: Iterable[int]) -> Any:
    """Return 1 for the given states and 0 for the others, shape (11,)."""
    found = np.zeros(N_STATE)
    found[[int(s) for s in states]] = 1.0
    return found


def by_state(xp: Any, values: Mapping[State, Any]) -> Any:
    """Return the numbers of some states and 0 for the others, shape (11,)."""
    # Joining eleven scalars, and taking their gradients apart, costs far more to compile.
    alike: dict[int, tuple[Any, list[int]]] = {}
    for s, value in values.items():
        alike.setdefault(id(value), (value, []))[1].append(s)
    return sum((value * one_hot(states) for value, states in alike.values()), xp.zeros(N_STATE))


def matrices(xp: Any, entries: Mapping[tuple[int, int], Any], n: int) -> Any:
    """Return ``n`` matrices (11, 11) of which some entries, each (n,) or a scalar, are not 0."""
    columns = [value + xp.zeros(n) for value in entries.values()]
    where = np.array([s * N_STATE + u for s, u in entries])
    flat = xp.zeros((n, N_STATE * N_STATE))
    return _put(flat, where, xp.stack(columns, axis=1)).reshape((n, N_STATE, N_STATE))


def _put(flat: Any, where: Any, columns: Any) -> Any:
    """Return ``flat`` with other columns: NumPy's arrays change, JAX's and PyTensor's do not."""
    if isinstance(flat, np.ndarray):
        flat[:, where] = columns
        return flat
    return flat.at[:, where].set(columns) if hasattr(flat, "at") else flat[:, where].set(columns)


def normal(xp: Any, x: Any, mean: Any, var: Any) -> Any:
    """Return the Gaussian density."""
    return xp.exp(-0.5 * (x - mean) ** 2 / var) / xp.sqrt(2.0 * np.pi * var)
