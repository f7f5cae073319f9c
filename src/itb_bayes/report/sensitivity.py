"""How far a patient's answer rests on the priors: what a document holds, and its two lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from itb_bayes.report.wording import in_100, range_in_100
from itb_bayes.risk.prior_scaling import ALL_PRIORS, POWERS, POWERS_ALONE, Scaled, alone
from itb_bayes.spec import ModelSpec
from itb_bayes.spec.registry import kind_named

MOVES = 0.01
"""A change of a probability below 1 in 100 is told as none."""

_POINTING = re.compile(r"\b(that|it|them)\b")
_ALL = "with all of them a little weaker or stronger"


@dataclass(frozen=True)
class PriorChange:
    """What the patient's answer would be if a prior weighed more or less.

    Attributes
    ----------
    prior : str
        Name in the model file, or "all".
    meaning : str
        In words.
    power : float
        The prior's density is raised to it: below one it weighs less, above one more.
    probability : float
        Of the answer.
    first : str
        The explanation that then comes first; empty where only one probability is told.
    effective_draws : float
    pareto_k : float or None
    """

    prior: str
    meaning: str
    power: float
    probability: float
    first: str
    effective_draws: float
    pareto_k: float | None


@dataclass(frozen=True)
class Sensitivity:
    """Whether other priors would give this patient another answer.

    Attributes
    ----------
    answer : str
        The explanation that comes first, or ``rise_over_100_ug``.
    definition : str
        What was asked, in words.
    probability : float
        Under the priors of the model file.
    status : {"known", "known for single priors", "not known"}
        Changes whose importance weights cannot be relied on are left out. "known": all priors
        together and at least one alone were judged; "known for single priors": they together were
        not.
    together : tuple of PriorChange
        All priors, weaker and stronger.
    alone : tuple of PriorChange
        The two changes of single priors that move the answer most down and up.
    n_alone, n_judged : int
        Changes of single priors tried, and those that could be judged.
    overturned_by : tuple of str
        Priors, with their meaning, that, changed alone, put another explanation first.
    """

    answer: str
    definition: str
    probability: float
    status: Literal["known", "known for single priors", "not known"]
    together: tuple[PriorChange, ...]
    alone: tuple[PriorChange, ...]
    n_alone: int
    n_judged: int
    overturned_by: tuple[str, ...]


DEFINITION = (
    f"the answer if all priors were raised to the powers {POWERS[0]:g} and {POWERS[1]:g}, or one "
    f"alone to {POWERS_ALONE[0]:g} and {POWERS_ALONE[1]:g}"
)


def sensitivity_of(
    spec: ModelSpec, names: Sequence[str], told: Sequence[float], scaled: Sequence[Scaled]
) -> Sensitivity | None:
    """Return how far an answer rests on the priors.

    Parameters
    ----------
    spec : ModelSpec
    names : sequence of str
        Possible answers; the most probable is asked about.
    told : sequence of float
        Their probabilities under the model's own priors.
    scaled : sequence of Scaled
        What they would be under scaled ones; none: nothing is said.
    """
    if not scaled:
        return None
    k = max(range(len(names)), key=lambda j: told[j])
    several = len(names) > 1

    meanings = {
        prior: _meaning(spec, prior) for prior in dict.fromkeys(case.prior for case in scaled)
    }

    def change(case: Scaled) -> PriorChange:
        first = max(range(len(names)), key=lambda j: case.probabilities[j])
        return PriorChange(
            prior=case.prior,
            meaning=meanings[case.prior],
            power=case.power,
            probability=_short(case.probabilities[k]),
            first=names[first] if several else "",
            effective_draws=_short(case.effective_draws),
            pareto_k=None if case.pareto_k != case.pareto_k else _short(case.pareto_k),
        )

    tried = alone(scaled)
    together = tuple(change(c) for c in scaled if c.prior == ALL_PRIORS and c.probabilities)
    single = [change(c) for c in tried if c.probabilities]
    overturning = [_called(c) for c in single if several and c.first != names[k]]
    by_size = sorted(single, key=lambda c: (c.probability, c.prior))
    whole = len(together) == len(POWERS)
    return Sensitivity(
        answer=names[k],
        definition=DEFINITION,
        probability=_short(told[k]),
        status="not known" if not single else "known" if whole else "known for single priors",
        together=together if whole else (),
        alone=(by_size[0], by_size[-1]) if single else (),
        n_alone=len(tried),
        n_judged=len(single),
        overturned_by=tuple(dict.fromkeys(overturning)),
    )


@dataclass(frozen=True)
class SensitivityLines:
    """How far an answer rests on the priors, in words.

    Attributes
    ----------
    plain : str
        One short sentence for whoever reads a page's first sheet; names no prior.
    exact : str
        For whoever knows what priors are.
    """

    plain: str
    exact: str


NOT_KNOWN = SensitivityLines(
    "not known how far the answer depends on what the model assumes beforehand.",
    "not known how far the answer rests on them: the draws of this fit say too little about other "
    "priors.",
)


def sensitivity_lines(found: Sensitivity | None, names: dict[str, str]) -> SensitivityLines:
    """Return how far an answer rests on the priors, as a page says it in two places.

    Parameters
    ----------
    found : Sensitivity or None
    names : dict
        Answers as people read them.
    """
    if found is None:
        return SensitivityLines("", "")
    if found.status == "not known":
        return NOT_KNOWN
    name = f"“{names.get(found.answer, found.answer)}”"
    return SensitivityLines(_plain(found, name), _exact(found, name, names))


def _plain(found: Sensitivity, name: str) -> str:
    tried = (*found.together, *found.alone)
    chances = _span(found, [change.probability for change in tried])
    if found.overturned_by or any(c.first not in ("", found.answer) for c in tried):
        said = f"another explanation could come first ({name}: {chances})"
    elif tried[0].first:
        said = f"{name} would still come first ({chances})"
    else:
        said = f"the chance of {name} would be {chances}"
    unless = "" if found.together else "; all changed at once: not known"
    one = "" if found.together else "one at a time "
    return f"had the model assumed somewhat other values beforehand, {one}{said}{unless}."


def _exact(found: Sensitivity, name: str, names: dict[str, str]) -> str:
    together = (
        _together(found, name, names)
        if found.together
        else "not known how far the answer rests on all of them together (too few effective draws)"
    )
    return f"{together}; {_alone(found)}."


def _together(found: Sensitivity, name: str, names: dict[str, str]) -> str:
    firsts = dict.fromkeys(change.first for change in found.together)
    others = [first for first in firsts if first not in ("", found.answer)]
    chances = _span(found, [change.probability for change in found.together])
    if others:
        said = " or ".join(f"“{names.get(other, other)}”" for other in others)
        return f"{_ALL} {said} would come first ({name}: {chances})"
    stays = f"{name} stays first, " if found.together[0].first else ""
    return f"{_ALL} {stays}{chances}"


def _alone(found: Sensitivity) -> str:
    some = "" if found.n_judged == found.n_alone else " that could be judged"
    if found.overturned_by:
        which = "; ".join(found.overturned_by[:2])
        more = len(found.overturned_by) - 2
        which += f" and {more} more" if more > 0 else ""
        return f"one alone at half or twice its weight puts another first: {which}"
    most = max(found.alone, key=lambda c: (abs(c.probability - found.probability), c.prior))
    if abs(most.probability - found.probability) < MOVES:
        return f"none{some} moves it alone, at half or twice its weight"
    first = "none puts another first; " if most.first else ""
    chances = _span(found, [change.probability for change in found.alone])
    return (
        f"alone at half or twice its weight {first}the one{some} that moves it most is "
        f"{_called(most)} ({chances})"
    )


def _called(change: PriorChange) -> str:
    """Return a prior as the page names it, without a meaning that points to another prior's."""
    if _POINTING.search(change.meaning):
        return change.prior
    return f"{change.prior} (“{change.meaning}”)"


def _span(found: Sensitivity, others: Sequence[float]) -> str:
    every = [found.probability, *others]
    if max(every) - min(every) < MOVES:
        return f"still {in_100(found.probability)}"
    return range_in_100(min(every), max(every))


def _meaning(spec: ModelSpec, prior: str) -> str:
    if prior == ALL_PRIORS:
        return "all priors together"
    need = kind_named(spec.kind).need(prior)
    return prior if need is None else need.meaning


def _short(value: float) -> float:
    return float(f"{value:.6g}")
