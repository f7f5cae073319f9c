"""What a reproduction says, as plain values: tables, figures, and what cannot be reproduced."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """One table of text cells.

    Attributes
    ----------
    key : str
        File name stem: lower case letters, digits, hyphens.
    title : str
    header : tuple of str
    rows : tuple of tuple of str
    note : str
        What the columns are.
    """

    key: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse rows of another length than the header."""
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"table {self.key!r}: a row has not the columns of the header")


@dataclass(frozen=True)
class Picture:
    """One figure.

    Attributes
    ----------
    key : str
        File name stem.
    title : str
        What it shows, in a sentence.
    figure : Figure
    """

    key: str
    title: str
    figure: Figure


@dataclass(frozen=True)
class Account:
    """A reproduction.

    Attributes
    ----------
    key : str
        As on the command line.
    title : str
    about : str
        What was fitted, to what.
    tables : tuple of Table
    pictures : tuple of Picture
    cannot : tuple of str
        What cannot be reproduced from what is published.
    synthetic : bool
        Whether simulated patients are in it.
    provenance : mapping of str to str
        Digests, seeds and versions.
    """

    key: str
    title: str
    about: str
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    cannot: tuple[str, ...]
    synthetic: bool = True
    provenance: Mapping[str, str] = field(default_factory=dict)
