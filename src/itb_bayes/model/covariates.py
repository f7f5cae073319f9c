"""Patient columns coded for the regression of level and drift."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.errors import ModelError

AGE_CENTRE_YEARS = 45.0
AGE_UNIT_YEARS = 10.0


@dataclass(frozen=True)
class Factor:
    """How a categorical column is coded: against ``reference``, within ``diagnosis`` only."""

    reference: str
    levels: tuple[str, ...]
    diagnosis: str | None = None


FACTORS = {
    "sex": Factor("M", ("F",)),
    "sci_level": Factor("thoracic", ("cervical", "lumbar"), "SCI"),
    "ais_grade": Factor("A", ("B", "C", "D", "E"), "SCI"),
    "ms_course": Factor("SP", ("RR", "PP"), "MS"),
    "ambulatory": Factor("False", ("True",)),
}


@dataclass(frozen=True)
class Covariates:
    """Coded covariates.

    Attributes
    ----------
    names : tuple of str
        One per column, e.g. ``ais_grade=B`` or ``age_at_implant per 10 years``.
    design : ndarray, shape (n_patient, n_covariate)
    """

    names: tuple[str, ...]
    design: NDArray[np.float64]


def code_covariates(patients: pd.DataFrame, columns: tuple[str, ...], missing: str) -> Covariates:
    """Code patient columns as regression columns.

    Parameters
    ----------
    patients : pandas.DataFrame
        One row per patient, with the columns of the data contract.
    columns : tuple of str
        Columns to code. Levels that no patient has are left out. ``sci_level`` and ``ais_grade``
        act within SCI, ``ms_course`` within MS; age is centred at 45 years, per 10 years.
    missing : {"error", "indicator"}
        What a missing value means: an error, or a level of its own named ``unknown``.

    Raises
    ------
    ModelError
        If a value is missing under "error", or a column has nothing to compare.
    """
    names: list[str] = []
    parts: list[NDArray[np.float64]] = []
    for column in columns:
        applies = np.ones(len(patients), dtype=bool)
        factor = FACTORS.get(column)
        if factor and factor.diagnosis:
            applies = (patients["diagnosis"] == factor.diagnosis).to_numpy(dtype=bool)
        unknown = patients[column].isna().to_numpy(dtype=bool) & applies
        if unknown.any() and missing == "error":
            raise ModelError(
                f"covariate {column!r}: {int(unknown.sum())} of {int(applies.sum())} patients have "
                "no value. Fill the column, drop the covariate from the model file, or set "
                'covariates.missing = "indicator".'
            )
        before = len(names)
        if factor is None:
            age = patients[column].to_numpy(dtype=float)
            coded = np.where(unknown, 0.0, (age - AGE_CENTRE_YEARS) / AGE_UNIT_YEARS)
            names.append(f"{column} per 10 years")
            parts.append(coded)
        else:
            text = patients[column].astype("str")
            for level in factor.levels:
                has = (text == level).to_numpy(dtype=bool) & applies & ~unknown
                if has.any():
                    names.append(f"{column}={level}")
                    parts.append(has.astype(float))
        if unknown.any() and not unknown[applies].all():
            names.append(f"{column}=unknown")
            parts.append(unknown.astype(float))
        coded_here = [part[applies] for part in parts[before:]]
        if len(names) == before or unknown[applies].all() or _constant(coded_here):
            raise ModelError(
                f"covariate {column!r} does not vary among the patients it applies to "
                f"({int(applies.sum())}); drop it from the model file."
            )
    values = np.stack(parts, axis=1) if parts else np.empty((len(patients), 0))
    return Covariates(tuple(names), values)


def _constant(parts: list[NDArray[np.float64]]) -> bool:
    return all(np.ptp(part) == 0.0 for part in parts)
