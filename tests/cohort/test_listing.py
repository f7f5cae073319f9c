"""Problems listed for people: none hides another."""

import pytest

from itb_bayes.cohort.invalid import MAX_IN_MESSAGE, InvalidCohort
from itb_bayes.cohort.listing import SHOWN_OF_A_KIND, condense, row_ranges
from itb_bayes.cohort.problems import Problem


def problem(row, column="dose", code="number", file="doses.csv", severity="error"):
    return Problem(file, row, column, "x", code, "This is not a number.", "Mend it.", severity)


def test_few_of_a_kind_are_all_shown():
    found = [problem(row) for row in range(2, 2 + SHOWN_OF_A_KIND + 1)]
    assert [entry.problem for entry in condense(found)] == found
    assert not any(entry.n_further for entry in condense(found))


def test_the_rest_of_a_kind_is_counted_where_it_begins():
    found = [problem(row) for row in range(2, 12)]
    found.insert(5, problem(6, code="other"))
    entries = condense(found)
    assert [entry.n_further for entry in entries] == [0, 0, 0, 7, 0]
    assert entries[3].rows == "5-11"
    assert entries[4].problem.code == "other"
    assert str(entries[3]) == "doses.csv lines 5-11, dose: 7 more problems of this kind."
    assert sum(1 + max(entry.n_further - 1, 0) for entry in entries) == len(found)


@pytest.mark.parametrize("other", [{"column": "date"}, {"code": "b"}, {"file": "events.csv"},
                                   {"severity": "warning"}])  # fmt: skip
def test_kinds_are_kept_apart(other):
    found = [problem(row) for row in range(2, 5)] + [problem(row, **other) for row in range(2, 5)]
    assert len(condense(found)) == 6


def test_a_problem_without_a_row_is_counted_too():
    entries = condense([problem(None)] * 6)
    assert (entries[-1].n_further, entries[-1].rows) == (3, "")
    assert str(entries[-1]) == "doses.csv, dose: 3 more problems of this kind."


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ""),
        ([4], "4"),
        ([4, 5, 6, 9], "4-6, 9"),
        ([1, 3, 5, 7], "1, 3, 5, 7"),
        ([1, 3, 5, 7, 9, 10], "1, 3, 5, 7, … 10"),
    ],
)
def test_rows_are_told_as_ranges(rows, words):
    assert row_ranges(rows) == words


def test_a_message_of_many_kinds_is_cut_and_says_so():
    found = tuple(problem(2, code=f"rule-{k}") for k in range(MAX_IN_MESSAGE + 3))
    told = str(InvalidCohort("small", found))
    assert "cohort 'small' has 15 problems; nothing was read." in told
    assert "and 3 more lines: 'itb-bayes data validate --json' lists all." in told
