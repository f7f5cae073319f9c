"""What a patient's document says, in words. Every probability names its date, horizon and group."""

from itb_bayes.report.document import Comparators, PatientDocument
from itb_bayes.report.wording import (
    dose_range,
    estimated_dose,
    in_100,
    months_ahead,
    range_in_100,
    recorded_dose,
    signed_dose,
    signed_percent,
    time_since,
)
from itb_bayes.risk.interval import Interval


def as_of(document: PatientDocument) -> str:
    """Return the date of every number."""
    return f"{time_since(document.as_of_years)} after implant"


def asked_as_of(document: PatientDocument) -> str:
    """Return the as-of date that was asked for; empty where none is known."""
    if document.asked_as_of_years is None:
        return ""
    return f"{time_since(document.asked_as_of_years)} after implant"


def group_size(document: PatientDocument) -> str:
    """Return how many patients of the diagnosis were fitted."""
    group = document.group
    if group is None:
        return ""
    n = f"fewer than {group.min_cell}" if group.n_fitted is None else str(group.n_fitted)
    return f"{n} {document.diagnosis} patients fitted"


def drift_range(interval: Interval) -> str:
    """Return the 90 % range of a yearly change."""
    return f"{signed_percent(interval.q05)} to {signed_percent(interval.q95)}"


def rise_sentence(document: PatientDocument) -> str:
    """Return the probability of a large rise, with everything it depends on."""
    if not document.risks_ahead:
        return ""
    risk = document.risks_ahead[-1]
    now = recorded_dose(document.inputs.dose_ug[-1])
    ahead = months_ahead(risk.horizon_months)
    return (
        f"As of {as_of(document)}, {in_100(risk.probability)} that the dose {ahead} later is more "
        f"than {risk.threshold_ug:g} µg/day above the last dose of {now} µg/day "
        f"({range_in_100(risk.low, risk.high)} across plausible model settings); "
        f"{_base(document.comparators)}"
    )


def _base(comparators: Comparators) -> str:
    if comparators.base_rate is None:
        return f"no rate is given for {comparators.base_group}."
    return (
        f"for comparison, {in_100(comparators.base_rate)} of the {comparators.base_years} yearly "
        f"comparisons (12 months each) of {comparators.base_group} showed such a rise."
    )


def drift_sentence(document: PatientDocument) -> str:
    """Return the yearly change beside the typical patient's."""
    if document.drift is None or document.group is None:
        return ""
    own, typical = document.drift.percent_per_year, document.group.drift_percent
    return (
        f"As of {as_of(document)}, this patient’s own line changes by "
        f"{signed_percent(own.median)} % per year (90 % range {drift_range(own)}); the typical "
        f"{document.diagnosis} patient’s by {signed_percent(typical.median)} % "
        f"({drift_range(typical)}; {group_size(document)}). "
        "That it rises faster than the typical line of the same diagnosis has a probability of "
        f"{in_100(document.drift.p_above_typical)}."
    )


def rule_verdict(comparators: Comparators) -> str:
    """Return what the 100 µg rule says."""
    if comparators.rule_flagged is None or comparators.last_year_rise_ug is None:
        return "no verdict"
    return "flagged" if comparators.rule_flagged else "not flagged"


def rule_sentence(comparators: Comparators) -> str:
    """Return what the 100 µg rule looked at."""
    if comparators.last_year_rise_ug is None:
        return "The record has no two doses a year apart, so the rule cannot be read."
    text = f"Recorded change: {signed_dose(comparators.last_year_rise_ug)} µg/day."
    if comparators.base_rate is None:
        return text
    return f"{text} Base rate of the group: {in_100(comparators.base_rate)} a year."


def status_sentence(document: PatientDocument) -> str:
    """Return the quality of the record, with reasons."""
    heads = {
        "ok": "Record sufficient",
        "limited": "Limited record",
        "not estimated": "Not estimated",
    }
    head = heads[document.quality.status]
    n = len(document.inputs.t_years)
    first, last = document.inputs.t_years[0], document.inputs.t_years[-1]
    span = f"{time_since(first)} to {time_since(last)} after implant"
    used = (
        f"entries on {n} days, {span}."
        if document.inputs.step_months is None
        else f"{n} readings of the dose, {span}, read every {document.inputs.step_months:g} months."
    )
    estimated = document.quality.status != "not estimated"
    reasons = "; ".join(document.quality.reasons) if estimated else ""
    return f"{head}: {reasons}. {used}" if reasons else f"{head}: {used}"


def chart_title(document: PatientDocument) -> str:
    """Return what the growth chart shows, in one sentence."""
    doses = document.inputs.dose_ug
    text = (
        f"Recorded dose: {recorded_dose(doses[0])} µg/day at first, {recorded_dose(doses[-1])} "
        f"µg/day at {as_of(document)}"
    )
    if not document.forecasts:
        return f"{text}."
    last = document.forecasts[-1]
    return (
        f"{text}; {months_ahead(last.horizon_months)} later most likely about "
        f"{estimated_dose(last.dose_ug.median)} µg/day (9 in 10 between "
        f"{estimated_dose(last.dose_ug.q05)} and {estimated_dose(last.dose_ug.q95)})."
    )


def dots_title(document: PatientDocument) -> str:
    """Return what the dot plot shows, in one sentence."""
    last = document.forecasts[-1]
    risk = document.risks_ahead[-1]
    rise = risk.threshold_ug or 0.0
    limit = document.inputs.dose_ug[-1] + rise
    above = sum(dose > limit for dose in last.dots_ug)
    return (
        f"{len(last.dots_ug)} equally likely doses in {months_ahead(last.horizon_months)}: "
        f"{above} of {len(last.dots_ug)} are more than {rise:g} µg/day above the last "
        "dose."
    )


def beyond_sentence(document: PatientDocument) -> str:
    """Return that a forecast leaves the doses that were studied; empty where it does not."""
    beyond = document.beyond_studied
    if beyond is None:
        return ""
    ahead = months_ahead(beyond.horizon_months)
    sides = (
        (beyond.n_below, f"below {beyond.low_ug:g}", "lower"),
        (beyond.n_above, f"above {beyond.high_ug:g}", "higher"),
    )
    outside = [side for side in sides if side[0]]
    if not outside:
        return (
            f"Beyond what was studied: an end of the ranges lies outside {beyond.low_ug:g} to "
            f"{beyond.high_ug:g} µg/day; no dose there is known to be usable."
        )
    counted = " and ".join(f"{n} of {beyond.n_dots} lie {where}" for n, where, _ in outside)
    read = " or ".join(way for _, _, way in outside)
    return (
        f"Beyond what was studied: of the doses in {ahead}, {counted} µg/day. Read them as "
        f"“{read} than any dose studied”, not as doses that would be given."
    )


def forecast_rows(document: PatientDocument) -> list[tuple[str, str, str, str]]:
    """Return horizon, median, 50 % and 90 % range of the forecast dose."""
    return [
        (
            months_ahead(f.horizon_months),
            estimated_dose(f.dose_ug.median),
            dose_range(f.dose_ug.q25, f.dose_ug.q75),
            dose_range(f.dose_ug.q05, f.dose_ug.q95),
        )
        for f in document.forecasts
    ]
