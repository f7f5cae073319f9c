"""How numbers are said: whole numbers in 100, rounded doses, years and months."""

import math
from collections.abc import Sequence

MINUS = "\u2212"


def in_100(probability: float) -> str:
    """Return a probability as people say it: ``fewer than 1``, ``34`` or ``more than 99``."""
    return f"{_count(probability)} in 100"


def range_in_100(low: float, high: float) -> str:
    """Return two probabilities as a range in 100; one statement where both say the same."""
    first, last = _count(low), _count(high)
    if first == last:
        return f"{first} in 100"
    return f"{first} to {last} in 100"


def count_in_100(probability: float) -> int:
    """Return a probability as a whole number in 100."""
    return math.floor(100.0 * probability + 0.5)


def counts_in_100(probabilities: Sequence[float]) -> tuple[int, ...]:
    """Return exclusive probabilities as whole numbers that add to 100 (largest remainders).

    Parameters
    ----------
    probabilities : sequence of float
        Summing to one.
    """
    floors = [math.floor(100.0 * p + 1e-9) for p in probabilities]
    by_rest = sorted(range(len(floors)), key=lambda k: (floors[k] - 100.0 * probabilities[k], k))
    for k in by_rest[: 100 - sum(floors)]:
        floors[k] += 1
    return tuple(floors)


def said_count(probability: float, count: int) -> str:
    """Return a count in 100 as people say it: ``fewer than 1``, ``34`` or ``more than 99``."""
    if probability < 0.01:
        return "fewer than 1"
    if probability > 0.99:
        return "more than 99"
    return str(count)


def _count(probability: float) -> str:
    return said_count(probability, count_in_100(probability))


def estimated_dose(dose_ug: float) -> str:
    """Return an estimated dose to the nearest 5 µg/day, above 400 to the nearest 10."""
    step = 10 if dose_ug > 400.0 else 5
    return str(max(step, step * math.floor(dose_ug / step + 0.5)))


def dose_range(low_ug: float, high_ug: float) -> str:
    """Return a range of estimated doses."""
    return f"{estimated_dose(low_ug)} to {estimated_dose(high_ug)}"


def recorded_dose(dose_ug: float) -> str:
    """Return a recorded dose as it was recorded, to a tenth of a microgram."""
    return f"{dose_ug:.1f}".removesuffix(".0")


def signed_dose(change_ug: float) -> str:
    """Return a change of recorded doses with its sign."""
    text = recorded_dose(abs(change_ug))
    if text == "0":
        return "0"
    return f"{'+' if change_ug > 0 else MINUS}{text}"


def signed_percent(percent: float) -> str:
    """Return a yearly change in percent with its sign and one decimal."""
    text = f"{abs(percent):.1f}"
    if text == "0.0":
        return "0.0"
    return f"{'+' if percent > 0 else MINUS}{text}"


def time_since(years: float) -> str:
    """Return a time since implant in years and months, to the nearest month."""
    months = math.floor(12.0 * years + 0.5)
    whole, rest = divmod(months, 12)
    parts = []
    if whole or not rest:
        parts.append(f"{whole} {'year' if whole == 1 else 'years'}")
    if rest:
        parts.append(f"{rest} {'month' if rest == 1 else 'months'}")
    return " ".join(parts)


def short_time_since(years: float) -> str:
    """Return a time since implant for a narrow column: ``5 y 11 m``."""
    whole, rest = divmod(math.floor(12.0 * years + 0.5), 12)
    parts = [f"{whole} y"] if whole or not rest else []
    return " ".join([*parts, *([f"{rest} m"] if rest else [])])


def months_ahead(months: float) -> str:
    """Return a horizon: ``12 months``, ``1 month``."""
    return f"{months:g} {'month' if months == 1 else 'months'}"
