"""Reporting checklists as text: what software can fill is filled, the rest stays blank.

A generator that wrote plausible prose about ethics or funding would be making it up.
"""

from collections.abc import Mapping
from typing import Any

from itb_bayes.report.checklist_items import AUTHORS, AUTO, CHECKLISTS, PARTLY, Item

BLANK = "TO BE COMPLETED BY AUTHORS"


def answer(item: Item, facts: Mapping[str, str]) -> str:
    """Return the answer of an item: a fact, a fact with a blank, or a blank."""
    if item.by == AUTHORS:
        return BLANK
    fact = facts[item.fact]
    return fact if item.by == AUTO else f"{fact}. {BLANK}"


def checklist_json(name: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return a checklist as plain JSON values."""
    title, items = CHECKLISTS[name]
    return {
        "checklist": title,
        "items": [
            {
                "number": item.number,
                "asks": item.asks,
                "by": item.by,
                "answer": "" if item.by == AUTHORS else facts[item.fact],
                "complete": item.by == AUTO,
            }
            for item in items
        ],
    }


def render_checklist(name: str, facts: Mapping[str, str], heading: str) -> str:
    """Return a checklist in Markdown.

    Parameters
    ----------
    name : str
        Key of :data:`~itb_bayes.report.checklist_items.CHECKLISTS`.
    facts : mapping
        Of :func:`itb_bayes.report.checklist_facts.facts_of`.
    heading : str
        What it is about, in one line.
    """
    title, items = CHECKLISTS[name]
    filled = sum(item.by == AUTO for item in items)
    partly = sum(item.by == PARTLY for item in items)
    said = (
        f"{filled} of {len(items)} parts filled from the fit, {partly} in part; the other "
        f"{len(items) - filled - partly} are the authors'. Wording of the items is shortened: "
        "check it against the original."
    )
    lines = [
        f"# {title}",
        "",
        heading,
        "",
        said,
        "",
        "| part | asks for | answer |",
        "|---|---|---|",
    ]
    lines += [f"| {item.number} | {item.asks} | {_cell(answer(item, facts))} |" for item in items]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
