"""The kind ``drift``: long-term drift of the dose from dose records only."""

from typing import Any

from itb_bayes.spec.kinds.drift_equations import drift_equations, drift_notes
from itb_bayes.spec.kinds.drift_spec import DriftSpec
from itb_bayes.spec.problems import KeyPath
from itb_bayes.spec.registry import Kind, PriorNeed, Terms


def _on(setting: Any) -> bool:
    return setting != "no"


def _some(columns: Any) -> bool:
    return len(columns) > 0


_TITRATION = ("titration", "use")
_CENTRE = ("centre", "use")
_PROCESS = ("process", "kind")

NEEDS = (
    PriorNeed(
        "level",
        "λ[d]",
        "typical dose of a diagnosis one year after implant",
        "ug/day",
        "real",
        by_diagnosis=True,
    ),
    PriorNeed(
        "drift",
        "δ[d]",
        "typical drift of a diagnosis",
        "percent_per_year",
        "real",
        by_diagnosis=True,
    ),
    PriorNeed(
        "level_sd",
        "σ_α",
        "spread of the log dose between patients",
        "log",
        "positive",
        as_ratio=True,
    ),
    PriorNeed(
        "drift_sd", "σ_β", "spread of the drift between patients", "percent_per_year_sd", "positive"
    ),
    PriorNeed(
        "level_drift_correlation",
        "ρ",
        "correlation of a patient's dose level and drift",
        "correlation",
        "unit",
    ),
    PriorNeed(
        "titration_depth",
        "τ",
        "plateau dose over the dose at implant",
        "ratio",
        "real",
        _TITRATION,
        _on,
    ),
    PriorNeed(
        "titration_depth_sd",
        "σ_T",
        "spread of the titration depth between patients",
        "log",
        "positive",
        _TITRATION,
        _on,
        as_ratio=True,
    ),
    PriorNeed(
        "titration_follows_level",
        "κ",
        "how far the titration depth follows the patient's level",
        "log",
        "real",
        _TITRATION,
        _on,
    ),
    PriorNeed(
        "titration_months",
        "h",
        "time constant of the titration",
        "months",
        "positive",
        _TITRATION,
        _on,
    ),
    PriorNeed(
        "within_sd",
        "σ",
        "typical size of the change of one year around the line (iid: of the deviations)",
        "log",
        "positive",
        as_ratio=True,
    ),
    PriorNeed(
        "persistence_months",
        "ℓ",
        "time after which a deviation has faded to 37 %",
        "months",
        "positive",
        _PROCESS,
        lambda kind: kind == "ou",
    ),
    PriorNeed(
        "persistent_share",
        "s",
        "share of the variance of a year's change that persists",
        "share",
        "unit",
        _PROCESS,
        lambda kind: kind != "none",
    ),
    PriorNeed(
        "tail_df",
        "ν",
        "degrees of freedom of the patients' volatilities",
        "count",
        "positive",
        ("noise", "kind"),
        lambda kind: kind == "patient_t",
    ),
    PriorNeed(
        "centre_level_sd",
        "ω_α",
        "spread of the level of centres",
        "log",
        "positive",
        _CENTRE,
        _on,
        as_ratio=True,
    ),
    PriorNeed(
        "centre_drift_sd",
        "ω_β",
        "spread of the drift of centres",
        "percent_per_year_sd",
        "positive",
        _CENTRE,
        _on,
    ),
    PriorNeed(
        "covariate_level",
        "γ_α",
        "effect of a covariate on the log dose",
        "log",
        "real",
        ("covariates", "level"),
        _some,
        as_ratio=True,
    ),
    PriorNeed(
        "covariate_drift",
        "γ_β",
        "effect of a covariate on the drift",
        "percent_per_year",
        "real",
        ("covariates", "drift"),
        _some,
    ),
)


def _rules(terms: Terms) -> list[tuple[KeyPath, str]]:
    found: list[tuple[KeyPath, str]] = []
    series, titration = terms.get("series"), terms.get("titration")
    if series and titration and titration.use == "yes" and series.from_years >= 1.0:
        message = (
            '"yes" needs points of the first year, but the series starts at '
            f'{series.from_years:g} years; lower series.from_years or say titration.use = "no"'
        )
        found.append((("titration", "use"), message))
    return found


KIND = Kind(
    name="drift",
    spec_class=DriftSpec,
    needs=NEEDS,
    rules=_rules,
    equations=drift_equations,
    notes=drift_notes,
)
