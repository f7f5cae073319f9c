"""Every prior that the kind ``regimes`` knows."""

from typing import Any, Literal

from itb_bayes.spec.registry import PriorNeed

_Support = Literal["real", "positive", "unit"]


def _on(setting: Any) -> bool:
    return setting != "no"


def _need(
    name: str,
    symbol: str,
    meaning: str,
    unit: str,
    support: _Support,
    at: tuple[str, ...] = (),
    *,
    by_diagnosis: bool = False,
    as_ratio: bool = False,
) -> PriorNeed:
    return PriorNeed(name, symbol, meaning, unit, support, at, _on, by_diagnosis, as_ratio)


def _channel(name: str) -> tuple[str, str]:
    return ("channels", name)


_SPASMS, _DOSE, _REFILLS = _channel("spasms"), _channel("dose"), _channel("refills")
_TESTS, _EVENTS, _LABELS = _channel("tests"), _channel("events"), _channel("labels")
_NEURO = _channel("neuro")

REQUIREMENT = (
    _need("drift", "β[d]", "drift of the requirement by diagnosis", "percent_per_year", "real",
          by_diagnosis=True),
    _need("wander_sd", "σ_w", "wandering of the requirement over one year", "log", "positive",
          as_ratio=True),
    _need("titration_depth", "τ", "plateau requirement over that at implant", "ratio", "real"),
    _need("titration_depth_sd", "σ_τ", "spread of the titration depth between patients", "log",
          "positive", as_ratio=True),
    _need("titration_months", "h", "time constant of the titration", "months", "positive"),
    _need("start_gap", "γ₀", "requirement at implant over the first dose", "ratio", "real"),
    _need("start_gap_sd", "σ₀", "spread of that between patients", "log", "positive",
          as_ratio=True),
)  # fmt: skip

RESPONSE = (
    _need("untreated_tone", "U", "mean tone without drug, above the goal of one point", "points",
          "positive"),
    _need("untreated_follows", "ω", "how far it follows the tone measured before implant", "share",
          "unit"),
    _need("steepness", "k", "Hill steepness of tone in the dose", "number", "positive"),
    _need("reading_sd", "σ_A", "noise of a visit's mean Ashworth score", "points", "positive"),
    _need("outlier_share", "ε", "share of readings that say nothing", "share", "unit"),
    _need("spasm_intercept", "a_P", "Penn score without tone", "points", "real", _SPASMS),
    _need("spasm_slope", "b_P", "Penn points per point of tone", "number", "positive", _SPASMS),
    _need("spasm_sd", "σ_P", "noise of a Penn score", "points", "positive", _SPASMS),
    _need("spasm_patient_sd", "ω_P", "spread of the Penn score between patients of equal tone",
          "points", "positive", _SPASMS),
)  # fmt: skip

CHANGES = (
    _need("trigger_per_year", "λ_x", "onset of passing triggers", "per_year", "positive"),
    _need("trigger_weeks", "ℓ_x", "mean length of a trigger", "weeks", "positive"),
    _need("trigger_tone", "μ_x", "tone that a trigger adds", "points", "positive"),
    _need("trigger_tone_sd", "σ_x", "spread of that", "points", "positive"),
    _need("tolerance_early_per_year", "λ_te", "onset of tolerance from the second to the fourth "
          "year", "per_year", "positive"),
    _need("tolerance_late_per_year", "λ_tl", "onset of tolerance later", "per_year", "positive"),
    _need("tolerance_rate", "β_t", "rise of the requirement while tolerance develops",
          "percent_per_year", "real"),
    _need("tolerance_rate_cv", "ν_t", "its variation over one year, as a share of it", "share",
          "unit"),
    _need("tolerance_sudden_share", "q_t", "share of tolerances that come at once", "share",
          "unit"),
    _need("tolerance_step", "s_t", "rise of the requirement in those", "ratio", "real"),
    _need("tolerance_step_cv", "ν_s", "spread of its log, as a share of it", "share", "unit"),
    _need("tolerance_months", "ℓ_t", "mean time until tolerance has settled", "months",
          "positive"),
    _need("progression_per_year", "λ_p[d]", "onset of progression by diagnosis", "per_year",
          "positive", by_diagnosis=True),
    _need("progression_rate", "β_p", "extra rise of the requirement during progression",
          "percent_per_year", "real"),
    _need("progression_rate_cv", "ν_p", "its variation over one year, as a share of it", "share",
          "unit"),
    _need("progression_months", "ℓ_p", "mean length of progression", "months", "positive"),
    _need("reset_drop", "q", "requirement before over after a holiday or a switch to boluses, in "
          "tolerance", "ratio", "real"),
    _need("reset_drop_sd", "σ_q", "spread of that", "log", "positive"),
    _need("bolus_potency", "π_b", "effect of a dose given as boluses over the same dose given "
          "continuously", "ratio", "real"),
)  # fmt: skip

DEVICE = (
    _need("catheter_first_year", "λ_c1", "hazard of a catheter fault in its first year",
          "per_year", "positive"),
    _need("catheter_later", "λ_c2", "hazard of a catheter fault later", "per_year", "positive"),
    _need("older_catheter_ratio", "ρ_c", "that of older catheter models over newer", "number",
          "positive"),
    _need("severe_share", "s_c", "share of catheter faults that are sudden and severe", "share",
          "unit"),
    _need("sudden_share", "s_l", "share of the lesser catheter faults that come at once", "share",
          "unit"),
    _need("severe_delivery", "d_c", "share delivered in a severe catheter fault", "ratio", "real"),
    _need("severe_delivery_sd", "σ_dc", "its variation from visit to visit", "log", "positive"),
    _need("creep_share", "s_k", "share of growing leaks that creep", "share", "unit"),
    _need("creep_rate", "β_k", "seeming rise of the requirement while a leak creeps",
          "percent_per_year", "real"),
    _need("creep_rate_cv", "ν_k", "its variation over one year, as a share of it", "share", "unit"),
    _need("creep_drop", "q_k", "seeming requirement before over after the repair of a "
          "creeping leak", "ratio", "real"),
    _need("leak_rate", "β_c", "seeming rise of the requirement while a leak grows",
          "percent_per_year", "real"),
    _need("leak_rate_cv", "ν_c", "its variation over one year, as a share of it", "share", "unit"),
    _need("leak_step", "s_c0", "seeming rise when a lesser catheter fault comes at once", "ratio",
          "real"),
    _need("leak_step_sd", "σ_s0", "spread of that", "log", "positive"),
    _need("leak_months", "ℓ_c", "mean time until a leak is made up for by the dose", "months",
          "positive"),
    _need("leak_drop", "q_c", "seeming requirement before over after the repair of a leak",
          "ratio", "real"),
    _need("leak_drop_sd", "σ_qc", "spread of that", "log", "positive"),
    _need("pump_failed_by_six_years", "F_6", "share of pumps with a fault within six years",
          "share", "unit"),
    _need("pump_shape", "k_p", "Weibull shape of pump faults", "number", "positive"),
    _need("pump_delivery", "d_p", "share delivered in a pump fault", "ratio", "real"),
    _need("pump_delivery_sd", "σ_dp", "its variation from visit to visit", "log", "positive"),
    _need("missed_share", "m", "share of catheter faults that a revision overlooks", "share",
          "unit"),
)  # fmt: skip

EVIDENCE = (
    _need("found_catheter", "φ_c", "rate at which a catheter fault is confirmed without a positive "
          "test on record, while there is full cause to search", "per_year", "positive", _EVENTS),
    _need("found_pump", "φ_p", "rate at which a pump fault is confirmed without a positive test "
          "on record", "per_year", "positive", _EVENTS),
    _need("found_after_test", "φ_+", "rate at which a fault is confirmed just after a positive "
          "test", "per_year", "positive", _TESTS),
    _need("work_up_per_year", "λ_w", "rate of work-ups while there is full cause to search",
          "per_year", "positive", _TESTS),
    _need("alarm_per_year", "λ_a", "rate of work-ups that a severe catheter fault or a pump fault "
          "prompts by itself", "per_year", "positive", _TESTS),
    _need("dye_sensitivity", "Se_d", "sensitivity of the dye study", "share", "unit", _TESTS),
    _need("dye_false", "1−Sp_d", "its false positives", "share", "unit", _TESTS),
    _need("blocked_fault", "b_1", "catheters with a fault that cannot be aspirated", "share",
          "unit", _TESTS),
    _need("blocked_intact", "b_0", "intact catheters that cannot be aspirated", "share", "unit",
          _TESTS),
    _need("rotor_sensitivity", "Se_r", "sensitivity of the rotor study", "share", "unit", _TESTS),
    _need("rotor_false", "1−Sp_r", "its false positives", "share", "unit", _TESTS),
    _need("refill_sd", "σ_R", "noise of the undelivered share at a refill", "share_sd",
          "positive", _REFILLS),
    _need("pump_shortfall", "μ_R", "undelivered share at a refill in a pump fault", "share",
          "unit", _REFILLS),
    _need("pump_shortfall_sd", "ω_R", "spread of that", "share_sd", "positive", _REFILLS),
    _need("tolerance_label_per_year", "κ_t", "rate at which tolerance that is there is named "
          "while a device fault is excluded", "per_year", "positive", _LABELS),
    _need("tolerance_label_leak", "κ_tc", "rate at which a leak is named tolerance, likewise",
          "per_year", "positive", _LABELS),
    _need("tolerance_label_false", "κ_t0", "rate at which tolerance is named otherwise, likewise",
          "per_year", "positive", _LABELS),
    _need("progression_label_per_year", "κ_p", "rate at which progression is written down",
          "per_year", "positive", _LABELS),
    _need("progression_label_false", "κ_p0", "rate at which it is written down wrongly",
          "per_year", "positive", _LABELS),
    _need("trigger_label_per_year", "κ_x", "rate at which a trigger is written down", "per_year",
          "positive", _LABELS),
    _need("trigger_label_false", "κ_x0", "rate at which one is written down without effect",
          "per_year", "positive", _LABELS),
    _need("edss_sd", "σ_E", "noise of a change of the EDSS", "points", "positive", _NEURO),
    _need("edss_per_year", "β_E", "rise of the EDSS", "points_per_year", "real", _NEURO),
    _need("edss_progression", "β_Ep", "its extra rise during progression", "points_per_year",
          "real", _NEURO),
)  # fmt: skip

POLICY = (
    _need("goal", "A*", "reading at which the dose is left", "points", "real", _DOSE),
    _need("dose_gain", "γ", "change of the log dose per point above the goal", "log_per_point",
          "positive", _DOSE),
    _need("dose_sd", "σ_z", "spread of dose changes", "log", "positive", _DOSE),
    _need("still_share", "u", "probability that the dose is left at the goal", "share", "unit",
          _DOSE),
    _need("still_points", "v", "distance from the goal over which that fades", "points",
          "positive", _DOSE),
    _need("unruled_share", "ε_z", "decisions on the dose that follow no rule", "share", "unit",
          _DOSE),
)  # fmt: skip

NEEDS = REQUIREMENT + RESPONSE + CHANGES + DEVICE + EVIDENCE + POLICY
