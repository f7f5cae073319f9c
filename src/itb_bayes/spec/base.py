"""Building blocks of the declarative specification: strict, frozen, closed."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

DIAGNOSES = ("MS", "SCI", "HSP", "HAM", "CP", "TBI", "STROKE", "OTHER")
"""The diagnoses of the data contract, in its order."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


class Strict(BaseModel):
    """A frozen table of a model file in which every key must be known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
