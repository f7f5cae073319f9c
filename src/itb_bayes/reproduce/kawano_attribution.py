"""Kawano 2018, the five fluctuating patients: what the clinic called it, what the model says."""

from pathlib import Path

import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.reproduce.account import Table
from itb_bayes.risk.scoring import score_cohort

CALLED = {
    "tolerance_diagnosed": "tolerance",
    "disease_progression": "progression",
    "disease_improvement": "improvement (dose lowered)",
    "catheter_fault_confirmed": "catheter",
    "pump_fault_confirmed": "pump",
}
"""What the clinic wrote down, and what the paper calls it."""

BEFORE_YEARS = 0.02
"""Probabilities are as of a week before the clinic gave it a name."""


def attribution_table(cohort: Cohort, regimes: Path | None) -> Table:
    """Return what explains each named course, beside the paper's attribution.

    Parameters
    ----------
    cohort : Cohort
    regimes : Path or None
        A fit of @regimes; without it the clinic's words stand alone.
    """
    named = cohort.events[cohort.events["event"].isin(CALLED)]
    said = _probabilities(cohort, named, regimes) if regimes is not None else {}
    nothing = "not scored" if regimes is None else "not estimated: weights unreliable"
    rows = []
    for k, (event, patient, t) in enumerate(
        zip(named["event"], named["patient_id"], named["t_years"], strict=True)
    ):
        words = said.get(str(patient), nothing)
        rows.append((f"{k + 1}", CALLED[event], f"{t:.1f}", words))
    return Table(
        "attribution",
        "What the clinic called it, and what the model said a week before",
        ("patient", "called (paper: 2 tolerance, 2 progression, 1 improvement; 3 catheter, 1 pump)",
         "year", "posterior, present now"),
        tuple(rows),
        "Scored by the regimes fit given with --regimes (of this cohort, or of a larger one like "
        "it), on records up to a week before the clinic gave it a name. Improvement is no "
        "explanation of a rise.",
    )  # fmt: skip


def _probabilities(cohort: Cohort, named: pd.DataFrame, regimes: Path) -> dict[str, str]:
    fitted = load_fit(regimes)
    if not isinstance(fitted, RegimesFit):
        raise ModelError(
            f"{regimes} is a fit of kind {fitted.spec.kind!r}; --regimes needs one of kind "
            "'regimes', for example of @regimes."
        )
    fitted.require_gate()
    until = dict(zip(named["patient_id"], named["t_years"] - BEFORE_YEARS, strict=True))
    table = score_cohort(fitted, cohort, until_years=until)
    present = table[table["quantity"] == "present"]
    words = {}
    for patient, rows in present.groupby("patient_id"):
        known = rows.dropna(subset=["probability"]).sort_values("probability", ascending=False)
        words[str(patient)] = (
            ", ".join(
                f"{name} {p:.2f}"
                for name, p in zip(known["explanation"], known["probability"], strict=True)
                if p >= 0.05
            )
            or "not estimated"
        )
    return words
