"""``itb-bayes literature``: the published figures that models are compared with."""

import csv
import sys
from typing import Any

import typer

TABLES = ("figures", "complications", "kawano-table-1", "sources")
FORMATS = ("table", "csv", "json")


def literature(
    table: str = typer.Argument("figures", help="figures, complications, kawano-table-1, sources."),
    source: str | None = typer.Option(None, "--source", help="Only this source, by its key."),
    quantity: str | None = typer.Option(None, "--quantity", help="Only this quantity (figures)."),
    output: str = typer.Option("table", "--format", help="table, csv or json."),
    as_json: bool = typer.Option(False, "--json", help="Same as --format json."),
) -> None:
    """Show published figures with their source, table, page, unit and how they are known.

    Status: read (in the source's own text), secondary (in another paper), derived (arithmetic).
    """
    from dataclasses import asdict

    from itb_bayes.cli.output import print_json, print_table
    from itb_bayes.errors import UsageError

    output = "json" if as_json else output
    for name, value, known in (("table", table, TABLES), ("format", output, FORMATS)):
        if value not in known:
            raise UsageError(f"no {name} {value!r}; choose one of {', '.join(known)}.")
    if quantity is not None and table != "figures":
        raise UsageError("--quantity chooses among figures; leave it out for other tables.")
    rows = [asdict(row) for row in _rows(table, source, quantity)]
    if output == "json":
        print_json({"table": table, "rows": rows})
    elif output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows[0] if rows else [])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    else:
        shown = _readable(table, rows)
        print_table(list(shown[0]), [list(row.values()) for row in shown])


def _rows(table: str, source: str | None, quantity: str | None) -> list[Any]:
    from itb_bayes import literature as facts

    of_figures = facts.figures(source, quantity)  # also refuses an unknown source or quantity
    if table == "figures":
        found: list[Any] = list(of_figures)
    elif table == "complications":
        found = list(facts.complication_counts())
    elif table == "kawano-table-1":
        found = list(facts.kawano_table())
    else:
        return [one for one in facts.sources().values() if source in (None, one.key)]
    return [row for row in found if source in (None, row.source)]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _readable(table: str, rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the columns that fit a terminal; csv and json hold all of them."""
    return [
        (_figure_row if table == "figures" else _count_row if table == "complications" else _plain)(
            row
        )
        for row in rows
    ] or [{"source": "", "note": "nothing"}]


def _plain(row: dict[str, Any]) -> dict[str, str]:
    return {name.replace("_", " "): _cell(value) or "–" for name, value in row.items()}


def _figure_row(row: dict[str, Any]) -> dict[str, str]:
    value = _cell(row["value"])
    if row["low"] is not None:
        value = f"{value} ({_cell(row['low'])} to {_cell(row['high'])})".strip()
    if row["sd"] is not None:
        value += f" ± {_cell(row['sd'])}"
    return {
        "id": row["id"],
        "quantity": row["quantity"],
        "group": row["group"],
        "year": _cell(row["t_years"]),
        "value": value or "–",
        "unit": row["unit"],
        "n": _cell(row["n"]),
        "place": f"{row['place']}, p. {row['page']}" if row["page"] else row["place"],
        "status": row["status"],
    }


def _count_row(row: dict[str, Any]) -> dict[str, str]:
    low, high = _cell(row["events_low"]), _cell(row["events_high"])
    return {
        "source": row["source"],
        "complication": row["complication"],
        "events": (low if low == high else f"{low}-{high}") or "–",
        "patients": _cell(row["patients"]) or "–",
        "patient-years": _cell(row["patient_years"]) or "–",
        "printed %": _cell(row["percent_printed"]) or "–",
        "status": row["status"],
        "note": row["note"],
    }
