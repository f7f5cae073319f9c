"""The kind ``spasticity``: Ashworth scores before, after and at the end."""

from itb_bayes.spec.kinds.spasticity_spec import SpasticitySpec
from itb_bayes.spec.problems import KeyPath
from itb_bayes.spec.registry import Equation, Kind, PriorNeed, TermNote, Terms

NEEDS = (
    PriorNeed("tone_before", "μ[before]", "typical tone before implant", "points", "real"),
    PriorNeed("tone_after", "μ[after]", "typical tone just after implant", "points", "real"),
    PriorNeed("tone_end", "μ[end]", "typical tone at last follow-up", "points", "real"),
    PriorNeed(
        "untreated_sd", "σ_u", "spread of untreated tone between patients", "points", "positive"
    ),
    PriorNeed("treated_sd", "σ_p", "spread of treated tone between patients", "points", "positive"),
    PriorNeed(
        "visit_sd",
        "σ_v",
        "spread of a treated patient's tone between visits (rater and day with it)",
        "points",
        "positive",
    ),
    PriorNeed(
        "muscle_sd",
        "σ_m",
        "spread of single muscles around a visit's tone, readings' noise with it",
        "points",
        "positive",
    ),
    PriorNeed(
        "step_width",
        "w[k]",
        "width of an inner step of the scale, relative to the others",
        "number",
        "positive",
        ("thresholds", "kind"),
        lambda kind: kind == "free",
    ),
)


def _rules(terms: Terms) -> list[tuple[KeyPath, str]]:
    phases = terms.get("phases")
    if phases is not None and phases.end_from_months <= phases.after_months:
        message = "must be later than after_months, or one visit could stand for both phases"
        return [(("phases", "end_from_months"), message)]
    return []


def _equations(spec: SpasticitySpec) -> tuple[Equation, ...]:
    steps = (
        "c[1] = 0.5, c[last] = 3.5; the steps between are w[k]·3 / Σw wide"
        if spec.thresholds.kind == "free"
        else "c[k] are equally spaced from 0.5 to 3.5"
    )
    return (
        Equation(
            "P(score of a muscle ≤ k) = logistic((c[k] − θ) / s),  s = σ_m·√3/π",
            "θ: tone at the visit, in points of the 0-4 scale but without its floor and ceiling.",
        ),
        Equation(
            "P(mean of n muscles) = sum over all ways in which n scores have that mean",
            "So a recorded mean is read for what it is, and not as a continuous number.",
        ),
        Equation("θ[i,before] = μ[before] + σ_u·u[i]", "Untreated tone of patient i."),
        Equation(
            "θ[i,p] = μ[p] + σ_p·a[i] + σ_v·v[i,p],  p = after, end",
            "Treated tone: the patient's own part stays, the visit's passes.",
        ),
        Equation(steps, "Ends are fixed, so that tone is measured in points."),
    )


def _notes(spec: SpasticitySpec) -> tuple[TermNote, ...]:
    phases = spec.phases
    return (
        TermNote(
            "phases",
            f"before_months = {phases.before_months:g}; after_months = {phases.after_months:g}; "
            f"end_from_months = {phases.end_from_months:g}",
            "The last visit in each window stands for the phase; a patient needs no more than one.",
            "assessments around the implant, and later ones",
        ),
        TermNote(
            "scale",
            f"use = {spec.scale.use}",
            "Which readings enter; ashworth_1_5 is read as ashworth_0_4 plus one point.",
            "readings of single muscles, or means with n_muscles",
        ),
        TermNote(
            "thresholds",
            f"kind = {spec.thresholds.kind}",
            "Whether the step from 1 to 2 may be larger or smaller than that from 2 to 3.",
            "nothing more",
        ),
    )


KIND = Kind(
    name="spasticity",
    spec_class=SpasticitySpec,
    needs=NEEDS,
    rules=_rules,
    equations=_equations,
    notes=_notes,
)
