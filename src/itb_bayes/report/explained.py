"""What the documents of regimes fits say beyond doses: explanations, evidence, tests, visits."""

from dataclasses import dataclass

NAMES = {
    "none": "none of these (stable)",
    "trigger": "passing trigger",
    "tolerance": "drug tolerance",
    "progression": "disease progression",
    "catheter": "catheter problem",
    "pump": "pump problem",
}
"""Explanations as people read them."""


@dataclass(frozen=True)
class Change:
    """A probability now beside that of an earlier report of the same model.

    Attributes
    ----------
    probability : float
        In the earlier report.
    count : int
        Said in 100, in the earlier report.
    as_of_years : float
        Of the earlier report.
    """

    probability: float
    count: int
    as_of_years: float


@dataclass(frozen=True)
class ExplanationNow:
    """One explanation as of the last record: present now, never "within".

    Attributes
    ----------
    explanation : str
        As in the long risk table.
    name : str
        In words.
    probability, low, high, mcse : float
        Everything integrated out; its spread over population parameters (5 and 95 %); simulation
        error.
    count : int
        Whole number in 100; those of one patient add to 100.
    group_share : float or None
        Mean of this probability over the patients compared with; None where they are too few.
    change : Change or None
        Since the earlier report that was named, where there is one.
    """

    explanation: str
    name: str
    probability: float
    low: float
    high: float
    mcse: float
    count: int
    group_share: float | None
    change: Change | None


@dataclass(frozen=True)
class Explanations:
    """All explanations of one patient, the most probable first.

    Attributes
    ----------
    quantity : str
        ``present``, as in the long risk table.
    exclusive : bool
        Whether the probabilities sum to one.
    definition, range_definition : str
    group : str
        The patients compared with, in words.
    items : tuple of ExplanationNow
    """

    quantity: str
    exclusive: bool
    definition: str
    range_definition: str
    group: str
    items: tuple[ExplanationNow, ...]


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence about the leading explanation.

    Attributes
    ----------
    t_years : float
    channel, explanation : str
    log_ratio : float
        Log of the likelihood ratio of ``explanation`` to "none", given everything earlier.
    words : str
        What was seen.
    """

    t_years: float
    channel: str
    explanation: str
    log_ratio: float
    words: str


@dataclass(frozen=True)
class Outcome:
    """One outcome of a test that could be done, and the probability of an explanation after it."""

    name: str
    probability: float
    after: float


@dataclass(frozen=True)
class NextStep:
    """A test that could be done next.

    Attributes
    ----------
    name : str
    worth_bits : float
        Expected fall of the uncertainty about the explanation.
    explanation : str
        Whose probability ``outcomes`` gives.
    outcomes : tuple of Outcome
    """

    name: str
    worth_bits: float
    explanation: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class EventMark:
    """Something that happened, as marked on the chart."""

    t_years: float
    words: str


@dataclass(frozen=True)
class Visit:
    """The values of one day that the model used.

    Attributes
    ----------
    t_years, dose_ug : float
        Day, and the dose in force from it on (µg/day).
    ashworth, penn, refill_percent, edss_change : float or None
        Mean tone (0-4), spasm score, programmed volume left behind (% of it, less what this pump
        usually leaves), change of the EDSS since the last one.
    notes : str
        Tests, operations and labels.
    """

    t_years: float
    dose_ug: float
    ashworth: float | None
    penn: float | None
    refill_percent: float | None
    edss_change: float | None
    notes: str


@dataclass(frozen=True)
class Known:
    """How much one kind of record tells about this patient.

    Attributes
    ----------
    channel : str
    n_records : int
    last_years : float or None
        Day of the last one.
    """

    channel: str
    n_records: int
    last_years: float | None
