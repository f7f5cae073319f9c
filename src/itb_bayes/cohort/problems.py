"""Problems of a cohort: what is wrong, where, and how to mend it.

Every check writes into one `ProblemLog`, so that all problems of a cohort are found in one
pass and reported together.
"""

import difflib
import functools
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning"]

MAX_SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or doubtful, in a cohort.

    Attributes
    ----------
    file : str
        File (for a workbook ``book.xlsx:sheet``) in which the problem lies.
    row : int or None
        Line number as an editor shows it (header = 1); None when the file as a whole is meant.
    column : str or None
        Column name; None when no single column is meant.
    value : str
        The offending value, truncated and without control characters.
    code : str
        Short stable name of the rule.
    message : str
        What is wrong.
    mend : str
        What to do about it.
    severity : {"error", "warning"}
        Errors stop the import, warnings do not.
    """

    file: str
    row: int | None
    column: str | None
    value: str
    code: str
    message: str
    mend: str
    severity: Severity = "error"

    def as_dict(self) -> dict[str, str | int | None]:
        """Return the fields as a plain mapping, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f" line {self.row}"
        if self.column:
            place += f", {self.column}"
        shown = f" [{self.value}]" if self.value else ""
        return f"{place}{shown}: {self.message} {self.mend}".rstrip()


class ProblemLog:
    """Collects the problems of one cohort while its files are read and checked."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._cells: set[tuple[str, int | None, str | None]] = set()

    def add(
        self,
        file: str,
        code: str,
        message: str,
        mend: str,
        *,
        row: int | None = None,
        column: str | None = None,
        value: str = "",
        severity: Severity = "error",
    ) -> None:
        """Record one problem."""
        self._cells.add((file, row, column))
        self._problems.append(
            Problem(file, row, column, show_value(value), code, message, mend, severity)
        )

    def is_flagged(self, file: str, row: int | None, column: str | None) -> bool:
        """Tell whether this cell already has a problem."""
        return (file, row, column) in self._cells

    @property
    def has_errors(self) -> bool:
        """Whether any problem stops the import."""
        return any(problem.severity == "error" for problem in self._problems)

    def sorted(self) -> tuple[Problem, ...]:
        """Return all problems: by file in order of first mention, then by row and column."""
        order: dict[str, int] = {}
        for problem in self._problems:
            order.setdefault(problem.file, len(order))
        return tuple(
            sorted(
                self._problems,
                key=lambda p: (order[p.file], p.row or 0, p.column or "", p.severity, p.code),
            )
        )


def show_value(value: str, limit: int = MAX_SHOWN) -> str:
    """Return ``value`` fit to be shown: no control or format characters, not too long."""
    # A cell may be megabytes long: cut first, then look at each character.
    head = value[: 4 * limit]
    clean = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in head).strip()
    if len(clean) > limit or len(value) > len(head):
        return clean[: limit - 1] + "…"
    return clean


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a did-you-mean sentence, or an empty string when nothing is near.

    Parameters
    ----------
    word : str
        What was given.
    known : iterable of str
        What is allowed.
    """
    nearest = nearest_word(word, known)
    return f"Did you mean {nearest!r}?" if nearest is not None else ""


def nearest_word(word: str, known: Iterable[str]) -> str | None:
    """Return the allowed word nearest to ``word``, or None when none is near."""
    return _nearest(word[:80], tuple(known))


@functools.lru_cache(maxsize=512)
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    by_folded = {_fold(candidate): candidate for candidate in known}
    folded = _fold(word)
    if folded in by_folded:
        return by_folded[folded]
    matches = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    if matches:
        return by_folded[matches[0]]
    inside = [key for key in by_folded if key and folded and (key in folded or folded in key)]
    return by_folded[min(inside, key=len)] if inside and len(folded) >= 3 else None


def _fold(word: str) -> str:
    return word.strip().casefold().replace(" ", "_").replace("-", "_")
