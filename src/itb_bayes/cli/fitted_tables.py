"""What ``itb-bayes fit`` prints of a fit, by the kind of its model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FitTable:
    """The population table of a fit as text.

    Attributes
    ----------
    read : str
        What the fit read, for example ``dose readings``.
    n_read : int
    header : list of str
    rows : list of list of str
    note : str
        What the columns are.
    records : tuple
        The same rows as dataclasses, for machines.
    """

    read: str
    n_read: int
    header: list[str]
    rows: list[list[str]]
    note: str
    records: tuple[Any, ...]


def fit_table(fitted: Any) -> FitTable:
    """Return the population table of a fit of any kind; without rows if its gate was not passed."""
    return _BY_KIND[fitted.spec.kind](fitted)


def _drift(fitted: Any) -> FitTable:
    from itb_bayes.cli.output import number
    from itb_bayes.risk.population import population_table

    records = population_table(fitted) if fitted.gate.passed else ()
    rows = [
        [row.quantity, row.group, str(row.n_patient), row.unit, *_three(row.interval, number),
         "" if row.p_above_zero is None else f"{row.p_above_zero:.3f}"]
        for row in records
    ]  # fmt: skip
    header = ["quantity", "group", "n", "unit", "median", "5 %", "95 %", "P(> 0)"]
    note = "Intervals hold 90 % of the posterior."
    return FitTable("dose readings", int(fitted.plan.panel.n_visit), header, rows, note, records)


def _regimes(fitted: Any) -> FitTable:
    from itb_bayes.cli.output import number
    from itb_bayes.risk.regimes_population import regimes_table

    records = regimes_table(fitted) if fitted.gate.passed else ()
    rows = [
        [row.quantity, row.group, row.unit, *_three(row.interval, number),
         f"{number(row.prior_low)} to {number(row.prior_high)}"]
        for row in records
    ]  # fmt: skip
    header = ["quantity", "group", "unit", "median", "5 %", "95 %", "prior 90 %"]
    note = (
        "Intervals hold 90 % of the posterior; the last column, of the prior. "
        "`itb-bayes model explain` says what each quantity is."
    )
    return FitTable("days of record", int(fitted.plan.t_years.size), header, rows, note, records)


def _complications(fitted: Any) -> FitTable:
    from itb_bayes.cli.output import number
    from itb_bayes.risk.complications_table import complications_table

    records = complications_table(fitted) if fitted.gate.passed else ()
    rows = [
        [row.complication, row.where, row.events, f"{row.patient_years:.0f}",
         "" if row.crude is None else number(row.crude), *_three(row.interval, number)]
        for row in records
    ]  # fmt: skip
    header = ["complication", "where", "events", "years", "crude", "median", "5 %", "95 %"]
    note = (
        "Events per 100 patient-years; intervals hold 90 % of the posterior. A new centre is a "
        "prediction; the spread between centres is a factor (one SD of the log rate)."
    )
    return FitTable("known counts", int(fitted.plan.counts.low.size), header, rows, note, records)


def _spasticity(fitted: Any) -> FitTable:
    from itb_bayes.cli.output import number, probability
    from itb_bayes.risk.spasticity_table import spasticity_table

    records = spasticity_table(fitted) if fitted.gate.passed else ()
    rows = [
        [row.quantity, row.group, str(row.n_patient), number(row.observed),
         *_three(row.interval, number),
         "" if row.p_below_zero is None else probability(row.p_below_zero)]
        for row in records
    ]  # fmt: skip
    header = ["quantity", "phase", "n", "observed", "median", "5 %", "95 %", "P(< 0)"]
    low = fitted.plan.shown_from
    note = (
        f"Points of the scale that starts at {low:g}; intervals hold 90 % of the posterior. "
        "Observed: mean of the patients' scores."
    )
    return FitTable("readings", int(fitted.plan.patient.size), header, rows, note, records)


def _three(interval: Any, number: Callable[[float], str]) -> list[str]:
    return [number(interval.median), number(interval.q05), number(interval.q95)]


_BY_KIND: dict[str, Callable[[Any], FitTable]] = {
    "complications": _complications,
    "drift": _drift,
    "regimes": _regimes,
    "spasticity": _spasticity,
}
