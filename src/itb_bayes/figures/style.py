"""Palette, type sizes and blank figures shared by all charts.

Line colours reach 3:1 against white (WCAG 1.4.11) and are told apart by dash or shape as well;
fills that do not reach it are always bounded by a line that does.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#000000"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#00795A"
GREY = "#6B6B6B"
BAND_OUTER = "#EDF1F5"
BAND_INNER = "#D6E0EA"
FAN_OUTER = "#F9E3D4"
FAN_INNER = "#EFBE9A"

FONT_PT = 7.5
SMALL_PT = 7.0

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": FONT_PT,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.labelsize": FONT_PT,
    "ytick.labelsize": FONT_PT,
    "axes.labelsize": FONT_PT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.usetex": False,
    "path.simplify": True,
    "svg.fonttype": "none",
}


@contextmanager
def chart_style() -> Iterator[None]:
    """Apply the chart style while figures are made and written.

    The font is the one that ships with matplotlib, so that layout does not depend on the machine.
    """
    with mpl.rc_context(_STYLE):
        yield


def blank_axes(
    width_inches: float, height_inches: float, box: tuple[float, float, float, float]
) -> tuple[Figure, Axes]:
    """Return a figure, outside pyplot's global state, with one axes.

    Parameters
    ----------
    width_inches, height_inches : float
    box : tuple of float
        Left, bottom, width and height of the axes, as fractions of the figure.
    """
    figure = Figure(figsize=(width_inches, height_inches))
    return figure, figure.add_axes(box)


def plain_text(text: str) -> str:
    """Return text without control and direction-changing characters.

    Every string drawn on a chart goes through here and is drawn with ``parse_math=False``:
    matplotlib would otherwise read ``$…$`` as mathematics and write NUL into a file.
    """
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))


def put_text(axes: Axes, x: float, y: float, text: str, **options: object) -> None:
    """Draw text at data coordinates, as it is written."""
    axes.text(x, y, plain_text(text), parse_math=False, **options)  # type: ignore[arg-type]


def name_axes(axes: Axes, x: str | None = None, y: str | None = None) -> None:
    """Name the axes of a chart, as written."""
    if x is not None:
        axes.set_xlabel(plain_text(x), parse_math=False)
    if y is not None:
        axes.set_ylabel(plain_text(y), parse_math=False)
