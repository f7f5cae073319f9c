"""The patients that a patient of a regimes fit is compared with, by diagnosis."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.report.document import Centiles
from itb_bayes.report.frame import (
    HORIZONS_MONTHS,
    MIN_CELL,
    axis_end,
    shorten,
    shorten_all,
    shorten_interval,
)
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.regimes_patient import ExplainedPatient, count_group_rule
from itb_bayes.risk.regimes_population import regimes_table
from itb_bayes.risk.regimes_reference import explained_bands
from itb_bayes.risk.rule import RuleCount

CENTILE_YEARS = (0.25, 0.5, 0.75)
CENTILE_STEP_YEARS = 0.5
TOO_FEW = f"the patients of the fit (fewer than {MIN_CELL})"


@dataclass(frozen=True)
class GroupFacts:
    """What pages say about the patients compared with: sums and means by diagnosis, no patient.

    Attributes
    ----------
    n_fitted : int
    counts : dict of str to int
        Patients fitted.
    drifts : dict of str to Interval
    centiles : dict of str to Centiles or None
    shares, onset_shares : dict of str to dict of str to float
    rule_counts : dict of str to RuleCount or None
    names : dict of str to str
        The patients compared with, in words.
    """

    n_fitted: int
    counts: dict[str, int]
    drifts: dict[str, Interval]
    centiles: dict[str, Centiles | None]
    shares: dict[str, dict[str, float]]
    onset_shares: dict[str, dict[str, float]]
    rule_counts: dict[str, RuleCount | None]
    names: dict[str, str]

    def words(self, diagnosis: str) -> str:
        """Return the patients compared with, in words."""
        return self.names.get(diagnosis, TOO_FEW)


@dataclass(frozen=True, eq=False)
class ReferenceGroups:
    """The patients compared with: those of the diagnosis, or everybody where they are few.

    Attributes
    ----------
    fit : RegimesFit
    summaries : tuple of ExplainedPatient
        Of all fitted patients.
    last_years : float
        End of the longest record that is shown beside them.
    """

    fit: RegimesFit
    summaries: tuple[ExplainedPatient, ...]
    last_years: float

    @cached_property
    def estimated(self) -> NDArray[np.bool_]:
        """Whether each patient of the fit has numbers, shape (n_patient,)."""
        return np.array([bool(summary.leading) for summary in self.summaries])

    def members(self, diagnosis: str) -> tuple[NDArray[np.bool_], str] | None:
        """Return the patients compared with: the diagnosis, else everybody; None if too few."""
        plan = self.fit.plan
        if diagnosis not in plan.diagnoses:
            return None
        own = self.estimated & (plan.diagnosis_index == plan.diagnoses.index(diagnosis))
        if own.sum() >= MIN_CELL:
            return own, f"the {int(own.sum())} {diagnosis} patients of the fit"
        n = int(self.estimated.sum())
        if n >= MIN_CELL:
            return self.estimated, f"all {n} patients of the fit"
        return None

    @cached_property
    def counts(self) -> dict[str, int]:
        """Patients fitted, by diagnosis."""
        plan = self.fit.plan
        counts = np.bincount(plan.diagnosis_index, minlength=len(plan.diagnoses))
        return {name: int(n) for name, n in zip(plan.diagnoses, counts, strict=True)}

    @cached_property
    def drifts(self) -> dict[str, Interval]:
        """Yearly change of the typical requirement (%), by diagnosis."""
        rows = regimes_table(self.fit)
        return {
            row.group: shorten_interval(row.interval) for row in rows if row.quantity == "drift"
        }

    @cached_property
    def centiles(self) -> dict[str, Centiles | None]:
        """Centiles by diagnosis, each drawn once; groups too small share those of everybody."""
        later = np.arange(
            1.0, axis_end(self.last_years) + CENTILE_STEP_YEARS / 2.0, CENTILE_STEP_YEARS
        )
        t_years = np.concatenate([CENTILE_YEARS, later])
        drawn: dict[str, Centiles | None] = {}
        out: dict[str, Centiles | None] = {}
        for part, diagnosis in enumerate(self.fit.plan.diagnoses):
            members = self.members(diagnosis)
            if members is None:
                out[diagnosis] = None
                continue
            mask, words = members
            if words not in drawn:
                everybody = bool((mask == self.estimated).all())
                seed_part = len(self.fit.plan.diagnoses) if everybody else part
                bands = explained_bands(self.fit, mask, t_years, seed_part)
                drawn[words] = None if bands is None else _centiles(t_years, bands)
            out[diagnosis] = drawn[words]
        return out

    @cached_property
    def shares(self) -> dict[str, dict[str, float]]:
        """Mean probability of every explanation present now, by diagnosis compared with."""
        return self._means(lambda s, name: s.said.present[name].value)

    @cached_property
    def onset_shares(self) -> dict[str, dict[str, float]]:
        """Mean probability of a new onset within the last horizon, by diagnosis compared with."""
        return self._means(lambda s, name: s.said.onset[HORIZONS_MONTHS[-1], name].value)

    def _means(
        self, value: Callable[[ExplainedPatient, str], float]
    ) -> dict[str, dict[str, float]]:
        values = {
            name: np.array([value(s, name) if s.leading else 0.0 for s in self.summaries])
            for name in EXPLANATIONS
        }
        out: dict[str, dict[str, float]] = {}
        for diagnosis in self.fit.plan.diagnoses:
            members = self.members(diagnosis)
            out[diagnosis] = {}
            if members is not None:
                means = {name: float(p[members[0]].mean()) for name, p in values.items()}
                out[diagnosis] = {name: shorten(mean) for name, mean in means.items()}
        return out

    def words(self, diagnosis: str) -> str:
        """Return the patients compared with, in words."""
        members = self.members(diagnosis)
        return members[1] if members else TOO_FEW

    def facts(self) -> GroupFacts:
        """Return what pages say about them; it can leave this machine, the patients need not."""
        return GroupFacts(
            n_fitted=self.fit.plan.n_patient,
            counts=self.counts,
            drifts=self.drifts,
            centiles=self.centiles,
            shares=self.shares,
            onset_shares=self.onset_shares,
            rule_counts=self.rule_counts,
            names={name: self.words(name) for name in self.fit.plan.diagnoses},
        )

    @cached_property
    def rule_counts(self) -> dict[str, RuleCount | None]:
        """How often the 100 µg rule flags the patients compared with, by diagnosis."""
        out: dict[str, RuleCount | None] = {}
        for diagnosis in self.fit.plan.diagnoses:
            members = self.members(diagnosis)
            out[diagnosis] = count_group_rule(self.fit.plan, members[0]) if members else None
        return out


def _centiles(t_years: NDArray[np.float64], bands: NDArray[np.float64]) -> Centiles:
    rows = tuple(tuple(float(f"{x:.3g}") for x in row) for row in bands)
    return Centiles(shorten_all(t_years), rows)


def until(centiles: Centiles, end_years: float) -> Centiles:
    """Return centiles up to the end of an axis."""
    n = sum(t <= end_years for t in centiles.t_years)
    return Centiles(centiles.t_years[:n], tuple(row[:n] for row in centiles.dose_ug))
