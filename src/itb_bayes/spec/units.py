"""Clinical units of priors and the model scale they are turned into."""

import math
from dataclasses import dataclass
from typing import Literal

Scale = Literal["identity", "log", "log_percent", "divide", "correlation"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in which a prior may be stated.

    Attributes
    ----------
    name : str
        As written in model files.
    symbol : str
        As shown to people.
    families : tuple of str
        Families that may be stated in this unit.
    scale : str
        How a value gets to the model scale: ``identity``; ``log``, the natural logarithm;
        ``log_percent``, log(1 + x/100); ``divide``, x/factor; ``correlation``, (x + 1)/2.
    factor : float
        Divisor of the scale ``divide``.
    low, high : float
        Open bounds of the values that exist in this unit; a spread may also be 0.
    model_unit : str
        What the model scale is, in words.
    """

    name: str
    symbol: str
    families: tuple[str, ...]
    scale: Scale
    low: float
    high: float
    model_unit: str
    factor: float = 1.0

    def to_model(self, value: float) -> float:
        """Return a value of this unit on the model scale."""
        match self.scale:
            case "log":
                return math.log(value)
            case "log_percent":
                return math.log1p(value / 100.0)
            case "divide":
                return value / self.factor
            case "correlation":
                return (value + 1.0) / 2.0
            case _:
                return value

    def to_clinical(self, value: float) -> float:
        """Return a value of the model scale in this unit; the inverse of `to_model`."""
        match self.scale:
            case "log":
                return math.exp(min(value, 700.0))
            case "log_percent":
                return 100.0 * math.expm1(min(value, 700.0))
            case "divide":
                return value * self.factor
            case "correlation":
                return 2.0 * value - 1.0
            case _:
                return value

    def model_family(self, family: str) -> str:
        """Return the family on the model scale: a lognormal dose or ratio is normal on the log."""
        return "normal" if self.scale == "log" else family


_SPREADS = ("halfnormal", "lognormal", "gamma", "exponential")
_INF = math.inf

WEEKS_PER_YEAR = 365.25 / 7.0

UNITS: dict[str, Unit] = {
    unit.name: unit
    for unit in (
        Unit("ug/day", "µg/day", ("lognormal",), "log", 0, _INF, "log µg/day"),
        Unit("percent_per_year", "%/year", ("normal",), "log_percent", -100, _INF, "log per year"),
        Unit(
            "percent_per_year_sd", "%/year (SD)", _SPREADS, "divide", 0, _INF, "log per year", 100
        ),
        Unit("log", "on the log dose", ("normal", *_SPREADS), "identity", -_INF, _INF, "log"),
        Unit("log_rate", "on the log rate", ("normal", *_SPREADS), "identity", -_INF, _INF, "log"),
        Unit("ratio", "× (ratio of doses)", ("lognormal",), "log", 0, _INF, "log ratio"),
        Unit("months", "months", ("lognormal", "gamma"), "divide", 0, _INF, "years", 12),
        Unit("share", "(share)", ("beta",), "identity", 0, 1, "share"),
        Unit("count", "(count)", ("lognormal", "gamma"), "identity", 0, _INF, "count"),
        Unit("points", "points", ("normal", *_SPREADS), "identity", -_INF, _INF, "points"),
        Unit("points_per_year", "points/year", ("normal",), "identity", -_INF, _INF, "points/year"),
        Unit("per_year", "per year", ("lognormal", "gamma"), "identity", 0, _INF, "per year"),
        Unit("weeks", "weeks", ("lognormal", "gamma"), "divide", 0, _INF, "years", WEEKS_PER_YEAR),
        Unit("number", "(number)", ("lognormal", "gamma"), "identity", 0, _INF, "number"),
        Unit("share_sd", "(SD of a share)", _SPREADS, "identity", 0, _INF, "share"),
        Unit("log_per_point", "log dose/point", ("lognormal",), "identity", 0, _INF, "log/point"),
        Unit("correlation", "(correlation)", ("beta",), "correlation", -1, 1, "(rho + 1)/2"),
    )
}
"""Every unit by name; the table of allowed units and families."""
