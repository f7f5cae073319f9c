"""Comparison of fits by leave-one-patient-out expected log predictive density.

Pareto-smoothed importance sampling (Vehtari, Gelman & Gabry 2017, Stat Comput 27:1413) with the
patient as the unit, on the likelihood with all patient effects integrated out.
"""

import warnings
from dataclasses import dataclass

import arviz_stats as az
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.errors import UsageError
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.pointwise import patient_log_likelihood


@dataclass(frozen=True)
class PatientLoo:
    """Leave-one-patient-out score of one fit.

    Attributes
    ----------
    model, run : str
    elpd : ndarray, shape (n_patient,)
        Expected log predictive density of each patient, given the others.
    pareto_k : ndarray, shape (n_patient,)
    good_k : float
        Above it the importance weights of a patient are not reliable.
    """

    model: str
    run: str
    elpd: NDArray[np.float64]
    pareto_k: NDArray[np.float64]
    good_k: float

    @property
    def n_bad(self) -> int:
        """Patients whose Pareto k is too large."""
        return int((self.pareto_k > self.good_k).sum())


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


def patient_loo(fit: Fit) -> PatientLoo:
    """Score a fit by leave-one-patient-out."""
    log_likelihood = patient_log_likelihood(fit.spec, fit.plan, fit.posterior)
    tree = xr.DataTree.from_dict(
        {"posterior": fit.posterior, "log_likelihood": log_likelihood.to_dataset()}
    )
    with warnings.catch_warnings():  # the comparison itself counts and says it
        warnings.filterwarnings("ignore", "Estimated shape parameter", UserWarning)
        result = az.loo(tree, var_name="readings", pointwise=True)
    return PatientLoo(
        fit.spec.name,
        fit.run_id,
        result.elpd_i.to_numpy(),
        result.pareto_k.to_numpy(),
        float(result.good_k),
    )


def compare_fits(fits: tuple[Fit, ...]) -> tuple[ComparisonRow, ...]:
    """Compare fits of the same readings, best first.

    Raises
    ------
    UsageError
        If fewer than two fits are given, or they do not rest on the same readings.
    GateError
        If one of them did not pass its gate.
    """
    if len(fits) < 2:
        raise UsageError("compare needs at least two fits.")
    reference = fits[0].plan.series
    for fit in fits:
        fit.require_gate()
        series = fit.plan.series
        if not (
            np.array_equal(series.t_years, reference.t_years)
            and np.array_equal(series.daily_dose_ug, reference.daily_dose_ug)
            and np.array_equal(series.patient, reference.patient)
        ):
            raise UsageError(
                f"fit {fit.run_id} ({fit.spec.name}) and fit {fits[0].run_id} "
                f"({fits[0].spec.name}) do not rest on the same dose readings, so their scores "
                "cannot be compared. Fit both to one cohort with the same [series] settings."
            )
    scores = sorted((patient_loo(fit) for fit in fits), key=lambda s: -float(s.elpd.sum()))
    best = scores[0].elpd
    rows = []
    for score in scores:
        difference = score.elpd - best
        se = float(np.sqrt(difference.size * difference.var(ddof=1)))
        rows.append(
            ComparisonRow(
                score.model,
                score.run,
                float(score.elpd.sum()),
                float(difference.sum()),
                se,
                score.n_bad,
            )
        )
    return tuple(rows)


def sentence(rows: tuple[ComparisonRow, ...]) -> str:
    """Say in words what the comparison shows."""
    best, second = rows[0], rows[1]
    gap, se = -second.difference, second.se_difference
    if gap > 2.0 * se and gap > 4.0:
        verdict = f"predicts left-out patients clearly better than {second.model}"
    elif gap > se:
        verdict = f"predicts left-out patients somewhat better than {second.model}"
    else:
        verdict = f"and {second.model} predict left-out patients about equally well"
    caution = ""
    if any(row.n_bad for row in rows):
        caution = " Some patients weigh too much for importance sampling (Pareto k): refit without."
    return f"{best.model} {verdict} (difference {gap:.1f}, standard error {se:.1f}).{caution}"
