"""The long risk table that scripts rely on."""

import pandas as pd

from itb_bayes.inference.fitted import Fit
from itb_bayes.risk.patient import PatientSummary

COLUMNS = (
    "patient_id", "t_years", "quantity", "horizon_months", "explanation", "probability",
    "low", "high", "mcse", "mode", "model", "run", "status", "synthetic",
)  # fmt: skip

MODE = "refit"
"""The patients' own records were part of the fit."""


def risk_table(fit: Fit, summaries: tuple[PatientSummary, ...]) -> pd.DataFrame:
    """Return one row per patient and horizon, with the columns of :data:`COLUMNS`.

    ``quantity`` is ``at`` and ``explanation`` is ``rise_over_100_ug``: at the end of the horizon
    the dose is more than 100 µg/day above the present one (it may have been so, and fallen again,
    before; that is not counted). A patient whose status is "not estimated" has a row without
    numbers.
    """
    rows = []
    for summary in summaries:
        common = {
            "patient_id": summary.patient_id,
            "t_years": round(summary.as_of_years, 4),
            "quantity": "at",
            "explanation": "rise_over_100_ug",
            "mode": MODE,
            "model": f"{fit.spec.name} {fit.spec.version}",
            "run": fit.run_id,
            "status": summary.status,
            "synthetic": fit.synthetic,
        }
        if not summary.forecasts:
            rows.append(common)
        for forecast in summary.forecasts:
            p = forecast.p_rise
            rows.append(
                {
                    **common,
                    "horizon_months": forecast.horizon_months,
                    "probability": p.value,
                    "low": p.low,
                    "high": p.high,
                    "mcse": p.mcse,
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))
