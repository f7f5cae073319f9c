"""Reading of the package's own tables: an empty cell is a missing value."""

import csv
from pathlib import Path


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a shipped CSV file as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(cell: str) -> float | None:
    """Return a cell as a number; None where it is empty."""
    return float(cell) if cell else None


def whole(cell: str) -> int | None:
    """Return a cell as a whole number; None where it is empty."""
    return int(cell) if cell else None
