"""All checks of a fit, in the order of a report."""

from itb_bayes.checks.convergence import convergence_checks, entries
from itb_bayes.checks.learning import learning_checks
from itb_bayes.checks.loo import leave_patients_out, loo_check
from itb_bayes.checks.pit import one_step_pit, pit_checks
from itb_bayes.checks.predictive import predictive_checks
from itb_bayes.checks.regimes_suite import check_regimes
from itb_bayes.checks.result import CheckResult
from itb_bayes.inference.fitted import Fit
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
        Convergence, prior against posterior, reported quantities, predictive checks, forecasts,
        leave-one-patient-out; of a regimes fit those of :func:`check_regimes`.
    """
    if isinstance(fit, RegimesFit):
        return check_regimes(fit, quiet)
    forecasts = one_step_pit(fit.plan, fit.thinned, fit.seed, quiet)
    return (
        *convergence_checks(fit.posterior, fit.gate),
        *learning_checks(fit.spec, fit.posterior, fit.estimands),
        *predictive_checks(fit.plan, fit.thinned, fit.seed),
        *pit_checks(forecasts),
        loo_check(
            leave_patients_out(
                fit.posterior, patient_log_likelihood(fit.spec, fit.plan, fit.posterior)
            ),
            len(entries(fit.posterior)),
        ),
    )
