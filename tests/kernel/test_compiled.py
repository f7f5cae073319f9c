"""What the two ways of compiling promise."""

import ast
import importlib
from pathlib import Path

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

import itb_bayes
from itb_bayes.kernel.compiled import entry, part


@part
def double_row(row):
    for k in range(row.size):
        row[k] *= 2.0


@part
def set_memory_aside(row):
    row[0] = np.empty(3).size


@part
def assign_whole(row, other):
    row[:] = other


@entry
def double_rows(table):
    for i in range(table.shape[0]):
        double_row(table[i])


@entry
def call_for_memory(table):
    set_memory_aside(table[0])


@entry
def call_for_assignment(table):
    assign_whole(table[0], table[1])


def test_a_part_works_on_the_rows_that_it_is_handed():
    table = np.ones((2, 3))
    double_rows(table)
    np.testing.assert_array_equal(table, 2.0)


@pytest.mark.parametrize("asks", [call_for_memory, call_for_assignment])
def test_a_part_that_sets_memory_aside_does_not_compile(asks):
    with pytest.raises(NumbaError, match="nopython"):
        asks(np.ones((2, 3)))


def test_no_other_package_names_a_function_that_only_compiled_code_may_call():
    package = Path(itb_bayes.__file__).parent
    seen = 0
    for path in package.rglob("*.py"):
        if path.relative_to(package).parts[0] == "kernel":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "itb_bayes.kernel."
            ):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    target = getattr(module, alias.name)
                    if isinstance(target, Dispatcher):
                        seen += 1
                        assert "no_cpython_wrapper" not in target.targetoptions, alias.name
    assert seen > 0
