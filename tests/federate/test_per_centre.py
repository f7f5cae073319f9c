"""Every centre fitted by itself: its own patients, a folder each, and nothing fitted twice."""

import json
from pathlib import Path

import pytest

from drift_cases import base_spec, instead_of_sampling, run_command, write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError
from itb_bayes.federate import per_centre as module
from itb_bayes.federate.per_centre import centres_of, fit_per_centre, of_centre
from itb_bayes.federate.release import make_release
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.spec import load_model
from regimes_fits import regimes_tables, save_regimes_fit, small_regimes_fit

SETTINGS = SamplerSettings(250, 50, seed=2)


def test_centres_have_their_own_patients_and_records(tiny_cohort: Cohort) -> None:
    assert centres_of(tiny_cohort) == ("north", "south")
    parts = [of_centre(tiny_cohort, name) for name in centres_of(tiny_cohort)]
    assert sum(len(part.doses) for part in parts) == len(tiny_cohort.doses)
    for part, name in zip(parts, ("north", "south"), strict=True):
        assert set(part.patients["centre"]) == {name}
        assert set(part.doses["patient_id"]) <= set(part.patients["patient_id"])
    assert len({tiny_cohort.fingerprint, *(part.fingerprint for part in parts)}) == 3


def test_every_centre_is_fitted_once(
    tiny_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with instead_of_sampling():
        fits = fit_per_centre(
            base_spec(), tiny_cohort, SETTINGS, tmp_path / "fits", on_centre=told.append, quiet=True
        )
    assert told == ["north", "south"] == list(fits)
    assert [fit.plan.centres for fit in fits.values()] == [(), ()]
    assert sorted(p.name for p in (tmp_path / "fits").iterdir()) == ["centre-01", "centre-02"]
    assert make_release(fits["north"], "north").names

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("fitted twice")

    monkeypatch.setattr(module, "fit", never)
    again = fit_per_centre(base_spec(), tiny_cohort, SETTINGS, tmp_path / "fits", quiet=True)
    assert [fit.run_id for fit in again.values()] == [fit.run_id for fit in fits.values()]
    with pytest.raises(AssertionError, match="fitted twice"):
        fit_per_centre(
            base_spec(), tiny_cohort, SamplerSettings(250, 50, seed=3), tmp_path / "fits"
        )


def test_cohorts_and_models_without_centres(tiny_cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no centre term"):
        fit_per_centre(load_model("@spasticity"), tiny_cohort, SETTINGS, tmp_path / "x")
    with pytest.raises(ModelError, match="names 1, and 0 patients have none"):
        centres_of(of_centre(tiny_cohort, "north"))


def test_the_command(tiny_folder: Path, tmp_path: Path) -> None:
    words = ("fit", "@drift", tiny_folder, "--per-centre", "--draws", 250, "--tune", 50)
    with instead_of_sampling():
        done = run_command(*words, "--out", tmp_path / "fits", "--seed", 2)
        answer = run_command(*words, "--out", tmp_path / "fits", "--seed", 2, "--json", "--quiet")
    assert done.code == 0
    assert "centre north" in done.stderr
    assert "centre-02" in done.stdout
    assert sorted(json.loads(answer.stdout)) == ["north", "south"]
    assert answer.stderr == ""


def test_only_drift_fits_are_released(tmp_path: Path) -> None:
    write_cohort(tmp_path / "cohort", regimes_tables())
    folder = save_regimes_fit(small_regimes_fit(tmp_path / "made", draws=60), tmp_path / "fit")
    refused = run_command("release", folder, "--centre", "x", "--out", tmp_path / "x.json")
    assert (refused.code, "'drift' only" in refused.stderr) == (3, True)
