"""The long risk table of regimes fits, which scripts rely on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Col
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.risk.explanations import PatientExplanations, Probability

COLUMNS = (
    "patient_id", "t_years", "quantity", "horizon_months", "explanation", "probability",
    "low", "high", "mcse", "mode", "model", "run", "status", "pareto_k", "synthetic",
)  # fmt: skip

SMOOTHED = "smoothed"
"""Quantity of rows that say what was there at a visit, judged from the whole record."""

NUMBERS = ("t_years", "horizon_months", "probability", "low", "high", "mcse", "pareto_k")
"""Columns of numbers; ``synthetic`` is a truth value, the others are text."""


def explanation_table(fit: RegimesFit, found: Sequence[PatientExplanations]) -> pd.DataFrame:
    """Return one row per patient, quantity and explanation, with :data:`COLUMNS`.

    ``quantity`` is ``present`` (the explanation is there now; the six of a patient sum to one),
    ``within`` (a new onset within the horizon; ``none``: none of the others begins) or ``at`` (the
    dose at the end of the horizon is more than 100 ug/day above the present one). A patient
    without an estimate has one row that says why.
    """
    rows: list[dict[str, Any]] = []
    for patient in found:
        common = {
            "patient_id": patient.patient_id,
            "t_years": round(patient.as_of_years, 4),
            **_labels(fit, patient.mode, patient.status),
            "pareto_k": patient.pareto_k,
        }
        if not patient.present:
            rows.append(common)
        for name, p in patient.present.items():
            rows.append({**common, "quantity": "present", "explanation": name, **_numbers(p)})
        for (months, name), p in patient.onset.items():
            rows.append(
                {
                    **common,
                    "quantity": "within",
                    "horizon_months": months,
                    "explanation": name,
                    **_numbers(p),
                }
            )
        for months, p in patient.rise.items():
            rows.append(
                {
                    **common,
                    "quantity": "at",
                    "horizon_months": months,
                    "explanation": "rise_over_100_ug",
                    **_numbers(p),
                }
            )
    return _frame(rows)


def unscored_table(fit: RegimesFit, patient_ids: Sequence[str], mode: str) -> pd.DataFrame:
    """Return one row for each patient who cannot be scored for want of a dose on record."""
    labels = _labels(fit, mode, "not estimated: no dose on record")
    return _frame([{"patient_id": patient_id, **labels} for patient_id in patient_ids])


def _labels(fit: RegimesFit, mode: str, status: str) -> dict[str, Any]:
    return {
        "mode": mode,
        "model": f"{fit.spec.name} {fit.spec.version}",
        "run": fit.run_id,
        "status": status,
        "synthetic": fit.synthetic,
    }


def _frame(rows: Any) -> pd.DataFrame:
    """Return rows, or columns by name, as a table with the columns and types of all risk tables."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(NUMBERS, float))


def _numbers(p: Probability) -> dict[str, float]:
    return {"probability": p.value, "low": p.low, "high": p.high, "mcse": p.mcse}


def visit_table(
    fit: RegimesFit,
    plan: RegimesPlan,
    probability: NDArray[np.float32],
    weight: NDArray[np.float64],
    mode: str,
    status: NDArray[np.object_],
    quantity: str = "present",
) -> pd.DataFrame:
    """Return probabilities at every step, one row per explanation.

    Parameters
    ----------
    fit : RegimesFit
    plan : RegimesPlan
    probability : ndarray, shape (n_draw, n_step, 6)
    weight : ndarray, shape (n_draw, n_step)
        Weights of the draws given what is used at each step.
    mode : str
    status : ndarray of str, shape (n_step,)
        Numbers are blank where it is not ``estimated``.
    quantity : str
        ``present`` (from what was known then) or :data:`SMOOTHED`.
    """
    mean = np.einsum("ds,dse->se", weight, probability)
    spread = np.empty((*mean.shape, 2))
    mcse = np.empty_like(mean)
    for e in range(mean.shape[1]):
        values = probability[:, :, e].astype(float)
        order = np.argsort(values, axis=0, kind="stable")
        ranked = np.take_along_axis(values, order, axis=0)
        cumulative = np.cumsum(np.take_along_axis(weight, order, axis=0), axis=0)
        for k, q in enumerate((0.05, 0.95)):
            at = np.minimum((cumulative < q).sum(axis=0), values.shape[0] - 1)
            spread[:, e, k] = np.take_along_axis(ranked, at[None], axis=0)[0]
        mcse[:, e] = np.sqrt((weight**2 * (values - mean[:, e]) ** 2).sum(axis=0))
    given = status == "estimated"
    mean[~given], spread[~given], mcse[~given] = np.nan, np.nan, np.nan
    n_step, n_explanation = mean.shape
    ids = np.array(plan.patient_ids, dtype=object)[plan.step_patient]
    return _frame(
        {
            "patient_id": np.repeat(ids, n_explanation),
            "t_years": np.repeat(np.round(plan.data[:, Col.T], 4), n_explanation),
            "quantity": quantity,
            "horizon_months": np.nan,
            "explanation": np.tile(EXPLANATIONS, n_step),
            "probability": mean.ravel(),
            "low": spread[:, :, 0].ravel(),
            "high": spread[:, :, 1].ravel(),
            "mcse": mcse.ravel(),
            **_labels(fit, mode, ""),
            "status": np.repeat(status, n_explanation),
            "pareto_k": np.nan,
        }
    )
