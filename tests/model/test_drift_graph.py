"""The PyMC graph against the numpy path, for every structure."""

import itertools
from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from pytensor.compile.mode import Mode

from drift_cases import base_spec, spec_with, value_point
from itb_bayes.checks.prior_draws import PRIOR_OF, distribution, draw_prior, prior_of, variables_of
from itb_bayes.inference.pointwise import patient_log_likelihood
from itb_bayes.kernel.structure import Process
from itb_bayes.model.drift import build_drift
from itb_bayes.model.plan import plan_drift

UNCOMPILED = Mode(linker="py", optimizer=None)
COVARIATES = ("sci_level", "sex", "age_at_implant", "ms_course", "ambulatory")
STRUCTURES = list(
    itertools.product(
        ("none", "ou", "random_walk"),
        ("gaussian", "patient_t"),
        ("no", "yes"),
        (("no", ()), ("yes", COVARIATES)),
    )
)


def log_prior(spec, plan, draw: xr.Dataset) -> float:
    """Sum of the scipy log densities of a draw under the resolved priors."""
    total = 0.0
    labelled = {"level": plan.diagnoses, "drift": plan.diagnoses}
    for name in variables_of(plan):
        values = np.atleast_1d(draw[name].to_numpy())
        labels = labelled.get(name, [""] * len(values))
        for value, label in zip(values, labels, strict=True):
            total += distribution(prior_of(spec, name, label)).logpdf(value)
    if plan.centres:
        for of in ("level", "drift"):
            z = draw[f"centre_{of}_z"].to_numpy()
            total -= 0.5 * (z @ z + z.size * np.log(2 * np.pi))
    return float(total)


@pytest.mark.parametrize("case", STRUCTURES, ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}-{c[3][0]}")
def test_log_density_equals_priors_plus_kernel(case, tiny_cohort):
    process, noise, titration, (centre, covariates) = case
    spec = spec_with(process, noise, titration, centre, covariates, covariates)
    plan = plan_drift(spec, tiny_cohort)
    model = build_drift(spec, plan)
    prior = draw_prior(spec, plan, 2, seed=len(process) + len(noise))
    likelihood = patient_log_likelihood(spec, plan, prior).sum("patient").to_numpy()[0]
    log_density = model.compile_logp(jacobian=False, mode=UNCOMPILED)
    assert {v.name for v in model.free_RVs} == set(prior.data_vars)
    for s in range(2):
        draw = prior.isel(chain=0, draw=s)
        want = log_prior(spec, plan, draw) + likelihood[s]
        assert np.isfinite(want)
        # PyMC keeps the constant of a beta density in single precision.
        assert log_density(value_point(model, draw)) == pytest.approx(want, rel=1e-9, abs=2e-6)


@pytest.mark.parametrize(
    "case",
    [
        ("ou", "gaussian", "yes", "no"),
        ("random_walk", "patient_t", "yes", "yes", ["sex"], ["sex"]),
        ("none", "patient_t", "no", "yes", ["sex"], ["sex"]),
    ],
    ids=lambda case: case[0],
)
def test_gradient_equals_finite_differences(case, tiny_cohort):
    spec = spec_with(*case)
    plan = plan_drift(spec, tiny_cohort)
    model = build_drift(spec, plan)
    draw = draw_prior(spec, plan, 1, seed=4).isel(chain=0, draw=0)
    point = value_point(model, draw)
    log_density = model.compile_logp(mode=UNCOMPILED)
    gradient = model.compile_dlogp(mode=UNCOMPILED)(point)
    order = [value.name for value in model.value_vars]
    step, want = 1e-5, []
    for name in order:
        for k in range(point[name].size):
            shift = np.zeros(point[name].size)
            shift[k] = step
            shift = shift.reshape(point[name].shape)
            up, down = (log_density(point | {name: point[name] + sign * shift}) for sign in (1, -1))
            want.append((up - down) / (2 * step))
    np.testing.assert_allclose(gradient, want, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_compiled_gradient_equals_uncompiled(tiny_plan):
    """The function that numba makes of the graph (compiling it takes most of a minute)."""
    spec = base_spec()
    model = build_drift(spec, tiny_plan)
    value_and_gradient = model.logp_dlogp_function(ravel_inputs=True)
    value_and_gradient.set_extra_values({})
    point = value_point(model, draw_prior(spec, tiny_plan, 1, seed=6).isel(chain=0, draw=0))
    value, gradient = value_and_gradient(pm.blocking.DictToArrayBijection.map(point).data)
    assert float(value) == pytest.approx(
        float(model.compile_logp(mode=UNCOMPILED)(point)), rel=1e-9
    )
    np.testing.assert_allclose(gradient, model.compile_dlogp(mode=UNCOMPILED)(point), rtol=1e-8)


def test_a_prior_of_one_diagnosis_reaches_the_model(tiny_cohort):
    spec = spec_with(titration="no", centre="no")
    shared = spec.resolved_priors["drift"]
    own = shared.model_copy(update={"params": {"mean": 0.25, "sd": 0.001}, "by": {}})
    prior = shared.model_copy(update={"by": {"SCI": own}})
    spec = spec.model_copy(update={"resolved_priors": {**spec.resolved_priors, "drift": prior}})
    model = build_drift(spec, plan_drift(spec, tiny_cohort))
    drift = pm.draw(model["drift"], 400, random_seed=1)
    mean, sd = shared.params["mean"], shared.params["sd"]
    assert list(model.coords["diagnosis"]) == ["MS", "SCI"]
    assert drift[:, 1].mean() == pytest.approx(0.25, abs=0.001)
    assert drift[:, 0].mean() == pytest.approx(mean, abs=5 * sd / 20)


@pytest.mark.parametrize("name", ["diagnosis_index", "centre_index"])
@pytest.mark.parametrize("bad", [-1, 2, 700])
def test_an_index_out_of_range_is_refused_before_any_compiling(name, bad, tiny_plan):
    index = getattr(tiny_plan, name).copy()
    index[5] = bad
    with pytest.raises(ValueError, match="outside its labels"):
        replace(tiny_plan, **{name: index})


@pytest.mark.parametrize("name", ["diagnosis_index", "centre_index"])
def test_an_index_of_another_number_of_patients_is_refused(name, tiny_plan):
    with pytest.raises(ValueError, match="outside its labels"):
        replace(tiny_plan, **{name: getattr(tiny_plan, name)[:-1]})


@pytest.mark.parametrize(("row", "bad"), [(-1, 12), (0, 1), (-1, 0), (5, 2)])
def test_readings_of_unknown_or_disordered_patients_are_refused(row, bad, tiny_plan):
    patient = tiny_plan.series.patient.copy()
    patient[row] = bad
    with pytest.raises(ValueError, match="readings of the plan"):
        replace(tiny_plan, series=replace(tiny_plan.series, patient=patient))


def test_covariates_of_other_patients_are_refused(tiny_cohort):
    plan = plan_drift(spec_with(level=["sex"]), tiny_cohort)
    short = replace(plan.level_covariates, design=plan.level_covariates.design[:-1])
    with pytest.raises(ValueError, match="covariates of the plan"):
        replace(plan, level_covariates=short)


def test_every_free_variable_has_a_stated_prior(tiny_plan):
    spec = base_spec()
    stated = {PRIOR_OF.get(name, name) for name in variables_of(tiny_plan)}
    assert stated <= set(spec.resolved_priors)
    assert tiny_plan.structure.titration
    assert Process(tiny_plan.structure.process) is not Process.NONE
