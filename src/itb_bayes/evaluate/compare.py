"""Comparison of fits by leave-one-patient-out expected log predictive density.

Pareto-smoothed importance sampling (Vehtari, Gelman & Gabry 2017, Stat Comput 27:1413) with the
patient as the unit, on the likelihood with all patient effects integrated out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from itb_bayes.checks.loo import PatientLoo, leave_patients_out
from itb_bayes.errors import UsageError
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.pointwise import patient_log_likelihood, regimes_pointwise
from itb_bayes.inference.regimes_fitted import RegimesFit

AnyFit = Fit | RegimesFit


@dataclass(frozen=True)
class ComparisonRow:
    """One model in a comparison.

    Attributes
    ----------
    model, run : str
    elpd : float
        Sum over patients.
    difference, se_difference : float
        From the best model, with its standard error over patients; 0 for the best.
    n_bad : int
        Patients with an unreliable weight.
    """

    model: str
    run: str
    elpd: float
    difference: float
    se_difference: float
    n_bad: int


@dataclass(frozen=True)
class FitScore:
    """Leave-one-patient-out score of a fit.

    Attributes
    ----------
    model, run : str
    loo : PatientLoo
    """

    model: str
    run: str
    loo: PatientLoo


def score_fit(fit: AnyFit) -> FitScore:
    """Score a fit by leave-one-patient-out."""
    if isinstance(fit, RegimesFit):
        posterior = fit.thinned
        density = regimes_pointwise(fit.plan, fit.population(), posterior)["records"]
    else:
        posterior = fit.posterior
        density = patient_log_likelihood(fit.spec, fit.plan, posterior)
    return FitScore(fit.spec.name, fit.run_id, leave_patients_out(posterior, density))


def compare_fits(fits: Sequence[AnyFit]) -> tuple[ComparisonRow, ...]:
    """Compare fits of the same records, best first.

    Raises
    ------
    UsageError
        If fewer than two fits are given, or they do not rest on the same records.
    GateError
        If one of them did not pass its gate.
    """
    refuse_incomparable(fits)
    return comparison_rows([score_fit(fit) for fit in fits])


def refuse_incomparable(fits: Sequence[AnyFit]) -> None:
    """Refuse fits whose scores say nothing about each other; see :func:`compare_fits`."""
    if len(fits) < 2:
        raise UsageError("compare needs at least two fits.")
    for fit in fits:
        fit.require_gate()
        _refuse_other_records(fits[0], fit)


def comparison_rows(found: Sequence[FitScore]) -> tuple[ComparisonRow, ...]:
    """Return scores of the same patients side by side, best first."""
    scores = sorted(found, key=lambda s: -float(s.loo.elpd.sum()))
    best = scores[0].loo.elpd
    rows = []
    for score in scores:
        difference = score.loo.elpd - best
        rows.append(
            ComparisonRow(
                score.model,
                score.run,
                float(score.loo.elpd.sum()),
                float(difference.sum()),
                float(np.sqrt(difference.size * difference.var(ddof=1))),
                score.loo.n_bad,
            )
        )
    return tuple(rows)


def _refuse_other_records(first: AnyFit, fit: AnyFit) -> None:
    names = f"fit {fit.run_id} ({fit.spec.name}) and fit {first.run_id} ({first.spec.name})"
    if isinstance(first, Fit) and isinstance(fit, Fit):
        if not _same_doses(first, fit):
            raise UsageError(
                f"{names} do not rest on the same dose readings, so their scores cannot be "
                "compared. Fit both to one cohort with the same [series] settings."
            )
    elif isinstance(first, RegimesFit) and isinstance(fit, RegimesFit):
        if not _same_records(first, fit):
            raise UsageError(
                f"{names} do not rest on the same records, so their scores cannot be compared: "
                "fit both to one cohort, with the same channels on (a model that predicts fewer "
                "channels is not better for it)."
            )
    else:
        raise UsageError(
            f"{names} are of different kinds: one predicts doses alone, the other all channels, so "
            "their scores cannot be compared. `itb-bayes evaluate` judges both by what came."
        )


def _same_doses(first: Fit, other: Fit) -> bool:
    a, b = first.plan.series, other.plan.series
    return (
        np.array_equal(a.t_years, b.t_years)
        and np.array_equal(a.daily_dose_ug, b.daily_dose_ug)
        and np.array_equal(a.patient, b.patient)
    )


def _same_records(first: RegimesFit, other: RegimesFit) -> bool:
    a, b = first.plan, other.plan
    return (
        a.channels == b.channels
        and np.array_equal(a.offsets, b.offsets)
        and np.array_equal(a.data, b.data, equal_nan=True)
        and np.array_equal(a.codes, b.codes)
    )


def sentence(rows: tuple[ComparisonRow, ...], what: str = "left-out patients") -> str:
    """Say in words what the comparison shows; ``what`` is what was predicted."""
    best, second = rows[0], rows[1]
    gap, se = -second.difference, second.se_difference
    if gap > 2.0 * se and gap > 4.0:
        verdict = f"predicts {what} clearly better than {second.model}"
    elif gap > se:
        verdict = f"predicts {what} somewhat better than {second.model}"
    else:
        verdict = f"and {second.model} predict {what} about equally well"
    caution = ""
    if any(row.n_bad for row in rows):
        caution = " Some patients weigh too much for importance sampling (Pareto k): refit without."
    return f"{best.model} {verdict} (difference {gap:.1f}, standard error {se:.1f}).{caution}"
