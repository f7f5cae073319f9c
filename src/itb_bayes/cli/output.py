"""Plain tables and JSON on stdout, the same on a terminal and in a pipe."""

import json
from collections.abc import Sequence
from typing import Any

import typer


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; numbers to the right, words to the left."""
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    right = [all(_is_numeric(row[k]) for row in rows) and bool(rows) for k in range(len(header))]
    for line in [header, ["-" * w for w in widths], *rows]:
        cells = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        typer.echo("  ".join(cells).rstrip())


def _is_numeric(cell: str) -> bool:
    return cell == "" or cell[0].isdigit() or (cell[0] in "+-<>−" and any(map(str.isdigit, cell)))


def print_json(value: Any) -> None:
    """Print one JSON object; NaN becomes null."""
    typer.echo(json.dumps(_finite(value), indent=1, ensure_ascii=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, float) and value != value:
        return None
    return value


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, without exponent."""
    if value != value:
        return ""
    if value == 0:
        return "0"
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e" in text else text


def probability(value: float) -> str:
    """Return a probability; never 0 or 1, which no number of draws can show."""
    if value != value:
        return ""
    return ">0.999" if value > 0.9995 else "<0.001" if value < 0.0005 else f"{value:.3f}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
