"""Single published figures: doses, ratios, scores, rates, shares."""

from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from itb_bayes.errors import UsageError
from itb_bayes.literature.cells import number, rows_of, whole
from itb_bayes.literature.sources import FOLDER, sources

Status = Literal["read", "secondary", "derived"]
"""How a figure is known: read in the source's own text, read in another paper that reports it, or
derived by arithmetic from figures that were read."""


@dataclass(frozen=True)
class Figure:
    """One published figure.

    Attributes
    ----------
    id : str
    source : str
        Key of the source.
    quantity, group : str
        What was measured, in whom.
    t_years : float or None
        Years since implant, where the figure belongs to a time.
    value : float or None
        None where the paper gives a range, or says the direction only.
    low, high : float or None
        Range, or interval as the note says.
    sd : float or None
        Standard deviation between patients.
    n : int or None
        Patients, or as the note says.
    unit : str
    place, page : str
        Section, table or figure of the source; for a derived figure, how it was derived. The page
        is empty where what was read shows none.
    status : {"read", "secondary", "derived"}
    note : str
    """

    id: str
    source: str
    quantity: str
    group: str
    t_years: float | None
    value: float | None
    low: float | None
    high: float | None
    sd: float | None
    n: int | None
    unit: str
    place: str
    page: str
    status: Status
    note: str

    @property
    def stated(self) -> float:
        """The value, of a figure that has one.

        Raises
        ------
        UsageError
            If the source gives no number.
        """
        if self.value is None:
            raise UsageError(f"the published figure {self.id!r} has no value: {self.note}.")
        return self.value


@cache
def _all() -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    for row in rows_of(FOLDER / "figures.csv"):
        found[row["id"]] = Figure(
            id=row["id"],
            source=row["source"],
            quantity=row["quantity"],
            group=row["group"],
            t_years=number(row["t_years"]),
            value=number(row["value"]),
            low=number(row["low"]),
            high=number(row["high"]),
            sd=number(row["sd"]),
            n=whole(row["n"]),
            unit=row["unit"],
            place=row["place"],
            page=row["page"],
            status=cast(Status, row["status"]),
            note=row["note"],
        )
    return found


def figures(source: str | None = None, quantity: str | None = None) -> tuple[Figure, ...]:
    """Return the published figures, of one source and quantity where asked.

    Raises
    ------
    UsageError
        If there is no such source or quantity.
    """
    every = tuple(_all().values())
    quantities = sorted({one.quantity for one in every})
    for what, name, known in (
        ("source", source, sorted(sources())),
        ("quantity", quantity, quantities),
    ):
        if name is not None and name not in known:
            raise UsageError(f"no {what} {name!r} in the literature; choose of {', '.join(known)}.")
    return tuple(
        one for one in every if source in (None, one.source) and quantity in (None, one.quantity)
    )


def figure(name: str) -> Figure:
    """Return one published figure by its id.

    Raises
    ------
    UsageError
        If there is no such figure.
    """
    found = _all().get(name)
    if found is None:
        raise UsageError(f"no published figure {name!r}; `itb-bayes literature` lists them.")
    return found
