"""Sphinx settings; pages that restate the code are generated from it before each build."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

from itb_bayes import __version__  # noqa: E402

project = "itb-bayes"
author = "The itb-bayes authors"
project_copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated", "reference"]
autodoc_typehints = "none"
napoleon_google_docstring = False
exclude_patterns = ["_build", "_ext"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]

# Every reference between pages must lead somewhere: with -W a broken one stops the build.
nitpicky = True
# Types in numpydoc are words ("Path, optional"), no references.
nitpick_ignore_regex = [("py:(class|exc)", r"(?!itb_bayes\.).*")]

# `make links`, which needs the network: publishers turn robots away, which is no broken link.
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_workers = 4
linkcheck_anchors = True
linkcheck_report_timeouts_as_broken = False
linkcheck_allowed_redirects = {r"https://doi\.org/.*": r"https://.*"}

html_theme = "alabaster"
html_theme_options = {
    "description": "Bayesian models of intrathecal baclofen dose records. Research use only.",
    "fixed_sidebar": True,
    "page_width": "70rem",
}
html_show_sphinx = False
html_copy_source = False
