"""One part of a reproduction: its tables, figures and runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from itb_bayes.reproduce.account import Picture, Table


@dataclass(frozen=True)
class Part:
    """Tables, figures and fits of one part.

    Attributes
    ----------
    tables : tuple of Table
    pictures : tuple of Picture
    runs : mapping of str to str
        Short name of the run of every fit.
    """

    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    runs: Mapping[str, str]
