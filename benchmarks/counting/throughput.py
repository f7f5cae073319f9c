"""What one floating-point operation costs on this machine, and one byte.

Compiled as the kernels are: numba, no fast math, no instruction that does two operations at once.
Loops pass a number through an operation: one number (a chain, each step waits for the one before),
eight of them (the units of one core are kept busy), or a short array (several to an instruction).
"""

import math
import time
from collections.abc import Callable
from typing import Any

import itb_bayes.kernel  # noqa: F401  (names the folder for compiled code before numba reads it)

import numpy as np  # isort: skip
from numba import njit  # isort: skip

STEPS = 200_000
ROUNDS = 60
ARRAY = 1024
"""Elements of an array that stays in the nearest cache."""
TAPE_BYTES = 200_000
"""What the regimes filter keeps of a patient of 45 steps: in the second cache."""
DEEP = 8
"""Pairs of operations on each element of a short array, so that reading it costs little."""

_UP, _ON, _OVER, _FEW = 1.0 + 1e-9, 1e-9, 1.7, 0.7


@njit
def _add(x):  # type: ignore[no-untyped-def]
    return x + _ON


@njit
def _multiply(x):  # type: ignore[no-untyped-def]
    return x * _UP


@njit(error_model="numpy")
def _divide(x):  # type: ignore[no-untyped-def]
    return _OVER / x


@njit
def _sqrt(x):  # type: ignore[no-untyped-def]
    return math.sqrt(x)


@njit
def _exp(x):  # type: ignore[no-untyped-def]
    return math.exp(-x)


@njit
def _expm1(x):  # type: ignore[no-untyped-def]
    return math.expm1(-x)


@njit
def _log(x):  # type: ignore[no-untyped-def]
    return math.log(x + 3.0)


@njit
def _log1p(x):  # type: ignore[no-untyped-def]
    return math.log1p(x + _FEW)


@njit
def _pow(x):  # type: ignore[no-untyped-def]
    return (x + 1.0) ** _FEW


@njit
def _lgamma(x):  # type: ignore[no-untyped-def]
    return math.lgamma(3.0 + 0.1 * x)


STEPPED = {
    "add": _add, "subtract": _add, "multiply": _multiply, "divide": _divide, "sqrt": _sqrt,
    "exp": _exp, "expm1": _expm1, "log": _log, "log1p": _log1p, "pow": _pow, "lgamma": _lgamma,
}  # fmt: skip


def in_a_chain(step: Any) -> Callable[[], float]:
    """Return a run in which every operation waits for the one before."""

    @njit
    def go(n, x):  # type: ignore[no-untyped-def]
        for _ in range(n):
            x = step(x)
        return x

    return lambda: go(STEPS, 0.5) and STEPS


def side_by_side(step: Any) -> Callable[[], float]:
    """Return a run of eight independent chains."""

    @njit
    def go(n, x):  # type: ignore[no-untyped-def]
        a, b, c, d = x, x + 0.01, x + 0.02, x + 0.03
        e, f, g, h = x + 0.04, x + 0.05, x + 0.06, x + 0.07
        for _ in range(n):
            a, b, c, d = step(a), step(b), step(c), step(d)
            e, f, g, h = step(e), step(f), step(g), step(h)
        return a + b + c + d + e + f + g + h

    return lambda: go(STEPS // 8, 0.5) and STEPS


@njit
def _deep(n, x):  # type: ignore[no-untyped-def]
    for _ in range(n):
        for i in range(x.size):
            y = x[i]
            for _ in range(DEEP):
                y = y * _UP + _ON
            x[i] = y
    return x[0]


@njit(error_model="numpy")
def _divided(n, x):  # type: ignore[no-untyped-def]
    for _ in range(n):
        for i in range(x.size):
            x[i] = _OVER / x[i]
    return x[0]


@njit
def _rooted(n, x):  # type: ignore[no-untyped-def]
    for _ in range(n):
        for i in range(x.size):
            x[i] = math.sqrt(x[i])
    return x[0]


@njit
def _copied(n, x, y):  # type: ignore[no-untyped-def]
    for _ in range(n):
        for i in range(x.size):
            y[i] = x[i]
        for i in range(x.size):
            x[i] = y[i]
    return x[0]


def ns_each(work: Callable[[], float]) -> float:
    """Return nanoseconds of processor time of one operation: the shortest of several rounds.

    ``work`` returns how many it does.
    """
    work()
    best = math.inf
    for _ in range(ROUNDS):
        started = time.process_time_ns()
        count = work()
        best = min(best, (time.process_time_ns() - started) / count)
    return best


def chain_ns() -> dict[str, float]:
    """Return nanoseconds of every operation where each waits for the one before."""
    return {name: ns_each(in_a_chain(step)) for name, step in STEPPED.items()}


def busy_ns() -> dict[str, float]:
    """Return nanoseconds of every operation where eight are independent."""
    return {name: ns_each(side_by_side(step)) for name, step in STEPPED.items()}


def array_ns() -> dict[str, float]:
    """Return nanoseconds of the operations that run several to an instruction."""
    x, repeats = np.full(ARRAY, 0.5), 50
    arithmetic = ns_each(lambda: _deep(repeats, x) and 2 * DEEP * repeats * ARRAY)
    return {
        "add": arithmetic,
        "subtract": arithmetic,
        "multiply": arithmetic,
        "divide": ns_each(lambda: _divided(repeats, x) and repeats * ARRAY),
        "sqrt": ns_each(lambda: _rooted(repeats, x) and repeats * ARRAY),
    }


def byte_ns() -> float:
    """Return nanoseconds of a byte that is read or written, in arrays of the size of a tape."""
    x = np.full(TAPE_BYTES // 16, 0.5)
    y = np.zeros_like(x)
    # Twice there and back: two reads and two writes of each element.
    return ns_each(lambda: _copied(20, x, y) and 20 * 4 * x.nbytes)
