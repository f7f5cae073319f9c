"""Kawano 2018, the five fluctuating patients: what the clinic called it, what the model says."""

from pathlib import Path

import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.model.regimes_plan import plan_scoring
from itb_bayes.reproduce.account import Table
from itb_bayes.risk.explanations import PatientExplanations, explain_patients

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

LEAST_SHOWN = 0.05
"""Explanations less probable than this are not listed."""


def attribution_table(cohort: Cohort, regimes: RegimesFit | None) -> Table:
    """Return what explains each named course, beside the paper's attribution.

    Parameters
    ----------
    cohort : Cohort
    regimes : RegimesFit or None
        A fit that passed its gate; without it the clinic's words stand alone.
    """
    named = cohort.events[cohort.events["event"].isin(CALLED)]
    said = {} if regimes is None else _probabilities(cohort, named, regimes)
    rows = tuple(
        (f"{k + 1}", CALLED[event], f"{t:.1f}", said.get(patient, "not scored"))
        for k, (event, patient, t) in enumerate(
            zip(named["event"], named["patient_id"].astype(str), named["t_years"], strict=True)
        )
    )
    return Table(
        "attribution",
        "What the clinic called it, and what the model said a week before",
        ("patient", "called (paper: 2 tolerance, 2 progression, 1 improvement; 3 catheter, 1 pump)",
         "year", "posterior, present now"),
        rows,
        f"{_who_says(cohort, regimes)} Records up to a week before the clinic gave it a name. "
        "Improvement is no explanation of a rise.",
    )  # fmt: skip


def load_regimes(folder: Path) -> RegimesFit:
    """Return the fit by which courses are attributed.

    Raises
    ------
    ModelError
        If it is of another kind.
    GateError
        If it did not pass its convergence gate.
    """
    fitted = load_fit(folder)
    if not isinstance(fitted, RegimesFit):
        raise ModelError(
            f"{folder} is a fit of kind {fitted.spec.kind!r}; --regimes needs one of kind "
            "'regimes', for example of @regimes."
        )
    fitted.require_gate()
    return fitted


def knows(fit: RegimesFit, cohort: Cohort) -> bool:
    """Return whether a fit was made of this very cohort."""
    return str(fit.manifest["cohort_fingerprint"]) == cohort.fingerprint


def _who_says(cohort: Cohort, regimes: RegimesFit | None) -> str:
    if regimes is None:
        return "Scored where a regimes fit is given with --regimes."
    if knows(regimes, cohort):
        return (
            f"Scored by the fit {regimes.run_id} of this very cohort: its population parameters "
            "know the later records too, the patients' probabilities do not."
        )
    return (
        f"Scored by the fit {regimes.run_id} of cohort {regimes.manifest['cohort']}, which has not "
        "seen these patients: its draws are weighted by each patient's own records."
    )


def _probabilities(cohort: Cohort, named: pd.DataFrame, fit: RegimesFit) -> dict[str, str]:
    """Return the probabilities of each patient, as of a week before their course was named."""
    until = dict(zip(named["patient_id"].astype(str), named["t_years"] - BEFORE_YEARS, strict=True))
    plan = plan_scoring(fit.plan, cohort, until_years=until)
    # A patient of the fit has had their say in its draws already: weights would count them twice.
    mode = "refit" if knows(fit, cohort) else "conditional"
    found = explain_patients(plan, fit.population(plan), mode=mode, seed=fit.seed)
    return {said.patient_id: _words(said) for said in found if said.patient_id in until}


def _words(said: PatientExplanations) -> str:
    if not said.present:
        return said.status
    ordered = sorted(said.present.items(), key=lambda item: (-item[1].value, item[0]))
    return ", ".join(f"{name} {p.value:.2f}" for name, p in ordered if p.value >= LEAST_SHOWN)
