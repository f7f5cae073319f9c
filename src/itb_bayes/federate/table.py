"""What a combination says of the population, as rows."""

from dataclasses import dataclass

import numpy as np

from itb_bayes.federate.combining import Combined

_QUANTITIES = (
    ("drift_percent", "drift", "%/year"),
    ("dose_year1_ug", "dose at one year", "ug/day"),
    ("ratio_typical", "dose of the typical patient relative to one year", "%"),
    ("drift_contrast_percent", "difference in drift", "%/year"),
)


@dataclass(frozen=True)
class CombinedRow:
    """One estimand: median and the interval that holds 90 % of the posterior."""

    quantity: str
    group: str
    unit: str
    median: float
    q05: float
    q95: float


def combined_table(combined: Combined) -> tuple[CombinedRow, ...]:
    """Return the estimands of a combination."""
    rows = []
    for name, quantity, unit in _QUANTITIES:
        array = combined.estimands[name]
        flat = array.stack(sample=("chain", "draw")).transpose("sample", ...)
        labels = [str(label) for label in flat[flat.dims[1]].values]
        values = flat.to_numpy().reshape(flat.shape[0], len(labels), -1)
        years = [""] if values.shape[2] == 1 else [f", year {y:g}" for y in flat["year"].values]
        for i, label in enumerate(labels):
            for j, year in enumerate(years):
                q05, median, q95 = np.quantile(values[:, i, j], (0.05, 0.5, 0.95))
                rows.append(
                    CombinedRow(quantity, label + year, unit, float(median), float(q05), float(q95))
                )
    return tuple(rows)
