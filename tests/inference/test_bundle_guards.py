"""Seals, locks and half-finished work: what keeps one fit from being taken for another."""

import json
import shutil
from pathlib import Path

import pytest

from drift_cases import base_spec, instead_of_sampling
from itb_bayes.errors import ModelError, UsageError
from itb_bayes.inference import bundle
from itb_bayes.inference import fit as module
from itb_bayes.inference.fit import fit
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.sampling import chain_batches
from itb_bayes.inference.settings import SamplerSettings

SETTINGS = SamplerSettings(draws=60, tune=50, chains=2, seed=8)


@pytest.fixture
def copy(passed_fit, tmp_path) -> Path:
    """A copy of a fit that a test may damage."""
    return Path(shutil.copytree(passed_fit, tmp_path / "fit"))


def edit(folder: Path, seal: bool, **changes: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) | changes
    if seal:
        manifest["seal"] = bundle.manifest_digest(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def make(cohort, out: Path, **options) -> Fit:
    with instead_of_sampling():
        return fit(base_spec(), cohort, SETTINGS, out, quiet=True, **options)


def test_a_manifest_that_was_edited_is_refused(copy):
    """A cohort cannot be made to look real, or a gate passed, by editing one word."""
    assert Fit.load(copy).synthetic
    edit(copy, seal=False, synthetic=False)
    with pytest.raises(UsageError, match=r"manifest\.json does not match its seal"):
        Fit.load(copy)


def test_a_manifest_of_another_model_is_refused(copy):
    edit(copy, seal=True, model="0" * 64)
    with pytest.raises(ModelError, match="names another model than it holds"):
        Fit.load(copy)


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (lambda out: (out / "manifest.json").unlink(), "no manifest.json of a fit"),
        (lambda out: (out / "manifest.json").write_text("{}"), "no manifest.json of a fit"),
        (lambda out: (out / "manifest.json").write_bytes(b"\xff"), "no manifest.json of a fit"),
        (lambda out: (out / "pages").mkdir(), "pages"),
        (lambda out: edit(out, seal=True, format=9), "of another format"),
    ],
)
def test_force_replaces_nothing_but_a_fit(fill, message, tiny_cohort, copy):
    fill(copy)
    before = sorted(path.name for path in copy.iterdir())
    with pytest.raises(UsageError, match=f"holds what no fit writes .*{message}"):
        make(tiny_cohort, copy, force=True)
    assert sorted(path.name for path in copy.iterdir()) == before


def test_two_processes_do_not_make_one_fit(tiny_cohort, tmp_path):
    out = tmp_path / "fit"
    run = make(tiny_cohort, tmp_path / "elsewhere").run_id
    working = tmp_path / f".fit.{run}.part"
    working.mkdir()
    with bundle.exclusive(working), pytest.raises(UsageError, match="another process is making"):
        make(tiny_cohort, out)
    assert make(tiny_cohort, out).run_id == run
    assert not (out / bundle.LOCK_FILE).exists()
    assert not working.exists()


def test_a_target_filled_meanwhile_is_kept_and_so_are_the_chains(
    tiny_cohort, tmp_path, monkeypatch
):
    out = tmp_path / "fit"
    publish = bundle.publish

    def fill_first(*arguments):
        out.mkdir()
        (out / "note").write_text("somebody else's", encoding="utf-8")
        publish(*arguments)

    monkeypatch.setattr(bundle, "publish", fill_first)
    with pytest.raises(UsageError, match="filled by another process meanwhile"):
        make(tiny_cohort, out)
    assert [path.name for path in out.iterdir()] == ["note"]
    (part,) = tmp_path.glob(".fit.*.part")
    assert (part / bundle.CHAINS_FOLDER).is_dir()


@pytest.mark.parametrize("damage", ["truncated", "of other settings", "no netCDF"])
def test_a_broken_file_of_chains_is_sampled_again(damage, passed_fit, tmp_path):
    """A machine that loses power may leave a file that cannot be read, or of another request."""
    draws = Fit.load(passed_fit).draws
    settings = SamplerSettings(draws=250, tune=50, chains=2)
    (batch,) = chain_batches(settings)
    path = tmp_path / "chains-0.nc"
    bundle.write_tree(draws.isel(chain=slice(0, 2)), path)
    assert module._finished(path, settings, batch) is not None
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "no netCDF":
        path.write_bytes(b"nothing")
    else:
        bundle.write_tree(draws.isel(chain=slice(0, 2), draw=slice(0, 100)), path)
    assert module._finished(path, settings, batch) is None
    assert not path.exists()
    assert module._finished(path, settings, batch) is None
