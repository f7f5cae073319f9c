"""Who the patients are: diagnosis, centre, covariates, length of follow-up."""

from dataclasses import dataclass

import numpy as np

from itb_bayes.simulate.schema import Diagnosis, Settings
from itb_bayes.simulate.vocabulary import Shares, Span

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Person:
    """One simulated patient.

    Attributes
    ----------
    index
        Position in the cohort, from 0.
    follow_up_days
        Days from implant to the administrative end of follow-up.
    implant_offset_days
        Days from the start of the first implant year to the implant.
    centre
        Index into the centres of the settings.
    """

    index: int
    patient_id: str
    diagnosis: Diagnosis
    centre: int
    sex: str
    age_at_implant: float
    sci_level: str | None
    ais_grade: str | None
    ms_course: str | None
    ambulatory: bool
    catheter_model: str
    pump_model: str
    implant_offset_days: int
    follow_up_days: int


def apportion(weights: list[float], index: int) -> tuple[int, int]:
    """Deal positions to groups in proportion to their weights, without chance.

    Each position goes to the group that is furthest behind its share, so that the first n are
    the same whatever the total, and a full round holds exactly the given counts.

    Returns
    -------
    tuple of int
        The group of position `index`, and how many earlier positions that group has.
    """
    total = sum(weights)
    dealt = [0] * len(weights)
    group, rounds = 0, 0
    if all(weight.is_integer() for weight in weights):
        # After a full round nobody is behind, and the dealing starts afresh.
        rounds, index = divmod(index, int(total))
    for position in range(index + 1):
        due = [weight * (position + 1) / total for weight in weights]
        behind = [round(want - have, 9) for want, have in zip(due, dealt, strict=True)]
        group = behind.index(max(behind))
        dealt[group] += 1
    return group, rounds * int(weights[group]) + dealt[group] - 1


def draw(rng: np.random.Generator, span: Span) -> float:
    """Draw uniformly from a span."""
    return float(rng.uniform(span.low, span.high))


def pick(rng: np.random.Generator, shares: Shares) -> str:
    """Draw a name by its share."""
    names = list(shares.shares)
    ends = np.cumsum(list(shares.shares.values()))
    return names[min(int(np.searchsorted(ends, rng.random(), side="right")), len(names) - 1)]


def _dealt(shares: Shares, nth: int, round_size: int, seed: tuple[int, int]) -> str:
    """Deal a covariate in shuffled rounds, so that each round holds the published counts.

    The shuffle keeps covariates that are dealt alike from running in step.
    """
    round_number, position = divmod(nth, round_size)
    sequence = np.random.SeedSequence(seed[0], spawn_key=(2, seed[1], round_number))
    order = np.random.default_rng(sequence).permutation(round_size)
    group, _ = apportion(list(shares.shares.values()), int(order[position]))
    return list(shares.shares)[group]


def draw_person(settings: Settings, index: int, rng: np.random.Generator) -> Person:
    """Draw one patient; the case mix is dealt, so that published counts are met exactly."""
    mix, nth = apportion([float(row.count) for row in settings.mix], index)
    diagnosis = settings.mix[mix].diagnosis
    part = settings.diagnosis[diagnosis]
    centre, _ = apportion([float(row.weight.value) for row in settings.centre], index)
    # A dealt centre would run in step with the dealt diagnosis; chance parts them.
    if len(settings.centre) > 1:
        weights = np.array([row.weight.value for row in settings.centre], dtype=float)
        centre = int(np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random()))
    cov = settings.covariates
    age = float(np.clip(rng.normal(part.age_mean_years.value, part.age_sd_years.value), 16, 80))
    sex = "F" if rng.random() < part.female.value else "M"
    ambulatory = bool(rng.random() < part.ambulatory.value)
    catheter, pump = pick(rng, cov.catheter_model), pick(rng, cov.pump_model)
    offset, follow_up = _follow_up(settings, nth, rng)
    size, seed = settings.mix[mix].count, settings.cohort.seed.value
    dealt = {
        name: _dealt(shares, nth, size, (seed, salt)) if diagnosis == owner else None
        for salt, (name, owner, shares) in enumerate(
            (
                ("sci_level", "SCI", cov.sci_level),
                ("ais_grade", "SCI", cov.ais_grade),
                ("ms_course", "MS", cov.ms_course),
            )
        )
    }
    return Person(
        index=index,
        patient_id=f"{settings.cohort.id_prefix}{index + 1:03d}",
        diagnosis=diagnosis,
        centre=centre,
        sex=sex,
        age_at_implant=round(age, 1),
        **dealt,
        ambulatory=ambulatory,
        catheter_model=catheter,
        pump_model=pump,
        implant_offset_days=offset,
        follow_up_days=follow_up,
    )


def _follow_up(settings: Settings, nth: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the implant day and the length of follow-up, in days."""
    cohort = settings.cohort
    longest = cohort.years.value * DAYS_PER_YEAR
    shortest = min(cohort.min_years.value * DAYS_PER_YEAR, longest)
    u = float(rng.random())
    if cohort.follow_up == "quantiles" and cohort.follow_up_quantiles is not None:
        steps = cohort.follow_up_quantiles.shares
        years = sorted(float(name) for name in steps)
        weights = [steps[name] for name in sorted(steps, key=float)]
        group, _ = apportion(weights, nth)
        low = years[group - 1] if group else cohort.min_years.value
        length = (low + u * (years[group] - low)) * DAYS_PER_YEAR
        return int(rng.integers(0, 365)), int(min(length, longest))
    # Staggered entry: everyone is followed to the same closing day.
    offset = int(u * (longest - shortest))
    return offset, int(longest - offset)
