"""Building blocks of the settings: sourced numbers, ranges and shares."""

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """Base of all settings tables: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Figure(Strict):
    """One number and where it comes from."""

    value: float
    source: str = Field(min_length=3)


class Positive(Figure):
    """A figure above zero."""

    value: float = Field(gt=0)


class NonNegative(Figure):
    """A figure that is not below zero."""

    value: float = Field(ge=0)


class Probability(Figure):
    """A figure between zero and one."""

    value: float = Field(ge=0, le=1)


class Count(Figure):
    """A whole number above zero."""

    value: int = Field(gt=0, le=1_000_000)


class Seed(Figure):
    """The seed of every random stream."""

    value: int = Field(ge=0)


class AtLeastOne(Figure):
    """A ratio of one or more."""

    value: float = Field(ge=1)


class Years(Figure):
    """A length of follow-up that dates and pumps can bear."""

    value: float = Field(gt=0, le=40)


class CalendarYear(Figure):
    """A calendar year."""

    value: int = Field(ge=1980, le=2100)


class MuscleCount(Figure):
    """How many muscles are scored, out of those the simulator knows."""

    value: int = Field(ge=1, le=8)


class ReservoirVolume(Figure):
    """A pump reservoir, mL."""

    value: float = Field(ge=10, le=50)


class Span(Strict):
    """The ends of a uniform distribution and where they come from."""

    low: float
    high: float
    source: str = Field(min_length=3)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low:g}) is above high ({self.high:g})")
        return self


class NonNegativeSpan(Span):
    """A span that does not reach below zero."""

    low: float = Field(ge=0)


class PositiveSpan(Span):
    """A span above zero."""

    low: float = Field(gt=0)


class ShareSpan(Span):
    """A span of shares, between zero and one."""

    low: float = Field(ge=0)
    high: float = Field(le=1)


class Shares(Strict):
    """Named shares that sum to one and where they come from."""

    shares: dict[str, Annotated[float, Field(ge=0)]] = Field(min_length=1)
    source: str = Field(min_length=3)

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = sum(self.shares.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares sum to {total:g}; make them sum to 1")
        return self


class FormShares(Shares):
    """Shares of the three forms a device fault takes."""

    @model_validator(mode="after")
    def _known_forms(self) -> Self:
        return _only(self, ("abrupt", "gradual", "intermittent"))


class LevelShares(Shares):
    """Shares of the levels of a spinal cord injury."""

    @model_validator(mode="after")
    def _known_levels(self) -> Self:
        return _only(self, ("cervical", "thoracic", "lumbar"))


class GradeShares(Shares):
    """Shares of the AIS grades."""

    @model_validator(mode="after")
    def _known_grades(self) -> Self:
        return _only(self, ("A", "B", "C", "D", "E"))


class CourseShares(Shares):
    """Shares of the courses of multiple sclerosis."""

    @model_validator(mode="after")
    def _known_courses(self) -> Self:
        return _only(self, ("RR", "SP", "PP"))


class YearShares(Shares):
    """Shares of patients whose follow-up ends before each number of years."""

    @model_validator(mode="after")
    def _years(self) -> Self:
        for name in self.shares:
            if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", name):
                raise ValueError(f"{name!r} is not a number of years")
        return self


def _only[T: Shares](shares: T, names: tuple[str, ...]) -> T:
    unknown = [name for name in shares.shares if name not in names]
    if unknown:
        raise ValueError(f"unknown share {unknown[0]!r}; known: {', '.join(names)}")
    return shares
