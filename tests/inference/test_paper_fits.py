"""Fits of `complications` and `spasticity`: written, loaded, tabled, printed, refused."""

import json

import numpy as np
import pytest

from drift_cases import instead_of_sampling, run_command
from itb_bayes.errors import ModelError
from itb_bayes.inference.complications_fitted import ComplicationsFit
from itb_bayes.inference.fit import fit
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.machinery import load_fit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.inference.spasticity_fitted import SpasticityFit
from itb_bayes.kernel.ashworth import SCORES, expected_score, thresholds
from itb_bayes.kernel.complications_grid import RatePrior, grid_posterior
from itb_bayes.model.literature_cohort import literature_cohort
from itb_bayes.risk.complications_table import complications_table, hazard_priors
from itb_bayes.risk.spasticity_table import p_kept, patient_means, spasticity_table
from itb_bayes.spec import load_model
from paper_fits import (
    complications_draws,
    complications_spec,
    paper_cohort,
    spasticity_draws,
    spasticity_spec,
)

SETTINGS = SamplerSettings(200, 50, seed=3)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return paper_cohort(tmp_path_factory.mktemp("papers") / "cohort")


@pytest.fixture(scope="module")
def counts_folder(cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("counts") / "fit"
    with instead_of_sampling(complications_draws):
        fit(complications_spec(), cohort, SETTINGS, out, quiet=True)
    return out


@pytest.fixture(scope="module")
def scores_folder(cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("scores") / "fit"
    with instead_of_sampling(spasticity_draws):
        fit(spasticity_spec(), cohort, SETTINGS, out, quiet=True)
    return out


def test_a_complications_fit_is_loaded_as_it_was_made(counts_folder):
    loaded = load_fit(counts_folder)
    assert isinstance(loaded, ComplicationsFit)
    assert loaded.require_gate()
    assert loaded.plan.n_patient == 5
    assert len(loaded.plan.left_out) == loaded.manifest["n_set_aside"]
    text = (counts_folder / "set_aside.csv").read_text(encoding="utf-8")
    assert "Plassat 2004,catheter" in text


def test_pooled_rows_come_before_the_studies(counts_folder):
    loaded = load_fit(counts_folder)
    rows = [row for row in complications_table(loaded) if row.complication == "catheter"]
    assert [row.where for row in rows[:3]] == [
        "typical centre", "new centre", "spread between centres",
    ]  # fmt: skip
    draws = 100 * loaded.posterior["catheter_rate"].to_numpy()
    assert rows[0].interval.median == pytest.approx(float(np.median(draws)))
    assert rows[1].interval.q95 > rows[0].interval.q95
    own = next(row for row in rows if row.where == "own: north")
    assert (own.events, own.patient_years, own.crude) == ("1", 9.0, pytest.approx(100 / 9))
    assert next(row for row in rows if row.where == "Ordia 2002").events == "19-20"


def test_the_new_centre_is_drawn_anew_and_reproducibly(counts_folder):
    first, again = load_fit(counts_folder), load_fit(counts_folder)
    np.testing.assert_array_equal(first.new_centre, again.new_centre)
    spread = np.log(first.new_centre / first.typical).std().item()
    assert spread == pytest.approx(0.6, abs=0.06)


def test_hazard_priors_are_the_lognormal_with_that_interval(counts_folder):
    for prior in hazard_priors(load_fit(counts_folder)):
        assert np.exp(prior.mu + 1.6448536 * prior.sigma) == pytest.approx(prior.high)
        assert np.exp(prior.mu - 1.6448536 * prior.sigma) == pytest.approx(prior.low)
        assert prior.low < prior.median < prior.high


def test_a_spasticity_fit_is_loaded_as_it_was_made(scores_folder):
    loaded = load_fit(scores_folder)
    assert isinstance(loaded, SpasticityFit)
    assert loaded.plan.patient_ids == tuple("ABCDE")
    assert loaded.require_gate()


def test_without_identity_patients_have_no_names(scores_folder, tmp_path):
    import shutil

    copy = tmp_path / "fit"
    shutil.copytree(scores_folder, copy)
    (copy / "identity.csv").unlink()
    assert load_fit(copy).plan.patient_ids[0] == "patient-1"
    assert "A" not in (scores_folder / "set_aside.csv").read_text(encoding="utf-8").split("\n")[1:]


def test_mean_scores_are_those_of_simulated_muscles(scores_folder):
    """The population mean by quadrature is that of a million simulated patients."""
    loaded = load_fit(scores_folder)
    rng = np.random.default_rng(7)
    draw = loaded.posterior.isel(chain=0, draw=5)
    spread = np.hypot(draw["treated_sd"], draw["visit_sd"]).item()
    tone = draw["tone_after"].item() + spread * rng.standard_normal(400_000)
    cuts = thresholds(draw["step_width"].to_numpy())
    scores = expected_score(
        tone, np.broadcast_to(cuts, (tone.size, 4)), np.full(tone.size, draw["muscle_sd"].item()),
        np.array(SCORES["ashworth"]),
    )  # fmt: skip
    got = loaded.scores["population_score"].sel(phase="after").isel(chain=0, draw=5).item()
    assert got == pytest.approx(1.0 + scores.mean(), abs=2e-3)


def test_the_table_of_scores(scores_folder):
    loaded = load_fit(scores_folder)
    means = patient_means(loaded)
    assert np.isnan(means[4, 0])
    rows = {(row.quantity, row.group): row for row in spasticity_table(loaded)}
    before = rows["mean score", "before"]
    assert (before.n_patient, before.observed) == (4, pytest.approx(np.nanmean(means[:, 0])))
    change = rows["difference of mean scores", "after - before"]
    assert change.p_below_zero == 1.0
    assert change.observed == pytest.approx(np.nanmean(means[:, 1] - means[:, 0]))
    assert 0.5 < p_kept(loaded) <= 1.0
    predicted = rows["mean of 5 new patients", "end"].interval
    assert predicted.q95 - predicted.q05 > 3 * (
        rows["mean score", "end"].interval.q95 - rows["mean score", "end"].interval.q05
    )
    np.testing.assert_array_equal(loaded.replicated, load_fit(scores_folder).replicated)


@pytest.mark.parametrize("command", ["counts", "scores"])
def test_the_command_prints_the_table(command, cohort, tmp_path):
    draws = {"counts": complications_draws, "scores": spasticity_draws}[command]
    model = {"counts": "@complications", "scores": "@spasticity"}[command]
    cohort.write(tmp_path / "cohort")
    out = tmp_path / "fit"
    with instead_of_sampling(draws):
        done = run_command("fit", model, tmp_path / "cohort", "--out", out, "--quiet")
        as_json = run_command(
            "fit", model, tmp_path / "cohort", "--out", tmp_path / "two", "--quiet", "--json"
        )
    assert done.code == 0, done.stderr
    assert "SYNTHETIC DATA" in done.stdout
    assert "gate: passed" in done.stdout
    assert {"counts": "new centre", "scores": ">0.999"}[command] in done.stdout
    content = json.loads(as_json.stdout)
    assert content["gate"]["passed"]
    assert len(content["estimands"]) > 5
    assert content[{"counts": "n_count", "scores": "n_reading"}[command]] > 10


def test_a_fit_that_did_not_converge_prints_no_number(cohort, tmp_path):
    cohort.write(tmp_path / "cohort")
    with instead_of_sampling(complications_draws, diverging=3):
        done = run_command(
            "fit", "@complications", tmp_path / "cohort", "--out", tmp_path / "fit", "--quiet"
        )
    assert done.code == 5
    assert "typical centre" not in done.stdout


def test_published_counts_alone(tmp_path):
    with instead_of_sampling(complications_draws):
        done = run_command(
            "fit", "@complications", "@literature", "--out", tmp_path / "fit", "--quiet"
        )
    assert done.code == 0, done.stderr
    assert "cohort literature: 0 patients, 18 known counts" in done.stdout
    assert "SYNTHETIC" not in done.stdout


def test_other_kinds_need_patients(tmp_path):
    done = run_command("fit", "@drift", "@literature", "--out", tmp_path / "fit")
    assert done.code == 3
    assert "need a cohort" in done.stderr


@pytest.mark.parametrize("command", ["risk", "check", "report", "compare", "figures"])
def test_commands_about_patients_refuse_these_fits(command, counts_folder, scores_folder, tmp_path):
    words = {
        "check": ["--out", tmp_path / "out"], "report": ["--out", tmp_path / "out"],
        "figures": ["--out", tmp_path / "out"],
        "compare": [scores_folder],
    }.get(command, [])  # fmt: skip
    first = ("figures", "make") if command == "figures" else (command,)
    done = run_command(*first, counts_folder, *words)
    assert done.code == 3, done.stderr
    assert "kind 'complications', which" in done.stderr
    assert not (tmp_path / "out").exists()


def test_they_are_no_drift_fits(counts_folder, scores_folder):
    for folder in (counts_folder, scores_folder):
        with pytest.raises(ModelError, match="needs a fit of kind 'drift'"):
            Fit.load(folder)


@pytest.mark.slow
def test_sampling_agrees_with_the_grid(tmp_path):
    spec = complications_spec()
    made = fit(spec, literature_cohort(), SamplerSettings(1000, 1000, seed=5), tmp_path / "fit")
    assert made.require_gate()
    scale = spec.resolved_priors["between_sd"].params["sd"]
    for name in made.plan.complications:
        prior = spec.resolved_priors[f"{name}_rate"].params
        exact = grid_posterior(made.plan.of(name), RatePrior(prior["mu"], prior["sigma"], scale))
        for q in (0.05, 0.5, 0.95):
            rate = np.quantile(made.posterior[f"{name}_rate"], q)
            assert np.log(rate / exact.rate_quantile(q)) == pytest.approx(0.0, abs=0.15)
            sd = np.quantile(made.posterior["between_sd"].sel(complication=name), q)
            assert sd == pytest.approx(exact.sd_quantile(q), abs=0.12)


@pytest.mark.slow
def test_scores_of_a_simulated_clinic_are_found_again(tmp_path):
    """80 patients of known tone: every population parameter lies in its 98 % interval."""
    rng = np.random.default_rng(21)
    truth = {"tone_before": 2.4, "tone_after": 0.2, "tone_end": 0.5, "untreated_sd": 0.5,
             "treated_sd": 0.4, "visit_sd": 0.3, "muscle_sd": 0.7}  # fmt: skip
    cuts, n = thresholds(np.ones(3)), 80
    patients, rows = (
        ["patient_id,diagnosis,centre,t_last_seen"],
        ["patient_id,t_years,scale,value,n_muscles"],
    )
    for i in range(n):
        patients.append(f"P{i},SCI,one,4")
        own = truth["treated_sd"] * rng.standard_normal()
        tones = (
            truth["tone_before"] + truth["untreated_sd"] * rng.standard_normal(),
            truth["tone_after"] + own + truth["visit_sd"] * rng.standard_normal(),
            truth["tone_end"] + own + truth["visit_sd"] * rng.standard_normal(),
        )
        for t, tone in zip((-0.1, 0.05, 3.0), tones, strict=True):
            noise = rng.logistic(0.0, truth["muscle_sd"] * np.sqrt(3) / np.pi, 4)
            rows.append(f"P{i},{t},ashworth_0_4,{np.searchsorted(cuts, tone + noise).mean():.2f},4")
    doses = "patient_id,t_years,daily_dose_ug\n" + "".join(
        f"P{i},0,90\nP{i},1,99\n" for i in range(n)
    )
    cohort = paper_cohort(
        tmp_path / "many", with_events=False, patients="\n".join(patients) + "\n", doses=doses,
        assessments="\n".join(rows) + "\n",
    )  # fmt: skip
    made = fit(spasticity_spec(), cohort, SamplerSettings(1500, 1000, seed=2), tmp_path / "fit")
    assert made.require_gate()
    for name, value in truth.items():
        low, high = np.quantile(made.posterior[name], (0.01, 0.99))
        assert low < value < high, name


def test_the_overlay_without_the_mixed_series_is_valid():
    spec = load_model("@complications-no-flueckiger")
    assert spec.terms()["studies"]["leave_out"] == ["flueckiger"]
