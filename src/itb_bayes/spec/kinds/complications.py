"""The kind ``complications``: published counts per patient-year, pooled over centres."""

from collections.abc import Callable
from typing import Any

from itb_bayes.literature.counts import COMPLICATIONS, complication_counts
from itb_bayes.spec.kinds.complications_spec import ComplicationsSpec
from itb_bayes.spec.problems import KeyPath
from itb_bayes.spec.registry import Equation, Kind, PriorNeed, TermNote, Terms

_MEANING = {
    "catheter": "catheter faults",
    "pump": "pump faults",
    "infection": "infections",
    "tolerance": "diagnoses of tolerance",
}


def _counts(complication: str) -> Callable[[Any], bool]:
    return lambda complications: complication in complications


NEEDS = (
    *(
        PriorNeed(
            f"{name}_rate",
            f"ρ[{name}]",
            f"{_MEANING[name]} per patient-year at the typical centre",
            "per_year",
            "positive",
            ("studies", "complications"),
            _counts(name),
        )
        for name in COMPLICATIONS
    ),
    PriorNeed(
        "between_sd",
        "ω[c]",
        "spread of the log rate between centres, one value per complication",
        "log_rate",
        "positive",
    ),
)


def _rules(terms: Terms) -> list[tuple[KeyPath, str]]:
    studies: Any = terms.get("studies")
    if studies is None:
        return []
    left = [
        cell.complication
        for cell in complication_counts()
        if cell.is_known and cell.source not in studies.leave_out
    ]
    own: Any = terms.get("own_centres")
    return [
        (("studies", "leave_out"), f"leaves no study with counts of {name}")
        for name in studies.complications
        if name not in left and own is not None and own.use == "no"
    ]


def _equations(spec: ComplicationsSpec) -> tuple[Equation, ...]:
    return (
        Equation(
            "k[s,c] ~ Poisson(λ[s,c]·T[s])",
            "k: events of complication c in study s; T: its patient-years. Where a paper prints a "
            "rounded share of patients, every count that rounds to it is summed over.",
        ),
        Equation(
            "log λ[s,c] = log ρ[c] + ω[c]·z[s,c],  z ~ Normal(0, 1)",
            "Each study has a rate of its own around that of the typical centre; a missing cell "
            "says nothing.",
        ),
        Equation(
            "λ[new,c] = ρ[c]·exp(ω[c]·z),  z ~ Normal(0, 1)",
            "What to expect at a centre that is not in the table.",
        ),
    )


def _notes(spec: ComplicationsSpec) -> tuple[TermNote, ...]:
    out = ", ".join(spec.studies.leave_out) or "none"
    return (
        TermNote(
            "studies",
            f"complications = {', '.join(spec.studies.complications)}; leave_out = {out}",
            "Published counts that come with the package (`itb-bayes literature complications`).",
            "nothing of a cohort",
        ),
        TermNote(
            "own_centres",
            f"use = {spec.own_centres.use}",
            "The cohort's centres enter as further studies and borrow strength from the "
            "published ones.",
            "an events table, and last_seen or any later record of every patient",
        ),
    )


KIND = Kind(
    name="complications",
    spec_class=ComplicationsSpec,
    needs=NEEDS,
    rules=_rules,
    equations=_equations,
    notes=_notes,
)
