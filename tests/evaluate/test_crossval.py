"""Cross-validation of dose forecasts: what a fit sees, plain rules, scores, and the command."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, d2_brier_score, roc_auc_score

from drift_cases import base_spec, point_posterior, run_command, tree_of
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.crossval import drift as crossval
from itb_bayes.evaluate.crossval.drift import (
    LINE,
    METHODS,
    MODEL,
    DriftFolds,
    FoldOutcome,
    run_fold,
)
from itb_bayes.evaluate.crossval.folds import make_folds, subset_plan, targets_of
from itb_bayes.evaluate.crossval.plain import Normal, PlainForecaster
from itb_bayes.evaluate.crossval.scores import forecast_checks
from itb_bayes.inference import refit
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.spec import ModelSpec

SAMPLER = SamplerSettings(60, 60, 2, 0.9, 5)


class PointRefitter:
    """A sampler that returns draws around one point, and remembers what it was shown."""

    seen: list = []  # noqa: RUF012

    def __init__(self, spec, plan):
        self.spec, self.plan = spec, plan

    def sample(self, log_dose, settings, cores=None):
        PointRefitter.seen.append((self.plan, log_dose))
        return tree_of(
            point_posterior(self.spec, self.plan, 2, settings.draws, 0.02, seed=settings.seed)
        )


@pytest.fixture
def no_sampler(monkeypatch):
    monkeypatch.setattr(refit, "Refitter", PointRefitter)
    PointRefitter.seen = []


def test_targets_lie_a_year_after_origins_that_lie_years_before_the_end(tiny_plan):
    for k in (1, 2):
        target, origin = targets_of(tiny_plan, k)
        series = tiny_plan.series
        last = series.t_years[series.offsets[1:] - 1][series.patient[target]]
        np.testing.assert_allclose(origin, last - k)
        np.testing.assert_allclose(series.t_years[target], origin + 1.0)
        assert (origin >= 1.0).all()


@pytest.mark.parametrize("scheme", ["patients", "centres"])
def test_patients_who_are_forecast_are_not_fitted(tiny_plan, scheme):
    folds = make_folds(tiny_plan, scheme, 3, 2, 1)
    patient = tiny_plan.series.patient
    judged = [set(patient[fold.target]) for fold in folds]
    for fold, own in zip(folds, judged, strict=True):
        assert not own & set(patient[fold.fitted])
        if scheme == "centres":
            assert len(set(tiny_plan.centre_index[list(own)])) == 1
    assert not set.intersection(*judged)
    assert sum(fold.target.size for fold in folds) == sum(
        targets_of(tiny_plan, k)[0].size for k in (1, 2)
    )


def test_earlier_origins_hide_what_comes_after(tiny_plan):
    t, patient = tiny_plan.series.t_years, tiny_plan.series.patient
    for fold in make_folds(tiny_plan, "time", 5, 3, 1):
        origin = dict(zip(patient[fold.target], fold.origin_years, strict=True))
        for i, start in origin.items():
            assert t[fold.fitted & (patient == i)].max() <= start + 1e-6


def test_parts_are_balanced_by_diagnosis_and_follow_the_seed(tiny_plan):
    def dealt(seed):
        folds = make_folds(tiny_plan, "patients", 3, 1, seed)
        return [frozenset(tiny_plan.series.patient[~fold.fitted]) for fold in folds]

    assert dealt(1) == dealt(1) != dealt(2)
    for part in dealt(1):
        share = np.bincount(tiny_plan.diagnosis_index[list(part)], minlength=2)
        assert abs(share[0] - share[1]) <= 1


def test_a_subset_keeps_labels_and_drops_patients_without_readings(tiny_plan):
    keep = tiny_plan.series.patient > 3
    few = subset_plan(tiny_plan, keep)
    assert few.n_patient == tiny_plan.n_patient - 4
    assert few.diagnoses == tiny_plan.diagnoses
    assert few.centres == tiny_plan.centres
    np.testing.assert_array_equal(few.panel.y, tiny_plan.panel.y[keep])
    np.testing.assert_array_equal(few.centre_index, tiny_plan.centre_index[4:])


def test_a_fold_sees_only_its_readings_and_forecasts_all_its_targets(tiny_plan, no_sampler):
    folds = tuple(make_folds(tiny_plan, "patients", 3, 2, 1))
    shared = DriftFolds(base_spec(), tiny_plan, folds, SAMPLER)
    outcome = run_fold(shared, 1)
    plan, y = PointRefitter.seen[0]
    np.testing.assert_array_equal(y, tiny_plan.panel.y[folds[1].fitted])
    assert plan.n_patient < tiny_plan.n_patient
    rows = outcome.rows
    assert list(rows["method"].unique()) == list(METHODS)
    assert len(rows) == 3 * folds[1].target.size
    assert rows["pit"].between(0, 1).all()
    assert (rows["q05"] < rows["q95"]).all()
    pd.testing.assert_frame_equal(run_fold(shared, 1).rows, rows)


def test_later_doses_of_a_patient_do_not_reach_a_forecast(tiny_plan, no_sampler):
    folds = tuple(make_folds(tiny_plan, "patients", 3, 1, 1))
    before = run_fold(DriftFolds(base_spec(), tiny_plan, folds, SAMPLER), 0).rows
    dose = tiny_plan.series.daily_dose_ug.copy()
    dose[folds[0].target] *= 3.0
    changed = replace(tiny_plan, series=replace(tiny_plan.series, daily_dose_ug=dose))
    after = run_fold(DriftFolds(base_spec(), changed, folds, SAMPLER), 0).rows
    pd.testing.assert_frame_equal(
        before[["q05", "q25", "q75", "q95", "p_rise"]],
        after[["q05", "q25", "q75", "q95", "p_rise"]],
    )
    assert (after["observed"] > before["observed"]).all()


def test_gaussian_scores_are_integrals():
    forecast = Normal(5.0, 0.3)
    for observed in (4.5, 5.1):
        integral, _ = quad(
            lambda x, y=observed: (norm.cdf((x - 5.0) / 0.3) - (x >= y)) ** 2, 2, 8,
            points=[observed],
        )  # fmt: skip
        assert forecast.crps(observed) == pytest.approx(integral, rel=1e-5)
    assert forecast.quantile(0.95) == pytest.approx(5.0 + 0.3 * 1.6449, abs=1e-4)
    assert forecast.below(5.0) == pytest.approx(0.5)


def test_plain_forecasts_by_hand(tiny_plan):
    plain = PlainForecaster.of(tiny_plan)
    assert 0.0 < plain.change_sd < 0.5
    assert 0.0 < plain.line_sd < 0.2
    t = np.array([0.5, 1.0, 2.0, 3.0, 4.0])
    y = np.array([9.0, 5.0, 5.1, 5.2, 5.3])
    ahead = plain.line(t, y, 5.0)
    assert ahead.mean == pytest.approx(5.4)
    assert ahead.sd == pytest.approx(plain.line_sd * np.sqrt(1 + 1 / 4 + 2.5**2 / 5.0))
    few = plain.line(t[:3], y[:3], 3.0)
    assert few.mean == pytest.approx(5.05)
    assert plain.naive(y).mean == pytest.approx(5.3 + plain.change_mean)


def made_rows(n_patient=80, n_each=3, bias=0.0, width=1.0, seed=2) -> pd.DataFrame:
    """Forecasts that are right but for a bias and a wrong width."""
    rng = np.random.default_rng(seed)
    parts = []
    for method in METHODS:
        patient = np.repeat(np.arange(n_patient), n_each)
        mean = 5.5 + 0.4 * rng.standard_normal(patient.size)
        observed = mean + 0.25 * rng.standard_normal(patient.size)
        shift, sd = (bias, 0.25 * width) if method == MODEL else (0.25, 0.3)
        if method == LINE:
            shift = 0.4
        z = (observed - mean - shift) / sd
        risen = np.log(np.exp(mean - 0.1) + 100.0)
        quantiles = {
            f"q{100 * p:02.0f}": mean + shift + sd * norm.ppf(p) for p in (0.05, 0.25, 0.75, 0.95)
        }
        crps = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
        parts.append(
            pd.DataFrame(
                {
                    "method": method, "patient": patient, "t_origin": 3.0,
                    "t_target": np.tile(np.arange(n_each) + 4.0, n_patient),
                    "observed": observed, "rose": observed > risen, **quantiles, "crps": crps,
                    "pit": norm.cdf(z), "p_rise": norm.sf((risen - mean - shift) / sd),
                }
            )
        )  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    for name in ("observed", "rose"):  # one truth for all methods
        rows[name] = np.tile(rows.loc[rows["method"] == MODEL, name], len(METHODS))
    return rows


def judged(**made) -> dict:
    outcome = FoldOutcome("part 1", made_rows(**made), 1.01, 0)
    return {result.name: result for result in forecast_checks([outcome], 1)}


def test_right_forecasts_pass():
    found = judged()
    assert [result.passed for result in found.values()] == [
        True, True, True, True, None, True, None,
    ]  # fmt: skip
    assert "Clearly better than: dose as it is, own line, iid" in found["sharpness"].summary


def test_narrow_forecasts_fail_their_coverage_and_shifted_ones_their_pit():
    narrow = judged(width=0.5)
    assert narrow["coverage"].passed is False
    shifted = judged(bias=0.3)
    assert shifted["forecast-pit"].passed is False
    assert shifted["rise-calibration"].passed is False


def test_figures_of_rises_are_those_of_scikit_learn():
    rows = made_rows()
    own = rows.loc[rows["method"] == MODEL]
    first = judged()["rise"].table.iloc[0]
    truth, p = own["rose"].to_numpy(), own["p_rise"].to_numpy()
    assert first["brier"] == pytest.approx(brier_score_loss(truth, p))
    assert first["ipa"] == pytest.approx(d2_brier_score(truth, p))
    assert first["auc"] == pytest.approx(roc_auc_score(truth, p))


def test_few_rises_are_not_judged():
    rows = made_rows().assign(rose=False)
    found = forecast_checks([FoldOutcome("x", rows, 1.0, 0)], 1)
    assert found[-1].name == "rise"
    assert "Not computed: 0 rises" in found[-1].summary


def test_fits_that_did_not_converge_fail():
    found = forecast_checks([FoldOutcome("x", made_rows(), 1.2, 3)], 1)[0]
    assert found.passed is False
    assert "3 divergences" in found.summary


def test_the_command_writes_a_page_without_patients(tiny_folder, no_sampler, tmp_path):
    done = run_command(
        "evaluate", "@drift", tiny_folder, "--out", tmp_path / "e", "--folds", "3", "--workers",
        "0", "--quiet",
    )  # fmt: skip
    assert (done.code, done.stderr) == (0, "")
    assert "coverage" in done.stdout
    content = json.loads((tmp_path / "e/evaluation.json").read_text())
    names = [check["name"] for check in content["checks"]]
    assert names[:4] == ["fold-fits", "coverage", "sharpness", "forecast-pit"]
    html = (tmp_path / "e/evaluation.html").read_text()
    assert "Synthetic data" in html
    assert "P01" not in html


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--by", "luck"), 2, "choose one of time, patients, centres"),
        (("--folds", "1"), 2, "--folds must lie between 2 and"),
        (("--origins", "0"), 2, "--origins must be at least 1"),
        (("--workers", "-1"), 2, "--workers must be 0 or more"),
    ],
)
def test_what_a_user_can_get_wrong(words, code, message, tiny_folder, tmp_path):
    done = run_command("evaluate", "@drift", tiny_folder, "--out", tmp_path / "e", *words)
    assert (done.code, message in done.stderr) == (code, True)


def test_cohorts_that_cannot_be_divided(tiny_plan):
    with pytest.raises(UsageError, match="two centres"):
        make_folds(
            replace(tiny_plan, centres=(), centre_index=0 * tiny_plan.centre_index),
            "centres",
            2,
            1,
            1,
        )
    short = subset_plan(tiny_plan, tiny_plan.series.t_years < 1.5)
    with pytest.raises(UsageError, match="no reading can be forecast"):
        make_folds(short, "patients", 2, 1, 1)


def test_other_kinds_are_refused(tiny_folder, tmp_path, monkeypatch):
    other = ModelSpec(format=1, kind="other", name="other", version="1", title="x")
    monkeypatch.setattr("itb_bayes.spec.load_model", lambda name: other)
    done = run_command("evaluate", "@other", tiny_folder, "--out", tmp_path / "e")
    assert (done.code, "cannot be cross-validated" in done.stderr) == (3, True)


def test_population_draws_do_not_exceed_what_was_sampled(tiny_plan, no_sampler, monkeypatch):
    kept = []
    real = crossval.thin_to
    monkeypatch.setattr(
        crossval, "thin_to", lambda posterior, count: kept.append(count) or real(posterior, count)
    )
    folds = tuple(make_folds(tiny_plan, "patients", 3, 1, 1))
    run_fold(DriftFolds(base_spec(), tiny_plan, folds, SAMPLER), 0)
    assert kept == [120]
