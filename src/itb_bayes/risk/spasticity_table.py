"""The table of a spasticity fit: mean scores by phase, and contrasts with probabilities."""

from dataclasses import dataclass

import numpy as np

from itb_bayes.inference.spasticity_fitted import CONTRASTS, SpasticityFit
from itb_bayes.model.spasticity_plan import PHASES
from itb_bayes.risk.interval import Interval

KEPT_WITHIN = 0.25
"""A mean score that has risen by less than this is called kept; the smallest step of a mean of four
muscles."""


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table of scores.

    Attributes
    ----------
    quantity : str
    group : str
        Phase, or a difference such as ``after - before``.
    n_patient : int
    observed : float
        Mean of the patients' scores, without any model.
    interval : Interval
        In points.
    p_below_zero : float or None
        Posterior probability that a difference is negative.
    """

    quantity: str
    group: str
    n_patient: int
    observed: float
    interval: Interval
    p_below_zero: float | None = None


def patient_means(fit: SpasticityFit) -> np.ndarray:
    """Return each patient's mean score by phase, NaN where not read, shape (n_patient, 3)."""
    plan = fit.plan
    total = np.zeros((plan.n_patient, len(PHASES)))
    muscles = np.zeros_like(total)
    at = (plan.patient, plan.phase)
    np.add.at(total, at, plan.mean_score * plan.n_muscles)
    np.add.at(muscles, at, plan.n_muscles)
    return np.divide(total, muscles, out=np.full_like(total, np.nan), where=muscles > 0)


def spasticity_table(fit: SpasticityFit) -> tuple[ScoreRow, ...]:
    """Return mean scores, predicted for as many new patients too, and the contrasts."""
    means, draws, replicated = patient_means(fit), fit.scores, fit.replicated
    rows = []
    for k, phase in enumerate(PHASES):
        column = means[:, k]
        n, observed = int(np.isfinite(column).sum()), float(np.nanmean(column))
        values = draws["population_score"].sel(phase=phase).to_numpy()
        rows.append(ScoreRow("mean score", phase, n, observed, Interval.of(values)))
        rows.append(
            ScoreRow(f"mean of {n} new patients", phase, n, observed, Interval.of(replicated[:, k]))
        )
    for first, second in CONTRASTS:
        pair = f"{first} - {second}"
        both = means[:, PHASES.index(first)] - means[:, PHASES.index(second)]
        values = draws["difference"].sel(contrast=pair).to_numpy()
        rows.append(
            ScoreRow("difference of mean scores", pair, int(np.isfinite(both).sum()),
                     float(np.nanmean(both)), Interval.of(values), float((values < 0).mean()))
        )  # fmt: skip
    return tuple(rows)


def p_kept(fit: SpasticityFit) -> float:
    """Return the probability that the mean score at the end is kept; see :data:`KEPT_WITHIN`."""
    rise = fit.scores["difference"].sel(contrast="end - after").to_numpy()
    return float((rise < KEPT_WITHIN).mean())
