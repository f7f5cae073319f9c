"""From priors to kernel parameters, and the model of them."""

from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest
import scipy.stats as st
from pytensor.compile.mode import Mode

from drift_cases import value_point
from itb_bayes.checks.prior_draws import distribution
from itb_bayes.kernel.regimes.filter import regimes_log_likelihood
from itb_bayes.kernel.regimes.layout import N_OWN, N_PAR, Own, Par
from itb_bayes.model.regimes import BY_CENTRE, BY_DIAGNOSIS, build_regimes
from itb_bayes.model.regimes_parameters import RULES, kernel_parameters, pick, used_priors
from itb_bayes.model.regimes_plan import plan_regimes
from itb_bayes.spec.kinds.regimes_needs import NEEDS
from itb_bayes.spec.kinds.regimes_spec import CHANNELS
from regimes_fits import regimes_cohort, regimes_posterior, regimes_spec, spec_of

OWN_PRIORS = {
    "drift", "untreated_tone", "untreated_follows", "reading_sd", "older_catheter_ratio",
    "progression_per_year", "goal",
}  # fmt: skip


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return regimes_cohort(tmp_path_factory.mktemp("parameters") / "small")


@pytest.fixture(scope="module")
def plan(cohort):
    return plan_regimes(regimes_spec(), cohort)


def values_of(plan, seed=6):
    draw = regimes_posterior(regimes_spec(), plan, seed=seed, width=0.8).isel(chain=0, draw=3)
    return {str(name): array.to_numpy() for name, array in draw.data_vars.items()}


def test_every_parameter_has_a_rule_and_every_prior_is_used_once():
    assert set(RULES) == set(Par)
    used = [name for name, _ in RULES.values()]
    assert len(used) == len(set(used))
    assert not set(used) & OWN_PRIORS
    assert set(used) | OWN_PRIORS == {need.name for need in NEEDS}


def test_priors_by_diagnosis_are_those_of_the_kind():
    assert {need.name for need in NEEDS if need.by_diagnosis} == set(BY_DIAGNOSIS)
    assert set(BY_CENTRE) < OWN_PRIORS


def test_numpy_and_the_graph_agree(plan):
    values = values_of(plan)
    g, own = kernel_parameters(values, plan, np)
    symbols = {name: pt.as_tensor_variable(np.asarray(v)) for name, v in values.items()}
    g_graph, own_graph = kernel_parameters(symbols, plan, pt)
    assert g.shape == (N_PAR,)
    assert own.shape == (plan.n_patient, N_OWN)
    np.testing.assert_allclose(g_graph.eval(), g, rtol=1e-14)
    np.testing.assert_allclose(own_graph.eval(), own, rtol=1e-14)


def test_parameters_by_hand(plan):
    values = values_of(plan)
    g, own = kernel_parameters(values, plan, np)
    assert g[Par.WANDER_VAR] == pytest.approx(values["wander_sd"] ** 2)
    assert g[Par.TRIGGER_END] == pytest.approx(1.0 / values["trigger_weeks"])
    assert g[Par.LEAK_VAR] == pytest.approx((values["leak_rate_cv"] * values["leak_rate"]) ** 2)
    assert g[Par.CREEP_VAR] == pytest.approx((values["creep_rate_cv"] * values["creep_rate"]) ** 2)
    for par, of in (
        (Par.TOLERANCE_VAR, "tolerance_rate"),
        (Par.TOLERANCE_STEP_VAR, "tolerance_step"),
        (Par.PROGRESSION_VAR, "progression_rate"),
    ):
        assert g[par] == pytest.approx((values[f"{of}_cv"] * values[of]) ** 2)
    assert g[Par.LOSS_SEVERE] == pytest.approx(-values["severe_delivery"])
    assert g[Par.PUMP_HAZARD] == pytest.approx(-np.log(1.0 - values["pump_failed_by_six_years"]))
    assert g[Par.STILL_VAR] == pytest.approx(values["still_points"] ** 2)
    np.testing.assert_allclose(own[:, Own.DRIFT], values["drift"][plan.diagnosis_index])
    np.testing.assert_allclose(own[:, Own.GOAL], values["goal"][plan.centre_index])
    np.testing.assert_allclose(own[:, Own.TONE_VAR], values["reading_sd"][plan.centre_index] ** 2)
    ratio = float(values["older_catheter_ratio"])
    np.testing.assert_allclose(own[:, Own.CATHETER_RATIO], [ratio, ratio, 1, 1, 1, 1])
    above = (plan.untreated_tone - 1.0) / 1.9
    want = 1.0 + values["untreated_tone"] * above ** values["untreated_follows"]
    np.testing.assert_allclose(own[:, Own.UNTREATED], want)


def test_tone_before_implant_is_kept_within_bounds(plan):
    values = values_of(plan)
    extreme = replace(plan, untreated_tone=np.array([np.nan, 0.2, 1.4, 4.0, 9.0, 1.0]))
    own = kernel_parameters(values, extreme, np)[1][:, Own.UNTREATED]
    assert own[0] == pytest.approx(1.0 + values["untreated_tone"])
    assert own[1] == own[2] == own[5]
    assert own[3] == own[4]
    assert (own > 1.0).all()


def test_who_was_not_fitted_gets_the_mean(plan):
    values = values_of(plan)
    unknown = replace(
        plan,
        diagnosis_index=np.array([-1, 2, 0, 1, -1, 0]),
        centre_index=np.array([0, -1, 0, 1, 0, 1]),
    )
    own = kernel_parameters(values, unknown, np)[1]
    np.testing.assert_allclose(own[[0, 4], Own.DRIFT], values["drift"].mean())
    assert own[1, Own.DRIFT] == values["drift"][2]
    np.testing.assert_allclose(own[0, Own.PROGRESSION_ONSET], values["progression_per_year"].mean())
    np.testing.assert_allclose(own[1, Own.GOAL], values["goal"].mean())
    np.testing.assert_allclose(own[1, Own.TONE_VAR], values["reading_sd"].mean() ** 2)
    np.testing.assert_array_equal(pick(np.array([1.0, 3.0]), np.array([1, -1, 0]), np), [3, 2, 1])


@pytest.mark.parametrize("channel", CHANNELS)
def test_priors_of_a_channel_that_is_off_are_not_sampled(channel, cohort, plan):
    off = plan_regimes(spec_of(**{channel: "no"}), cohort)
    gone = {need.name for need in NEEDS if need.at == ("channels", channel)}
    if channel == "events":
        gone.add("found_after_test")  # of tests and of events
    assert used_priors(plan) == {need.name for need in NEEDS}
    assert used_priors(plan) - used_priors(off) == gone


def test_priors_without_patients_to_show_them_are_not_sampled(plan):
    bare = replace(plan, older_catheter=np.zeros(6), untreated_tone=np.full(6, np.nan))
    assert used_priors(plan) - used_priors(bare) == {"older_catheter_ratio", "untreated_follows"}
    values = {k: v for k, v in values_of(plan).items() if k in used_priors(bare)}
    own = kernel_parameters(values, bare, np)[1]
    assert (own[:, Own.CATHETER_RATIO] == 1.0).all()
    np.testing.assert_allclose(own[:, Own.UNTREATED], 1.0 + values["untreated_tone"])


def test_silence_of_a_channel_that_is_off_is_no_evidence(cohort):
    off = plan_regimes(spec_of(events="no", labels="no"), cohort)
    values = {k: v for k, v in values_of(off).items() if k in used_priors(off)}
    g, own = kernel_parameters(values, off, np)
    silent = [Par.FOUND_CATHETER, Par.FOUND_TESTED, Par.TOLERANCE_LABEL, Par.TRIGGER_LABEL_FALSE]
    assert (g[silent] == 0.0).all()
    assert np.isfinite(regimes_log_likelihood(g, own, off.data, off.codes, off.offsets)[0]).all()
    untested = plan_regimes(spec_of(tests="no"), cohort)
    assert not {"found_after_test", "work_up_per_year"} & used_priors(untested)
    assert "found_after_test" not in used_priors(off)
    assert "work_up_per_year" in used_priors(off)


# Compiled as the sampler does it, and by the Op's own `perform`, which is quicker to set up.
@pytest.mark.parametrize(
    ("settings", "mode"),
    [({}, None), ({"centre": "no", "events": "no", "spasms": "no"}, Mode("py", None))],
    ids=["compiled", "performed"],
)
def test_the_model_is_the_kernel_and_the_priors(settings, mode, cohort):
    spec = spec_of(**settings)
    plan = plan_regimes(spec, cohort)
    model = build_regimes(spec, plan)
    assert {v.name for v in model.free_RVs} == used_priors(plan)
    draw = regimes_posterior(spec, plan, seed=9).isel(chain=1, draw=2)
    values = {str(name): array.to_numpy() for name, array in draw.data_vars.items()}
    terms = model.compile_logp(jacobian=False, sum=False, mode=mode)(value_point(model, draw))
    names = [variable.name for variable in model.free_RVs]
    for name, got in zip(names, terms[:-1], strict=True):
        prior = spec.resolved_priors[name]
        own = [prior.by.get(d, prior) for d in plan.diagnoses] if name in BY_DIAGNOSIS else [prior]
        want = np.array([distribution(p).logpdf(values[name]) for p in own])
        want = np.diag(want) if name in BY_DIAGNOSIS else want[0]
        # Normalising constants of whole-numbered parameters are of single precision there.
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-4, err_msg=name)
    g, patient = kernel_parameters(values, plan, np)
    want = regimes_log_likelihood(g, patient, plan.data, plan.codes, plan.offsets)[0].sum()
    assert float(terms[-1]) == pytest.approx(want, rel=1e-10)


def test_the_prior_of_a_diagnosis_of_its_own_is_used(cohort):
    spec = regimes_spec()
    plan = plan_regimes(spec, cohort)
    own = spec.resolved_priors["progression_per_year"]
    assert "MS" in own.by
    model = build_regimes(spec, plan)
    variable = model["progression_per_year"]
    mu = variable.owner.op.dist_params(variable.owner)[0].eval()
    want = [own.by.get(d, own).params["mu"] for d in plan.diagnoses]
    np.testing.assert_allclose(mu, want)
    assert st.lognorm(own.params["sigma"], scale=np.exp(want[1])).median() > np.exp(want[2])
