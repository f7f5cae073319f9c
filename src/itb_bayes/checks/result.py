"""The outcome of one check: what was asked, what would have counted as failing, what came out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True, eq=False)
class CheckResult:
    """One check.

    Attributes
    ----------
    name : str
        Short name; names the files of its source data.
    question : str
        What the check asks, in one sentence.
    criterion : str
        When it passes; or why it has no criterion.
    passed : bool or None
        None where the check informs only, or could not be computed (the summary says why).
    summary : str
        What came out, in one or two sentences.
    table : pandas.DataFrame
        The numbers behind the verdict.
    figure : str
        Key of the figure that shows it; empty where the table says all.
    plot : pandas.DataFrame
        Source data of the figure, in long form.
    """

    name: str
    question: str
    criterion: str
    passed: bool | None
    summary: str
    table: pd.DataFrame
    figure: str = ""
    plot: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def verdict(self) -> str:
        """``FAIL``, ``pass`` or ``info``."""
        return {True: "pass", False: "FAIL", None: "info"}[self.passed]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; numbers keep six significant digits, missing ones are null."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "passed": self.passed,
            "question": self.question,
            "criterion": self.criterion,
            "summary": self.summary,
            "table": [
                {str(key): _plain(value) for key, value in row.items()}
                for row in self.table.to_dict("records")
            ],
        }


def failed_first(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Return failed checks, then passed ones, then those that inform only; otherwise in order."""
    rank = {"FAIL": 0, "pass": 1, "info": 2}
    return tuple(sorted(results, key=lambda result: rank[result.verdict]))


def _plain(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if np.isfinite(value) else None
    return None if value is None or value is pd.NA else str(value)
