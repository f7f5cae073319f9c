"""Leave-one-patient-out by Pareto-smoothed importance sampling, and patients it cannot leave out.

Vehtari, Gelman & Gabry 2017 (Stat Comput 27:1413), with the patient as the unit, on the likelihood
with everything of the patient integrated out.
"""

import warnings
from dataclasses import dataclass

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.result import CheckResult
from itb_bayes.risk.weights import importance_weights

VERY_BAD_K = 1.0


@dataclass(frozen=True)
class PatientLoo:
    """Leave-one-patient-out score of one fit.

    Attributes
    ----------
    elpd : ndarray, shape (n_patient,)
        Expected log predictive density of each patient, given the others.
    pareto_k : ndarray, shape (n_patient,)
    good_k : float
        Above it the importance weights of a patient are not reliable.
    p_loo : float
        Effective number of parameters.
    """

    elpd: NDArray[np.float64]
    pareto_k: NDArray[np.float64]
    good_k: float
    p_loo: float

    @property
    def n_bad(self) -> int:
        """Patients whose Pareto k is too large."""
        return int((self.pareto_k > self.good_k).sum())


def leave_patients_out(posterior: xr.Dataset, log_likelihood: xr.DataArray) -> PatientLoo:
    """Score a posterior by leave-one-patient-out.

    Parameters
    ----------
    posterior : xarray.Dataset
        For the autocorrelation of its draws.
    log_likelihood : xarray.DataArray
        Of each patient's records, dims (chain, draw, patient).
    """
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "log_likelihood": log_likelihood.rename("records").to_dataset(),
        }
    )
    with warnings.catch_warnings():  # the comparison itself counts and says it
        warnings.filterwarnings("ignore", "Estimated shape parameter", UserWarning)
        result = az.loo(tree, var_name="records", pointwise=True)
    return PatientLoo(
        result.elpd_i.to_numpy(), result.pareto_k.to_numpy(), float(result.good_k), float(result.p)
    )


def left_out_weights(log_likelihood: xr.DataArray) -> tuple[NDArray[np.float64], int]:
    """Return weights of the draws that stand for the posterior without each patient.

    Parameters
    ----------
    log_likelihood : xarray.DataArray
        Of each patient's records, dims (chain, draw, patient).

    Returns
    -------
    weight : ndarray, shape (n_chain * n_draw, n_patient)
        Each patient's sum to one; NaN for patients whose weights cannot be relied on.
    n_unreliable : int
    """
    values = log_likelihood.transpose("chain", "draw", "patient").to_numpy()
    found = importance_weights(-values.reshape(-1, values.shape[2]))
    weight = np.where(found.reliable, found.weight, np.nan)
    return weight, int((~found.reliable).sum())


def loo_check(loo: PatientLoo, n_parameter: int) -> CheckResult:
    """Show whether every patient can be left out by weights, and say what to do where not.

    Parameters
    ----------
    loo : PatientLoo
    n_parameter : int
        Sampled scalars; a p_loo above it speaks for a wrong model.
    """
    k, n = loo.pareto_k, loo.pareto_k.size
    edges = (-np.inf, loo.good_k, VERY_BAD_K, np.inf)
    labels = (f"good (up to {loo.good_k:.2f})", "bad (up to 1)", "very bad (above 1)")
    counts, _ = np.histogram(k, edges)
    table = pd.DataFrame({"pareto_k": labels, "n_patient": counts, "percent": 100.0 * counts / n})
    summary = (
        f"elpd {loo.elpd.sum():.1f} (standard error {np.sqrt(n * loo.elpd.var(ddof=1)):.1f}), "
        f"p_loo {loo.p_loo:.1f} of {n_parameter} parameters; {loo.n_bad} of {n} patients have a "
        f"Pareto k above {loo.good_k:.2f} (largest {k.max():.2f})."
    )
    if loo.n_bad:
        summary += (
            " Each of them moves the posterior too much to be left out by weights: fit again "
            "without the patient and score them by that fit (`itb-bayes score`); look at their "
            "records first, since such patients are often errors of data or new to the model."
        )
    return CheckResult(
        "loo",
        "Does any single patient decide the posterior?",
        "none: a small cohort has such patients under a right model too; weights are reliable up "
        f"to a Pareto k of {loo.good_k:.2f} for this number of draws (Vehtari 2024, JMLR 25:72)",
        None,
        summary,
        table,
    )
