"""Figures as inline SVG: described, self-contained, the same bytes every time."""

import html
import io
import re

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from itb_bayes.figures.style import plain_text

_TAG = re.compile(r"<[^<>]+>")
_ID = re.compile(r'\sid="([^"]*)"')
_REFERENCE = re.compile(r'(?:xlink:href="|href="|url\()#([^")]+)')
_FONT = re.compile(r" font-family: [^;\"]*;?")
_TURN = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
_KEY = re.compile(r"[a-z][a-z0-9-]*")
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def inline_svg(figure: Figure, key: str, title: str, description: str) -> str:
    """Return a figure as an ``<svg>`` element for an HTML page.

    Parameters
    ----------
    figure : Figure
        Its fonts are dropped (text takes the font of the page), its size becomes a view box.
    key : str
        Prefix of every id in the element; unique on the page. Lower case letters, digits and
        hyphens. Ids are numbered after it, so equal figures give equal bytes.
    title : str
        One full sentence: what the chart shows. It is what a screen reader reads out.
    description : str
        How it is drawn.

    Raises
    ------
    ValueError
        If ``key`` cannot be an id.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} cannot be the prefix of an id")
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": key, "svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=_NO_METADATA)
    written = buffer.getvalue()
    start = written.index("<svg")
    opening_end = written.index(">", start) + 1
    body = re.sub(r"<!--.*?-->", "", written[opening_end:], flags=re.DOTALL)
    view_box = re.search(r'viewBox="([^"]*)"', written[start:opening_end])
    if view_box is None:
        raise ValueError("the figure was written without a view box")
    names: dict[str, str] = {}
    for name in _REFERENCE.findall(body):
        names.setdefault(name, f"{key}-{len(names) + 1}")
    body = _TAG.sub(lambda tag: _rewrite(tag.group(), names), body)
    body = re.sub(r">\s+<", "><", body)
    return (
        f'<svg role="img" aria-labelledby="{key}-t" aria-describedby="{key}-d" '
        f'viewBox="{view_box.group(1)}" xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<title id="{key}-t">{html.escape(plain_text(title))}</title>'
        f'<desc id="{key}-d">{html.escape(plain_text(description))}</desc>{body.strip()}'
    )


def _rewrite(tag: str, names: dict[str, str]) -> str:
    """Rename ids that something refers to, drop the others, fonts, and turns by no angle."""
    tag = _ID.sub(lambda m: f' id="{names[m.group(1)]}"' if m.group(1) in names else "", tag)
    tag = _REFERENCE.sub(lambda m: m.group().replace(m.group(1), names[m.group(1)]), tag)
    return _TURN.sub("", _FONT.sub("", tag))
