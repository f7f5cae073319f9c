"""Published figures as data: each with its source, table, page, unit and how it is known.

Facts only; the sentences of the papers are not here. What a paper does not print stays missing.
"""

from itb_bayes.literature.conflicts import DerivedDrift, derived_drifts
from itb_bayes.literature.counts import ComplicationCount, complication_counts
from itb_bayes.literature.figures import Figure, figure, figures
from itb_bayes.literature.kawano import PrintedRow, kawano_table
from itb_bayes.literature.sources import Source, sources

__all__ = [
    "ComplicationCount",
    "DerivedDrift",
    "Figure",
    "PrintedRow",
    "Source",
    "complication_counts",
    "derived_drifts",
    "figure",
    "figures",
    "kawano_table",
    "sources",
]
