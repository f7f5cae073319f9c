"""The resolved specification of a spasticity model."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from itb_bayes.spec.base import Number, Strict
from itb_bayes.spec.model import ModelSpec


def _check_months(value: float) -> float:
    if not 0.0 < value <= 120.0:
        raise ValueError("must be a number of months above 0 and up to 120")
    return value


Months = Annotated[Number, AfterValidator(_check_months)]


class PhasesSpec(Strict):
    """Which visit of a patient stands for each phase: the last one in its window.

    Attributes
    ----------
    before_months : float
        Before: at most so many months before implant.
    after_months : float
        After: at most so many months after implant.
    end_from_months : float
        End: the last visit, at least so many months after implant.
    """

    before_months: Months
    after_months: Months
    end_from_months: Months


class ScaleSpec(Strict):
    """The scale; "ashworth" (1-5 and 0-4 are one scale, shifted) or "mas" (with its 1+)."""

    use: Literal["ashworth", "mas"]


class ThresholdsSpec(Strict):
    """Steps of the scale on the tone: "free" (of different widths) or "equal"."""

    kind: Literal["free", "equal"]


class SpasticitySpec(ModelSpec):
    """A spasticity model: the terms of `ModelSpec`'s kind ``spasticity``.

    Attributes
    ----------
    phases, scale, thresholds
        Term settings.
    """

    phases: PhasesSpec
    scale: ScaleSpec
    thresholds: ThresholdsSpec
