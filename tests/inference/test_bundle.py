"""Fits on disk: atomic, verified, and without a patient's name outside the files that say so."""

import csv
import json
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from drift_cases import (
    ASIDE,
    CANARY,
    CANARY_DOSE,
    base_spec,
    instead_of_sampling,
    permuted_chains,
    tree_of,
)
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError, UsageError
from itb_bayes.inference import bundle, plan_store
from itb_bayes.inference.fit import fit
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.spec import ModelSpec

SETTINGS = SamplerSettings(draws=60, tune=50, chains=2, seed=8)
FILES = ("data.nc", "diagnostics.json", "draws.nc", "identity.csv", "model.json", "set_aside.csv")


def make(cohort: Cohort, out: Path, **options) -> Fit:
    with instead_of_sampling():
        return fit(base_spec(), cohort, SETTINGS, out, quiet=True, **options)


@pytest.fixture(scope="module")
def original(tiny_cohort, tmp_path_factory) -> tuple[Fit, Path]:
    out = tmp_path_factory.mktemp("bundle") / "fit"
    return make(tiny_cohort, out, command=("itb-bayes", "fit")), out


@pytest.fixture
def copy(original, tmp_path) -> Path:
    """A copy of the bundle that a test may damage."""
    return Path(shutil.copytree(original[1], tmp_path / "fit"))


def test_a_fit_read_back_is_the_fit_written(original):
    made, out = original
    read = Fit.load(out)
    assert read.draws.identical(made.draws) or all(
        np.array_equal(read.posterior[v], made.posterior[v]) for v in made.posterior
    )
    assert set(read.posterior.data_vars) == set(made.posterior.data_vars)
    assert read.spec == made.spec
    assert read.gate == made.gate
    assert read.run_id == made.run_id == str(made.manifest["run"])[:12]
    assert read.synthetic is True
    assert read.seed == 8
    assert (read.plan.structure, read.plan.notes) == (made.plan.structure, made.plan.notes)
    assert (read.plan.diagnoses, read.plan.centres) == (made.plan.diagnoses, made.plan.centres)
    for name in ("patient", "t_years", "daily_dose_ug", "dose_year_before_ug", "offsets"):
        np.testing.assert_array_equal(
            getattr(read.plan.series, name), getattr(made.plan.series, name)
        )
    assert read.plan.series.patient_ids == made.plan.series.patient_ids
    assert plan_store.plan_digest(read.plan) == made.manifest["data"]
    np.testing.assert_array_equal(read.patients().p_rise, made.patients().p_rise)


def test_the_manifest_has_three_hashes_and_no_patient(original, tiny_cohort):
    made, out = original
    text = (out / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert all(len(manifest[name]) == 64 for name in ("model", "data", "run"))
    assert len({manifest[name] for name in ("model", "data", "run")}) == 3
    assert manifest["model"] == made.spec.digest
    assert manifest["cohort_fingerprint"] == tiny_cohort.fingerprint
    assert manifest["settings"] == SETTINGS.as_dict()
    assert manifest["command"] == ["itb-bayes", "fit"]
    assert manifest["n_set_aside"] == 1
    assert set(manifest["files"]) == set(FILES)
    assert {"pymc", "numpy", "nutpie", "itb-bayes", "python"} <= set(manifest["versions"])
    assert not any(pid in text for pid in tiny_cohort.patients["patient_id"])


def test_what_can_change_a_number_changes_a_hash(tiny_cohort, original, tmp_path):
    first = original[0].manifest
    with instead_of_sampling():
        seed = fit(
            base_spec(), tiny_cohort, SamplerSettings(60, 50, 2, seed=9), tmp_path / "a", quiet=True
        ).manifest
        until = dict.fromkeys(tiny_cohort.patients["patient_id"], 3.0)
        past = fit(
            base_spec(), tiny_cohort, SETTINGS, tmp_path / "b", until_years=until, quiet=True
        ).manifest
    assert (seed["model"], seed["data"]) == (first["model"], first["data"])
    assert seed["run"] != first["run"]
    assert past["data"] != first["data"]
    assert past["run"] != first["run"]


def test_patients_are_named_in_one_private_file_only(original):
    """Neither an id nor a dose stands in any other file; doses are stored as numbers only."""
    _, out = original
    named = {p.name for p in out.iterdir() if CANARY.encode() in p.read_bytes()}
    named_aside = {p.name for p in out.iterdir() if ASIDE.encode() in p.read_bytes()}
    assert named == {"identity.csv"}
    assert named_aside == {"identity.csv"}
    assert stat.S_IMODE((out / "identity.csv").stat().st_mode) == 0o600
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    with_dose = {p.name for p in out.iterdir() if str(CANARY_DOSE).encode() in p.read_bytes()}
    raw = np.float64(CANARY_DOSE).tobytes()
    with_bytes = {p.name for p in out.iterdir() if raw in p.read_bytes()}
    assert with_dose == set()
    assert with_bytes == {"data.nc"}


def test_identity_is_a_table_of_position_and_name(original):
    made, out = original
    with (out / "identity.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    fitted = [row for row in rows if row["patient"].isdigit()]
    assert [row["patient_id"] for row in fitted] == list(made.plan.series.patient_ids)
    assert [row["patient"] for row in rows] == [*(str(i) for i in range(12)), "x1"]
    assert rows[-1]["patient_id"] == ASIDE


def test_without_the_identifying_files_patients_are_numbered(copy, original):
    (copy / "identity.csv").unlink()
    (copy / "set_aside.csv").unlink()
    read = Fit.load(copy)
    assert read.plan.series.patient_ids == tuple(f"patient-{i}" for i in range(1, 13))
    np.testing.assert_array_equal(read.patients().drift, original[0].patients().drift)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_changed_is_refused(name, copy):
    path = copy / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UsageError, match=f"{name} does not match"):
        Fit.load(copy)


@pytest.mark.parametrize("name", ["data.nc", "diagnostics.json", "draws.nc", "model.json"])
def test_a_missing_file_is_refused(name, copy):
    (copy / name).unlink()
    with pytest.raises(UsageError, match=f"incomplete: {name} is missing"):
        Fit.load(copy)


@pytest.mark.parametrize("folder", ["nowhere", "empty", "file"])
def test_a_folder_that_is_no_fit_is_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="is not a fit"):
        Fit.load(tmp_path / folder)


def edit_manifest(folder: Path, change) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    changed = change(manifest)
    content = manifest if changed is None else changed
    if isinstance(content, dict):
        content = {**content, "seal": bundle.manifest_digest(content)}
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda m: [],
        lambda m: {"format": bundle.FORMAT},
        lambda m: {**m, "format": "first"},
        lambda m: {**m, "files": 3},
        lambda m: {**m, "files": {}},
        lambda m: m["files"].pop("draws.nc") and None,
        lambda m: m.pop("settings") and None,
        lambda m: m.pop("run") and None,
    ],
)
def test_a_damaged_manifest_is_refused(change, copy):
    edit_manifest(copy, change)
    with pytest.raises(UsageError, match="damaged"):
        Fit.load(copy)


def test_a_manifest_that_is_no_json_is_refused(copy):
    (copy / "manifest.json").write_bytes(b"\xff{")
    with pytest.raises(UsageError, match="damaged"):
        Fit.load(copy)


def test_a_newer_format_is_refused_and_names_its_version(copy):
    edit_manifest(copy, lambda m: {**m, "format": 99, "versions": {"itb-bayes": "7.1"}})
    with pytest.raises(UsageError, match=r"format 99.*\(7\.1\)"):
        Fit.load(copy)


@pytest.mark.parametrize("revision", [1, None])
def test_a_fit_of_another_parameterisation_is_refused(revision, copy):
    edit_manifest(copy, lambda m: {**m, "model_revision": revision})
    with pytest.raises(ModelError, match="parameters mean something else; fit again"):
        Fit.load(copy)


def reseal(folder: Path, name: str, content: str) -> None:
    """Replace a file and make the manifest agree, as somebody careful would."""
    (folder / name).write_text(content, encoding="utf-8")
    edit_manifest(folder, lambda m: m["files"].update({name: bundle.file_digest(folder / name)}))


def test_a_model_whose_priors_were_edited_is_refused_even_with_a_fresh_digest(copy):
    content = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    content["resolved_priors"]["drift"]["params"]["mean"] = 0.5
    reseal(copy, "model.json", json.dumps(content))
    with pytest.raises(ModelError, match="altered"):
        Fit.load(copy)


def test_files_are_never_half_written(tmp_path, monkeypatch, tiny_plan):
    path = tmp_path / "a.json"
    bundle.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        bundle.write_json(path, {"a": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}

    draws = tree_of(permuted_chains(base_spec(), tiny_plan, 2, 50))
    target = tmp_path / "draws.nc"
    bundle.write_tree(draws, target)
    before = target.read_bytes()

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        bundle.write_tree(draws.isel(draw=slice(0, 10)), target)
    with pytest.raises(OSError, match="disk full"):
        bundle.write_json(path, {"a": 2})
    assert target.read_bytes() == before
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}


def test_a_fit_that_fails_on_the_way_leaves_nothing_under_its_name(
    tiny_cohort, tmp_path, monkeypatch
):
    out = tmp_path / "fit"
    monkeypatch.setattr(bundle, "seal", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        make(tiny_cohort, out)
    assert not out.exists()
    (part,) = tmp_path.iterdir()
    assert part.name.startswith(".fit.")
    assert part.name.endswith(".part")
    assert (part / "chains").is_dir()  # what was sampled is still there
    monkeypatch.undo()
    make(tiny_cohort, out)
    assert [path.name for path in tmp_path.iterdir()] == ["fit"]


def test_draws_can_be_read_while_they_are_replaced(tmp_path, tiny_plan):
    """Reading loads everything and closes the file, so overwriting cannot truncate it."""
    path = tmp_path / "draws.nc"
    posterior = permuted_chains(base_spec(), tiny_plan, 2, 50)
    bundle.write_tree(tree_of(posterior), path)
    first = bundle.read_tree(path)
    bundle.write_tree(tree_of(posterior * 2.0), path)
    np.testing.assert_array_equal(first["posterior"]["level_sd"], posterior["level_sd"])
    np.testing.assert_array_equal(
        bundle.read_tree(path)["posterior"]["level_sd"], 2.0 * posterior["level_sd"]
    )


def test_a_fit_is_replaced_only_by_force(tiny_cohort, tmp_path):
    out = tmp_path / "fit"
    make(tiny_cohort, out)
    kept = tmp_path / "fit.old"
    kept.mkdir()
    (kept / "backup").write_text("of the user", encoding="utf-8")
    with pytest.raises(UsageError, match="--force"):
        make(tiny_cohort, out)
    make(tiny_cohort, out, force=True)
    assert (kept / "backup").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit", "fit.old"]
    assert Fit.load(out).seed == 8
    (out / "mine.txt").write_text("a note", encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine\.txt"):
        make(tiny_cohort, out, force=True)
    assert (out / "mine.txt").exists()


def test_force_does_not_replace_what_is_no_fit(tiny_cohort, tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(UsageError, match="what no fit writes"):
        make(tiny_cohort, tmp_path, force=True)
    assert (tmp_path / "thesis.docx").exists()


def test_a_file_is_no_target(tiny_cohort, tmp_path):
    (tmp_path / "fit").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file"):
        make(tiny_cohort, tmp_path / "fit", force=True)
    with pytest.raises(UsageError, match="cannot create"):
        make(tiny_cohort, tmp_path / "fit" / "inner")


def test_a_folder_that_cannot_be_written_is_a_usage_error(tiny_cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle.os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match="cannot write in"):
        make(tiny_cohort, tmp_path / "fit")


def test_the_empty_current_folder_can_be_the_target(tiny_cohort, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    make(tiny_cohort, Path())
    assert (tmp_path / "here" / "manifest.json").exists()


def test_a_fit_of_another_kind_is_refused(original, monkeypatch, tiny_cohort, tmp_path):
    class Other:
        kind = "pumps"

    monkeypatch.setattr(ModelSpec, "from_canonical", lambda content: Other())
    with pytest.raises(ModelError, match="fit of kind 'pumps'; this needs a fit of kind 'drift'"):
        Fit.load(original[1])
    with pytest.raises(ModelError, match="models of kind 'pumps' cannot be fitted"):
        fit(Other(), tiny_cohort, SETTINGS, tmp_path / "fit", quiet=True)
