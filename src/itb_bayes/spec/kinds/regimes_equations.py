"""The equations of the kind ``regimes`` in plain text, with its term settings."""

from itb_bayes.spec.kinds.regimes_spec import CHANNELS, RegimesSpec
from itb_bayes.spec.registry import Equation, TermNote

_MEANINGS = {
    "ashworth": (
        "Mean Ashworth score of a visit.",
        "assessments (ashworth_0_4, …, mas)",
    ),
    "spasms": ("Penn score, with an offset of each patient.", "assessments (penn)"),
    "dose": ("Dose changes: the clinic's policy acting on the reading.", "doses"),
    "refills": ("Volume left at a refill; separates pump from catheter.", "refills"),
    "tests": ("Dye study, aspiration, rotor study.", "events (dye_study, aspiration, rotor_study)"),
    "events": ("Confirmed faults, operations, and that none was confirmed.", "events"),
    "labels": ("What the clinic wrote down.", "events (tolerance_diagnosed, trigger, …)"),
    "neuro": ("Changes of the EDSS; separates progression from tolerance.", "assessments (edss)"),
}


def regimes_equations(spec: RegimesSpec) -> tuple[Equation, ...]:
    """Return the equations of a regimes model."""
    centre = spec.centre.use != "no"
    goal = "A*[c]" if centre else "A*"
    noise = "σ_A[c]²" if centre else "σ_A²"
    return (
        Equation(
            "s_i(t) ∈ {stable, trigger, tolerance (rising, settled), progression, "
            "catheter (leaking, partial, severe), pump}",
            "Regime of patient i: exclusive, in continuous time, with the onset and end rates "
            "below.",
        ),
        Equation(
            "dr_i = (β[d_i] + β_s)·dt + σ_s·dW",
            "Requirement r: log dose that would hold tone at one point. It drifts by diagnosis and "
            "wanders; faster in tolerance (β_t) and progression (β_p), and seemingly faster still "
            "while a leak grows (β_c). In the first months it rises by τ·exp(−t/h).",
        ),
        Equation(
            "g_i(t) = r_i(t) − y_i(t) − log d_s",
            "Gap between the requirement and what is delivered: y is the log dose in force; a "
            "severe catheter fault or a pump fault lets only the share d through.",
        ),
        Equation(
            "tone = U_i·logistic(k·g − log(U_i − 1)) + x_s",
            "Saturating dose-response: one point at gap 0, U without drug; a trigger adds x.",
        ),
        Equation(
            f"A_i(t) ~ (1 − ε)·Normal(tone, {noise}) + ε·Uniform",
            "Reading of the mean Ashworth score; the Penn score likewise, b_P points per point.",
        ),
        Equation(
            f"P(dose left) = u·exp(−(A − {goal})²/2v²);  else Δy ~ Normal(γ·(A − {goal}), σ_z²)",
            "The policy acts on the reading, its noise included; where the reading was not "
            "written down, the dose change stands in its place.",
        ),
    )


def regimes_notes(spec: RegimesSpec) -> tuple[TermNote, ...]:
    """Return one note per channel, and one for the centres."""
    notes = []
    for name in CHANNELS:
        setting = getattr(spec.channels, name)
        meaning, needs = _MEANINGS[name]
        wants = {"auto": f"{needs}; off without them", "yes": needs, "no": "nothing"}
        notes.append(TermNote(f"channels.{name}", f"{name} = {setting}", meaning, wants[setting]))
    use = spec.centre.use
    needs = {
        "auto": "patients.centre with at least two centres; off otherwise",
        "yes": "patients.centre with at least two centres",
        "no": "nothing",
    }[use]
    meaning = "Centres differ in the noise of their readings and in their goal."
    return (*notes, TermNote("centre", f"use = {use}", meaning, needs))
