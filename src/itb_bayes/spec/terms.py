"""Term settings that kinds of model share; each is one table of a model file."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from itb_bayes.spec.base import Number, Strict
from itb_bayes.spec.problems import did_you_mean, toml_text

COVARIATES = ("ais_grade", "sci_level", "sex", "age_at_implant", "ms_course", "ambulatory")
"""Columns of the patients table that may be covariates, in the order in which they are used."""

Switch = Literal["auto", "yes", "no"]


def _check_step(value: Any) -> float | Literal["auto"]:
    if value == "auto":
        return "auto"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 60:
        raise ValueError('must be "auto" or a number of months above 0 and up to 60')
    return float(value)


def _check_covariates(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError('must be a list of patient columns, for example ["sex"]')
    for item in value:
        if item not in COVARIATES:
            hint = did_you_mean(item, COVARIATES)
            raise ValueError(f"unknown covariate {toml_text(item)}{hint}")
        if list(value).count(item) > 1:
            raise ValueError(f"names {item!r} twice")
    return tuple(name for name in COVARIATES if name in value)


def _check_from_years(value: float) -> float:
    if not 0.0 <= value <= 50.0:
        raise ValueError("must be a number of years from 0 to 50")
    return value


Covariates = Annotated[tuple[str, ...], BeforeValidator(_check_covariates)]


class SeriesSpec(Strict):
    """Which points of the dose step function enter the likelihood.

    Attributes
    ----------
    step_months : float or "auto"
        Distance of the points in months; "auto": 6, or 12 where the records are about yearly.
    from_years : float
        First point, in years since implant.
    minimum_points : int
        Patients with fewer points are set aside.
    """

    step_months: Annotated[float | Literal["auto"], BeforeValidator(_check_step)]
    from_years: Annotated[Number, AfterValidator(_check_from_years)]
    minimum_points: Annotated[int, Field(strict=True, ge=1, le=1000)]


class TitrationSpec(Strict):
    """The rise of the first months; "auto": on where dose records of the first year exist."""

    use: Switch


class ProcessSpec(Strict):
    """What the dose does around the line: "ou" (mean-reverting), "random_walk" or "none"."""

    kind: Literal["ou", "random_walk", "none"]


class NoiseSpec(Strict):
    """Volatility: "patient_t", every patient has an own one; "gaussian", one for all."""

    kind: Literal["patient_t", "gaussian"]


class CentreSpec(Strict):
    """Centre effects; "auto": on where at least two centres are recorded."""

    use: Switch


class CovariatesSpec(Strict):
    """Patient columns that shift the plateau dose or the drift.

    Attributes
    ----------
    level, drift : tuple of str
        Columns of the patients table, in the order of `COVARIATES`.
    missing : str
        What to do with patients without a value: "error", or "indicator" (a column of its own).
    """

    level: Covariates
    drift: Covariates
    missing: Literal["error", "indicator"]
