"""From a fit and its summaries to the documents that pages are drawn from."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from itb_bayes.cohort.unchanged import count_unchanged
from itb_bayes.inference.fitted import Fit
from itb_bayes.report.document import (
    SCHEMA_VERSION,
    Centiles,
    Comparators,
    Drift,
    Inputs,
    PatientDocument,
    Quality,
    ReferenceGroup,
)
from itb_bayes.report.explained_groups import until
from itb_bayes.report.frame import (
    HORIZONS_MONTHS,
    MIN_CELL,
    RISE,
    Frame,
    Source,
    axis_end,
    beyond_studied,
    dose_forecast,
    rise_risk,
    shorten,
    shorten_all,
    shorten_interval,
    withhold_small,
    workload_of,
)
from itb_bayes.report.index_document import Contrast, GroupRow, IndexDocument, PatientRow
from itb_bayes.report.limits import limits_of, notice
from itb_bayes.report.sensitivity import Sensitivity, sensitivity_of
from itb_bayes.report.wording import count_in_100
from itb_bayes.risk.patient import PatientSummary
from itb_bayes.risk.population import population_table
from itb_bayes.risk.reference import dose_bands
from itb_bayes.risk.rule import RuleCount, count_rule

CENTILE_STEP_YEARS = 0.5
WORKLOAD_OF = "a rise of more than 100 µg/day in 12 months"


@dataclass(frozen=True, eq=False)
class Assembly:
    """Makes the documents of one fit.

    Attributes
    ----------
    fit : Fit
    summaries : tuple of PatientSummary
        With the forecasts of :data:`HORIZONS_MONTHS`.
    threshold : float
        Of the probability of a large rise; its workload is marked.
    earlier : mapping
        Documents of an earlier report of the same model by patient; empty where there is none.
    since : str
        Run of that report.
    as_of_years : mapping
        As-of time of patients, years since implant, where it is known.
    """

    fit: Fit
    summaries: tuple[PatientSummary, ...]
    threshold: float = 0.2
    earlier: Mapping[str, PatientDocument] = field(default_factory=dict)
    since: str = ""
    as_of_years: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def frame(self) -> Frame:
        """What all documents share."""
        ids = tuple(summary.patient_id for summary in self.summaries)
        return Frame(self.fit, ids, Source.of_fit(self.fit), self.as_of_years)

    def patient(self, summary: PatientSummary) -> PatientDocument:
        """Return the document of one patient's page."""
        n_group = self._counts[summary.diagnosis]
        estimated = bool(summary.forecasts)
        return PatientDocument(
            schema_version=SCHEMA_VERSION,
            kind="drift",
            page_id=self.frame.page_of(summary.patient_id),
            patient_id=summary.patient_id,
            label=self.frame.labels[summary.patient_id],
            diagnosis=summary.diagnosis,
            provenance=self.frame.provenance,
            gate=self.frame.gate,
            notice=notice(),
            as_of_years=shorten(summary.as_of_years),
            quality=Quality(summary.status, summary.reasons),
            inputs=Inputs(
                channels=("dose",),
                t_years=shorten_all(summary.t_years),
                dose_ug=shorten_all(summary.dose_ug),
                step_months=self.fit.plan.series.step_months,
            ),
            group=self._group(summary) if estimated else None,
            drift=_drift_of(summary),
            forecasts=tuple(dose_forecast(f) for f in summary.forecasts),
            risks_ahead=tuple(rise_risk(f) for f in summary.forecasts[-1:]),
            comparators=self._comparators(summary),
            limits=limits_of(self._columns, n_group, MIN_CELL, too_sure=self._too_sure),
            sensitivity=self._sensitivity(summary),
            asked_as_of_years=self.frame.asked_as_of(summary.patient_id),
            beyond_studied=beyond_studied(summary.forecasts),
        )

    def index(self, documents: Iterable[PatientDocument]) -> IndexDocument:
        """Return the list of the given patients, the highest probability first."""
        rows = sorted((self._row(document) for document in documents), key=_place)
        return IndexDocument(
            schema_version=SCHEMA_VERSION,
            kind="drift",
            provenance=self.frame.provenance,
            gate=self.frame.gate,
            notice=notice(),
            horizon_months=HORIZONS_MONTHS[-1],
            n_fitted=self.fit.plan.n_patient,
            n_set_aside=self.frame.source.n_set_aside,
            groups=self._group_rows,
            contrast=self._contrast,
            patients=tuple(rows),
            workload=workload_of(
                [row.chance for row in rows if row.chance is not None], self.threshold
            ),
            workload_of=WORKLOAD_OF,
            since=self.since,
        )

    @cached_property
    def _counts(self) -> dict[str, int]:
        plan = self.fit.plan
        counts = np.bincount(plan.diagnosis_index, minlength=len(plan.diagnoses))
        return {name: int(n) for name, n in zip(plan.diagnoses, counts, strict=True)}

    @property
    def _columns(self) -> tuple[str, ...]:
        plan = self.fit.plan
        return (*plan.level_covariates.names, *plan.drift_covariates.names)

    @cached_property
    def _too_sure(self) -> bool:
        plan = self.fit.plan
        return plan.structure.robust and count_unchanged(plan.series).are_many

    @cached_property
    def _centile_years(self) -> np.ndarray:
        last = max(summary.as_of_years for summary in self.summaries)
        later = np.arange(1.0, axis_end(last) + CENTILE_STEP_YEARS / 2.0, CENTILE_STEP_YEARS)
        return np.concatenate([np.arange(0.0, 1.0, CENTILE_STEP_YEARS / 2.0), later])

    @cached_property
    def _centiles(self) -> dict[str, Centiles]:
        estimated = {s.diagnosis for s in self.summaries if s.forecasts}
        out = {}
        for diagnosis in sorted(estimated):
            bands = dose_bands(self.fit, diagnosis, self._centile_years)
            rows = tuple(tuple(float(f"{x:.4g}") for x in row) for row in bands.dose_ug)
            out[diagnosis] = Centiles(shorten_all(bands.t_years), rows)
        return out

    def _group(self, summary: PatientSummary) -> ReferenceGroup:
        name = summary.diagnosis
        n = self._counts[name]
        drift = next(row.drift_percent for row in self._group_rows if row.diagnosis == name)
        centiles = until(self._centiles[name], axis_end(summary.as_of_years))
        shown = n if n >= MIN_CELL else None
        return ReferenceGroup(name, shown, MIN_CELL, drift, centiles, f"new {name} patients")

    def _sensitivity(self, summary: PatientSummary) -> Sensitivity | None:
        if not summary.forecasts:
            return None
        p = summary.forecasts[-1].p_rise.value
        return sensitivity_of(self.fit.spec, (RISE,), (p,), summary.scaled)

    def _comparators(self, summary: PatientSummary) -> Comparators:
        rise = summary.last_year_rise_ug
        known = not math.isnan(rise)
        group, count = self._base_of(summary)
        told = count is not None and count.at_risk > 0 and bool(summary.forecasts)
        return Comparators(
            last_year_rise_ug=shorten(rise) if known else None,
            rule_flagged=summary.rule_flagged if known else None,
            base_rate=shorten(count.rate) if told and count else None,
            base_years=count.at_risk if told and count else None,
            base_group=group,
        )

    def _base_of(self, summary: PatientSummary) -> tuple[str, RuleCount | None]:
        """Return the group whose base rate is told: the diagnosis, else everybody, else none."""
        n = self._counts[summary.diagnosis]
        if n >= MIN_CELL:
            return f"the {n} fitted {summary.diagnosis} patients", summary.group_rule
        everybody = self.fit.plan.n_patient
        if everybody >= MIN_CELL:
            return f"all {everybody} fitted patients", self._everybody
        return f"the fitted patients (fewer than {MIN_CELL})", None

    @cached_property
    def _everybody(self) -> RuleCount:
        return count_rule(self.fit.plan.series, np.ones(self.fit.plan.n_patient, dtype=bool))

    @cached_property
    def _group_rows(self) -> tuple[GroupRow, ...]:
        table = {(row.quantity, row.group): row.interval for row in population_table(self.fit)}
        shown = withhold_small(self._counts)
        return tuple(
            GroupRow(
                diagnosis=name,
                n_fitted=shown[name],
                dose_year1_ug=shorten_interval(table["typical dose at year 1", name]),
                drift_percent=shorten_interval(table["drift of the typical patient", name]),
            )
            for name in self.fit.plan.diagnoses
        )

    def _row(self, document: PatientDocument) -> PatientRow:
        risk = document.risks_ahead[-1] if document.risks_ahead else None
        before = self.earlier.get(document.patient_id)
        previous = before.risks_ahead[-1].probability if before and before.risks_ahead else None
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
            drift_percent=document.drift.percent_per_year if document.drift else None,
            risk=risk,
            rule_flagged=document.comparators.rule_flagged,
            chance=risk.probability if risk else None,
            count=count_in_100(risk.probability) if risk else None,
            previous_count=None if previous is None or risk is None else count_in_100(previous),
        )

    @cached_property
    def _contrast(self) -> Contrast | None:
        for row in population_table(self.fit):
            if (row.quantity, row.group) == ("difference in drift", "MS - SCI"):
                p = row.p_above_zero
                return Contrast(
                    "MS − SCI", shorten_interval(row.interval), shorten(p if p else 0.0)
                )
        return None


def _drift_of(summary: PatientSummary) -> Drift | None:
    if summary.drift_percent is None or summary.drift_above_diagnosis is None:
        return None
    return Drift(shorten_interval(summary.drift_percent), shorten(summary.drift_above_diagnosis))


def _place(row: PatientRow) -> tuple[bool, float, float, str]:
    """Sort by probability, then drift, then name; patients without numbers come last."""
    if row.risk is None or row.drift_percent is None:
        return True, 0.0, 0.0, row.patient_id
    return False, -row.risk.probability, -row.drift_percent.median, row.patient_id
