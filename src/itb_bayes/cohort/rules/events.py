"""Events in an order that can have happened, with the details they need."""

from itb_bayes.cohort.contract import STUDY_EVENTS, STUDY_RESULTS
from itb_bayes.cohort.problems import ProblemLog, suggest
from itb_bayes.cohort.rawtable import RawTable
from itb_bayes.cohort.rules.ordering import PAIRS, ordered_records, paired_events, time_column
from itb_bayes.cohort.timebasis import TimeBasis

_ORDER_CODES = {"holiday_start": "holiday_order", "explant": "explant_order"}
_WORDS = {"holiday_start": "holiday", "explant": "explant"}


def check_events(events: RawTable, basis: TimeBasis, log: ProblemLog) -> None:
    """Apply every rule about events; a holiday never closed is taken as ongoing."""
    _check_study_results(events, log)
    for start in PAIRS:
        _check_pairs(events, start, log)
    _check_death(events, basis, log)


def _check_study_results(events: RawTable, log: ProblemLog) -> None:
    is_study = events.words("event").isin(STUDY_EVENTS)
    detail = events.words("detail")
    allowed = f"Allowed: {', '.join(STUDY_RESULTS)}."
    events.flag(
        log,
        is_study & (detail == ""),
        "detail",
        "study_result",
        "The study has no result.",
        f"Give it in 'detail'. {allowed}",
    )
    events.flag(
        log,
        is_study & (detail != "") & ~detail.isin(STUDY_RESULTS),
        "detail",
        "study_result",
        "The contract has no such result of a study.",
        lambda row, value: f"{suggest(value, STUDY_RESULTS)} {allowed}".strip(),
    )


def _check_pairs(events: RawTable, start: str, log: ProblemLog) -> None:
    end, word = PAIRS[start], _WORDS[start]
    pairs = paired_events(events, start)
    is_start = pairs["event"] == start
    twice = pairs.index[is_start & (pairs["previous"] == start)]
    events.flag(
        log,
        events.text.index.isin(twice),
        "event",
        _ORDER_CODES[start],
        f"The {word} before it has not ended.",
        f"Add the {end} between the two, or remove one.",
    )
    unopened = pairs.index[~is_start & (pairs["previous"] != start)]
    events.flag(
        log,
        events.text.index.isin(unopened),
        "event",
        _ORDER_CODES[start],
        f"There is no {start} before this {end}.",
        f"Add the {start}, or remove the {end}.",
    )


def _check_death(events: RawTable, basis: TimeBasis, log: ProblemLog) -> None:
    if not events.has("event"):
        return
    deaths = ordered_records(events)
    deaths = deaths[deaths["event"] == "death"]
    again = deaths.index[deaths["patient_id"].duplicated()]
    events.flag(
        log,
        events.text.index.isin(again),
        time_column(basis),
        "after_death",
        "The patient's death is there already.",
        "Keep one.",
    )
