"""The papers that figures come from."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).resolve().parent
"""Where the data files lie."""


@dataclass(frozen=True)
class Source:
    """One paper.

    Attributes
    ----------
    key : str
        As in the column ``source`` of the tables.
    authors : str
    seen : str
        What was read of it: the full text, an abstract, or another paper that reports it.
    year : int or None
    title, journal, volume, pages, doi, pmid : str
        Empty where not known.
    """

    key: str
    authors: str
    seen: str
    year: int | None = None
    title: str = ""
    journal: str = ""
    volume: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""

    @property
    def short(self) -> str:
        """First author and year, for tables."""
        first = self.authors.split(" et al")[0].split(",")[0]
        if first.startswith("authors not"):
            return f"{self.journal} {self.year}"
        words = first.split()
        name = " ".join(words[:-1]) if len(words) > 1 and words[-1].isupper() else first
        return f"{name} {self.year}" if self.year else name


@cache
def sources() -> MappingProxyType[str, Source]:
    """Return every source by its key, in the order of the file."""
    stated = tomllib.loads((FOLDER / "sources.toml").read_text(encoding="utf-8"))
    return MappingProxyType({key: Source(key=key, **fields) for key, fields in stated.items()})
