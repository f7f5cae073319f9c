"""Numbers and arrays that note in a graph what is done with them.

They take the place of floats and of numpy's arrays in kernels that run as plain Python. A number
that would leave the count, by being stored as a float, is refused.
"""

import math
import operator
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from counting.graph import ADD, DIVIDE, MULTIPLY, NEGATE, SUBTRACT, Graph


def _divide(a: float, b: float) -> float:
    if b != 0.0:
        return a / b
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(a, b))


def _arithmetic(
    kind: str, act: Callable[[float, float], float]
) -> tuple[Callable[[Any, Any], "Counted"], Callable[[Any, Any], "Counted"]]:
    """Return the two methods of an operator, with the counted number on the left and right."""

    def left(self: "Counted", other: Any) -> "Counted":
        return _binary(self, other, kind, act, self.graph)

    def right(self: "Counted", other: Any) -> "Counted":
        return _binary(other, self, kind, act, self.graph)

    return left, right


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return the method of a comparison; what is compared decides, and so is used."""

    def decide(self: "Counted", other: Any) -> bool:
        self.graph.use(self.number)
        if isinstance(other, Counted):
            self.graph.use(other.number)
            return compare(self.value, other.value)
        return compare(self.value, other)

    return decide


class Counted:
    """A float and its number in the graph."""

    __slots__ = ("graph", "number", "value")

    def __init__(self, graph: Graph, value: float, number: int) -> None:
        self.graph, self.value, self.number = graph, value, number

    __add__, __radd__ = _arithmetic(ADD, operator.add)
    __sub__, __rsub__ = _arithmetic(SUBTRACT, operator.sub)
    __mul__, __rmul__ = _arithmetic(MULTIPLY, operator.mul)
    __truediv__, __rtruediv__ = _arithmetic(DIVIDE, _divide)

    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)

    def __pow__(self, other: Any) -> "Counted":
        if other == 2:
            return _binary(self, self, MULTIPLY, operator.mul, self.graph)
        return _binary(self, other, "pow", operator.pow, self.graph)

    def __neg__(self) -> "Counted":
        number = self.graph.note("", NEGATE, (self.number,))
        return Counted(self.graph, -self.value, number)

    def __abs__(self) -> "Counted":
        number = self.graph.note("", NEGATE, (self.number,))
        return Counted(self.graph, abs(self.value), number)

    def __hash__(self) -> int:
        return hash(self.value)

    def __float__(self) -> float:
        raise TypeError("a number would leave the count")


class CountedArray(np.ndarray):
    """An array of numbers, whose elements are counted as they are read and written."""

    graph: Graph

    def __array_finalize__(self, made_from: Any) -> None:
        if made_from is not None and hasattr(made_from, "graph"):
            self.graph = made_from.graph

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if not isinstance(found, CountedArray):
            self.graph.read += 1
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, float):
            value = Counted(self.graph, value, self.graph.literal(value))
        if isinstance(value, CountedArray):
            self.graph.read += value.size
        place = super().__getitem__(key)
        self.graph.stored += place.size if isinstance(place, CountedArray) else 1
        super().__setitem__(key, value)

    def max(self, *_: Any, **__: Any) -> Any:
        """Return the largest element, by comparing all."""
        return max(self[k] for k in range(self.size))


class CountedNumpy:
    """Makes counted arrays where numpy would make arrays of floats."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def zeros(self, shape: Any) -> CountedArray:
        """Return noughts."""
        return filled(self._graph, shape, 0.0)

    def empty(self, shape: Any, dtype: Any = None) -> Any:
        """Return an array that holds nothing yet."""
        return filled(self._graph, shape, math.nan) if dtype is None else np.empty(shape, dtype)

    def zeros_like(self, array: CountedArray) -> CountedArray:
        """Return noughts of the shape of an array."""
        return self.zeros(array.shape)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class CountedMath:
    """The functions of ``math`` that kernels use, on counted numbers."""

    inf, nan, pi = math.inf, math.nan, math.pi

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def isnan(self, x: Any) -> bool:
        """Tell whether a number is none."""
        return math.isnan(x.value if isinstance(x, Counted) else x)

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        plain = getattr(math, name)

        def counted(x: Any) -> Any:
            if not isinstance(x, Counted):
                return plain(x)
            number = self._graph.note(_asking(2), name, (x.number,))
            return Counted(self._graph, _as_compiled(plain, x.value), number)

        setattr(self, name, counted)
        return counted


def given(graph: Graph, values: np.ndarray) -> CountedArray:
    """Return a counted copy of the inputs of a kernel; whole numbers stay what they are."""
    array = np.empty(values.shape, dtype=object).view(CountedArray)
    array.graph = graph
    for key, value in np.ndenumerate(values):
        whole = np.issubdtype(values.dtype, np.integer)
        element = int(value) if whole else Counted(graph, float(value), graph.given())
        np.ndarray.__setitem__(array, key, element)
    return array


def filled(graph: Graph, shape: Any, value: float) -> CountedArray:
    """Return a counted array of one constant."""
    array = np.empty(shape, dtype=object).view(CountedArray)
    array.graph = graph
    np.ndarray.fill(array, Counted(graph, value, graph.literal(value)))
    return array


def results(array: CountedArray) -> np.ndarray:
    """Return the floats of an array, and note that they are results."""
    values = np.empty(array.shape)
    for key in np.ndindex(array.shape):
        element = np.ndarray.__getitem__(array, key)
        array.graph.use(element.number)
        values[key] = element.value
    return values


def _binary(
    left: Any, right: Any, kind: str, act: Callable[[float, float], float], graph: Graph
) -> Counted:
    a, b = _number(left, graph), _number(right, graph)
    value = act(_value(left), _value(right))
    return Counted(graph, value, graph.note(_asking(3), kind, (a, b)))


def _number(x: Any, graph: Graph) -> int:
    # Whole numbers come from the data; floats that are not counted are constants of the code.
    if isinstance(x, Counted):
        return x.number
    return graph.whole(int(x)) if isinstance(x, int | np.integer) else graph.literal(float(x))


def _value(x: Any) -> float:
    return x.value if isinstance(x, Counted) else float(x)


def _as_compiled(function: Callable[[float], float], x: float) -> float:
    try:
        return function(x)
    except (OverflowError, ValueError):  # compiled code says infinity or NaN instead
        with np.errstate(all="ignore"):
            return float(getattr(np, function.__name__)(x))


def _asking(depth: int) -> str:
    """Return the module whose code asked for an operation."""
    frame = sys._getframe(depth)
    return _module(frame.f_code.co_filename)


@cache
def _module(file: str) -> str:
    return Path(file).stem
