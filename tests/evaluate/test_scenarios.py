"""The scenarios of the calibration benchmark resolve, and change what they say they change."""

from pathlib import Path

import pytest

from itb_bayes.simulate import load_settings
from itb_bayes.simulate.schema import Settings

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "regimes" / "scenarios"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def changed_parts(settings: Settings) -> set[str]:
    usual = load_settings("registry").model_dump()
    return {part for part, value in settings.model_dump().items() if value != usual[part]}


@pytest.mark.parametrize(
    "name, parts",
    [
        ("as_designed", set()),
        ("gradual_leaks", {"catheter", "pump"}),
        ("noisy_ashworth", {"measurement"}),
        ("older_catheters", {"covariates"}),
        ("other_titration", {"centre", "policy"}),
        ("twice_triggers", {"trigger"}),
    ],
)
def test_a_scenario_changes_one_thing_about_the_registry(name: str, parts: set[str]) -> None:
    settings = load_settings(FOLDER / f"{name}.toml")
    assert settings.cohort.name == name
    assert changed_parts(settings) - {"cohort"} == parts


def test_no_two_scenarios_share_a_seed_and_every_one_is_tested() -> None:
    seeds = [load_settings(FOLDER / f"{name}.toml").cohort.seed.value for name in NAMES]
    assert len(NAMES) == 6
    assert min(abs(a - b) for a in seeds for b in seeds if a != b) >= 1000
    assert len(set(seeds)) == 6
