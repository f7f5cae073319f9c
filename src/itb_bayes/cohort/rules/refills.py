"""Refill volumes that fit into the pump."""

import pandas as pd

from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

# A syringe is read to half a millilitre.
READING_ERROR_ML = 0.5


def check_volumes(refills: RawTable, log: ProblemLog) -> None:
    """Report residual volumes larger than the reservoir."""
    reservoir = refills.column("reservoir_ml").astype("float64")
    for column in ("expected_residual_ml", "actual_residual_ml"):
        residual = refills.column(column).astype("float64")
        refills.flag(
            log,
            residual > reservoir + READING_ERROR_ML,
            column,
            "above_reservoir",
            lambda row, value: f"The reservoir holds only {_shown(reservoir, row)} mL.",
            "Correct the volume, or reservoir_ml.",
        )


def _shown(reservoir: pd.Series, row: int) -> str:
    return f"{reservoir[row]:g}"
