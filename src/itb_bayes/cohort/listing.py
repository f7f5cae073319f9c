"""Problems for people to read: of many of one kind the first few, so that none hides another."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from itb_bayes.cohort.problems import Problem

SHOWN_OF_A_KIND = 3
"""Of more than one more than these, the rest is counted."""

_RANGES_SHOWN = 4

_Kind = tuple[str, str | None, str, str]


@dataclass(frozen=True)
class Entry:
    """One line of a list of problems.

    Attributes
    ----------
    problem : Problem
    n_further : int
        Problems of the same rule in the same column of the same file that this line stands for,
        beside those that have lines of their own; 0 where it stands for its problem alone.
    rows : str
        Where they are, as ``"5-23, 30"``; empty where ``n_further`` is 0.
    """

    problem: Problem
    n_further: int = 0
    rows: str = ""

    def __str__(self) -> str:
        if not self.n_further:
            return str(self.problem)
        column = f", {self.problem.column}" if self.problem.column else ""
        lines = f" lines {self.rows}" if self.rows else ""
        return f"{self.problem.file}{lines}{column}: {self.n_further} more problems of this kind."


def condense(problems: Sequence[Problem]) -> tuple[Entry, ...]:
    """Return the lines of a list of problems, in the order of the first of each kind.

    Parameters
    ----------
    problems : sequence of Problem
        In the order in which they are told.
    """
    counts = Counter(_kind(problem) for problem in problems)
    told: Counter[_Kind] = Counter()
    rest: dict[_Kind, list[Problem]] = {}
    entries: list[Entry | _Kind] = []
    for problem in problems:
        kind = _kind(problem)
        if told[kind] < SHOWN_OF_A_KIND or counts[kind] <= SHOWN_OF_A_KIND + 1:
            told[kind] += 1
            entries.append(Entry(problem))
            continue
        if kind not in rest:
            entries.append(kind)
        rest.setdefault(kind, []).append(problem)
    return tuple(entry if isinstance(entry, Entry) else _further(rest[entry]) for entry in entries)


def _kind(problem: Problem) -> _Kind:
    return problem.file, problem.column, problem.code, problem.severity


def _further(problems: list[Problem]) -> Entry:
    rows = sorted({problem.row for problem in problems if problem.row is not None})
    return Entry(problems[0], len(problems), row_ranges(rows))


def row_ranges(rows: Sequence[int]) -> str:
    """Return increasing row numbers in words: ``"5-23, 30"``, at most four ranges of them."""
    ranges: list[list[int]] = []
    for row in rows:
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    words = [f"{a}" if a == b else f"{a}-{b}" for a, b in ranges[:_RANGES_SHOWN]]
    if len(ranges) > _RANGES_SHOWN:
        words.append(f"… {ranges[-1][1]}")
    return ", ".join(words)
