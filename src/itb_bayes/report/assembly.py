"""From a fit and its summaries to the documents that pages are drawn from."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from itb_bayes import __version__
from itb_bayes.inference.fitted import Fit
from itb_bayes.report.document import (
    SCHEMA_VERSION,
    Centiles,
    Comparators,
    Contrast,
    DoseForecast,
    Drift,
    Gate,
    GroupRow,
    IndexDocument,
    Inputs,
    PatientDocument,
    PatientRow,
    Provenance,
    Quality,
    ReferenceGroup,
    Risk,
)
from itb_bayes.report.limits import RANGE_DEFINITION, limits_of, notice
from itb_bayes.report.naming import SHOWN_DIGITS, label_of, looks, page_id, page_key
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.patient import Forecast, PatientSummary
from itb_bayes.risk.population import population_table
from itb_bayes.risk.reference import dose_bands
from itb_bayes.risk.rule import RISE_UG, RuleCount, count_rule
from itb_bayes.risk.table import MODE

HORIZONS_MONTHS = (3.0, 6.0, 9.0, 12.0)
"""The last is the one whose probability is reported; the others shape the forecast fan."""

MIN_CELL = 11
"""Smallest group described on a patient's page: a page must not reveal other patients."""

AXIS_YEARS = 5.0
CENTILE_STEP_YEARS = 0.5
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Assembly:
    """Makes the documents of one fit.

    Attributes
    ----------
    fit : Fit
    summaries : tuple of PatientSummary
        With the forecasts of :data:`HORIZONS_MONTHS`.
    """

    fit: Fit
    summaries: tuple[PatientSummary, ...]

    @cached_property
    def provenance(self) -> Provenance:
        """Where the numbers of every page come from."""
        fit = self.fit
        return Provenance(
            package_version=__version__,
            model_name=fit.spec.name,
            model_version=fit.spec.version,
            model_digest=fit.spec.digest[:SHOWN_DIGITS],
            data_digest=str(fit.manifest["data"])[:SHOWN_DIGITS],
            run_id=fit.run_id,
            cohort=label_of(str(fit.manifest["cohort"])),
            synthetic=fit.synthetic,
            mode=MODE,
        )

    @cached_property
    def gate(self) -> Gate:
        """Whether the fit passed its gate."""
        return Gate(self.fit.gate.passed, tuple(self.fit.gate.failures()))

    def patient(self, summary: PatientSummary) -> PatientDocument:
        """Return the document of one patient's page."""
        n_group = self._counts[summary.diagnosis]
        estimated = bool(summary.forecasts)
        return PatientDocument(
            schema_version=SCHEMA_VERSION,
            page_id=page_id(summary.patient_id, self._key),
            patient_id=summary.patient_id,
            label=self._labels[summary.patient_id],
            diagnosis=summary.diagnosis,
            provenance=self.provenance,
            gate=self.gate,
            notice=notice(),
            as_of_years=_round(summary.as_of_years),
            quality=Quality(summary.status, summary.reasons),
            inputs=Inputs(
                channels=("dose",),
                t_years=_rounded(summary.t_years),
                dose_ug=_rounded(summary.dose_ug),
                step_months=self.fit.plan.series.step_months,
            ),
            group=self._group(summary) if estimated else None,
            drift=_drift_of(summary),
            forecasts=tuple(_forecast(f) for f in summary.forecasts),
            risks_ahead=tuple(_risk(f) for f in summary.forecasts[-1:]),
            comparators=self._comparators(summary),
            limits=limits_of(self._columns, n_group, MIN_CELL),
        )

    def index(self, documents: Iterable[PatientDocument]) -> IndexDocument:
        """Return the list of the given patients, the highest probability first."""
        rows = sorted((_row(document) for document in documents), key=_place)
        return IndexDocument(
            schema_version=SCHEMA_VERSION,
            provenance=self.provenance,
            gate=self.gate,
            notice=notice(),
            horizon_months=HORIZONS_MONTHS[-1],
            n_fitted=self.fit.plan.n_patient,
            n_set_aside=int(self.fit.manifest["n_set_aside"]),
            groups=self._group_rows,
            contrast=self._contrast,
            patients=tuple(rows),
        )

    @cached_property
    def _key(self) -> bytes:
        return page_key(self.fit.manifest)

    @cached_property
    def _labels(self) -> dict[str, str]:
        """Identifiers as shown; those that look alike carry the name of their page."""
        labels = {s.patient_id: label_of(s.patient_id) for s in self.summaries}
        seen = Counter(looks(label) for label in labels.values())
        return {
            patient_id: label
            if seen[looks(label)] == 1
            else f"{label} ({page_id(patient_id, self._key)})"
            for patient_id, label in labels.items()
        }

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
            out[diagnosis] = Centiles(_rounded(bands.t_years), rows)
        return out

    def _group(self, summary: PatientSummary) -> ReferenceGroup:
        name = summary.diagnosis
        n = self._counts[name]
        drift = next(row.drift_percent for row in self._group_rows if row.diagnosis == name)
        centiles = _until(self._centiles[name], axis_end(summary.as_of_years))
        return ReferenceGroup(name, n if n >= MIN_CELL else None, MIN_CELL, drift, centiles)

    def _comparators(self, summary: PatientSummary) -> Comparators:
        rise = summary.last_year_rise_ug
        known = not math.isnan(rise)
        group, count = self._base_of(summary)
        told = count is not None and count.at_risk > 0 and bool(summary.forecasts)
        return Comparators(
            last_year_rise_ug=_round(rise) if known else None,
            rule_flagged=summary.rule_flagged if known else None,
            base_rate=_round(count.rate) if told and count else None,
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
        return tuple(
            GroupRow(
                diagnosis=name,
                n_fitted=self._counts[name],
                dose_year1_ug=_interval(table["typical dose at year 1", name]),
                drift_percent=_interval(table["drift of the typical patient", name]),
            )
            for name in self.fit.plan.diagnoses
        )

    @cached_property
    def _contrast(self) -> Contrast | None:
        for row in population_table(self.fit):
            if (row.quantity, row.group) == ("difference in drift", "MS - SCI"):
                p = row.p_above_zero
                return Contrast("MS − SCI", _interval(row.interval), _round(p if p else 0.0))
        return None


def axis_end(as_of_years: float) -> float:
    """Return where the time axis of a chart ends: after the forecast, in steps of five years."""
    return AXIS_YEARS * math.ceil((as_of_years + HORIZONS_MONTHS[-1] / 12.0) / AXIS_YEARS)


def _until(centiles: Centiles, end_years: float) -> Centiles:
    n = sum(t <= end_years for t in centiles.t_years)
    return Centiles(centiles.t_years[:n], tuple(row[:n] for row in centiles.dose_ug))


def _round(value: float) -> float:
    """Return six significant digits: more than anybody reads, the same on every machine."""
    return float(f"{value:.{_DIGITS}g}")


def _rounded(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    return tuple(_round(float(value)) for value in values)


def _interval(interval: Interval) -> Interval:
    return Interval(*(_round(getattr(interval, f.name)) for f in fields(Interval)))


def _drift_of(summary: PatientSummary) -> Drift | None:
    if summary.drift_percent is None or summary.drift_above_diagnosis is None:
        return None
    return Drift(_interval(summary.drift_percent), _round(summary.drift_above_diagnosis))


def _forecast(forecast: Forecast) -> DoseForecast:
    return DoseForecast(
        forecast.horizon_months, _interval(forecast.dose_ug), _rounded(forecast.dots_ug)
    )


def _risk(forecast: Forecast) -> Risk:
    p = forecast.p_rise
    return Risk(
        quantity="within",
        explanation="rise_over_100_ug",
        definition=(
            f"the dose at the end of the horizon is more than {RISE_UG:g} µg/day above the dose at "
            "the last reading"
        ),
        horizon_months=forecast.horizon_months,
        threshold_ug=RISE_UG,
        probability=_round(p.value),
        low=_round(p.low),
        high=_round(p.high),
        range_definition=RANGE_DEFINITION,
        mcse=_round(p.mcse),
    )


def _row(document: PatientDocument) -> PatientRow:
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
        risk=document.risks_ahead[-1] if document.risks_ahead else None,
        rule_flagged=document.comparators.rule_flagged,
    )


def _place(row: PatientRow) -> tuple[bool, float, float, str]:
    """Sort by probability, then drift, then name; patients without numbers come last."""
    if row.risk is None or row.drift_percent is None:
        return True, 0.0, 0.0, row.patient_id
    return False, -row.risk.probability, -row.drift_percent.median, row.patient_id
