"""What all documents of one fit share: where numbers come from, names, rounding, small groups."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from itb_bayes import __version__
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.regimes_store import plan_digest
from itb_bayes.inference.stored import StoredFit
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.report.document import BeyondStudied, DoseForecast, Gate, Provenance, Risk
from itb_bayes.report.index_document import Workload
from itb_bayes.report.limits import RANGE_DEFINITION
from itb_bayes.report.naming import SHOWN_DIGITS, label_of, looks, page_id, page_key
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.patient import PLAUSIBLE_DOSE_UG, Forecast
from itb_bayes.risk.refit import UNSEEN_MODE
from itb_bayes.risk.rule import RISE_UG
from itb_bayes.risk.table import MODE

HORIZONS_MONTHS = (3.0, 6.0, 9.0, 12.0)
"""The last is the one whose probability is reported; the others shape the forecast fan."""

MIN_CELL = 11
"""Smallest group described on a page: a page must not reveal other patients."""

THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
"""Thresholds whose workload is always told, beside the chosen one."""

RISE = "rise_over_100_ug"
"""Name of a large rise in documents and tables."""

AXIS_YEARS = 5.0
_DIGITS = 6


@dataclass(frozen=True)
class Source:
    """Whose records the pages are about.

    Attributes
    ----------
    cohort : str
    data_digest : str
        SHA-256 of the records as the model reads them.
    synthetic : bool
    mode : str
        "refit": they were part of the fit; "conditional": they were not.
    n_set_aside : int
        Entries, or patients, that could not be used.
    """

    cohort: str
    data_digest: str
    synthetic: bool
    mode: str
    n_set_aside: int

    @classmethod
    def of_fit(cls, fit: StoredFit[Any, Any]) -> "Source":
        """Return the cohort that was fitted."""
        m = fit.manifest
        return cls(str(m["cohort"]), str(m["data"]), fit.synthetic, MODE, int(m["n_set_aside"]))

    @classmethod
    def of_unseen(cls, cohort: Cohort, plan: RegimesPlan) -> "Source":
        """Return a cohort that the fit has not seen, laid out as ``plan``."""
        left_out = len(cohort.patients) - plan.n_patient
        return cls(cohort.name, plan_digest(plan), cohort.synthetic, UNSEEN_MODE, left_out)


@dataclass(frozen=True, eq=False)
class Frame:
    """What the documents of one report share.

    Attributes
    ----------
    fit : StoredFit
    patient_ids : tuple of str
        All patients of ``source``.
    source : Source
    as_of_years : mapping of patient_id to float
        As-of time of patients, years since implant, where it is known.
    shared_looks : frozenset of str
        What labels of several patients share (:func:`itb_bayes.report.naming.looks`), some of whom
        are not among ``patient_ids``.
    """

    fit: StoredFit[Any, Any]
    patient_ids: tuple[str, ...]
    source: Source
    as_of_years: Mapping[str, float] = field(default_factory=dict)
    shared_looks: frozenset[str] = frozenset()

    @cached_property
    def provenance(self) -> Provenance:
        """Where the numbers of every page come from."""
        fit = self.fit
        return Provenance(
            package_version=__version__,
            model_name=fit.spec.name,
            model_version=fit.spec.version,
            model_digest=fit.spec.digest[:SHOWN_DIGITS],
            data_digest=self.source.data_digest[:SHOWN_DIGITS],
            run_id=fit.run_id,
            cohort=label_of(self.source.cohort),
            synthetic=fit.synthetic or self.source.synthetic,
            mode=self.source.mode,
        )

    @cached_property
    def gate(self) -> Gate:
        """Whether the fit passed its gate."""
        return Gate(self.fit.gate.passed, tuple(self.fit.gate.failures()))

    @cached_property
    def labels(self) -> dict[str, str]:
        """Identifiers as shown; those that look alike carry the name of their page."""
        labels = {patient_id: label_of(patient_id) for patient_id in self.patient_ids}
        seen = Counter(looks(label) for label in labels.values())
        return {
            patient_id: label
            if seen[looks(label)] == 1 and looks(label) not in self.shared_looks
            else f"{label} ({self.page_of(patient_id)})"
            for patient_id, label in labels.items()
        }

    def asked_as_of(self, patient_id: str) -> float | None:
        """Return the as-of time of a patient, years since implant."""
        years = self.as_of_years.get(patient_id)
        return None if years is None else shorten(years)

    def page_of(self, patient_id: str) -> str:
        """Return the name of a patient's page."""
        return page_id(patient_id, self._key)

    @cached_property
    def _key(self) -> bytes:
        return page_key(self.fit.manifest)


def axis_end(as_of_years: float) -> float:
    """Return where the time axis of a chart ends: after the forecast, in steps of five years."""
    return AXIS_YEARS * math.ceil((as_of_years + HORIZONS_MONTHS[-1] / 12.0) / AXIS_YEARS)


def shorten(value: float) -> float:
    """Return six significant digits: more than anybody reads, the same on every machine."""
    return float(f"{value:.{_DIGITS}g}")


def shorten_all(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    """Return six significant digits of every value."""
    return tuple(shorten(float(value)) for value in values)


def shorten_interval(interval: Interval) -> Interval:
    """Return six significant digits of every quantile."""
    return Interval(*(shorten(getattr(interval, f.name)) for f in fields(Interval)))


def dose_forecast(forecast: Forecast) -> DoseForecast:
    """Return a forecast as documents hold it."""
    return DoseForecast(
        forecast.horizon_months, shorten_interval(forecast.dose_ug), shorten_all(forecast.dots_ug)
    )


def beyond_studied(forecasts: Sequence[Forecast]) -> BeyondStudied | None:
    """Return how far forecasts leave the doses that were studied; None where they do not."""
    if not forecasts:
        return None
    low, high = PLAUSIBLE_DOSE_UG
    if all(low <= f.dose_ug.q05 and f.dose_ug.q95 <= high for f in forecasts):
        return None
    last = forecasts[-1]
    return BeyondStudied(
        low_ug=low,
        high_ug=high,
        horizon_months=last.horizon_months,
        n_below=sum(dose < low for dose in last.dots_ug),
        n_above=sum(dose > high for dose in last.dots_ug),
        n_dots=len(last.dots_ug),
    )


def rise_risk(forecast: Forecast) -> Risk:
    """Return the probability of a large rise at the end of a forecast."""
    p = forecast.p_rise
    return Risk(
        quantity="at",
        explanation=RISE,
        definition=(
            f"the dose at the end of the horizon is more than {RISE_UG:g} µg/day above the dose at "
            "the last reading"
        ),
        horizon_months=forecast.horizon_months,
        threshold_ug=RISE_UG,
        probability=shorten(p.value),
        low=shorten(p.low),
        high=shorten(p.high),
        range_definition=RANGE_DEFINITION,
        mcse=shorten(p.mcse),
    )


def withhold_small(counts: Mapping[str, int], min_cell: int = MIN_CELL) -> dict[str, int | None]:
    """Return group sizes, withheld where small, or where they would give a small one away.

    Where a single group is small, its size would be the total less the others; the next smallest
    is then withheld too (complementary suppression). A total of 0 is no person and is shown.
    """
    small = {name for name, n in counts.items() if 0 < n < min_cell}
    if len(small) == 1:
        rest = sorted((n, name) for name, n in counts.items() if name not in small and n > 0)
        small |= {name for _, name in rest[:1]}
    return {name: None if name in small else n for name, n in counts.items()}


def workload_of(chances: Sequence[float], threshold: float) -> tuple[Workload, ...]:
    """Return what looking at everybody above each of several thresholds would mean.

    Parameters
    ----------
    chances : sequence of float
        One probability per estimated patient.
    threshold : float
        The chosen one.
    """
    if not chances:
        return ()
    p = np.array(chances)
    found = []
    for at in sorted({*THRESHOLDS, threshold}):
        above = p >= at
        found.append(
            Workload(
                threshold=shorten(at),
                n_flagged=int(above.sum()),
                expected_true=shorten(float(p[above].sum())),
                expected_missed=shorten(float(p[~above].sum())),
                chosen=at == threshold,
            )
        )
    return tuple(found)
