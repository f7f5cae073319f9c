"""The drift model as a PyMC model: population parameters only.

Patient effects and volatilities are integrated out inside the likelihood; they are drawn
afterwards from their exact conditionals (:mod:`itb_bayes.kernel.drift_effects`).
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from itb_bayes.kernel.drift_likelihood import static_statistics
from itb_bayes.kernel.structure import Process, stationary_scale
from itb_bayes.model.drift_op import DriftLogLikelihood
from itb_bayes.model.plan import DriftPlan
from itb_bayes.model.priors import per_label, random_variable
from itb_bayes.spec import DriftSpec


def build_drift(spec: DriftSpec, plan: DriftPlan) -> pm.Model:
    """Build the PyMC model of a drift plan.

    Free variables (model scale, log µg/day and years): ``level`` and ``drift`` (diagnosis),
    ``level_sd``, ``drift_sd``, ``correlation_01``; ``within_sd``; and, where the terms are on,
    ``titration_depth``, ``titration_depth_sd``, ``titration_follows_level``, ``titration_years``,
    ``persistent_share``, ``persistence_years``, ``tail_df``, ``centre_level_sd``,
    ``centre_drift_sd``, ``centre_level_z`` and ``centre_drift_z`` (centre), ``covariate_level``,
    ``covariate_drift``. All patient data enter through ``pm.Data``, so that no value of a patient
    is compiled into code.

    Returns
    -------
    pymc.Model
    """
    panel = plan.panel
    coords: dict[str, Any] = {"diagnosis": list(plan.diagnoses)}
    if plan.centres:
        coords["centre"] = list(plan.centres)
    if plan.level_covariates.names:
        coords["level_covariate"] = list(plan.level_covariates.names)
    if plan.drift_covariates.names:
        coords["drift_covariate"] = list(plan.drift_covariates.names)
    with pm.Model(coords=coords) as model:
        level, drift = _means(spec, plan)
        mean, cov = _effects(spec, plan, level, drift)
        op = DriftLogLikelihood(
            plan.structure.process, plan.structure.robust, plan.structure.is_static
        )
        outputs: Any = op(
            mean,
            cov,
            _scalars(spec, plan),
            pm.Data("t_years", panel.t_years),
            pm.Data("log_dose", panel.y),
            pm.Data("offsets", panel.offsets.astype(np.int32)),
            pm.Data("static", static_data(plan, panel.y)),
        )
        pm.Potential("log_likelihood", outputs[0].sum())
    return model


def static_data(plan: DriftPlan, y: Any) -> Any:
    """Return the precomputed Z' Z where the likelihood reads it, else one row of zeros."""
    if plan.structure.is_static:
        return static_statistics(plan.series.t_years, y, plan.series.offsets)
    q = plan.structure.n_effect + 1
    return np.zeros((1, q, q))


def _means(spec: DriftSpec, plan: DriftPlan) -> tuple[Any, Any]:
    """Return the population mean of level and drift of each patient, shape (n_patient,)."""
    priors = spec.resolved_priors
    level = per_label("level", priors["level"], "diagnosis", plan.diagnoses)
    drift = per_label("drift", priors["drift"], "diagnosis", plan.diagnoses)
    diagnosis = pm.Data("diagnosis_index", plan.diagnosis_index)
    level, drift = level[diagnosis], drift[diagnosis]
    if plan.centres:
        centre = pm.Data("centre_index", plan.centre_index)
        level += _centre_effect("level", spec)[centre]
        drift += _centre_effect("drift", spec)[centre]
    if plan.level_covariates.names:
        beta = random_variable("covariate_level", priors["covariate_level"], "level_covariate")
        level += pm.Data("level_design", plan.level_covariates.design) @ beta
    if plan.drift_covariates.names:
        beta = random_variable("covariate_drift", priors["covariate_drift"], "drift_covariate")
        drift += pm.Data("drift_design", plan.drift_covariates.design) @ beta
    return level, drift


def _centre_effect(of: str, spec: DriftSpec) -> Any:
    sd = random_variable(f"centre_{of}_sd", spec.resolved_priors[f"centre_{of}_sd"])
    return sd * pm.Normal(f"centre_{of}_z", dims="centre")


def _effects(spec: DriftSpec, plan: DriftPlan, level: Any, drift: Any) -> tuple[Any, Any]:
    """Return mean (n_patient, p) and between-patient covariance (p, p) of the effects."""
    priors = spec.resolved_priors
    s_level = random_variable("level_sd", priors["level_sd"])
    s_drift = random_variable("drift_sd", priors["drift_sd"])
    rho = 2.0 * random_variable("correlation_01", priors["level_drift_correlation"]) - 1.0
    v_level, c_both, v_drift = s_level**2, rho * s_level * s_drift, s_drift**2
    if not plan.structure.titration:
        cov = pt.stack([pt.stack([v_level, c_both]), pt.stack([c_both, v_drift])])
        return pt.stack([level, drift], axis=1), cov
    depth = random_variable("titration_depth", priors["titration_depth"])
    s_depth = random_variable("titration_depth_sd", priors["titration_depth_sd"])
    follows = random_variable("titration_follows_level", priors["titration_follows_level"])
    mean_depth = depth + follows * (level - priors["level"].params["mean"])
    cov = pt.stack(
        [
            pt.stack([v_level, c_both, follows * v_level]),
            pt.stack([c_both, v_drift, follows * c_both]),
            pt.stack([follows * v_level, follows * c_both, follows**2 * v_level + s_depth**2]),
        ]
    )
    return pt.stack([level, drift, mean_depth], axis=1), cov


def _scalars(spec: DriftSpec, plan: DriftPlan) -> Any:
    """Return (log sigma, log nu, share, log ell, log h); constants where a term is off."""
    priors = spec.resolved_priors
    zero = pt.constant(0.0)
    log_nu, share, log_ell, log_h = zero, zero, zero, zero
    log_sigma = pt.log(random_variable("within_sd", priors["within_sd"]))
    if plan.structure.robust:
        log_nu = pt.log(random_variable("tail_df", priors["tail_df"]))
    if plan.structure.process is not Process.NONE:
        share = random_variable("persistent_share", priors["persistent_share"])
    if plan.structure.process is Process.OU:
        ell = random_variable("persistence_years", priors["persistence_months"])
        log_ell = pt.log(ell)
        log_sigma, share = stationary_scale(log_sigma, share, ell, pt)
    if plan.structure.titration:
        log_h = pt.log(random_variable("titration_years", priors["titration_months"]))
    return pt.stack([log_sigma, log_nu, share, log_ell, log_h])
