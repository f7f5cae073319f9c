"""From a regimes fit and its summaries to the documents that pages are drawn from."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.report.document import (
    SCHEMA_VERSION,
    Comparators,
    Inputs,
    PatientDocument,
    Quality,
    ReferenceGroup,
    Risk,
)
from itb_bayes.report.explained import (
    NAMES,
    Change,
    Evidence,
    ExplanationNow,
    Explanations,
    NextStep,
    Outcome,
)
from itb_bayes.report.explained_groups import GroupFacts, ReferenceGroups, until
from itb_bayes.report.explained_visits import events_of, known_of, visits_of
from itb_bayes.report.frame import (
    HORIZONS_MONTHS,
    MIN_CELL,
    Frame,
    Source,
    axis_end,
    beyond_studied,
    dose_forecast,
    rise_risk,
    shorten,
    shorten_all,
    withhold_small,
    workload_of,
)
from itb_bayes.report.index_document import GroupRow, IndexDocument, Leading, PatientRow
from itb_bayes.report.limits import RANGE_DEFINITION, explained_limits, notice
from itb_bayes.report.sensitivity import Sensitivity, sensitivity_of
from itb_bayes.report.wording import counts_in_100
from itb_bayes.risk.explanations import Probability
from itb_bayes.risk.regimes_patient import ExplainedPatient
from itb_bayes.risk.rule import RISE_UG

WORKLOAD_OF = "any explanation but “none of these”, present now"


@dataclass(frozen=True, eq=False)
class Unseen:
    """Patients that a fit has not seen.

    Attributes
    ----------
    plan : RegimesPlan
        Their records, laid out by the terms of the fit.
    source : Source
    groups : GroupFacts
        The fitted patients, with whom they are compared.
    shared_looks : frozenset of str
        Labels that several patients share, some of whom are not in ``plan``.
    """

    plan: RegimesPlan
    source: Source
    groups: GroupFacts
    shared_looks: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class ExplainedAssembly:
    """Makes the documents of one regimes fit.

    Attributes
    ----------
    fit : RegimesFit
    summaries : tuple of ExplainedPatient
        Of all patients of the pages, with the forecasts of :data:`HORIZONS_MONTHS`.
    unseen : Unseen or None
        Where the pages are about patients that the fit has not seen.
    threshold : float
        Of the probability that anything but "none" is present; its workload is marked.
    earlier : mapping
        Documents of an earlier report of the same model by patient; empty where there is none.
    since : str
        Run of that report.
    as_of_years : mapping
        As-of time of patients, years since implant, where it is known.
    """

    fit: RegimesFit
    summaries: tuple[ExplainedPatient, ...]
    unseen: Unseen | None = None
    threshold: float = 0.2
    earlier: Mapping[str, PatientDocument] = field(default_factory=dict)
    since: str = ""
    as_of_years: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def groups(self) -> GroupFacts:
        """The patients compared with."""
        if self.unseen is not None:
            return self.unseen.groups
        return ReferenceGroups(self.fit, self.summaries, last_years(self.summaries)).facts()

    @property
    def plan(self) -> RegimesPlan:
        """The records that the pages are about."""
        return self.fit.plan if self.unseen is None else self.unseen.plan

    @cached_property
    def frame(self) -> Frame:
        """What all documents share."""
        if self.unseen is None:
            return Frame(self.fit, self.plan.patient_ids, Source.of_fit(self.fit), self.as_of_years)
        unseen = self.unseen
        return Frame(
            self.fit, self.plan.patient_ids, unseen.source, self.as_of_years, unseen.shared_looks
        )

    def patient(self, summary: ExplainedPatient) -> PatientDocument:
        """Return the document of one patient's page."""
        plan, said = self.plan, summary.said
        estimated = bool(summary.leading)
        return PatientDocument(
            schema_version=SCHEMA_VERSION,
            kind="regimes",
            page_id=self.frame.page_of(said.patient_id),
            patient_id=said.patient_id,
            label=self.frame.labels[said.patient_id],
            diagnosis=summary.diagnosis,
            provenance=replace(self.frame.provenance, mode=said.mode),
            gate=self.frame.gate,
            notice=notice(),
            as_of_years=shorten(said.as_of_years),
            quality=Quality(summary.status, summary.reasons),
            inputs=Inputs(
                channels=plan.channels,
                t_years=shorten_all(summary.t_years),
                dose_ug=shorten_all(summary.dose_ug),
                step_months=None,
            ),
            group=self._group(summary) if estimated else None,
            drift=None,
            forecasts=tuple(dose_forecast(f) for f in summary.forecasts),
            risks_ahead=self._risks(summary) if estimated else (),
            comparators=self._comparators(summary),
            limits=explained_limits(plan.channels),
            explanations=self._explanations(summary) if estimated else None,
            evidence=tuple(
                Evidence(
                    shorten(e.t_years), e.channel, e.explanation, shorten(e.log_ratio), e.words
                )
                for e in summary.evidence
            ),
            next_steps=_next_steps(summary),
            events=events_of(plan, summary.index),
            visits=visits_of(plan, summary.index, summary.dose_ug),
            known=known_of(plan, summary.index),
            sensitivity=self._sensitivity(summary),
            asked_as_of_years=self.frame.asked_as_of(said.patient_id),
            beyond_studied=beyond_studied(summary.forecasts),
        )

    def index(self, documents: Iterable[PatientDocument]) -> IndexDocument:
        """Return the list of the given patients, the highest probability first."""
        rows = sorted((self._row(document) for document in documents), key=place_in_list)
        return IndexDocument(
            schema_version=SCHEMA_VERSION,
            kind="regimes",
            provenance=self.frame.provenance,
            gate=self.frame.gate,
            notice=notice(),
            horizon_months=HORIZONS_MONTHS[-1],
            n_fitted=self.groups.n_fitted,
            n_set_aside=self.frame.source.n_set_aside,
            groups=self._group_rows,
            contrast=None,
            patients=tuple(rows),
            workload=workload_of(
                [row.chance for row in rows if row.chance is not None], self.threshold
            ),
            workload_of=WORKLOAD_OF,
            since=self.since,
        )

    def _group(self, summary: ExplainedPatient) -> ReferenceGroup:
        name = summary.diagnosis
        n = self.groups.counts[name]
        centiles = self.groups.centiles[name]
        members = self.groups.words(name)
        end = axis_end(summary.said.as_of_years)
        return ReferenceGroup(
            diagnosis=name,
            n_fitted=n if n >= MIN_CELL else None,
            min_cell=MIN_CELL,
            drift_percent=self.groups.drifts[name],
            centiles=until(centiles, end) if centiles else None,
            centiles_of=f"patients like {members.replace('all', 'the', 1)}",
        )

    def _explanations(self, summary: ExplainedPatient) -> Explanations:
        present = summary.said.present
        counts = dict(zip(present, counts_in_100([p.value for p in present.values()]), strict=True))
        shares = self.groups.shares[summary.diagnosis]
        ordered = sorted(present, key=lambda name: (-present[name].value, EXPLANATIONS.index(name)))
        items = tuple(
            ExplanationNow(
                explanation=name,
                name=NAMES[name],
                **_numbers(present[name]),
                count=counts[name],
                group_share=shares.get(name),
                change=self._change(summary.said.patient_id, name),
            )
            for name in ordered
        )
        return Explanations(
            quantity="present",
            exclusive=True,
            definition="the explanation is there as of the last record",
            range_definition=RANGE_DEFINITION,
            group=self.groups.words(summary.diagnosis),
            items=items,
        )

    def _sensitivity(self, summary: ExplainedPatient) -> Sensitivity | None:
        present = summary.said.present
        told = [present[name].value for name in EXPLANATIONS if name in present]
        return sensitivity_of(self.fit.spec, EXPLANATIONS, told, summary.scaled)

    def _change(self, patient_id: str, name: str) -> Change | None:
        before = self.earlier.get(patient_id)
        if before is None or before.explanations is None:
            return None
        item = next(x for x in before.explanations.items if x.explanation == name)
        return Change(item.probability, item.count, before.as_of_years)

    def _risks(self, summary: ExplainedPatient) -> tuple[Risk, ...]:
        shares = self.groups.onset_shares[summary.diagnosis]
        onsets = tuple(
            Risk(
                quantity="within",
                explanation=name,
                definition=(
                    "none of the others begins within the horizon"
                    if name == "none"
                    else f"a new {NAMES[name]} begins within the horizon"
                ),
                horizon_months=months,
                threshold_ug=None,
                range_definition=RANGE_DEFINITION,
                group_share=shares.get(name),
                **_numbers(p),
            )
            for (months, name), p in summary.said.onset.items()
        )
        return (*onsets, *(rise_risk(f) for f in summary.forecasts[-1:]))

    def _comparators(self, summary: ExplainedPatient) -> Comparators:
        rise = summary.last_year_rise_ug
        known = not math.isnan(rise)
        count = self.groups.rule_counts.get(summary.diagnosis)
        told = count is not None and count.at_risk > 0 and bool(summary.leading)
        return Comparators(
            last_year_rise_ug=shorten(rise) if known else None,
            rule_flagged=bool(rise > RISE_UG) if known else None,
            base_rate=shorten(count.rate) if told and count else None,
            base_years=count.at_risk if told and count else None,
            base_group=self.groups.words(summary.diagnosis),
        )

    @cached_property
    def _group_rows(self) -> tuple[GroupRow, ...]:
        shown = withhold_small(self.groups.counts)
        drifts = self.groups.drifts
        return tuple(GroupRow(name, shown[name], None, drifts[name]) for name in shown)

    def _row(self, document: PatientDocument) -> PatientRow:
        leading, chance, count, previous = self._ranked(document)
        rises = [risk for risk in document.risks_ahead if risk.threshold_ug is not None]
        return PatientRow(
            page_id=document.page_id,
            patient_id=document.patient_id,
            label=document.label,
            diagnosis=document.diagnosis,
            as_of_years=document.as_of_years,
            status=document.quality.status,
            reasons=document.quality.reasons,
            dose_now_ug=document.inputs.dose_ug[-1],
            t_years=document.inputs.t_years,
            dose_ug=document.inputs.dose_ug,
            drift_percent=None,
            risk=rises[-1] if rises else None,
            rule_flagged=document.comparators.rule_flagged,
            chance=chance,
            count=count,
            previous_count=previous,
            leading=leading,
        )

    def _ranked(
        self, document: PatientDocument
    ) -> tuple[Leading | None, float | None, int | None, int | None]:
        """Return the leading explanation, and the probability that ranks the list."""
        if document.explanations is None:
            return None, None, None, None
        items = {item.explanation: item for item in document.explanations.items}
        none = items.pop("none")
        top = next(iter(items.values()))
        leading = Leading(
            top.explanation, top.name, top.probability, top.low, top.high, top.count, none.count
        )
        previous = 100 - none.change.count if none.change else None
        return leading, shorten(1.0 - none.probability), 100 - none.count, previous


def _next_steps(summary: ExplainedPatient) -> tuple[NextStep, ...]:
    return tuple(
        NextStep(
            name=test.name,
            worth_bits=shorten(test.worth_bits),
            explanation=summary.leading,
            outcomes=tuple(
                Outcome(o.name, shorten(o.probability), shorten(o.after[summary.leading]))
                for o in test.outcomes
            ),
        )
        for test in summary.tests
    )


def _numbers(p: Probability) -> dict[str, float]:
    return {
        "probability": shorten(p.value),
        "low": shorten(p.low),
        "high": shorten(p.high),
        "mcse": shorten(p.mcse),
    }


def last_years(summaries: Iterable[ExplainedPatient]) -> float:
    """Return the end of the longest record, years since implant."""
    return max(summary.said.as_of_years for summary in summaries)


def place_in_list(row: PatientRow) -> tuple[bool, float, str]:
    """Sort by probability, then name; patients without numbers come last."""
    return row.chance is None, -(row.chance or 0.0), row.patient_id
