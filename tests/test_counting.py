"""The counting numbers of `benchmarks/floor.py`: what is counted, and what is needed of it."""

import math

import numpy as np
import pytest
from counting.counted import CountedArray, CountedMath, CountedNumpy, given, results
from counting.graph import Graph


@pytest.fixture
def graph() -> Graph:
    return Graph()


def of(counts, kind: str) -> int:
    return sum(n for (_, name), n in counts.items() if name == kind)


def test_repeated_and_unused_operations_are_written_but_not_needed(graph: Graph) -> None:
    x = given(graph, np.array([2.0, 3.0]))
    out = CountedNumpy(graph).zeros(1)
    out[0] = x[0] * x[1] + x[1] * x[0]
    assert (x[0] / x[1]).value == 2.0 / 3.0
    assert results(out).tolist() == [12.0]
    assert [of(graph.written, kind) for kind in ("multiply", "add", "divide")] == [2, 1, 1]
    assert [of(graph.needed(), kind) for kind in ("multiply", "add", "divide")] == [1, 1, 0]
    assert {part for part, _ in graph.written} == {"test_counting"}


def test_sums_with_nought_and_products_with_one_are_not_needed(graph: Graph) -> None:
    x = given(graph, np.array([2.0]))
    out = CountedNumpy(graph).empty(2)
    out[0] = (0.0 + x[0] - 0.0) * 1.0 / 1.0
    out[1] = 0.0 * x[0] + 5.0
    assert results(out).tolist() == [2.0, 5.0]
    assert sum(graph.written.values()) == 6
    assert sum(graph.needed().values()) == 0


def test_a_number_that_decides_is_needed(graph: Graph) -> None:
    x = given(graph, np.array([2.0, 3.0]))
    assert max(x[0] * x[1], 1.0) == 6.0
    assert not x[0] + x[1] < x[0]
    assert of(graph.needed(), "multiply") == of(graph.needed(), "add") == 1


def test_functions_are_those_of_compiled_code(graph: Graph) -> None:
    counted = CountedMath(graph)
    x = given(graph, np.array([4.0, -1.0, 0.0, 1e9]))
    assert counted.sqrt(x[0]).value == 2.0
    assert counted.sqrt(9.0) == 3.0
    assert counted.log(x[2]).value == -math.inf
    assert counted.exp(x[3]).value == math.inf
    assert math.isnan(counted.log(x[1]).value)
    assert math.isnan((x[2] / x[2]).value)
    assert counted.isnan(x[2] / x[2])
    assert abs(-x[0]).value == 4.0
    assert (x[0] ** 2).value == 16.0
    assert of(graph.written, "sqrt") == of(graph.written, "multiply") == 1
    assert of(graph.written, "log") == 2


def test_elements_are_counted_as_they_are_read_and_written(graph: Graph) -> None:
    a = given(graph, np.arange(6.0).reshape(2, 3))
    b = CountedNumpy(graph).zeros_like(a)
    b[0] = a[1]
    b[:, 2] = 0.0
    assert (graph.read, graph.stored) == (3, 5)
    assert b[0, 1].value == 4.0
    assert a[1].max().value == 5.0
    assert (graph.read, graph.stored) == (3 + 1 + 3, 5)
    assert isinstance(a[0], CountedArray)


def test_the_longest_chain_is_that_of_operations_that_wait(graph: Graph) -> None:
    x = given(graph, np.array([2.0, 3.0]))
    out = CountedNumpy(graph).empty(2)
    out[0] = (x[0] + x[1]) * x[0]
    out[1] = x[0] * x[0]
    results(out)
    assert graph.longest_chain_ns({"add": 1.0, "multiply": 2.0}) == 3.0


def test_no_number_leaves_the_count_unseen(graph: Graph) -> None:
    x = given(graph, np.array([2.0]))
    with pytest.raises(TypeError, match="would leave the count"):
        np.zeros(1)[0] = x[0]
    assert given(graph, np.array([3]))[0] == 3
