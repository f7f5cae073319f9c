"""Dose-response and measurement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itb_bayes.simulate import load_settings
from itb_bayes.simulate.spasticity import MAS_VALUES, Rater, draw_response, to_score

SETTINGS = load_settings("base")


@given(
    seed=st.integers(0, 10_000),
    requirement=st.floats(10, 1500),
    low=st.floats(1, 2000),
    factor=st.floats(1.001, 20),
)
def test_tone_falls_with_the_dose_and_rises_with_the_requirement(
    seed: int, requirement: float, low: float, factor: float
) -> None:
    response = draw_response(SETTINGS.response, np.random.default_rng(seed))
    assert response.tone(low * factor, requirement) < response.tone(low, requirement)
    assert response.tone(low, requirement * factor) > response.tone(low, requirement)
    floor = response.untreated - response.emax
    assert floor <= response.tone(low, requirement) <= response.untreated


@given(seed=st.integers(0, 10_000), requirement=st.floats(10, 1500))
def test_the_requirement_is_the_dose_that_holds_tone_at_the_target(
    seed: int, requirement: float
) -> None:
    response = draw_response(SETTINGS.response, np.random.default_rng(seed))
    assert response.tone(requirement, requirement) == pytest.approx(1.0)
    assert response.tone(0.0, requirement) == response.untreated


def test_response_saturates() -> None:
    response = draw_response(SETTINGS.response, np.random.default_rng(1))
    first = response.tone(100, 200) - response.tone(200, 200)
    later = response.tone(1000, 200) - response.tone(1100, 200)
    assert later < 0.2 * first


@pytest.mark.parametrize(
    "scale, allowed",
    [
        ("ashworth_0_4", {0.0, 1.0, 2.0, 3.0, 4.0}),
        ("ashworth_1_5", {1.0, 2.0, 3.0, 4.0, 5.0}),
        ("mas", set(MAS_VALUES)),
    ],
)
def test_scores_use_the_whole_scale_and_nothing_else(scale: str, allowed: set[float]) -> None:
    scores = [to_score(float(latent), scale) for latent in np.linspace(-2, 6, 400)]
    assert set(scores) == allowed
    assert scores == sorted(scores)


def test_readings_follow_tone_and_repeat_within_the_published_noise() -> None:
    rater = Rater(SETTINGS.measurement, "ashworth_0_4", 6, np.zeros(2), np.random.default_rng(3))
    low = [rater.measure(1.0).mean_tone for _ in range(400)]
    high = [rater.measure(2.5).mean_tone for _ in range(400)]
    assert np.mean(low) == pytest.approx(1.0, abs=0.1)
    assert np.mean(high) == pytest.approx(2.5, abs=0.1)
    # domain facts: 0.25-0.35 for the mean of four to eight muscles
    assert 0.2 < np.std(low) < 0.4


def test_edss_stays_on_its_scale() -> None:
    rater = Rater(SETTINGS.measurement, "ashworth_0_4", 4, np.zeros(1), np.random.default_rng(4))
    values = [rater.edss(year, severity, 2.0) for year in range(12) for severity in (-9, 0, 9)]
    assert all(1.0 <= value <= 9.5 and (2 * value).is_integer() for value in values)
