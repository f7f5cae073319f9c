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
    """Return the equations of a regimes model; those of channels that are off are left out."""
    return (
        Equation(
            "s_i(t) ∈ {stable, trigger, tolerance (rising, settled), progression, "
            "catheter (…), pump}",
            "Regime of patient i: exclusive, in continuous time; a catheter fault leaks (growing, "
            "creeping, sudden, made up for by the dose) or is severe.",
        ),
        *_onsets(),
        *_requirement(),
        *_operations(),
        *_response(spec),
        *_policy(spec),
        *_findings(spec),
        *_labels(spec),
    )


def _onsets() -> tuple[Equation, ...]:
    return (
        Equation(
            "stable → trigger: λ_x, back 1/ℓ_x;  → tolerance: λ_te in years 2 to 4, λ_tl later, "
            "settles 1/ℓ_t",
            "Rates per year; a trigger passes, tolerance stays but stops rising. What rises in the "
            "first year is titration.",
        ),
        Equation(
            "stable → progression: λ_p[d_i], ends 1/ℓ_p",
            "Onset by diagnosis d; a phase of faster worsening ends.",
        ),
        Equation(
            "→ catheter: ρ_c·λ_c1 in its first year, ρ_c·λ_c2 later;  severe with probability s_c",
            "Any intact device may fail; ρ_c only for older models.",
        ),
        Equation(
            "else, with s_l, a leak at once: r_i + Normal(s_c0, σ_s0²);  else it grows, with s_k "
            "slowly",
            "A lesser fault seems to raise the requirement, at once or while it grows (or creeps).",
        ),
        Equation(
            "leak (growing, creeping, at once) → made up for: 1/ℓ_c",
            "A higher dose makes up for a leak; it is there still.",
        ),
        Equation(
            "→ pump: cumulative hazard −log(1 − F_6)·(age/6)^k_p",
            "Weibull: F_6 have failed within six years.",
        ),
    )


def _requirement() -> tuple[Equation, ...]:
    return (
        Equation(
            "dr_i = β[d_i]·dt + σ_w·dW;  tolerance + β_t, ν_t·β_t;  progression + β_p, ν_p·β_p",
            "Requirement r: log dose that would hold tone at one point. It drifts by diagnosis and "
            "wanders; faster while tolerance rises and in progression.",
        ),
        Equation(
            "growing leak + β_c, σ = ν_c·β_c;  creeping leak + β_k, σ = ν_k·β_k",
            "So it seems while a leak grows, for less of the dose arrives.",
        ),
        Equation(
            "r_i(0) = y_i(0) + Normal(γ₀, σ₀²);  then + Normal(τ, σ_τ²)·(1 − exp(−t/h))",
            "First dose y(0) against the requirement, and its rise over the first months.",
        ),
        Equation(
            "onset of tolerance: with q_t at once: r_i + Normal(s_t, (ν_s·s_t)²);  else it grows",
            "Some tolerances come at once, the others rise.",
        ),
    )


def _operations() -> tuple[Equation, ...]:
    return (
        Equation(
            "holiday, boluses: tolerance → stable, r_i − Normal(q, σ_q²);  reimplant: "
            "r_i + Normal(0, σ_q²)",
            "A reset takes back part of what tolerance had added.",
        ),
        Equation(
            "catheter repaired: r_i − Normal(q_c or creeping q_k, σ_qc²);  P(nothing found) = m",
            "What a leak seemed to add goes with it; a revision may overlook a fault.",
        ),
    )


def _response(spec: RegimesSpec) -> tuple[Equation, ...]:
    noise = "σ_A[c_i]²" if spec.centre.use != "no" else "σ_A²"
    spasms = Equation(
        "P_i(t) ~ Normal(a_P + b_P·tone + o_i, σ_P²),  o_i ~ Normal(0, ω_P²)",
        "Penn score, with an offset o of each patient; the share ε says nothing here too.",
    )
    return (
        Equation(
            "g_i(t) = r_i − y_i − π_b·bolus_i;  severe − Normal(log d_c, σ_dc²);  "
            "pump − Normal(log d_p, σ_dp²)",
            "Gap between the requirement and what is delivered: y is the log dose in force; "
            "boluses do more than the same dose given continuously, and faults let only the share "
            "d through.",
        ),
        Equation(
            "tone = U_i·logistic(k·g − log(U_i − 1));  trigger + Normal(μ_x, σ_x²)",
            "Saturating dose-response: one point at gap 0, U_i without drug.",
        ),
        Equation(
            "U_i = 1 + U·((B_i − 1)/1.9)^ω",
            "Untreated tone follows B, the tone measured before implant, where there is one.",
        ),
        Equation(
            f"A_i(t) ~ (1 − ε)·Normal(tone, {noise}) + ε·Uniform(0, 4)",
            "Reading of the mean Ashworth score, whether or not it was written down. What a fault "
            "lets through and what a trigger adds is drawn once a visit; all readings are of one "
            "tone.",
        ),
        Equation(
            "an A that says nothing: with 0.1, r_i ~ Normal(y_i, 0.25)",
            "It may say nothing because the requirement is not where it was thought.",
        ),
        *((spasms,) if spec.channels.spasms != "no" else ()),
    )


def _policy(spec: RegimesSpec) -> tuple[Equation, ...]:
    if spec.channels.dose == "no":
        return ()
    goal = "A*[c_i]" if spec.centre.use != "no" else "A*"
    return (
        Equation(
            f"P(dose left) = u·exp(−(A − {goal})²/2v²);  else Δy ~ Normal(γ·(A − {goal}), σ_z²)",
            "The policy acts on the reading, its noise included; where the reading was not "
            "written down, the dose change stands in its place.",
        ),
        Equation(
            "with chance ε_z, unread ε:  P(dose left) = ½;  else Δy ~ Uniform(−1, 1)",
            "Decisions that follow no rule. Where the reading was not written down, they are those "
            "of readings that say nothing.",
        ),
    )


def _findings(spec: RegimesSpec) -> tuple[Equation, ...]:
    refills = Equation(
        "R ~ Normal(0, σ_R²·w);  pump: Normal(μ_R, σ_R²·w + ω_R²)",
        "Share of the programmed volume left at a refill, beside the n earlier ones of this pump; "
        "w = 1 + 1/(n + 1). One in fifty says nothing.",
    )
    tests = Equation(
        "P(dye +) = Se_d | 1−Sp_d;  P(no aspiration) = b_1 | b_0;  P(rotor +) = Se_r | 1−Sp_r",
        "With and without a fault of the catheter (dye, aspiration) or of the pump (rotor).",
    )
    work_ups = Equation(
        "P(work-up in dt) = 1 − exp(−(λ_w·c + λ_a·[severe catheter fault, or pump])·dt)",
        "A work-up for what is written down speaks for no state; one without such a cause speaks "
        "for a fault that raised the alarm.",
    )
    events = Equation(
        "P(none confirmed in dt) = exp(−(φ_c·c + φ_+·e)·dt), catheter;  exp(−(φ_p + φ_+·e)·dt), "
        "pump",
        "c is the cause to search that tone and dose gave: 0.03 while both are calm, 1 for two "
        "readings of 1.9 points or a doubled dose. e is the operation to be expected after a test "
        "of that part: 1 just after a positive one, fading over eight weeks. A confirmed fault "
        "makes its part certain, and is repaired.",
    )
    neuro = Equation(
        "ΔE ~ Normal((β_E + [progression]·β_Ep)·Δt, σ_E²)", "Change of the EDSS between two scores."
    )
    pairs = (
        ("refills", refills),
        ("tests", tests),
        ("tests", work_ups),
        ("events", events),
        ("neuro", neuro),
    )
    return tuple(line for name, line in pairs if getattr(spec.channels, name) != "no")


def _labels(spec: RegimesSpec) -> tuple[Equation, ...]:
    if spec.channels.labels == "no":
        return ()
    return (
        Equation(
            "named: tolerance e κ_t, leak e κ_tc, else e κ_t0;  progression κ_p | κ_p0;  "
            "trigger κ_x | κ_x0",
            "Rates per year at which the clinic writes down a tolerance, a progression, a trigger; "
            "with and without one. Tolerance is named as far as tests have excluded a device "
            "fault: e is 1 just after tests that found none, and fades over four months.",
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
