"""The latent requirement: the daily dose that would hold a patient's tone at the target.

Built on the natural dose scale from a Weibull-shaped titration, a plateau, a patient's own
drift, smooth wandering and season, relapses and accelerations of the disease, and tolerance.
It is deliberately not the process the fitted models assume.
"""

from dataclasses import dataclass, field

import numpy as np

from itb_bayes.simulate.person import DAYS_PER_YEAR, Person, draw, pick
from itb_bayes.simulate.schema import Incident, Settings

STEP_DAYS = 7


@dataclass(frozen=True)
class Trigger:
    """A noxious stimulus: days since implant, and the tone it adds at its height."""

    start_day: int
    end_day: int
    tone: float
    kind: str


@dataclass(frozen=True)
class DiseaseChange:
    """A lasting change of the disease; `size` in log dose (negative: improvement)."""

    start_day: int
    end_day: int
    size: float
    kept: float
    kind: str
    recorded: bool


@dataclass
class Tolerance:
    """Loss of potency in log dose, until a holiday or bolus mode resets it."""

    start_day: int
    form: str
    size: float
    length_days: float
    boluses_per_day: int | None = None
    resets: list[tuple[int, float]] = field(default_factory=list)

    def shift(self, day: float) -> float:
        """Return the extra requirement, in log dose, on a day since implant."""
        if day <= self.start_day:
            return 0.0
        until = min(day, self.resets[0][0]) if self.resets else day
        grown = self.size * min(1.0, max(0.0, until - self.start_day) / self.length_days)
        for reset_day, kept in self.resets:
            if day >= reset_day:
                grown *= kept
        return grown

    def reset(self, day: int, kept: float) -> None:
        """Undo all but a share `kept` of the lost potency from a day on."""
        self.resets.append((day, kept))


@dataclass(frozen=True)
class Course:
    """The requirement of one patient over time."""

    drift_log_per_year: float
    plateau_ug: float
    log_grid: np.ndarray
    severity_grid: np.ndarray
    triggers: tuple[Trigger, ...]
    changes: tuple[DiseaseChange, ...]
    tolerances: tuple[Tolerance, ...]
    lowest_log: float
    highest_log: float

    def log_requirement(self, day: float) -> float:
        """Return the log requirement (log ug/day) on a day, tolerance included."""
        base = float(np.interp(day, np.arange(self.log_grid.size) * STEP_DAYS, self.log_grid))
        shifted = base + sum(tolerance.shift(day) for tolerance in self.tolerances)
        return min(max(shifted, self.lowest_log), self.highest_log)

    def severity(self, day: float) -> float:
        """Return the log requirement added by the disease itself (drives the EDSS)."""
        return float(self.severity_grid[min(int(day // STEP_DAYS), self.severity_grid.size - 1)])

    def trigger_tone(self, day: float) -> float:
        """Return the tone that present triggers add, in points of the 0-4 scale."""
        total = 0.0
        for trigger in self.triggers:
            if trigger.start_day <= day < trigger.end_day:
                share = (day - trigger.start_day) / (trigger.end_day - trigger.start_day)
                total += trigger.tone * float(np.sin(np.pi * (0.15 + 0.7 * share)))
        return total


def wander(rng: np.random.Generator, t_years: np.ndarray, sd: float, length: float) -> np.ndarray:
    """Draw a smooth random function of time: a sum of random waves, not a Markov process.

    Parameters
    ----------
    t_years
        Times, shape (n,).
    sd
        Standard deviation, log dose.
    length
        Correlation length, years.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    waves = 12
    frequency = np.abs(rng.normal(0.0, 1.0 / length, waves))
    phase = rng.uniform(0, 2 * np.pi, waves)
    weight = rng.normal(0.0, 1.0, waves)
    values = np.cos(np.outer(t_years, frequency) + phase) @ weight
    return np.asarray(values * sd * np.sqrt(2.0 / waves))


def draw_course(
    settings: Settings,
    person: Person,
    centre_drift: float,
    incidents: tuple[Incident, ...],
    rng: np.random.Generator,
) -> Course:
    """Draw the requirement of one patient over the whole follow-up."""
    part, rules = settings.diagnosis[person.diagnosis], settings.requirement
    years = person.follow_up_days / DAYS_PER_YEAR
    t = np.arange(person.follow_up_days // STEP_DAYS + 2) * (STEP_DAYS / DAYS_PER_YEAR)
    plateau = float(part.plateau_median_ug.value * np.exp(rng.normal(0, part.plateau_log_sd.value)))
    drift = float(
        part.drift_log_per_year.value + centre_drift + rng.normal(0, part.drift_patient_sd.value)
    )
    start, scale = draw(rng, rules.start_fraction), draw(rng, rules.titration_scale_years)
    titration = 1 - (1 - start) * np.exp(-((t / scale) ** rules.titration_shape.value))
    # The plateau is the level at one year, the published anchor.
    titration /= np.interp(1.0, t, titration) if years > 1 else 1.0
    late = np.maximum(t - part.late_after_years.value, 0) * part.late_drift_log_per_year.value
    season = rules.season_log_amplitude.value * np.sin(2 * np.pi * (t + rng.random()))
    changes = _changes(settings, person, incidents, rng)
    severity = drift * (t - 1.0) + late + _change_shift(changes, t)
    log_grid = (
        np.log(plateau)
        + np.log(titration)
        + severity
        + season
        + wander(rng, t, rules.wander_log_sd.value, rules.wander_length_years.value)
    )
    return Course(
        drift_log_per_year=drift,
        plateau_ug=plateau,
        log_grid=log_grid,
        severity_grid=severity,
        triggers=_triggers(settings, person, rng),
        changes=changes,
        tolerances=_tolerances(settings, person, incidents, rng),
        lowest_log=float(np.log(rules.lowest_ug.value)),
        highest_log=float(np.log(rules.highest_ug.value)),
    )


def _times(rng: np.random.Generator, per_year: float, days: int, first_day: int = 0) -> list[int]:
    """Draw the days of a Poisson process."""
    out: list[int] = []
    if per_year <= 0:
        return out
    day = first_day + rng.exponential(DAYS_PER_YEAR / per_year)
    while day < days:
        out.append(int(day))
        day += rng.exponential(DAYS_PER_YEAR / per_year)
    return out


def _triggers(settings: Settings, person: Person, rng: np.random.Generator) -> tuple[Trigger, ...]:
    rules = settings.trigger
    found: list[Trigger] = []
    for day in _times(rng, rules.per_year.value, person.follow_up_days, 30):
        length = max(int(7 * draw(rng, rules.weeks)), 7)
        height, kind = draw(rng, rules.tone), pick(rng, rules.kinds)
        if not found or day > found[-1].end_day:
            found.append(Trigger(day, day + length, height, kind))
    return tuple(found)


def _changes(
    settings: Settings, person: Person, incidents: tuple[Incident, ...], rng: np.random.Generator
) -> tuple[DiseaseChange, ...]:
    part, rules = settings.diagnosis[person.diagnosis], settings.progression
    days = person.follow_up_days
    found: list[DiseaseChange] = []

    def add(day: int, kind: str, size: float | None, recorded: bool) -> None:
        if kind == "relapse":
            step, kept = draw(rng, rules.relapse_log_step), draw(rng, rules.relapse_kept)
            found.append(DiseaseChange(day, day + 42, step, kept, kind, recorded))
        elif kind == "improvement":
            step = draw(rng, rules.improvement_log_step) if size is None else size
            found.append(DiseaseChange(day, day + 270, -step, 1.0, kind, recorded))
        else:
            length = draw(rng, rules.acceleration_years)
            rate = draw(rng, rules.acceleration_log_per_year)
            total = rate * length if size is None else size
            end = day + int(length * DAYS_PER_YEAR)
            found.append(DiseaseChange(day, end, total, 1.0, "progression", recorded))

    rates = (
        ("relapse", part.relapse_per_year.value),
        ("progression", part.acceleration_per_year.value),
        ("improvement", part.improvement_per_year.value),
    )
    for kind, rate in rates:
        for day in _times(rng, rate, days, 365):
            add(day, kind, None, bool(rng.random() < rules.recorded.value))
    for incident in incidents:
        if incident.kind in ("progression", "improvement"):
            add(int(incident.t_years * DAYS_PER_YEAR), incident.kind, incident.size, True)
    return tuple(sorted(found, key=lambda change: change.start_day))


def _change_shift(changes: tuple[DiseaseChange, ...], t_years: np.ndarray) -> np.ndarray:
    days = t_years * DAYS_PER_YEAR
    total = np.zeros(t_years.size)
    for change in changes:
        ramp = np.clip((days - change.start_day) / (change.end_day - change.start_day), 0, 1)
        # Part of a relapse recovers over about half a year.
        back = (1 - change.kept) * np.clip((days - change.end_day) / 180, 0, 1)
        total += change.size * (ramp - back)
    return total


def _tolerances(
    settings: Settings, person: Person, incidents: tuple[Incident, ...], rng: np.random.Generator
) -> tuple[Tolerance, ...]:
    rules, days = settings.tolerance, person.follow_up_days
    onsets: list[tuple[int, Incident | None]] = []
    if rng.random() < rules.early.value:
        onsets.append((int(draw(rng, rules.early_years) * DAYS_PER_YEAR), None))
    late = int(rules.late_after_years.value * DAYS_PER_YEAR)
    onsets += [(day, None) for day in _times(rng, rules.late_per_year.value, days, late)[:1]]
    onsets += [
        (int(incident.t_years * DAYS_PER_YEAR), incident)
        for incident in incidents
        if incident.kind == "tolerance"
    ]
    found = []
    for day, incident in sorted(onsets, key=lambda onset: onset[0]):
        sudden = rng.random() < rules.step_form.value
        length = draw(rng, rules.slope_years)
        slope, step = draw(rng, rules.slope_log_per_year), draw(rng, rules.step_log)
        if incident is not None:
            sudden = incident.form == "abrupt"
            step = incident.size if incident.size is not None else step
        if day >= days:
            continue
        boluses = incident.boluses_per_day if incident is not None else None
        if sudden:
            week_days = 7 * rules.step_weeks.value
            found.append(Tolerance(day, "step", step, week_days, boluses))
        else:
            found.append(Tolerance(day, "slope", slope * length, length * DAYS_PER_YEAR, boluses))
    return tuple(found)
