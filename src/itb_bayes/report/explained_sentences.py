"""What the document of a regimes fit says, in words and table cells."""

import math
import re
from dataclasses import dataclass
from typing import Any

from itb_bayes.figures.icon_array import icon_paths
from itb_bayes.report.charts import MOST_EVENTS
from itb_bayes.report.document import PatientDocument, Risk
from itb_bayes.report.explained import Evidence, ExplanationNow, NextStep
from itb_bayes.report.explained_visits import CHANNEL_NAMES
from itb_bayes.report.sentences import as_of
from itb_bayes.report.wording import (
    MINUS,
    count_in_100,
    in_100,
    months_ahead,
    range_in_100,
    said_count,
    time_since,
)

_MINUS_SIGN = re.compile(r"(?<![\w-])-(?=\d)")
MOST_TIMES = 100.0
MOST_STEPS = 2
MOST_PRINTED = 54
"""Days of record that fit on the second printed sheet; the latest are printed."""


@dataclass(frozen=True)
class Line:
    """One explanation as a row: now, and as a new onset within the horizon."""

    name: str
    now: str
    now_range: str
    similar: str
    change: str
    ahead: str
    ahead_range: str
    ahead_similar: str
    filled: str
    open: str


def explanation_lines(document: PatientDocument) -> list[Line]:
    """Return the rows of the table of explanations, the most probable first."""
    if document.explanations is None:
        return []
    ahead = {r.explanation: r for r in document.risks_ahead if r.quantity == "within"}
    return [_line(item, ahead[item.explanation]) for item in document.explanations.items]


def _line(item: ExplanationNow, risk: Risk) -> Line:
    filled, others = icon_paths(item.count)
    return Line(
        name=item.name,
        now=said_count(item.probability, item.count),
        now_range=_bare(range_in_100(item.low, item.high)),
        similar=_share(item.group_share),
        change=change_words(item),
        ahead=_bare(in_100(risk.probability)),
        ahead_range=_bare(range_in_100(risk.low, risk.high)),
        ahead_similar=_share(risk.group_share),
        filled=filled,
        open=others,
    )


def change_words(item: ExplanationNow) -> str:
    """Return how a probability moved since the earlier report."""
    if item.change is None:
        return ""
    before = said_count(item.change.probability, item.change.count)
    if abs(item.count - item.change.count) <= 1:
        return f"about the same ({before})"
    return f"{'up' if item.count > item.change.count else 'down'} from {before}"


def leading_sentence(document: PatientDocument) -> str:
    """Return the first two explanations in one sentence, with date, meaning and group."""
    if document.explanations is None:
        return ""
    first, second = document.explanations.items[:2]
    return (
        f"As of {as_of(document)}, given everything recorded until then: "
        f"{said_count(first.probability, first.count)} in 100 that the explanation present now is "
        f"“{first.name}” and {said_count(second.probability, second.count)} in 100 that it is "
        f"“{second.name}”{_beside(document, first)}."
    )


def _beside(document: PatientDocument, item: ExplanationNow) -> str:
    if item.group_share is None or document.explanations is None:
        return ""
    return (
        f"; among {document.explanations.group}, each as of their last record, “{item.name}” "
        f"has {in_100(item.group_share)} on average"
    )


def rise_line(document: PatientDocument) -> str:
    """Return the heading of the dose forecast: whether a large rise is likely."""
    rises = [risk for risk in document.risks_ahead if risk.threshold_ug is not None]
    if not rises:
        return "The model reads no doses; no dose is forecast."
    risk = rises[-1]
    text = (
        f"{in_100(risk.probability)} that the dose {months_ahead(risk.horizon_months)} after "
        f"{as_of(document)} is more than {risk.threshold_ug:g} µg/day above the last one "
        f"({range_in_100(risk.low, risk.high)} across plausible model settings)"
    )
    base = document.comparators
    if base.base_rate is None:
        return f"{text}; no rate is given for {base.base_group}."
    return f"{text}; {in_100(base.base_rate)} of the yearly comparisons of {base.base_group} did."


def times_words(log_ratio: float) -> str:
    """Return a likelihood ratio as people say it: ``2.8 times``, ``more than 100 times``."""
    size = math.exp(min(abs(log_ratio), 20.0))
    if size > MOST_TIMES:
        return f"more than {MOST_TIMES:g} times"
    return f"{size:.1f} times" if size < 9.95 else f"{size:.0f} times"


def evidence_lines(document: PatientDocument) -> list[tuple[str, str, str]]:
    """Return side, strength and what was seen of every piece of evidence, strongest first."""
    return [
        ("For" if e.log_ratio > 0.0 else "Against", _strength(e), _seen(e))
        for e in document.evidence
    ]


def _strength(e: Evidence) -> str:
    return f"{times_words(e.log_ratio)} {'more' if e.log_ratio > 0.0 else 'less'} likely"


def _seen(e: Evidence) -> str:
    return f"{e.channel}, {time_since(e.t_years)}: {_MINUS_SIGN.sub(MINUS, e.words)}"


def known_words(document: PatientDocument) -> str:
    """Return what kinds of record there are, how many, and when the last was."""
    parts = [
        f"{k.channel} {k.n_records}, last at {time_since(k.last_years)}"
        for k in document.known
        if k.last_years is not None
    ]
    return "; ".join(parts) or "nothing"


def unknown_words(document: PatientDocument) -> str:
    """Return what kinds of record there are not."""
    missing = [k.channel for k in document.known if k.last_years is None]
    return ", ".join(missing) or "every kind of record is there"


def step_lines(document: PatientDocument) -> list[str]:
    """Return what the tests worth most would do to the leading explanation.

    Tests of which no outcome would change the whole number are left out.
    """
    if document.explanations is None:
        return []
    names = {item.explanation: item.name for item in document.explanations.items}
    steps = document.next_steps
    telling = [step for step in steps if len({in_100(o.after) for o in step.outcomes}) > 1]
    if steps and not telling:
        name = names[steps[0].explanation]
        return [f"No test that is weighed would change the chance of “{name}” by 1 in 100 or more."]
    return [_step(step, names[step.explanation]) for step in telling[:MOST_STEPS]]


def _step(step: NextStep, name: str) -> str:
    outcomes = "; ".join(
        f"{o.name} (expected in {_bare(in_100(o.probability))} of 100) would make it "
        f"{in_100(o.after)}"
        for o in step.outcomes
    )
    return f"{step.name}, for “{name}” present now: {outcomes}."


def event_words(document: PatientDocument) -> list[str]:
    """Return the events marked on the chart, in the order of their numbers."""
    return [f"{e.words} ({time_since(e.t_years)})" for e in document.events[-MOST_EVENTS:]]


def visit_rows(document: PatientDocument) -> list[list[str]]:
    """Return the values of every day of record as table cells."""
    return [
        [
            f"{v.t_years:.2f}",
            f"{v.dose_ug:.1f}".removesuffix(".0"),
            _cell(v.ashworth, 1),
            _cell(v.penn, 0),
            _cell(v.refill_percent, 0),
            _cell(v.edss_change, 1),
            v.notes,
        ]
        for v in document.visits
    ]


def explained_words(document: PatientDocument) -> dict[str, Any]:
    """Return everything that the page of a regimes fit says beyond a dose page."""
    lines = explanation_lines(document)
    leading = document.evidence[0].explanation if document.evidence else ""
    items = document.explanations.items if document.explanations else ()
    return {
        "lines": lines,
        "changes": any(line.change for line in lines),
        "leading_sentence": leading_sentence(document),
        "rise_line": rise_line(document),
        "leading": next((i.name for i in items if i.explanation == leading), ""),
        "evidence": evidence_lines(document),
        "known": known_words(document),
        "unknown": unknown_words(document),
        "steps": step_lines(document),
        "events": event_words(document),
        "n_events_unmarked": max(len(document.events) - MOST_EVENTS, 0),
        "visits": visit_rows(document),
        "n_unprinted": max(len(document.visits) - MOST_PRINTED, 0),
        "channels": ", ".join(
            name for key, name in CHANNEL_NAMES.items() if key in document.inputs.channels
        ),
        "n_group": document.explanations.group if document.explanations else "",
    }


def _bare(text: str) -> str:
    return text.removesuffix(" in 100")


def _share(p: float | None) -> str:
    return "–" if p is None else said_count(p, count_in_100(p))


def _cell(value: float | None, digits: int) -> str:
    if value is None:
        return ""
    text = f"{value:.{digits}f}".replace("-", "\u2212")
    return text.removeprefix("\u2212") if float(f"{value:.{digits}f}") == 0.0 else text
