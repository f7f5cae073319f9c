"""Comparison of models by the future of the whole clinic: leave-future-out by refitting.

Nothing after the landmark is seen, of no patient: each model is sampled again on the records up to
it, and foretells what came after. Exact, where :mod:`itb_bayes.evaluate.futures` weighs the draws
of one fit (leave-future-out: Bürkner, Gabry & Vehtari 2020, J Stat Comput Simul 90:2499).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from itb_bayes.checks.loo import PatientLoo
from itb_bayes.errors import GateError
from itb_bayes.evaluate.compare import (
    AnyFit,
    ComparisonRow,
    FitScore,
    comparison_rows,
    refuse_incomparable,
)
from itb_bayes.evaluate.futures import (
    EDGE,
    drift_later,
    drift_part,
    patients_across,
    regimes_later,
)
from itb_bayes.inference.gate import judge
from itb_bayes.inference.regimes_fitted import PATIENT_DRAWS_PER_CHAIN, RegimesFit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.inference.stored import thin
from itb_bayes.model.plan import DriftPlan
from itb_bayes.model.regimes_plan import RegimesPlan


def compare_clinic_futures(
    fits: Sequence[AnyFit], after_years: float, say: Callable[[str], None] = lambda text: None
) -> tuple[ComparisonRow, ...]:
    """Sample every model on the records up to a landmark; compare what it foretells, best first.

    Parameters
    ----------
    fits : sequence of Fit or RegimesFit
        Of the same records; their sampler's settings and seed are used again.
    after_years : float
        The landmark, in years since implant.
    say : callable
        Told, in words, what is being sampled.

    Raises
    ------
    UsageError
        If fits cannot be compared (:func:`~itb_bayes.evaluate.compare.compare_fits`), or fewer
        than five patients have records on both sides of the landmark.
    GateError
        If a fit, or a model sampled again, did not pass the gate.
    """
    refuse_incomparable(fits)
    return comparison_rows([_score(fit, after_years, say) for fit in fits])


def _score(fit: AnyFit, after_years: float, say: Callable[[str], None]) -> FitScore:
    refuse_few(fit, after_years)
    say(f"{fit.spec.name}: sampling on the records up to year {after_years:g}")
    posterior = sample_past(fit, after_years)
    if isinstance(fit, RegimesFit):
        density = regimes_later(fit.plan, thin(posterior, PATIENT_DRAWS_PER_CHAIN), after_years)
    else:
        density = drift_later(fit.spec, fit.plan, posterior, after_years)
    by_draw = density.stack(sample=("chain", "draw")).transpose("sample", "patient").to_numpy()
    elpd = logsumexp(by_draw, axis=0) - np.log(len(by_draw))
    exact = PatientLoo(elpd, np.zeros_like(elpd), np.inf, np.nan)
    return FitScore(fit.spec.name, fit.run_id, exact)


def refuse_few(fit: AnyFit, after_years: float) -> None:
    """Refuse a landmark before the sampler runs; see :func:`compare_clinic_futures`."""
    if isinstance(fit, RegimesFit):
        patients_across(fit.plan.t_years, fit.plan.offsets, after_years)
    else:
        patients_across(fit.plan.series.t_years, fit.plan.series.offsets, after_years)


def sample_past(fit: AnyFit, after_years: float) -> xr.Dataset:
    """Return the posterior given nothing but the records up to a landmark.

    Raises
    ------
    GateError
        If it did not pass the gate.
    """
    from itb_bayes.inference.refit import sample_plan  # PyMC is heavy: where it is used

    past: Any
    if isinstance(fit, RegimesFit):
        past = regimes_past(fit.plan, after_years)
    else:
        past = drift_past(fit.plan, after_years)
    tree = sample_plan(fit.spec, past, SamplerSettings(**fit.manifest["settings"]))
    gate = judge(tree, {})
    if not gate.passed:
        raise GateError(
            f"{fit.spec.name}, sampled on the records up to year {after_years:g}, did not pass the "
            "convergence gate; nothing is compared.\n  "
            + "\n  ".join(gate.failures())
            + "\nFit with --profile paper, whose settings are used here as well, or choose a later "
            "--after."
        )
    return tree["posterior"].to_dataset()


def drift_past(plan: DriftPlan, until_years: float) -> DriftPlan:
    """Return the plan with readings up to a time, of all patients who have one."""
    first = plan.series.t_years[plan.series.offsets[:-1]]
    return drift_part(plan, np.flatnonzero(first <= until_years + EDGE), until_years)


def regimes_past(plan: RegimesPlan, until_years: float) -> RegimesPlan:
    """Return the plan with days of record up to a time, of all patients who have one."""
    kept = plan.t_years <= until_years + EDGE
    return plan.select(np.unique(plan.step_patient[kept]), kept)
