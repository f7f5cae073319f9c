"""A table as text, before anything is interpreted; and as values, once it has been."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from itb_bayes.cohort.problems import ProblemLog, Severity

Say = str | Callable[[int, str], str]


@dataclass(frozen=True, eq=False)
class RawTable:
    """One table as it stood in its file.

    Attributes
    ----------
    name : str
        Table name of the contract.
    file : str
        File name as shown in messages.
    text : DataFrame
        All cells as text (empty string: nothing recorded); the index is the line number.
    cells : DataFrame
        Cells as typed values (columns appear as they are parsed); same index as ``text``.
    """

    name: str
    file: str
    text: pd.DataFrame
    cells: pd.DataFrame

    @classmethod
    def of(cls, name: str, file: str, text: pd.DataFrame) -> Self:
        """Return a table whose cells have not been interpreted yet."""
        return cls(name, file, text, pd.DataFrame(index=text.index))

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.text)

    def has(self, column: str) -> bool:
        """Tell whether the file holds this column."""
        return column in self.text.columns

    def with_text(self, text: pd.DataFrame) -> Self:
        """Return the table with other text (same rows)."""
        return replace(self, text=text)

    def with_cells(self, **columns: pd.Series) -> Self:
        """Return the table with typed columns added or replaced."""
        return replace(self, cells=self.cells.assign(**columns))

    def without_rows(self, mask: pd.Series) -> Self:
        """Return the table without the rows where ``mask`` is True."""
        keep = ~mask.to_numpy(dtype=bool)
        return replace(self, text=self.text[keep], cells=self.cells[keep])

    def column(self, name: str) -> pd.Series:
        """Return a typed column, or a column of missing values when the file has none."""
        if name in self.cells.columns:
            return self.cells[name]
        return pd.Series(np.nan, index=self.text.index, name=name)

    def words(self, name: str) -> pd.Series:
        """Return a column as stripped text, empty where nothing is recorded."""
        if name in self.cells.columns and not pd.api.types.is_float_dtype(self.cells[name]):
            return self.cells[name].astype("str").fillna("")
        return pd.Series("", index=self.text.index, name=name, dtype="str")

    def flag(
        self,
        log: ProblemLog,
        mask: pd.Series | np.ndarray,
        column: str,
        code: str,
        message: Say,
        mend: Say,
        severity: Severity = "error",
    ) -> None:
        """Record a problem for every row where ``mask`` is True.

        A cell that already has a problem gets no second one: what follows from a value that
        could not be read is noise.

        Parameters
        ----------
        log : ProblemLog
            Takes the problems.
        mask : Series or ndarray of bool, shape (n_row,)
            The rows meant.
        column : str
            The column to point at.
        code, severity : str
            As in `Problem`.
        message, mend : str or callable
            As in `Problem`; a callable is given line number and text of the cell.
        """
        hit = np.asarray(mask, dtype=bool)
        if not hit.any():
            return
        rows = [int(row) for row in self.text.index[hit]]
        shown = list(self.text.loc[hit, column]) if self.has(column) else [""] * len(rows)
        for row, value in zip(rows, shown, strict=True):
            if log.is_flagged(self.file, row, column):
                continue
            log.add(
                self.file,
                code,
                message if isinstance(message, str) else message(row, value),
                mend if isinstance(mend, str) else mend(row, value),
                row=row,
                column=column,
                value=value,
                severity=severity,
            )
