"""Replicated courses: statistics by hand, planted faults, and the model's own data."""

from dataclasses import replace

import numpy as np
import pytest

from drift_cases import run_command
from itb_bayes.checks import regimes_replicates as replicates
from itb_bayes.checks.predictive import compare
from itb_bayes.checks.regimes_predictive import STILL_YEARS, _filled, compare_courses, joint_checks
from itb_bayes.checks.regimes_prior import draw_regimes_prior, regimes_prior_checks
from itb_bayes.checks.regimes_replicates import (
    CourseSet,
    choose_patients,
    course_set,
    replicate_courses,
    with_observed,
)
from itb_bayes.checks.regimes_statistics import (
    LEFT_ALONE,
    LOWERED,
    before_fault_statistics,
    decision_statistics,
    fault_statistics,
    feedback_statistics,
    tone_statistics,
)
from itb_bayes.checks.statistics import Statistic
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.layout import Code, Col
from itb_bayes.model.regimes_plan import plan_regimes
from itb_bayes.resources import demo_cohort_dir
from regimes_fits import make_regimes_fit, regimes_cohort, regimes_spec, small_regimes_fit


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    return small_regimes_fit(tmp_path_factory.mktemp("regimes") / "cohort")


@pytest.fixture(scope="module")
def clinic():
    """A fit of the clinic, its draws from the middle of their priors; it need not fit."""
    plan = plan_regimes(regimes_spec(), Cohort.read(demo_cohort_dir()))
    return make_regimes_fit(plan, draws=55)


@pytest.fixture(scope="module")
def own_data(clinic) -> CourseSet:
    """Cohorts of the model; the first stands for the observed one."""
    shortest = np.argsort(np.diff(clinic.plan.offsets), kind="stable")[:16]
    part = clinic.plan.select(np.sort(shortest))
    draws = clinic.population(part)
    same = RegimesDraws(np.repeat(draws.g[:1], 105, axis=0), np.repeat(draws.own[:1], 105, axis=0))
    return replicate_courses(part, same, 2, 105)


def named(statistics: list[Statistic]) -> dict[str, np.ndarray]:
    return {s.name: s.by_cohort for s in statistics}


def test_data_of_the_model_itself_pass(own_data):
    for result in compare_courses(own_data):
        assert result.passed is True, result.summary


def shifted(courses: CourseSet, **arrays) -> CourseSet:
    """The same set with another first cohort."""
    changed = {}
    for name, value in arrays.items():
        whole = getattr(courses, name).copy()
        whole[0] = value
        changed[name] = whole
    return replace(courses, **changed)


def test_each_planted_fault_fails_its_check(own_data):
    rng = np.random.default_rng(4)
    noise = 0.3 * rng.standard_normal(own_data.log_dose[0].shape)
    doses = shifted(own_data, log_dose=own_data.log_dose[0] + noise)
    scale = shifted(own_data, tone=own_data.tone[0] + 1.0)
    tone = own_data.tone[0].copy()
    read = np.flatnonzero(np.isfinite(tone))
    tone[read] = tone[rng.permutation(read)]
    deaf = shifted(own_data, tone=tone)
    faults = own_data.faults[0].copy()
    faults[rng.choice(len(faults), 30, replace=False), 0] = True
    many = shifted(own_data, faults=faults)
    caught = {
        "predictive-changes": doses,
        "predictive-tone": scale,
        "predictive-feedback": deaf,
        "predictive-faults": many,
    }
    for name, courses in caught.items():
        found = {result.name: result.passed for result in compare_courses(courses)}
        assert found[name] is False, name


def test_replicates_keep_the_design(fit):
    plan = fit.plan
    found = replicate_courses(plan, fit.population(), 3, 4)
    observed = course_set(plan, plan.data[None], plan.codes[None])
    assert found.n_cohort == 4
    for r in range(4):
        np.testing.assert_array_equal(np.isfinite(found.tone[r]), np.isfinite(observed.tone[0]))
    again = replicate_courses(plan, fit.population(), 3, 4)
    np.testing.assert_array_equal(found.log_dose, again.log_dose)
    both = with_observed(found)
    assert both.n_cohort == 5
    np.testing.assert_array_equal(both.log_dose[0], observed.log_dose[0])


def test_doses_in_force_after_each_day(fit):
    plan = fit.plan
    found = course_set(plan, plan.data[None], plan.codes[None]).log_dose[0]
    inner = np.setdiff1d(np.arange(len(plan.data)), plan.offsets[1:] - 1)
    np.testing.assert_array_equal(found[inner], plan.data[inner + 1, Col.LOG_DOSE])
    last = plan.offsets[1] - 1
    change = np.nan_to_num(plan.data[last, Col.DOSE_CHANGE])
    assert found[last] == plan.data[last, Col.LOG_DOSE] + change


def by_hand(fit, change=None, tone=None, faults=None) -> CourseSet:
    """One patient after the other with given values at each step."""
    plan = fit.plan
    n = len(plan.data)
    empty = np.full((1, n), np.nan)
    return CourseSet(
        plan,
        np.zeros((1, n)),
        empty if tone is None else tone[None],
        empty if change is None else change[None],
        np.zeros((1, n, 2), dtype=bool) if faults is None else faults[None],
    )


def test_decisions_by_hand(fit):
    n = len(fit.plan.data)
    change = np.resize([0.0, 0.0, 0.1, -0.3], n)
    change[fit.plan.t_years < 0.5] = 9.0  # titration is not looked at
    tone = np.resize([np.nan, 2.0, 1.0, 3.0, 2.1], n)
    found = named(decision_statistics(by_hand(fit, change, tone)))
    late = change[fit.plan.t_years >= 0.5]
    share = 100 * (late == 0.0).mean()
    assert found["decisions that leave the dose alone, as they come"][0] == pytest.approx(share)
    assert found[LEFT_ALONE][0] == pytest.approx(share)  # the observed cohort is the standard
    size = found["size of a change (root mean square)"][0]
    assert size == pytest.approx(np.sqrt((late[late != 0.0] ** 2).mean()))
    assert found["changes that lower the dose"][0] == pytest.approx(
        100 * (late < 0).sum() / (late != 0).sum()
    )
    assert decision_statistics(by_hand(fit)) == []


def test_shares_are_those_at_the_readings_observed(fit):
    """One policy has one share, however many readings are high and whatever the scale."""
    plan = fit.plan
    settled = plan.t_years >= 0.5
    order = np.array([settled[plan.offsets[i] : k].sum() for k, i in enumerate(plan.step_patient)])
    cohorts = []
    for n_high, scale in ((1, 0.0), (2, 0.0), (1, 1.0)):
        high = settled & (order < n_high)
        cohorts.append(by_hand(fit, np.where(high, 0.2, 0.0), np.where(high, 1.45, 1.0) + scale))
    names = ("log_dose", "tone", "change", "faults")
    parts = (np.concatenate([getattr(cohort, name) for cohort in cohorts]) for name in names)
    found = named(decision_statistics(CourseSet(plan, *parts)))
    plain = found["decisions that leave the dose alone, as they come"]
    assert plain[0] - plain[1] > 5.0
    np.testing.assert_allclose(found[LEFT_ALONE], plain[0])


def test_the_share_of_decisions_left_alone_is_judged_and_their_size_is_not(fit):
    change = np.resize([0.0, 0.1], len(fit.plan.data))
    judged = [s.name for s in decision_statistics(by_hand(fit, change)) if s.judged]
    assert judged == [LEFT_ALONE, LOWERED]


def test_tone_by_hand(fit):
    plan = fit.plan
    tone = np.where(np.arange(len(plan.data)) % 2, 2.0, 1.0)
    found = named(tone_statistics(by_hand(fit, tone=tone)))
    assert 1.3 < found["mean Ashworth"][0] < 1.7
    assert found["autocorrelation of Ashworth at lag 1"][0] < -0.6
    assert found["SD within a typical patient (median)"][0] == pytest.approx(0.53, abs=0.03)
    assert tone_statistics(by_hand(fit)) == []


def test_faults_by_hand(fit):
    plan = fit.plan
    faults = np.zeros((len(plan.data), 2), dtype=bool)
    faults[[3, 12], 0] = True
    found = named(fault_statistics(by_hand(fit, faults=faults)))
    years = (plan.t_last - plan.t_years[plan.offsets[:-1]]).sum()
    assert found["confirmed faults of the catheter"][0] == pytest.approx(200 / years)
    assert found["confirmed faults of the pump"][0] == 0.0


def test_associations_by_hand(fit):
    plan = fit.plan
    rng = np.random.default_rng(1)
    tone = rng.normal(1.5, 0.4, len(plan.data))
    faults = np.zeros((len(plan.data), 2), dtype=bool)
    own = np.arange(plan.offsets[0], plan.offsets[1])
    faults[own[-1], 1] = True
    courses = by_hand(fit, 0.2 * (tone - 1.5), tone, faults)
    dose = courses.log_dose.copy()
    dose[0, own] = np.linspace(0.0, 0.8, own.size)
    with_dose = replace(courses, log_dose=dose)
    found = named([*feedback_statistics(with_dose), *before_fault_statistics(with_dose)])
    answer = found["change of the dose per point of that day's reading, within patients"]
    assert answer[0] == pytest.approx(0.2)
    wild = replace(courses, tone=np.where(tone > 2.0, 9.0, tone)[None])
    again = named(feedback_statistics(wild))
    for name in again:  # high readings are not looked at
        assert again[name][0] == found[name][0]
    assert found["change of the next reading by change of the dose"][0] < -1.5
    near = own[(own < own[-1]) & (plan.t_years[own] >= plan.t_years[own[-1]] - 0.5)]
    assert found["rise of the log dose in the half year before a fault"][0] == pytest.approx(
        dose[0, near[-1]] - dose[0, near[0]]
    )
    expected = tone[near].mean() - tone[own].mean()
    name = "Ashworth in the half year before a fault, above the patient's mean"
    assert found[name][0] == pytest.approx(expected)


def test_cohorts_without_a_fault_count_as_typical():
    some = Statistic("a", "x", np.array([2.0, np.nan, 1.0, 3.0, 2.5]))
    none = Statistic("b", "x", np.array([np.nan, 1.0, 1.0, 1.0, 1.0]))
    rare = Statistic("c", "x", np.array([1.0, np.nan, np.nan, np.nan, 1.0]))
    (kept,) = _filled([some, none, rare])
    assert kept.by_cohort.tolist() == [2.0, 2.5, 1.0, 3.0, 2.5]


def test_large_cohorts_are_looked_at_in_part(clinic, monkeypatch):
    monkeypatch.setattr(replicates, "STEP_BUDGET", 120 * 400)
    chosen = choose_patients(clinic.plan, 120, 1)
    assert 1 <= chosen.size < clinic.plan.n_patient
    assert np.diff(clinic.plan.offsets)[chosen].sum() <= 400
    np.testing.assert_array_equal(chosen, choose_patients(clinic.plan, 120, 1))
    part = clinic.plan.select(chosen)
    assert part.patient_ids == tuple(clinic.plan.patient_ids[i] for i in chosen)
    monkeypatch.setattr(replicates, "STEP_BUDGET", 1)
    assert choose_patients(clinic.plan, 120, 1).size == 1


def test_the_joint_checks_say_who_was_looked_at(clinic, monkeypatch):
    monkeypatch.setattr(replicates, "STEP_BUDGET", 110 * 500)
    few = make_regimes_fit(clinic.plan, draws=10)
    results = joint_checks(few)
    assert [result.name for result in results] == [
        "predictive-doses", "predictive-decisions", "predictive-changes", "predictive-tone",
        "predictive-faults", "predictive-feedback", "predictive-associations",
    ]  # fmt: skip
    assert f"of {clinic.plan.n_patient} patients, chosen at random." in results[-1].summary
    assert STILL_YEARS in set(results[2].table["statistic"])
    assert "continuous" not in results[2].summary


def test_nothing_to_compare_is_said():
    result = compare("x", "?", [], "there is nothing")
    assert result.passed is None


def test_prior_draws_are_those_of_the_model_file(fit):
    drawn = draw_regimes_prior(fit.spec, fit.plan, 4000, 1)
    assert set(drawn.data_vars) == set(fit.posterior.data_vars)
    for name in ("dose_gain", "catheter_later"):
        prior = fit.spec.resolved_priors[name]
        values = drawn[name].to_numpy().ravel()
        assert (values < prior.quantile(0.5)).mean() == pytest.approx(0.5, abs=0.03)
        assert (values < prior.quantile(0.9)).mean() == pytest.approx(0.9, abs=0.02)
    assert drawn["drift"].dims == ("chain", "draw", "diagnosis")


def test_shipped_priors_pass_and_absurd_ones_fail(tmp_path, monkeypatch):
    monkeypatch.setattr(replicates, "STEP_BUDGET", 120 * 60)
    plan = plan_regimes(regimes_spec(), regimes_cohort(tmp_path / "cohort"))
    results = {r.name: r for r in regimes_prior_checks(regimes_spec(), plan)}
    assert results["prior-doses"].passed is True
    assert results["prior-tone"].passed is True
    assert results["prior-faults"].passed is True
    spec = regimes_spec()
    gain = spec.resolved_priors["reading_sd"]
    wild = replace_prior(spec, "reading_sd", gain)
    absurd = {r.name: r for r in regimes_prior_checks(wild, plan)}
    assert absurd["prior-tone"].passed is False


def replace_prior(spec, name, prior):
    params = {k: v + 3.0 if k in ("mu", "mean") else v for k, v in prior.params.items()}
    changed = (
        prior.model_copy(update={"params": params})
        if hasattr(prior, "model_copy")
        else (replace(prior, params=params))
    )
    return spec.model_copy(update={"resolved_priors": {**spec.resolved_priors, name: changed}})


def test_the_records_are_not_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(replicates, "STEP_BUDGET", 120 * 40)
    plan = plan_regimes(regimes_spec(), regimes_cohort(tmp_path / "cohort"))
    data, codes = plan.data.copy(), plan.codes.copy()
    read = np.isfinite(data[:, Col.ASHWORTH])
    data[read, Col.ASHWORTH] = 3.9
    codes[:, Code.ACTION] &= ~3
    other = replace(plan, data=data, codes=codes)
    one = [r.as_dict() for r in regimes_prior_checks(regimes_spec(), plan)]
    assert one == [r.as_dict() for r in regimes_prior_checks(regimes_spec(), other)]


def test_the_prior_command_takes_regimes_models(tmp_path, monkeypatch):
    monkeypatch.setattr(replicates, "STEP_BUDGET", 120 * 40)
    cohort = regimes_cohort(tmp_path / "source")
    cohort.write(tmp_path / "cohort")
    done = run_command("prior", "@regimes", tmp_path / "cohort", "--out", tmp_path / "p")
    assert (done.code, done.stderr) == (0, "")
    assert "pass  prior-tone" in done.stdout
    assert "120 cohorts of" in (tmp_path / "p/prior.html").read_text()
