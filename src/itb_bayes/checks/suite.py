"""All checks of a fit, in the order of a report."""

from itb_bayes.checks.convergence import convergence_checks, entries
from itb_bayes.checks.landmarks import landmark_checks
from itb_bayes.checks.learning import learning_checks
from itb_bayes.checks.loo import leave_patients_out, left_out_weights, loo_check
from itb_bayes.checks.pit import left_out_check, one_step_pit, pit_checks
from itb_bayes.checks.predictive import predictive_checks
from itb_bayes.checks.regimes_suite import check_regimes
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.sensitivity import prior_sensitivity, rise_probabilities
from itb_bayes.inference.fitted import Fit, thin
from itb_bayes.inference.pointwise import patient_log_likelihood
from itb_bayes.inference.regimes_fitted import RegimesFit


def check_fit(fit: Fit | RegimesFit, quiet: bool = True) -> tuple[CheckResult, ...]:
    """Run every check of a fit; nothing is sampled anew.

    The gate need not have passed: an unconverged fit is checked too, and says so.

    Parameters
    ----------
    fit : Fit or RegimesFit
    quiet : bool
        No progress on stderr.

    Returns
    -------
    tuple of CheckResult
        Convergence, prior against posterior, reported quantities, predictive checks, forecasts
        (with the patient left out of the population too, and at landmarks),
        leave-one-patient-out, sensitivity of the patients' probabilities to priors; of a regimes
        fit those of :func:`check_regimes`.
    """
    if isinstance(fit, RegimesFit):
        return check_regimes(fit, quiet)
    likelihood = patient_log_likelihood(fit.spec, fit.plan, fit.posterior)
    few = thin(likelihood.to_dataset(name="records"))["records"]
    weight, n_unreliable = left_out_weights(few)
    forecasts = one_step_pit(fit.plan, fit.thinned, fit.seed, quiet, weight)
    posterior = thin(fit.posterior)
    rises = rise_probabilities(fit.patients().p_rise[:, :, 0], posterior)
    return (
        *convergence_checks(fit.posterior, fit.gate),
        *learning_checks(fit.spec, fit.posterior, fit.estimands),
        *predictive_checks(fit.plan, fit.thinned, fit.seed),
        *pit_checks(forecasts),
        left_out_check(forecasts, n_unreliable),
        *landmark_checks(fit.plan, fit.thinned, fit.seed),
        loo_check(leave_patients_out(fit.posterior, likelihood), len(entries(fit.posterior))),
        prior_sensitivity(fit.spec, posterior, rises),
    )
