"""Write settings as TOML and rows as CSV, the same bytes every time."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from itb_bayes.simulate.records import Cell, Row


def render_csv(rows: list[Row], columns: Sequence[str]) -> str:
    """Return CSV text; a column no row uses is left out, unless there are no rows at all."""
    used = [
        name
        for name in columns
        if name == "patient_id" or any(row.get(name) is not None for row in rows)
    ]
    if not rows:
        used = list(columns)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(used)
    writer.writerows([_cell(row.get(name)) for name in used] for row in rows)
    return out.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Up to four decimals, no trailing zeros, never an exponent.
        text = f"{value:.4f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    return str(value)


def render_toml(table: Mapping[str, Any]) -> str:
    """Return TOML text of nested tables; tables of figures are written inline."""
    lines: list[str] = []
    _table(lines, table, "")
    return "\n".join(lines).strip("\n") + "\n"


def _is_leaf(value: Any) -> bool:
    return isinstance(value, Mapping) and "source" in value


def _is_array(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)


def _table(lines: list[str], table: Mapping[str, Any], prefix: str) -> None:
    deeper: list[tuple[str, Any]] = []
    for key, value in table.items():
        if value is None:
            continue
        if (isinstance(value, Mapping) and not _is_leaf(value)) or _is_array(value):
            deeper.append((key, value))
        else:
            lines.append(f"{key} = {_inline(value)}")
    for key, value in deeper:
        name = f"{prefix}{key}"
        if _is_array(value):
            for item in value:
                lines.extend(["", f"[[{name}]]"])
                _table(lines, item, f"{name}.")
        else:
            if any(_is_leaf(v) or not isinstance(v, Mapping) for v in value.values()):
                lines.extend(["", f"[{name}]"])
            _table(lines, value, f"{name}.")


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # JSON strings are TOML basic strings for text without control characters.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inner} }}"
    return "[" + ", ".join(_inline(item) for item in value) + "]"


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)
