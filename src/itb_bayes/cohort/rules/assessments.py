"""Scores within the range and the steps of their scale."""

import numpy as np
import pandas as pd

from itb_bayes.cohort.contract import SCALES
from itb_bayes.cohort.problems import ProblemLog
from itb_bayes.cohort.rawtable import RawTable

_ROUNDING = 1e-9


def check_scores(assessments: RawTable, log: ProblemLog) -> None:
    """Report scores outside their scale, and fractions that no single rating can have.

    A fraction is a mean, and is accepted as one: of the muscles counted in ``n_muscles``, or
    on an Ashworth scale of all muscles when ``muscle`` is empty.
    """
    value = assessments.column("value").astype("float64")
    scale = assessments.words("scale")
    muscle = assessments.words("muscle")
    counted = assessments.column("n_muscles").astype("float64").notna()
    for name, spec in SCALES.items():
        is_scale = scale == name
        assessments.flag(
            log,
            is_scale & ~value.between(spec.low, spec.high) & value.notna(),
            "value",
            "scale_range",
            f"{name} runs from {spec.low:g} to {spec.high:g}.",
            _other_scale(name),
        )
        whole = _on_steps(value, spec.step) | value.isin(spec.extra)
        is_mean = counted | ((muscle == "") if spec.is_ashworth else False)
        assessments.flag(
            log,
            is_scale & value.notna() & ~whole & ~is_mean,
            "value",
            "fractional",
            f"A single rating of {name} goes in steps of {spec.step:g}.",
            "Give n_muscles if the value is a mean." if spec.is_ashworth else "Correct the value.",
        )
    n_muscles = assessments.column("n_muscles").astype("float64")
    assessments.flag(
        log,
        n_muscles.notna() & ~_on_steps(n_muscles, 1.0),
        "n_muscles",
        "fractional",
        "The number of muscles is not whole.",
        "Give the number of muscles averaged.",
    )


def _on_steps(value: pd.Series, step: float) -> pd.Series:
    steps = value / step
    return (steps - np.round(steps)).abs() < _ROUNDING


def _other_scale(name: str) -> str:
    other = {"ashworth_1_5": "ashworth_0_4", "ashworth_0_4": "ashworth_1_5"}.get(name)
    return f"If scored otherwise, set scale to {other}." if other else "Correct value or scale."
