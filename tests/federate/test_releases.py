"""What leaves a centre, and what comes of several: moments only, checked, and judged."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from drift_cases import run_command
from fits import IDS, make_fit, make_plan, make_posterior, save_fit
from itb_bayes.errors import GateError, ModelError, UsageError
from itb_bayes.federate.combining import combine_releases, write_combined
from itb_bayes.federate.release import (
    Release,
    distance_from_normal,
    make_release,
    read_release,
    write_release,
)
from itb_bayes.federate.table import combined_table
from itb_bayes.inference.fitted import Fit
from itb_bayes.spec import DriftSpec, load_model


def spec() -> DriftSpec:
    found = load_model("@drift")
    assert isinstance(found, DriftSpec)
    return found


def fit_of(seed: int, diagnoses: list[str] | None = None, draws: int = 500) -> Fit:
    """Return a made-up fit of one centre, its draws near those of the others."""
    fit = make_fit(make_plan(diagnoses=diagnoses))
    posterior = make_posterior(fit.plan, draws=draws, seed=seed)
    stats = fit.draws["sample_stats"].to_dataset()
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    return Fit(fit.spec, fit.plan, tree, fit.gate, fit.manifest)


@pytest.fixture(scope="module")
def releases() -> list[Release]:
    return [make_release(fit_of(seed), name) for seed, name in ((1, "north"), (2, "south"))]


def test_exactly_this_leaves_a_centre(releases: list[Release], tmp_path: Path) -> None:
    write_release(releases[0], tmp_path / "north.json")
    text = (tmp_path / "north.json").read_text()
    assert sorted(json.loads(text)) == [
        "centre", "covariance", "distance", "format", "mean", "names", "priors", "reach",
        "synthetic", "terms",
    ]  # fmt: skip
    assert read_release(tmp_path / "north.json") == releases[0]
    plan = fit_of(1).plan
    assert not any(who in text for who in IDS)
    written = {f"{x:.6g}" for x in plan.series.daily_dose_ug} | {f"{x}" for x in plan.panel.y}
    assert not any(f" {number}," in text for number in written)
    assert f": {plan.n_patient}" not in text
    k = len(releases[0].names)
    numbers = k + k * k + k + 1
    assert np.size(releases[0].mean) + np.size(releases[0].covariance) + k + 1 == numbers


def test_diagnoses_of_few_patients_are_left_out() -> None:
    diagnoses = ["MS"] * 8 + ["HAM"] * 4 + ["SCI"] * 2
    names = make_release(fit_of(3, diagnoses), "north").names
    assert "level[MS]" in names
    assert not any("HAM" in name or "SCI" in name for name in names)
    text = make_release(fit_of(3, diagnoses), "north").to_json()
    assert "HAM" not in text


def test_fits_that_are_not_released(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="nothing of it is released"):
        make_release(make_fit(passed=False), "north")
    few = make_fit(make_plan(IDS[:4]))
    with pytest.raises(UsageError, match="fewer than 5 patients"):
        make_release(few, "north")
    fit = make_fit()
    joint = replace(fit.plan, centres=("a", "b"))
    with pytest.raises(UsageError, match="of several centres"):
        make_release(Fit(fit.spec, joint, fit.draws, fit.gate, fit.manifest), "north")


def test_files_that_are_no_release(releases: list[Release], tmp_path: Path) -> None:
    path = tmp_path / "north.json"
    write_release(releases[0], path)
    with pytest.raises(UsageError, match="is there already"):
        write_release(releases[0], path)
    with pytest.raises(UsageError, match="cannot write"):
        write_release(releases[0], tmp_path / "none" / "north.json")
    with pytest.raises(UsageError, match="cannot read"):
        read_release(tmp_path / "none.json")
    content = json.loads(path.read_text())
    k = len(content["names"])
    faults = (
        {"format": 2},
        {"names": ["level[MS]"] * k},
        {"mean": content["mean"][1:]},
        {"covariance": [[0.0] * k] * k},
        {"mean": [float("nan")] * k},
        {"covariance": (np.eye(k) + np.eye(k, k=1)).tolist()},
        {"priors": {}},
        {"reach": None},
    )
    for fault in faults:
        path.write_text(json.dumps({**content, **fault}))
        with pytest.raises(UsageError, match="is no release that this version reads"):
            read_release(path)
    path.write_text("[]")
    with pytest.raises(UsageError, match="is no release"):
        read_release(path)


def test_two_centres_know_more_than_one(releases: list[Release]) -> None:
    found = combine_releases(spec(), releases)
    assert found.trusted
    assert found.centres == ("north", "south")
    assert found.diagnoses == ("MS", "SCI")
    sd = found.posterior["within_sd"].std()
    single = fit_of(1).posterior["within_sd"].std()
    assert sd < 0.85 * single
    assert abs(float(found.posterior["within_sd"].mean()) - 0.15) < 0.005
    assert set(found.posterior.data_vars) >= {"centre_level_sd", "centre_drift_z", "tail_df"}
    rows = combined_table(found)
    drift = next(row for row in rows if (row.quantity, row.group) == ("drift", "MS"))
    assert drift.q05 < 5.1 < drift.q95
    assert any("year 10" in row.group for row in rows)


def test_without_a_centre_term_levels_are_shared(releases: list[Release]) -> None:
    model = spec()
    alike = model.model_copy(update={"centre": model.centre.model_copy(update={"use": "no"})})
    shared, apart = combine_releases(alike, releases), combine_releases(model, releases)
    assert "centre_level_sd" not in shared.posterior
    assert shared.posterior["level"].std() < apart.posterior["level"].std()


def test_a_model_that_has_no_priors_of_centres(releases: list[Release]) -> None:
    model = load_model("@drift-no-centre")
    assert isinstance(model, DriftSpec)
    assert "centre_level_sd" not in model.resolved_priors
    assert "centre_level_sd" not in combine_releases(model, releases).posterior


def test_the_order_of_the_files_does_not_matter(releases: list[Release]) -> None:
    one, two = combine_releases(spec(), releases), combine_releases(spec(), releases[::-1])
    xr.testing.assert_identical(one.posterior, two.posterior)


def test_releases_that_do_not_belong_together(releases: list[Release]) -> None:
    north, south = releases
    for chosen in ([north], [north, north]):
        with pytest.raises(UsageError, match="two or more releases of different centres"):
            combine_releases(spec(), chosen)
    other_terms = replace(south, terms={**south.terms, "titration": True})
    with pytest.raises(ModelError, match="fitted other terms"):
        combine_releases(spec(), [north, other_terms])
    priors = {**south.priors, "within_sd": {"family": "halfnormal", "params": {"sd": 9.0}}}
    with pytest.raises(ModelError, match="another prior of within_sd"):
        combine_releases(spec(), [north, replace(south, priors=priors)])
    unknown = replace(
        south, names=(*south.names[:-1], "nonsense"),
        priors={**south.priors, "nonsense": {}},
    )  # fmt: skip
    with pytest.raises(ModelError, match="another prior of nonsense"):
        combine_releases(spec(), [north, unknown])


@pytest.mark.parametrize("fault", ["shape", "width", "reach"])
def test_what_cannot_be_believed_is_told(fault: str, releases: list[Release]) -> None:
    north, south = releases
    k = len(south.names)
    if fault == "shape":
        south = replace(south, distance=(0.3, *south.distance[1:]))
    elif fault == "width":
        south = replace(south, covariance=tuple(map(tuple, (3.0 * np.eye(k)).tolist())))
    else:
        at = south.names.index("within_sd")
        mean = [*south.mean]
        mean[at] += 40 * np.sqrt(south.covariance[at][at])
        south = replace(south, mean=tuple(mean))
    found = combine_releases(spec(), [north, south])
    failed = {(v.criterion) for v in found.verdicts if not v.passed}
    assert fault in failed
    with pytest.raises(GateError, match=f"cannot be believed(.|\n)*{fault}"):
        found.require_trust()


def test_distance_from_normal_sees_two_humps() -> None:
    rng = np.random.default_rng(4)
    normal = rng.standard_normal((4000, 1))
    humps = np.concatenate([normal[:2000] - 3, normal[2000:] + 3])
    assert distance_from_normal(normal)[0] < 0.03
    assert distance_from_normal(humps)[0] > 0.15


def test_the_folder_of_a_combination(releases: list[Release], tmp_path: Path) -> None:
    found = combine_releases(spec(), releases)
    write_combined(found, tmp_path / "out")
    xr.testing.assert_allclose(xr.load_dataset(tmp_path / "out/posterior.nc"), found.posterior)
    told = json.loads((tmp_path / "out/combined.json").read_text())
    assert (told["trusted"], told["centres"], told["synthetic"]) == (True, ["north", "south"], True)
    with pytest.raises(UsageError, match="is not empty"):
        write_combined(found, tmp_path / "out")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot write to"):
        write_combined(found, tmp_path / "file" / "out")


def test_the_commands(tmp_path: Path) -> None:
    files = []
    for seed, centre in ((1, "north"), (2, "south")):
        folder = save_fit(fit_of(seed), tmp_path / centre)
        files.append(tmp_path / f"{centre}.json")
        done = run_command("release", folder, "--centre", centre, "--out", files[-1])
        assert (done.code, done.stderr) == (0, "")
        assert "no patient" in done.stdout
        assert "SYNTHETIC" in done.stdout
    done = run_command("combine", "@drift", *files, "--out", tmp_path / "out")
    assert (done.code, done.stderr) == (0, "")
    assert "dose at one year" in done.stdout
    answer = json.loads(
        run_command("combine", "@drift", *files, "--out", tmp_path / "o2", "--json").stdout
    )
    assert answer["trusted"]
    assert answer["estimands"]
    content = json.loads(files[1].read_text())
    content["distance"] = [0.5] * len(content["distance"])
    files[1].write_text(json.dumps(content))
    refused = run_command("combine", "@drift", *files, "--out", tmp_path / "o3")
    assert refused.code == 5
    assert "dose at one year" not in refused.stdout
    marked = run_command("combine", "@drift", *files, "--out", tmp_path / "o4", "--allow-untrusted")
    assert (marked.code, "NOT TO BE BELIEVED" in marked.stdout) == (0, True)
    wrong = run_command("combine", "@regimes", *files, "--out", tmp_path / "o5")
    assert (wrong.code, "of kind 'drift' only" in wrong.stderr) == (3, True)
