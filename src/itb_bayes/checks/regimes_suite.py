"""All checks of a regimes fit, in the order of a report."""

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr

from itb_bayes.checks.convergence import convergence_checks, entries
from itb_bayes.checks.learning import PROBABILITIES, prior_check
from itb_bayes.checks.loo import leave_patients_out, loo_check
from itb_bayes.checks.regimes_forecasts import forecast_readings
from itb_bayes.checks.regimes_pit import forecast_checks
from itb_bayes.checks.regimes_predictive import joint_checks
from itb_bayes.checks.regimes_replicates import N_REPLICATE
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.sensitivity import channel_sensitivity, prior_sensitivity
from itb_bayes.inference.pointwise import regimes_pointwise
from itb_bayes.inference.progress import Progress
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import regimes_draws
from itb_bayes.inference.stored import thin

SENSITIVITY_DRAWS_PER_CHAIN = 50
"""Draws of each chain on which channels are left out."""


def check_regimes(fit: RegimesFit, quiet: bool = True) -> tuple[CheckResult, ...]:
    """Run every check of a regimes fit; nothing is sampled anew.

    Parameters
    ----------
    fit : RegimesFit
        Its gate need not have passed.
    quiet : bool
        No progress on stderr.

    Returns
    -------
    tuple of CheckResult
        Convergence, prior against posterior, reported probabilities, replicated cohorts,
        forecasts by channel, confirmed faults, leave-one-patient-out, sensitivity to priors and
        to channels.
    """
    posterior, draws = fit.thinned, fit.population()
    progress = Progress("patients: draws", draws.n_draw, quiet=quiet)
    pointwise = regimes_pointwise(fit.plan, draws, posterior, progress.update)
    progress.finish()
    forecasting = Progress("one-step forecasts", 1, quiet=quiet)

    def report(done: int, total: int) -> None:
        forecasting.total = total
        forecasting.update(done)

    forecasts = forecast_readings(fit.plan, draws, report)
    forecasting.finish()
    replicating = Progress("replicated cohorts", N_REPLICATE, quiet=quiet)
    joint = joint_checks(fit, replicating.update)
    replicating.finish()
    return (
        *convergence_checks(fit.posterior, fit.gate),
        prior_check(fit.spec, fit.posterior),
        probability_list(pointwise["now"]),
        *joint,
        *forecast_checks(fit.plan, forecasts, fit.seed),
        loo_check(leave_patients_out(posterior, pointwise["records"]), len(entries(fit.posterior))),
        prior_sensitivity(fit.spec, posterior, pointwise["now"]),
        _channels(fit, quiet),
    )


def _channels(fit: RegimesFit, quiet: bool) -> CheckResult:
    few = thin(fit.posterior, SENSITIVITY_DRAWS_PER_CHAIN)
    draws = regimes_draws(fit.plan, few)
    now = regimes_pointwise(fit.plan, draws, few)["now"]
    progress = Progress("leaving out channels", len(fit.plan.channels), quiet=quiet)
    result = channel_sensitivity(
        fit.plan, draws, few, now, lambda done, total: progress.update(done)
    )
    progress.finish()
    return result


def probability_list(now: xr.DataArray) -> CheckResult:
    """List how many patients the explanations hold for, and how well they were drawn.

    Parameters
    ----------
    now : xarray.DataArray
        Dims (chain, draw, patient, explanation).
    """
    rows = []
    leading = now.mean(("chain", "draw")).argmax("explanation").to_numpy()
    for k, name in enumerate(now["explanation"].to_numpy()):
        each = now.sel(explanation=name)
        expected = each.sum("patient")
        low, middle, high = np.quantile(expected.to_numpy(), PROBABILITIES)
        with np.errstate(divide="ignore", invalid="ignore"):  # a probability may be constant
            r_hat = az.rhat(each.to_dataset(name="x"))["x"]
            ess = az.ess(each.to_dataset(name="x"), method="bulk")["x"]
        rows.append(
            {
                "explanation": str(name),
                "patients_expected_q05": low,
                "patients_expected_q50": middle,
                "patients_expected_q95": high,
                "patients_first": int((leading == k).sum()),
                "worst_r_hat": float(r_hat.max()),
                "least_ess_bulk": float(ess.min()),
            }
        )
    return CheckResult(
        "probabilities",
        "What does the posterior say about the patients, and is each probability drawn well?",
        "none (the gate decides); expected numbers of patients with each explanation at their last "
        "record, with 90 % intervals, and the worst R-hat and ESS of any patient's probability",
        None,
        f"{now.sizes['patient']} patients, {len(rows)} explanations.",
        pd.DataFrame(rows),
    )
