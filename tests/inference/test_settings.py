"""Sampler settings."""

import pytest

from itb_bayes.errors import UsageError
from itb_bayes.inference.settings import (
    DRIFT_PROFILES,
    PROFILES,
    REGIMES_PROFILES,
    SamplerSettings,
    profile_settings,
)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("draws", 49, "draws must be at least 50"),
        ("tune", 0, "tune must be at least 50"),
        ("chains", 1, "chains must be at least 2"),
        ("target_accept", 1.0, r"target_accept must lie in \[0.5, 1\)"),
        ("target_accept", 0.4, "target_accept"),
        ("target_accept", float("nan"), "target_accept"),
        ("metric", "dense", "no metric 'dense'; choose one of diagonal, whitened"),
        ("backend", "c", "no backend 'c'; choose one of numba, jax"),
        ("seed", -1, "seed must lie between 0"),
        ("seed", 2**32, "seed must lie between 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(field, value, message):
    with pytest.raises(UsageError, match=message):
        SamplerSettings(**({"draws": 100, "tune": 100} | {field: value}))


def test_a_profile_can_be_changed_in_part():
    settings = profile_settings("quick", draws=77, tune=None, chains=None, seed=9)
    assert settings.as_dict() == PROFILES["quick"].as_dict() | {"draws": 77, "seed": 9}


def test_an_unknown_profile_is_refused():
    with pytest.raises(UsageError, match="choose one of quick, standard, paper"):
        profile_settings("fast")


def test_regimes_and_drift_are_sampled_in_round_coordinates():
    assert profile_settings("quick", "regimes").metric == "whitened"
    assert profile_settings("quick", "drift").metric == "whitened"
    assert profile_settings("quick", "complications").metric == "diagonal"


@pytest.mark.parametrize("profiles", [PROFILES, DRIFT_PROFILES, REGIMES_PROFILES])
def test_profiles_grow(profiles):
    draws = [
        profiles[name].draws * profiles[name].chains for name in ("quick", "standard", "paper")
    ]
    assert draws == sorted(draws)
    assert draws[0] >= 2000
