"""Figures as files: PDF, SVG and PNG of the same drawing, the same bytes every time."""

import io

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

PNG_DPI = 600
NOTICE = "Research use only. Not a medical device."


def figure_files(figure: Figure, title: str, png_dpi: float = PNG_DPI) -> dict[str, bytes]:
    """Return a figure as ``pdf``, ``svg`` and ``png``.

    Metadata hold the title and the notice, and neither a date nor a name of a person or program.

    Parameters
    ----------
    figure : Figure
    title : str
    png_dpi : float
        Dots per inch of the PNG.
    """
    out = {}
    with mpl.rc_context({"svg.hashsalt": "itb-bayes", "pdf.fonttype": 42}):
        buffer = io.BytesIO()
        FigureCanvasPdf(figure).print_pdf(
            buffer,
            metadata={"Title": title, "Subject": NOTICE, "Creator": None, "Producer": None,
                      "CreationDate": None},
        )  # fmt: skip
        out["pdf"] = buffer.getvalue()
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(
            text, metadata={"Title": title, "Description": NOTICE, "Creator": None, "Date": None}
        )
        out["svg"] = text.getvalue().encode("utf-8")
        buffer = io.BytesIO()
        before = figure.dpi
        figure.set_dpi(png_dpi)
        FigureCanvasAgg(figure).print_png(
            buffer, metadata={"Title": title, "Description": NOTICE, "Software": None}
        )
        figure.set_dpi(before)
        out["png"] = buffer.getvalue()
    return out
