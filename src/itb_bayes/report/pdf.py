"""Pages as PDF: tagged, the same bytes every time, nothing loaded from anywhere.

WeasyPrint (the ``pdf`` extra) needs the Pango library of the system. Everything else works without
either.
"""

import hashlib
import logging
from typing import Any

from itb_bayes.errors import UsageError

VARIANT = "pdf/ua-1"
"""What the file declares about itself; it has not been validated against the standard."""

_HELP = (
    "PDF needs the extra and the Pango library: pip install 'itb-bayes[pdf]', and on Debian "
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0. Every page can also be printed to PDF by a "
    "browser."
)


def require_pdf() -> None:
    """Make sure that PDF can be written, before any page is made.

    Raises
    ------
    UsageError
        If WeasyPrint or Pango is missing; the message says what to install.
    """
    _weasyprint()


def render_pdf(html: str, key: str) -> bytes:
    """Return a page as a tagged PDF.

    Parameters
    ----------
    html : str
        A self-contained page.
    key : str
        Makes the identifier of the file: equal pages give equal bytes.

    Raises
    ------
    UsageError
        If WeasyPrint or Pango is missing.
    ValueError
        If the page asks for something outside itself: that is refused, not loaded.
    """
    weasyprint = _weasyprint()
    refused: list[str] = []

    class Deny(weasyprint.urls.URLFetcher):  # type: ignore[name-defined]
        def fetch(self, url: str, headers: Any = None) -> Any:
            refused.append(url)
            raise ValueError("nothing is loaded from outside a page")

    quiet = logging.getLogger("weasyprint")
    before = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        made = weasyprint.HTML(string=html, url_fetcher=Deny()).write_pdf(
            pdf_variant=VARIANT, pdf_identifier=hashlib.sha256(key.encode()).digest()[:16]
        )
    finally:
        quiet.setLevel(before)
    if refused:
        raise ValueError("a page asked for something outside itself")
    return bytes(made)


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        missing = "Pango" if isinstance(error, OSError) else "WeasyPrint"
        raise UsageError(f"{missing} is missing. {_HELP}") from None
    return weasyprint
