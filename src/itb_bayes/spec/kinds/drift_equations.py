"""The equations of the kind ``drift`` in plain text, with the term settings of a specification."""

import math

from itb_bayes.spec.kinds.drift_spec import DriftSpec
from itb_bayes.spec.registry import Equation, TermNote


def drift_equations(spec: DriftSpec) -> tuple[Equation, ...]:
    """Return the equations of a drift model with its term settings."""
    return (
        _dose(spec),
        *_patient(spec),
        *_centre(spec),
        *_covariates(spec),
        *_titration(spec),
        *_process(spec),
        *_noise(spec),
    )


def drift_notes(spec: DriftSpec) -> tuple[TermNote, ...]:
    """Return one note per term of a drift model: setting, meaning, and the data it needs."""
    return (
        _series_note(spec),
        _titration_note(spec),
        _process_note(spec),
        _noise_note(spec),
        _centre_note(spec),
        _covariate_note(spec),
    )


def _dose(spec: DriftSpec) -> Equation:
    titration = " − T_i·exp(−t/h)" if spec.titration.use != "no" else ""
    process = " + W_i(t)" if spec.process.kind != "none" else ""
    return Equation(
        f"y_i(t) = α_i + β_i·(t − 1){titration}{process} + e_i(t)",
        "y: log of the daily dose in force (µg/day) of patient i, t years after implant; "
        "α: level of the long-term line at one year; β: drift of the log dose per year.",
    )


def _patient(spec: DriftSpec) -> tuple[Equation, ...]:
    centre = spec.centre.use != "no"
    level = "λ[d_i]" + (" + u[c_i]" if centre else "")
    drift = "δ[d_i]" + (" + w[c_i]" if centre else "")
    level += " + x_i·γ_α" if spec.covariates.level else ""
    drift += " + x_i·γ_β" if spec.covariates.drift else ""
    return (
        Equation(f"α_i = {level} + a_i", "Level: diagnosis d, and the patient's own part a."),
        Equation(f"β_i = {drift} + b_i", "Drift: diagnosis d, and the patient's own part b."),
        Equation(
            "(a_i, b_i) ~ Normal(0, [[σ_α², ρ·σ_α·σ_β], [ρ·σ_α·σ_β, σ_β²]])",
            "Patients of one group differ in level and drift, which may go together.",
        ),
    )


def _centre(spec: DriftSpec) -> tuple[Equation, ...]:
    if spec.centre.use == "no":
        return ()
    return (
        Equation(
            "u[c] ~ Normal(0, ω_α²),  w[c] ~ Normal(0, ω_β²)",
            "Centres c differ in level and in drift.",
        ),
    )


def _covariates(spec: DriftSpec) -> tuple[Equation, ...]:
    if not (spec.covariates.level or spec.covariates.drift):
        return ()
    parts = [
        f"{what}: {', '.join(columns)}"
        for what, columns in (("level", spec.covariates.level), ("drift", spec.covariates.drift))
        if columns
    ]
    return (Equation("x_i: patient covariates", f"Columns that shift the {'; the '.join(parts)}."),)


def _titration(spec: DriftSpec) -> tuple[Equation, ...]:
    if spec.titration.use == "no":
        return ()
    middle = math.exp(spec.resolved_priors["level"].params["mean"])
    return (
        Equation(
            "T_i = τ + κ·(α_i − m) + Normal(0, σ_T²)",
            "Titration depth: log of the plateau dose over the dose at implant; h is its time "
            f"constant; m is log {middle:.0f} µg/day, the middle of the prior of the level.",
        ),
    )


def _process(spec: DriftSpec) -> tuple[Equation, ...]:
    match spec.process.kind:
        case "ou":
            formula = "Cov(W_i(t), W_i(t′)) = σ²·v_i·s·exp(−|t − t′|/ℓ) / (2·(1 − exp(−1/ℓ)))"
            words = (
                "A deviation persists, because a dose holds until changed, and fades; σ²·s is the "
                "variance of its change over one year."
            )
        case "random_walk":
            formula = "Cov(W_i(t), W_i(t′)) = σ²·v_i·s·min(t − t₀, t′ − t₀)"
            words = "A deviation stays, and new ones add to it; W is 0 at the first point t₀."
        case _:
            return ()
    return (Equation(formula, words),)


def _noise(spec: DriftSpec) -> tuple[Equation, ...]:
    share = "" if spec.process.kind == "none" else "·(1 − s)"
    error = Equation(f"e_i(t) ~ Normal(0, σ²·v_i{share})", "Passing changes and rounding.")
    if spec.noise.kind == "gaussian":
        return (error, Equation("v_i = 1", "One volatility for all patients."))
    return (
        error,
        Equation(
            "v_i ~ InverseGamma(ν/2, ν/2)",
            "Every patient has their own volatility: a multivariate t of ν degrees of freedom.",
        ),
    )


def _series_note(spec: DriftSpec) -> TermNote:
    series = spec.series
    step = series.step_months
    grid = "every 6 months, or 12 where the records are about yearly"
    if step != "auto":
        grid = f"every {step:g} months"
    return TermNote(
        "series",
        f"step_months = {step if step == 'auto' else format(step, 'g')}, "
        f"from_years = {series.from_years:g}, minimum_points = {series.minimum_points}",
        f"The dose in force is read {grid}, from {series.from_years:g} years after implant on.",
        f"doses; patients with fewer than {series.minimum_points} points are set aside",
    )


def _titration_note(spec: DriftSpec) -> TermNote:
    use = spec.titration.use
    needs = {
        "auto": "dose records of the first year; off where there are none",
        "yes": "dose records of the first year",
        "no": "nothing",
    }
    meaning = "The rise of the first months after implant."
    return TermNote("titration", f"use = {use}", meaning, needs[use])


def _process_note(spec: DriftSpec) -> TermNote:
    kind = spec.process.kind
    meanings = {
        "ou": "Deviations from the line persist and fade (Ornstein-Uhlenbeck).",
        "random_walk": "Deviations from the line accumulate (random walk).",
        "none": "Deviations are independent from point to point; drift looks too certain.",
    }
    needs = "doses: several points per patient"
    return TermNote("process", f"kind = {kind}", meanings[kind], needs)


def _noise_note(spec: DriftSpec) -> TermNote:
    kind = spec.noise.kind
    meanings = {
        "patient_t": "Each patient has a volatility of their own.",
        "gaussian": "All patients have the same volatility.",
    }
    return TermNote("noise", f"kind = {kind}", meanings[kind], "doses")


def _centre_note(spec: DriftSpec) -> TermNote:
    use = spec.centre.use
    needs = {
        "auto": "patients.centre with at least two centres; off otherwise",
        "yes": "patients.centre with at least two centres",
        "no": "nothing",
    }
    return TermNote("centre", f"use = {use}", "Level and drift of centres.", needs[use])


def _covariate_note(spec: DriftSpec) -> TermNote:
    level, drift = spec.covariates.level, spec.covariates.drift
    columns = tuple(dict.fromkeys((*level, *drift)))
    missing = {
        "error": "a patient without a value is an error",
        "indicator": "a patient without a value gets an indicator of its own",
    }
    return TermNote(
        "covariates",
        f"level = [{', '.join(level)}], drift = [{', '.join(drift)}], "
        f"missing = {spec.covariates.missing}",
        "Patient columns that shift the level or the drift.",
        "; ".join([f"patients: {', '.join(columns)}", missing[spec.covariates.missing]])
        if columns
        else "nothing",
    )
