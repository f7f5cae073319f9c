"""Tone from the delivered dose, and the scores a rater writes down for it.

Tone is continuous, on the 0-4 Ashworth scale. A saturating (Emax) dose-response links it to
the delivered dose; the requirement is the dose at which tone equals the target.
"""

from dataclasses import dataclass

import numpy as np

from itb_bayes.simulate.schema import MeasurementPart, ResponsePart, Settings

MUSCLES = (
    ("hip_adductors", "L"),
    ("hip_adductors", "R"),
    ("knee_flexors", "L"),
    ("knee_flexors", "R"),
    ("plantar_flexors", "L"),
    ("plantar_flexors", "R"),
    ("knee_extensors", "L"),
    ("knee_extensors", "R"),
)
MAS_VALUES = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0)
MAS_CUTS = (0.5, 1.1, 1.6, 2.4, 3.4)


@dataclass(frozen=True)
class Response:
    """One patient's dose-response.

    Attributes
    ----------
    untreated
        Tone without drug.
    emax
        Tone taken away by an unlimited dose.
    hill
        Steepness.
    odds_at_target
        (requirement / half-effect dose) to the power `hill`.
    """

    untreated: float
    emax: float
    hill: float
    odds_at_target: float

    def tone(self, dose_ug: float, requirement_ug: float) -> float:
        """Return the tone under a delivered dose (ug/day), before triggers.

        At ``dose_ug == requirement_ug`` it is the target; it falls with the dose and levels
        off at ``untreated - emax``.
        """
        if dose_ug <= 0:
            return self.untreated
        odds = self.odds_at_target * (dose_ug / requirement_ug) ** self.hill
        return self.untreated - self.emax * odds / (1.0 + odds)


def draw_response(rules: ResponsePart, rng: np.random.Generator) -> Response:
    """Draw one patient's dose-response."""
    limits = rules.untreated_limits
    lowest = max(limits.low, rules.target_tone.value + 0.3)
    untreated = float(
        np.clip(
            rng.normal(rules.untreated_mean.value, rules.untreated_sd.value), lowest, limits.high
        )
    )
    emax = untreated * rules.emax_ratio.value
    share = (untreated - rules.target_tone.value) / emax
    return Response(untreated, emax, rules.hill.value, share / (1.0 - share))


@dataclass(frozen=True)
class Reading:
    """What was measured at one visit; tone figures on the 0-4 scale.

    Attributes
    ----------
    mean_tone
        Mean score over the muscles, moved to the 0-4 scale.
    scores
        Score of each muscle, in the centre's own scale.
    penn
        Penn spasm frequency score, 0-4.
    """

    mean_tone: float
    scores: tuple[float, ...]
    rater: int
    penn: float


def to_score(latent: float, scale: str) -> float:
    """Turn latent tone into one ordinal score of a scale."""
    if scale == "mas":
        return MAS_VALUES[int(np.searchsorted(MAS_CUTS, latent))]
    score = float(np.clip(np.floor(latent + 0.5), 0, 4))
    return score + 1.0 if scale == "ashworth_1_5" else score


class Rater:
    """Measures one patient: lasting muscle differences, raters, sessions and noise."""

    def __init__(
        self,
        rules: MeasurementPart,
        scale: str,
        n_muscles: int,
        rater_effects: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        self._rules, self._scale, self._rng = rules, scale, rng
        offsets = rng.normal(0, rules.muscle_sd.value, n_muscles)
        self._muscles = offsets - offsets.mean()
        self._raters = rater_effects
        self._penn = float(rng.normal(0, rules.penn_patient_sd.value))
        self._edss = float(rng.normal(rules.edss_mean.value, rules.edss_sd.value))

    def measure(self, tone: float) -> Reading:
        """Measure the tone once, by a rater of the centre."""
        rules, rng = self._rules, self._rng
        # One rater sees most of a patient's visits.
        rater = 0 if rng.random() < 0.7 else int(rng.integers(0, self._raters.size))
        session = rng.normal(0, rules.session_sd.value) + self._raters[rater]
        noise = rng.normal(0, rules.noise_sd.value, self._muscles.size)
        latent = tone + self._muscles + session + noise
        scores = tuple(to_score(float(value), self._scale) for value in latent)
        shift = 1.0 if self._scale == "ashworth_1_5" else 0.0
        spasm = rules.penn_intercept.value + rules.penn_slope.value * tone + self._penn
        spasm += rng.normal(0, rules.penn_noise_sd.value)
        penn = float(np.clip(np.floor(spasm + 0.5), 0, 4))
        return Reading(float(np.mean(scores)) - shift, scores, rater, penn)

    def edss(self, day_years: float, severity: float, per_log_unit: float) -> float:
        """Measure the EDSS (0-10 in half points) at a time, given the disease's severity."""
        rules = self._rules
        value = self._edss + rules.edss_per_year.value * day_years + per_log_unit * severity
        value += self._rng.normal(0, rules.edss_noise_sd.value)
        return float(np.clip(np.floor(2 * value + 0.5) / 2, 1.0, 9.5))


def draw_raters(settings: Settings, centre: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the lasting differences between the raters of a centre, shape (raters,)."""
    return np.asarray(
        rng.normal(0, settings.measurement.rater_sd.value, settings.centre[centre].raters.value)
    )
