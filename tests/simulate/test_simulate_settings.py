"""Settings files: a closed vocabulary, every number with its source, errors that help."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from itb_bayes.errors import UsageError
from itb_bayes.simulate import load_settings, preset_names
from itb_bayes.simulate.render import render_toml
from itb_bayes.simulate.schema import Settings


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _numbers_without_source(node: Any, path: str = "") -> list[str]:
    """Return the paths of numbers in a table (or in tables below) that carry no source."""
    if isinstance(node, list):
        return [
            found
            for i, item in enumerate(node)
            for found in _numbers_without_source(item, f"{path}[{i}]")
        ]
    if not isinstance(node, dict):
        return []
    sourced = any(key == "source" or key.endswith("_source") for key in node)
    bare = [
        f"{path}.{key}"
        for key, value in node.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and not sourced
    ]
    for key, value in node.items():
        if key != "shares":
            bare += _numbers_without_source(value, f"{path}.{key}")
    return bare


@pytest.mark.parametrize("preset", preset_names())
def test_every_number_of_a_preset_has_a_source(preset: str) -> None:
    table = load_settings(preset).model_dump(mode="json", exclude_none=True)
    assert _numbers_without_source(table) == []


@pytest.mark.parametrize("preset", preset_names())
def test_resolved_settings_read_back_the_same(preset: str, tmp_path: Path) -> None:
    settings = load_settings(preset)
    text = render_toml(settings.model_dump(mode="json", exclude_none=True))
    assert Settings.model_validate(tomllib.loads(text)) == settings
    assert load_settings(_write(tmp_path, text)) == settings


def test_overrides_are_kept_with_a_source() -> None:
    settings = load_settings("registry", patients=7, years=0.75, seed=3)
    assert settings.cohort.patients.value == 7
    assert settings.cohort.years.value == 0.75
    assert settings.cohort.min_years.value == 0.75
    assert settings.cohort.seed.value == 3
    assert settings.cohort.seed.source == "given on the command line"


def test_extends_replaces_only_what_is_given(tmp_path: Path) -> None:
    mine = load_settings(
        _write(
            tmp_path,
            'extends = "clinic-small"\n[pump]\n'
            'failed_by_six_years = { value = 0.5, source = "stress test" }\n',
        )
    )
    base = load_settings("clinic-small")
    assert mine.pump.failed_by_six_years.value == 0.5
    assert mine.pump.weibull_shape == base.pump.weibull_shape
    assert mine.catheter == base.catheter


CASES = {
    "unknown key": (
        'extends = "base"\n[pump]\nweibul_shape = { value = 2.0, source = "choice" }\n',
        r"pump\.weibul_shape: unknown key 'weibul_shape'; did you mean 'weibull_shape'\?",
    ),
    "unknown key in a diagnosis": (
        'extends = "base"\n[diagnosis.MS]\ndrift_log_per_yr = { value = 0.0, source = "choice" }\n',
        r"diagnosis\.MS\.drift_log_per_yr: unknown key .*; did you mean 'drift_log_per_year'",
    ),
    "unknown key in a centre": (
        'extends = "base"\n[[centre]]\nname = "A"\nscal = "mas"\n',
        r"centre\.0\.scal: unknown key 'scal'; did you mean 'scale'\?",
    ),
    "no source": (
        'extends = "base"\n[pump]\nweibull_shape = { value = 2.0 }\n',
        r"pump\.weibull_shape\.source: Field required",
    ),
    "bare number": (
        'extends = "base"\n[pump]\nweibull_shape = 2.0\n',
        r"pump\.weibull_shape: Input should be a valid dictionary",
    ),
    "out of range": (
        'extends = "base"\n[workup]\ndye_sensitivity = { value = 81, source = "percent" }\n',
        r"workup\.dye_sensitivity\.value: Input should be less than or equal to 1",
    ),
    "span upside down": (
        'extends = "base"\n[trigger]\nweeks = { low = 8.0, high = 2.0, source = "choice" }\n',
        r"trigger\.weeks: low \(8\) is above high \(2\)",
    ),
    "shares": (
        'extends = "base"\n[pump]\nforms = { shares = { abrupt = 0.5 }, source = "choice" }\n',
        r"pump\.forms: the shares sum to 0\.5; make them sum to 1",
    ),
    "unknown share": (
        'extends = "base"\n[pump]\nforms = { shares = { sudden = 1.0 }, source = "choice" }\n',
        r"pump\.forms: unknown share 'sudden'; known: abrupt",
    ),
    "unknown policy": (
        (
            'extends = "registry"\n[cohort]\nname = "x"\n[[mix]]\ndiagnosis = "MS"\ncount = 1\n'
            'source = "choice"\n[[centre]]\nname = "A"\npolicy = "bold"\nscale = "mas"\n'
            'record = "mean"\ndose_rows = "visit"\npenn = true\n'
            'weight = { value = 1, source = "choice" }\n'
            'visits_per_year = { value = 6.0, source = "choice" }\n'
            'raters = { value = 1, source = "choice" }\n'
            'muscles = { value = 4, source = "choice" }\n'
            'reservoir_ml = { value = 20.0, source = "choice" }\n'
        ),
        r"centre 'A' names the policy 'bold'; known: generous",
    ),
    "policy that extends nothing": (
        'extends = "base"\n[policy.mine]\nextends = "readng"\n',
        r"\[policy\.mine\] extends 'readng', which is not a complete policy",
    ),
    "follow-up": (
        'extends = "base"\n[cohort]\nfollow_up = "quantiles"\n',
        r"cohort: follow_up = \"quantiles\" needs follow_up_quantiles",
    ),
    "follow-up years": (
        (
            'extends = "base"\n[cohort]\nfollow_up_quantiles = { shares = { long = 1.0 }, '
            'source = "choice" }\n'
        ),
        r"cohort\.follow_up_quantiles: 'long' is not a number of years",
    ),
    "minimum above maximum": (
        'extends = "base"\n[cohort]\nmin_years = { value = 20.0, source = "choice" }\n',
        r"cohort: min_years \(20\) is above years \(10\)",
    ),
    "dates in the future": (
        'extends = "base"\n[cohort]\nyears = { value = 30.0, source = "choice" }\n',
        r"cohort: dates would run to 2038, beyond 2026; lower years or first_implant_year",
    ),
    "concentrations": (
        'extends = "base"\n[visit]\nconcentrations_ug_ml = [2000.0, 500.0]\n',
        r"visit: concentrations_ug_ml must be above zero and rise",
    ),
    "diagnosis without table": (
        'extends = "base"\n[[mix]]\ndiagnosis = "POLIO"\ncount = 1\nsource = "choice"\n',
        r"mix\.0\.diagnosis: Input should be 'MS'",
    ),
    "not TOML": ("[cohort\n", r"mine\.toml is not valid TOML"),
    "extends a number": ("extends = 3\n", r"`extends` must be the name of a preset or a path"),
    "extends itself": ('extends = "mine.toml"\n', r"`extends` runs in a circle"),
    "cohort is no table": ("cohort = 3\n", r"cohort: Input should be a valid dictionary"),
}


@pytest.mark.parametrize("text, message", CASES.values(), ids=CASES.keys())
def test_bad_settings_say_what_and_where(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        load_settings(_write(tmp_path, text))


def test_mix_without_its_diagnosis(tmp_path: Path) -> None:
    table = load_settings("base").model_dump(mode="json", exclude_none=True)
    del table["diagnosis"]["MS"]
    with pytest.raises(UsageError, match=r"\[\[mix\]\] names MS, but \[diagnosis\] has no such"):
        load_settings(_write(tmp_path, render_toml(table)))


def test_unknown_preset_is_answered_with_a_guess() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'registry'\? Presets: clinic-small"):
        load_settings("registri")


def test_a_name_too_long_for_a_file_is_an_unknown_preset() -> None:
    with pytest.raises(UsageError, match="No preset and no settings file"):
        load_settings("x" * 5000)


def test_unreadable_settings(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_settings(path)


@pytest.mark.parametrize("override", [{"patients": 0}, {"years": -1.0}, {"seed": -1}])
def test_impossible_overrides(override: dict[str, Any]) -> None:
    with pytest.raises(
        UsageError, match=rf"cohort\.{next(iter(override))}\.value: Input should be"
    ):
        load_settings("clinic-small", **override)
