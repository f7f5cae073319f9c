"""Reproductions as files: one page, its tables as CSV, its figures as SVG and PNG."""

import csv
import io
import re
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from itb_bayes import __version__
from itb_bayes.figures.style import chart_style
from itb_bayes.reproduce.account import Account, Table
from itb_bayes.storage import refusals_in_words, write_whole

DPI = 200
SYNTHETIC = (
    "**Synthetic data**: no patient-level data were published; every cohort that is fitted here is "
    "simulated."
)
_DATE = re.compile(r"<dc:date>.*?</dc:date>", re.DOTALL)


def write_account(account: Account, folder: Path) -> list[Path]:
    """Write a reproduction; the same account gives the same bytes.

    Parameters
    ----------
    account : Account
    folder : Path
        Made if missing; files of an earlier reproduction of the same name are replaced.

    Returns
    -------
    list of Path
        What was written, the page first.
    """
    with refusals_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{account.key}.md"
    write_whole(page, account_page(account))
    written = [page]
    for table in account.tables:
        path = folder / f"{account.key}-{table.key}.csv"
        write_whole(path, table_csv(table))
        written.append(path)
    for picture in account.pictures:
        for suffix, content in (("svg", figure_svg(picture.figure, picture.key)),
                                ("png", figure_png(picture.figure))):  # fmt: skip
            path = folder / f"{picture.key}.{suffix}"
            write_whole(path, content)
            written.append(path)
    return written


def account_page(account: Account) -> str:
    """Return a reproduction as a Markdown page."""
    parts = [f"# {account.title}", "", account.about, ""]
    if account.synthetic:
        parts += [SYNTHETIC, ""]
    for table in account.tables:
        parts += [f"## {table.title}", "", *_markdown(table), ""]
        if table.note:
            parts += [table.note, ""]
    if account.pictures:
        parts += ["## Figures", ""]
        for picture in account.pictures:
            parts += [f"![{picture.title}]({picture.key}.svg)", "", picture.title, ""]
    parts += ["## What cannot be reproduced from what is published", ""]
    parts += [f"- {line}" for line in account.cannot]
    facts = "; ".join(f"{name} {value}" for name, value in account.provenance.items())
    made = f"`itb-bayes reproduce {account.key}`, itb-bayes {__version__}; {facts}."
    parts += ["", "## How it was made", "", made, ""]
    return "\n".join(parts)


def _markdown(table: Table) -> list[str]:
    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(table.header), "|" + "---|" * len(table.header), *map(line, table.rows)]


def table_csv(table: Table) -> str:
    """Return a table as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return buffer.getvalue()


def figure_svg(figure: Figure, key: str) -> bytes:
    """Return a figure as SVG, the same bytes every time."""
    buffer = io.StringIO()
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with chart_style(), mpl.rc_context({"svg.hashsalt": key, "svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)
    text = re.sub(r"[ \t]+\n", "\n", _DATE.sub("", buffer.getvalue()))
    return text.encode("utf-8")


def figure_png(figure: Figure) -> bytes:
    """Return a figure as PNG, the same bytes every time."""
    buffer = io.BytesIO()
    figure.set_dpi(DPI)
    with chart_style():
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
