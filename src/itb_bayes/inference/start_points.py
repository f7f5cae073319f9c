"""Start points of chains: prior means on the unconstrained scale, jittered in every coordinate.

PyMC compiles a function for them in every process. Where no prior depends on another variable or on
data, the prior means are numbers, which are kept; the jitter is drawn as PyMC draws it.
"""

import threading
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.type import RandomType

Array = NDArray[np.float64]
StartPoint = Callable[[int], Array]
Shapes = Sequence[tuple[int, ...]]

_TRIED_SEEDS = (0, 4_000_000_000)


def start_point(model: pm.Model) -> StartPoint:
    """Return PyMC's function from a seed to a start point (n_dim,)."""
    inner = make_initial_point_fn(
        model=model,
        default_strategy="support_point",
        jitter_rvs=set(model.free_RVs),
        return_transformed=True,
    )
    lock = threading.Lock()

    def start(seed: int) -> Array:
        with lock:  # the sampler's threads share it
            values = inner(seed)
        return np.concatenate([np.ravel(value).astype(np.float64) for value in values.values()])

    return start


def jittered(mean: Array, shapes: Shapes) -> StartPoint:
    """Return a function from a seed to ``mean`` (n_dim,) jittered by uniform(-1, 1).

    Every variable (of ``shapes``) has a stream of its own, spawned from the seed; the last has the
    first, as PyMC meets them.
    """

    def start(seed: int) -> Array:
        streams = np.random.SeedSequence(seed).spawn(len(shapes))[::-1]
        jitter = [
            np.random.Generator(np.random.PCG64(stream)).uniform(-1.0, 1.0, prod(shape))
            for stream, shape in zip(streams, shapes, strict=True)
        ]
        return mean + np.concatenate(jitter)

    return start


def fixed_mean(model: pm.Model, start: StartPoint, shapes: Shapes) -> Array | None:
    """Return the means that the start points of a model lie around, if they are only numbers.

    None if a prior depends on another variable or on data, or if :func:`jittered` would not give
    what PyMC's ``start`` gives, to the last digit.
    """
    if not all(_stands_alone(model, variable) for variable in model.free_RVs):
        return None
    values = make_initial_point_fn(
        model=model, default_strategy="support_point", return_transformed=True
    )(0)
    mean = np.concatenate([np.ravel(value).astype(np.float64) for value in values.values()])
    ours = jittered(mean, shapes)
    return mean if all(np.array_equal(ours(s), start(s)) for s in _TRIED_SEEDS) else None


def _stands_alone(model: pm.Model, variable: Any) -> bool:
    lengths = set(model.dim_lengths.values())
    for found in ancestors([variable]):
        if found is not variable and found in model.free_RVs:
            return False
        is_data = isinstance(found, SharedVariable) and not isinstance(found.type, RandomType)
        if is_data and found not in lengths:
            return False
    return True
