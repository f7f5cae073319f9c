"""All checks of a regimes fit, in the order of a report."""

from collections.abc import Callable

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr

from itb_bayes.checks.convergence import convergence_checks, entries
from itb_bayes.checks.learning import PROBABILITIES, prior_check
from itb_bayes.checks.loo import leave_patients_out, left_out_weights, loo_check
from itb_bayes.checks.regimes_forecasts import forecast_draws
from itb_bayes.checks.regimes_landmarks import landmark_checks
from itb_bayes.checks.regimes_pit import forecast_checks, left_out_checks
from itb_bayes.checks.regimes_predictive import joint_checks
from itb_bayes.checks.regimes_replicates import N_REPLICATE
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.sensitivity import channel_sensitivity, prior_sensitivity
from itb_bayes.inference.progress import Progress
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import RegimesDraws, regimes_draws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.inference.stored import thin
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model.regimes_plan import RegimesPlan

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
        forecasts by channel (with the patient left out of the population too, and at landmarks),
        confirmed faults, leave-one-patient-out, sensitivity to priors and to channels.
    """
    posterior, draws = fit.thinned, fit.population()
    progress = Progress("patients: draws", draws.n_draw, quiet=quiet)
    pointwise = pointwise_of(fit.plan, draws, posterior, progress.update)
    progress.finish()
    forecasting = Progress("one-step forecasts", 1, quiet=quiet)

    def report(done: int, total: int) -> None:
        forecasting.total = total
        forecasting.update(done)

    by_draw = forecast_draws(fit.plan, draws, report)
    forecasting.finish()
    forecasts = by_draw.average()
    weight, n_unreliable = left_out_weights(pointwise["records"])
    replicating = Progress("replicated cohorts", N_REPLICATE, quiet=quiet)
    joint = joint_checks(fit, replicating.update)
    replicating.finish()
    return (
        *convergence_checks(fit.posterior, fit.gate),
        prior_check(fit.spec, fit.posterior),
        probability_list(pointwise["now"]),
        *joint,
        *forecast_checks(fit.plan, forecasts, fit.seed),
        *left_out_checks(fit.plan, by_draw.average(weight), fit.seed, n_unreliable),
        *landmark_checks(fit.plan, by_draw, forecasts, fit.seed),
        loo_check(leave_patients_out(posterior, pointwise["records"]), len(entries(fit.posterior))),
        prior_sensitivity(fit.spec, posterior, pointwise["now"]),
        _channels(fit, quiet),
    )


def _channels(fit: RegimesFit, quiet: bool) -> CheckResult:
    few = thin(fit.posterior, SENSITIVITY_DRAWS_PER_CHAIN)
    draws = regimes_draws(fit.plan, few)
    now = pointwise_of(fit.plan, draws, few)["now"]
    progress = Progress("leaving out channels", len(fit.plan.channels), quiet=quiet)
    result = channel_sensitivity(fit.plan, draws, now, lambda done, total: progress.update(done))
    progress.finish()
    return result


def pointwise_of(
    plan: RegimesPlan,
    draws: RegimesDraws,
    posterior: xr.Dataset,
    on_draw: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Return log-likelihood and explanations of every patient by draw, on all cores.

    What :func:`itb_bayes.inference.pointwise.regimes_pointwise` returns: ``records``, dims (chain,
    draw, patient), and ``now``, with a further dimension ``explanation``.
    """
    states = filter_patients(plan, draws, on_draw)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], plan.n_patient)
    dims = ("chain", "draw", "patient")
    return xr.Dataset(
        {
            "records": (dims, states.log_likelihood.reshape(shape)),
            "now": ((*dims, "explanation"), states.now.reshape(*shape, len(EXPLANATIONS))),
        },
        coords={
            "chain": posterior["chain"],
            "draw": posterior["draw"],
            "explanation": list(EXPLANATIONS),
        },
    )


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
