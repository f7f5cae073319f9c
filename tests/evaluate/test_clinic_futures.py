"""Comparison by the future of the whole clinic: nothing after the landmark is seen."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from drift_cases import (
    base_spec,
    fit_of,
    permuted_chains,
    point_posterior,
    run_command,
    spec_with,
    tree_of,
)
from itb_bayes.errors import GateError, UsageError
from itb_bayes.evaluate import clinic_futures
from itb_bayes.evaluate.clinic_futures import (
    compare_clinic_futures,
    drift_past,
    regimes_past,
    sample_past,
)
from itb_bayes.evaluate.futures import regimes_later
from itb_bayes.inference import refit
from itb_bayes.inference.gate import GateReport
from itb_bayes.model.plan import plan_drift
from regimes_fits import make_regimes_fit, regimes_spec, save_regimes_fit, small_regimes_fit


@pytest.fixture
def seen(monkeypatch):
    """Put given draws in place of the sampler's; keep the plans that it was to sample."""
    plans = []

    def place(draws):
        def sample(spec, plan, settings, cores=None):
            plans.append((spec.name, plan, settings))
            return tree_of(draws[spec.name])

        monkeypatch.setattr(refit, "sample_plan", sample)
        monkeypatch.setattr(clinic_futures, "judge", lambda tree, reported: GateReport(()))
        return plans

    return place


def drift_fits(tiny_cohort, step_months=3.0):
    """Two drift fits of the same doses, with settings that a sampler could take."""
    fits = []
    for name, structure in (("walk", "random_walk"), ("iid", "none")):
        spec = spec_with(structure, "gaussian", "no", "no", step_months=step_months)
        spec = spec.model_copy(update={"name": name})
        plan = plan_drift(spec, tiny_cohort)
        fit = fit_of(spec, plan, point_posterior(spec, plan, 4, 50, 0.02))
        fits.append(sampled(fit))
    return fits


def sampled(fit):
    """Return a fit with settings that a sampler would take."""
    settings = {"seed": 1, "draws": 50, "tune": 50, "chains": 4}
    return replace(fit, manifest={**fit.manifest, "settings": settings})


def test_the_sampler_sees_no_dose_after_the_landmark(tiny_cohort, seen):
    fits = drift_fits(tiny_cohort)
    plans = seen({fit.spec.name: fit.posterior for fit in fits})
    said = []
    rows = compare_clinic_futures(fits, 2.0, said.append)
    assert [name for name, _, _ in plans] == ["walk", "iid"]
    for _, plan, settings in plans:
        assert plan.series.t_years.max() <= 2.0
        assert (settings.draws, settings.chains) == (50, 4)
    assert said == [f"{name}: sampling on the records up to year 2" for name in ("walk", "iid")]
    assert rows[0].difference == 0.0 > rows[1].difference
    assert all(row.n_bad == 0 for row in rows)


def test_patients_who_came_after_the_landmark_are_not_in_the_past(tiny_cohort):
    fit = drift_fits(tiny_cohort)[0]
    first = fit.plan.series.t_years[fit.plan.series.offsets[:-1]]
    until = float(np.sort(first)[-1]) - 1e-3
    assert drift_past(fit.plan, until).n_patient == int((first <= until).sum()) < first.size


def test_a_score_of_regimes_is_the_mean_density_over_the_new_draws(tmp_path, seen):
    fit = sampled(small_regimes_fit(tmp_path / "cohort"))
    other = regimes_spec().model_copy(update={"name": "wider"})
    wider = sampled(make_regimes_fit(fit.plan, other, width=1))
    plans = seen({"regimes": fit.posterior, "wider": wider.posterior})
    rows = compare_clinic_futures((fit, wider), 1.0)
    assert all(plan.t_years.max() <= 1.0 for _, plan, _ in plans)
    later = regimes_later(fit.plan, fit.thinned, 1.0).stack(sample=("chain", "draw"))
    by_draw = later.transpose("sample", "patient").to_numpy()
    expected = (logsumexp(by_draw, axis=0) - np.log(len(by_draw))).sum()
    score = next(row for row in rows if row.model == fit.spec.name)
    assert score.elpd == pytest.approx(expected)


def test_the_past_of_regimes_keeps_whose_each_day_is(tmp_path):
    plan = small_regimes_fit(tmp_path / "cohort").plan
    past = regimes_past(plan, 1.0)
    assert past.t_years.max() <= 1.0
    assert past.patient_ids == plan.patient_ids
    for i in range(plan.n_patient):
        whole = plan.data[plan.offsets[i] : plan.offsets[i + 1]]
        kept = past.data[past.offsets[i] : past.offsets[i + 1]]
        np.testing.assert_array_equal(kept, whole[: len(kept)])
    none_yet = regimes_past(plan, float(plan.t_years[plan.offsets[:-1]].min()))
    assert none_yet.n_patient >= 1


def test_a_model_that_did_not_converge_is_not_compared(tiny_cohort, monkeypatch):
    fits = drift_fits(tiny_cohort)
    monkeypatch.setattr(
        refit, "sample_plan", lambda spec, plan, settings: tree_of(fits[0].posterior)
    )
    with pytest.raises(GateError, match="up to year 2, did not pass the convergence gate"):
        sample_past(fits[0], 2.0)


def test_too_few_patients_are_refused_before_anything_is_sampled(tiny_plan, seen):
    spec = base_spec()
    fit = fit_of(spec, tiny_plan, permuted_chains(spec, tiny_plan, 2, 20))
    plans = seen({})
    with pytest.raises(UsageError, match="only 0 patients have records both up to year 50"):
        compare_clinic_futures((fit, fit), 50.0)
    assert plans == []


def test_the_command_says_that_all_futures_were_left_out(tmp_path, seen):
    fit = sampled(small_regimes_fit(tmp_path / "cohort"))
    other = regimes_spec().model_copy(update={"name": "wider"})
    wider = sampled(make_regimes_fit(fit.plan, other, width=0.6))
    one = save_regimes_fit(fit, tmp_path / "one")
    two = save_regimes_fit(wider, tmp_path / "two")
    seen({fit.spec.name: fit.posterior, "wider": wider.posterior})
    done = run_command("compare", one, two, "--after", "1", "--refit")
    assert done.code == 0, done.stderr
    assert "Of all patients at once, what came after year 1 left out:" in done.stdout
    assert "wider: sampling on the records up to year 1" in done.stderr
    content = json.loads(
        run_command("compare", one, two, "--refit", "--after", "1", "--json").stdout
    )
    assert content["future"]["refit"] is True
