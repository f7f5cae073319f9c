"""What a simulator settings file may say: a closed vocabulary in which every number is sourced."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from itb_bayes.simulate.vocabulary import (
    AtLeastOne,
    CalendarYear,
    Count,
    CourseShares,
    Figure,
    FormShares,
    GradeShares,
    LevelShares,
    MuscleCount,
    NonNegative,
    NonNegativeSpan,
    Positive,
    PositiveSpan,
    Probability,
    ReservoirVolume,
    Seed,
    Shares,
    ShareSpan,
    Strict,
    Years,
    YearShares,
)

Diagnosis = Literal["MS", "SCI", "HSP", "HAM", "CP", "TBI", "STROKE", "OTHER"]
Scale = Literal["ashworth_1_5", "ashworth_0_4", "mas"]
IncidentKind = Literal["catheter", "pump", "infection", "tolerance", "progression", "improvement"]
_LAST_YEAR = 2026
FaultForm = Literal["abrupt", "gradual", "intermittent"]


class CohortPart(Strict):
    """Size, time axis and channels of the cohort."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str
    how_made: str
    id_prefix: str = Field(pattern=r"^[A-Z]{1,6}$")
    time_basis: Literal["date", "t_years"]
    dose_rows: Literal["centre", "annual"]
    channels: tuple[Literal["assessments", "refills", "events"], ...]
    milestone_readings: bool
    seed: Seed
    patients: Count
    years: Years
    min_years: NonNegative
    follow_up: Literal["staggered", "quantiles"]
    first_implant_year: CalendarYear
    follow_up_quantiles: YearShares | None = None

    @model_validator(mode="after")
    def _follow_up_is_possible(self) -> Self:
        if self.min_years.value > self.years.value:
            raise ValueError(
                f"min_years ({self.min_years.value:g}) is above years ({self.years.value:g})"
            )
        last = math.ceil(self.first_implant_year.value + self.years.value)
        if self.time_basis == "date" and last > _LAST_YEAR:
            raise ValueError(
                f"dates would run to {last}, beyond {_LAST_YEAR}; lower years or first_implant_year"
            )
        if self.follow_up == "quantiles" and self.follow_up_quantiles is None:
            raise ValueError('follow_up = "quantiles" needs follow_up_quantiles')
        return self


class Mix(Strict):
    """How many patients in every round have this diagnosis."""

    diagnosis: Diagnosis
    count: int = Field(gt=0)
    source: str = Field(min_length=3)


class DiagnosisPart(Strict):
    """Dose level, drift and case mix of one diagnosis."""

    plateau_median_ug: Positive
    plateau_log_sd: NonNegative
    drift_log_per_year: Figure
    drift_centre_sd: NonNegative
    drift_patient_sd: NonNegative
    late_drift_log_per_year: Figure
    late_after_years: NonNegative
    relapse_per_year: NonNegative
    acceleration_per_year: NonNegative
    improvement_per_year: NonNegative
    age_mean_years: Positive
    age_sd_years: Positive
    female: Probability
    ambulatory: Probability


class Covariates(Strict):
    """Static covariates that only some diagnoses have."""

    sci_level: LevelShares
    ais_grade: GradeShares
    ms_course: CourseShares
    catheter_model: Shares
    pump_model: Shares


class CentrePart(Strict):
    """One centre: its size, its habits and what it writes down."""

    name: str
    policy: str
    scale: Scale
    record: Literal["muscles", "mean"]
    dose_rows: Literal["visit", "change"]
    penn: bool
    weight: Count
    visits_per_year: Positive
    raters: Count
    muscles: MuscleCount
    reservoir_ml: ReservoirVolume


class RequirementPart(Strict):
    """The latent requirement: titration, wandering, season."""

    start_fraction: PositiveSpan
    titration_scale_years: PositiveSpan
    titration_shape: Positive
    wander_log_sd: NonNegative
    wander_length_years: Positive
    season_log_amplitude: NonNegative
    lowest_ug: Positive
    highest_ug: Positive


class TriggerPart(Strict):
    """Noxious stimuli that raise tone for some weeks."""

    per_year: NonNegative
    weeks: PositiveSpan
    tone: NonNegativeSpan
    kinds: Shares
    recorded: Probability


class ProgressionPart(Strict):
    """Lasting changes of the disease."""

    relapse_log_step: NonNegativeSpan
    relapse_kept: ShareSpan
    acceleration_log_per_year: NonNegativeSpan
    acceleration_years: PositiveSpan
    improvement_log_step: NonNegativeSpan
    recorded: Probability
    edss_per_log_unit: NonNegative


class TolerancePart(Strict):
    """Loss of potency of the drug, and what undoes it."""

    early: Probability
    early_years: NonNegativeSpan
    late_per_year: NonNegative
    late_after_years: NonNegative
    step_form: Probability
    slope_log_per_year: NonNegativeSpan
    slope_years: PositiveSpan
    step_log: NonNegativeSpan
    step_weeks: Positive
    kept_after_reset: ShareSpan
    bolus_potency: PositiveSpan


class CatheterPart(Strict):
    """Catheter faults."""

    first_month: Probability
    first_year_per_year: NonNegative
    later_per_year: NonNegative
    older_model_ratio: Positive
    forms: FormShares
    abrupt_delivery: ShareSpan
    gradual_delivery: ShareSpan
    gradual_months: PositiveSpan
    intermittent_delivery: ShareSpan
    intermittent_days: PositiveSpan


class PumpPart(Strict):
    """Pump faults and elective replacement."""

    weibull_shape: Positive
    failed_by_six_years: Probability
    forms: FormShares
    abrupt_delivery: ShareSpan
    gradual_delivery: ShareSpan
    gradual_months: PositiveSpan
    intermittent_delivery: ShareSpan
    intermittent_days: PositiveSpan
    replacement_years: PositiveSpan


class InfectionPart(Strict):
    """Infection of the pump pocket or catheter."""

    per_operation: Probability
    onset_days: NonNegativeSpan
    reimplanted: Probability
    reimplant_days: NonNegativeSpan


class WorkupPart(Strict):
    """Tests for a device fault and what leads to them."""

    dye_sensitivity: Probability
    dye_specificity: Probability
    not_aspirable_fault: Probability
    not_aspirable_intact: Probability
    rotor_sensitivity: Probability
    rotor_specificity: Probability
    futile_log_rise: Positive
    steep_log_rise: Positive
    futile_excess: Positive
    sudden_excess: Positive
    single_excess: Positive
    discrepancy_share: Positive
    discrepancy_ml: Positive
    alarm_noticed: Probability
    per_visit: Probability
    wait_days: NonNegativeSpan
    surgery_days: NonNegativeSpan
    exploration: Probability
    exploration_indeterminate: Probability
    found_at_replacement: Probability
    dose_factor_after_repair: PositiveSpan
    dose_cut_days: NonNegativeSpan


class ResponsePart(Strict):
    """The saturating dose-response on a 0-4 tone scale."""

    target_tone: Positive
    untreated_mean: Positive
    untreated_sd: NonNegative
    untreated_limits: PositiveSpan
    emax_ratio: AtLeastOne
    hill: Positive


class MeasurementPart(Strict):
    """How tone becomes scores."""

    muscle_sd: NonNegative
    rater_sd: NonNegative
    session_sd: NonNegative
    noise_sd: NonNegative
    penn_slope: Positive
    penn_intercept: Figure
    penn_patient_sd: NonNegative
    penn_noise_sd: NonNegative
    edss_mean: Positive
    edss_sd: NonNegative
    edss_per_year: Figure
    edss_noise_sd: NonNegative
    edss_interval_years: Positive


class PolicyPart(Strict):
    """How the clinicians of a centre set the dose; tone figures on the 0-4 scale."""

    management: Literal["holiday", "bolus", "either", "none"]
    goal: NonNegative
    stop_at: NonNegative
    dead_band: NonNegative
    gain: Positive
    step: NonNegativeSpan
    titration_step: NonNegativeSpan
    cut: ShareSpan
    cut_below: NonNegative
    cut_probability: Probability
    inertia: Probability
    habit: Probability
    coarse_rounding: Probability
    start_error_log_sd: NonNegative
    tolerance_per_visit: Probability
    clean_tests: Count
    highest_ug: Positive
    flex_share: Probability


class ModePart(Strict):
    """Holidays and bolus mode."""

    holiday_days: PositiveSpan
    holiday_restart: PositiveSpan
    bolus_basal_ug_day: Positive
    bolus_ug: Positive
    boluses_per_day: tuple[int, ...] = Field(min_length=1)
    boluses_source: str = Field(min_length=3)


class VisitPart(Strict):
    """Rhythm of the visits, refills and what is missed."""

    titration_gap_days: PositiveSpan
    titration_years: NonNegative
    gap_shape: Positive
    patient_rate_log_sd: NonNegative
    unwell_excess: Positive
    unwell_gap_factor: Positive
    refill_days: Positive
    refill_reserve_ml: NonNegative
    pump_bias: Figure
    pump_accuracy_sd: NonNegative
    syringe_ml: NonNegative
    concentrations_ug_ml: tuple[float, ...] = Field(min_length=1)
    concentrations_source: str = Field(min_length=3)

    @model_validator(mode="after")
    def _concentrations_rise(self) -> Self:
        given = self.concentrations_ug_ml
        if given[0] <= 0 or list(given) != sorted(set(given)):
            raise ValueError("concentrations_ug_ml must be above zero and rise")
        return self


class ExitPart(Strict):
    """Why follow-up ends."""

    lost_per_year: NonNegative
    death_per_year: NonNegative
    death_age_slope: Figure


class MissingPart(Strict):
    """What is not written down, and slips of the pen."""

    assessment: Probability
    penn: Probability
    refill: Probability
    covariate: Probability
    tenfold_dose: Probability


class Incident(Strict):
    """One event planned for one patient, beside those drawn from hazards."""

    patient: int = Field(gt=0)
    kind: IncidentKind
    form: FaultForm | None = None
    t_years: float = Field(ge=0)
    size: float | None = None
    boluses_per_day: int | None = Field(default=None, gt=0)
    source: str = Field(min_length=3)


class Settings(Strict):
    """A complete, resolved settings file."""

    cohort: CohortPart
    mix: tuple[Mix, ...] = Field(min_length=1)
    centre: tuple[CentrePart, ...] = Field(min_length=1)
    diagnosis: dict[Diagnosis, DiagnosisPart]
    covariates: Covariates
    requirement: RequirementPart
    trigger: TriggerPart
    progression: ProgressionPart
    tolerance: TolerancePart
    catheter: CatheterPart
    pump: PumpPart
    infection: InfectionPart
    workup: WorkupPart
    response: ResponsePart
    measurement: MeasurementPart
    policy: dict[str, PolicyPart]
    mode: ModePart
    visit: VisitPart
    exit: ExitPart
    missing: MissingPart
    incident: tuple[Incident, ...] = ()

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        for mix in self.mix:
            if mix.diagnosis not in self.diagnosis:
                raise ValueError(
                    f"[[mix]] names {mix.diagnosis}, but [diagnosis] has no such table"
                )
        for centre in self.centre:
            if centre.policy not in self.policy:
                known = ", ".join(sorted(self.policy))
                raise ValueError(
                    f"centre {centre.name!r} names the policy {centre.policy!r}; known: {known}"
                )
        return self
