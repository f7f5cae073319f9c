"""Restricted maximum likelihood of the plain mixed model: statsmodels, with standard errors."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from numpy.typing import NDArray

from itb_bayes.model.plan import DriftPlan

Array = NDArray[np.float64]

FORMULA = "log_dose ~ 0 + diagnosis + diagnosis:decades"
YEARS = 10.0
"""Time in decades keeps the slopes' variance away from the size that statsmodels warns of."""


@dataclass(frozen=True)
class Reml:
    """Estimates by restricted maximum likelihood.

    Attributes
    ----------
    estimate, se : dict
        By the benchmark's names of the parameters; standard errors of spreads and correlation
        come from the curvature of the restricted likelihood (nan at a boundary).
    newton_step : float
        Distance from the estimate to the maximum of the restricted likelihood as written here,
        apart from statsmodels, in standard errors (one Newton step, the largest parameter).
    messages : tuple of str
        What statsmodels warned of.
    """

    estimate: dict[str, float]
    se: dict[str, float]
    newton_step: float
    messages: tuple[str, ...]


def frame_of(plan: DriftPlan) -> pd.DataFrame:
    """Return the readings of a plan as statsmodels wants them."""
    panel, patient = plan.panel, plan.series.patient
    return pd.DataFrame(
        {
            "log_dose": panel.y,
            "decades": (panel.t_years - 1.0) / YEARS,
            "diagnosis": np.array(plan.diagnoses)[plan.diagnosis_index[patient]],
            "patient": patient,
        }
    )


def fit_reml(plan: DriftPlan) -> Reml:
    """Fit by statsmodels' MixedLM and add standard errors of all parameters."""
    frame = frame_of(plan)
    model = smf.mixedlm(FORMULA, frame, groups=frame["patient"], re_formula="~decades")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = model.fit(reml=True, method=["lbfgs", "powell", "bfgs"])
    messages = tuple(sorted({str(warning.message).splitlines()[0] for warning in caught}))
    per_year = np.array([1.0, 1.0 / YEARS])
    cov = np.asarray(result.cov_re, dtype=float) * np.outer(per_year, per_year)
    sd = np.sqrt(np.diag(cov))
    correlation = float(cov[0, 1] / (sd[0] * sd[1]))
    estimate: dict[str, float] = {}
    se: dict[str, float] = {}
    for name in plan.diagnoses:
        for ours, theirs, scale in (
            (f"level[{name}]", f"diagnosis[{name}]", 1.0),
            (f"drift[{name}]", f"diagnosis[{name}]:decades", YEARS),
        ):
            estimate[ours] = float(result.fe_params[theirs]) / scale
            se[ours] = float(result.bse_fe[theirs]) / scale
    estimate |= {
        "level_sd": float(sd[0]),
        "drift_sd": float(sd[1]),
        "correlation": correlation,
        "within_sd": float(np.sqrt(result.scale)),
    }
    theta = np.array(
        [np.log(sd[0]), np.log(sd[1]), np.arctanh(correlation), np.log(result.scale) / 2.0]
    )
    errors, newton_step = _curvature(plan, theta)
    se |= {
        "level_sd": sd[0] * errors[0],
        "drift_sd": sd[1] * errors[1],
        "correlation": (1.0 - correlation**2) * errors[2],
        "within_sd": estimate["within_sd"] * errors[3],
    }
    return Reml(estimate, {k: float(v) for k, v in se.items()}, newton_step, messages)


def restricted_log_likelihood(plan: DriftPlan, theta: Array) -> float:
    """Return the restricted log-likelihood by its textbook formula (Patterson & Thompson 1971).

    Parameters
    ----------
    theta : ndarray, shape (4,)
        Log SD of level, log SD of drift, Fisher-transformed correlation, log residual SD.
    """
    s = np.exp(theta[:2])
    rho = np.tanh(theta[2])
    between = np.outer(s, s) * np.array([[1.0, rho], [rho, 1.0]])
    panel, k = plan.panel, 2 * len(plan.diagnoses)
    information, score, total = np.zeros((k, k)), np.zeros(k), 0.0
    for i in range(plan.n_patient):
        t, y = panel.patient(i)
        z = np.stack([np.ones_like(t), t - 1.0], axis=1)
        x = np.zeros((t.size, k))
        x[:, 2 * plan.diagnosis_index[i] : 2 * plan.diagnosis_index[i] + 2] = z
        v = z @ between @ z.T + np.exp(2.0 * theta[3]) * np.eye(t.size)
        solved = np.linalg.solve(v, np.column_stack([x, y]))
        information += x.T @ solved[:, :k]
        score += x.T @ solved[:, k]
        total += np.linalg.slogdet(v)[1] + y @ solved[:, k]
    explained = score @ np.linalg.solve(information, score)
    return float(-0.5 * (total - explained + np.linalg.slogdet(information)[1]))


def _curvature(plan: DriftPlan, theta: Array, step: float = 1e-3) -> tuple[Array, float]:
    """Return standard errors from central differences, and the largest Newton step in them."""
    n = theta.size
    unit = np.eye(n) * step

    def value(shift: Array) -> float:
        return restricted_log_likelihood(plan, theta + shift)

    slope = np.array([(value(unit[a]) - value(-unit[a])) / (2.0 * step) for a in range(n)])
    hessian = np.empty((n, n))
    for a in range(n):
        for b in range(a, n):
            hessian[a, b] = hessian[b, a] = (
                value(unit[a] + unit[b])
                - value(unit[a] - unit[b])
                - value(unit[b] - unit[a])
                + value(-unit[a] - unit[b])
            ) / (4.0 * step**2)
    if np.linalg.eigvalsh(-hessian).min() <= 0.0:
        return np.full(n, np.nan), float("nan")
    cov = np.linalg.inv(-hessian)
    errors = np.sqrt(np.diag(cov))
    return errors, float(np.abs(cov @ slope / errors).max())
