"""Priors judged by what they predict."""

import numpy as np
import pytest
from check_cases import drift_spec, make_plan, with_log_doses

from itb_bayes.checks.prior_predictive import prior_checks
from itb_bayes.checks.result import CheckResult
from itb_bayes.spec import DriftSpec


def with_prior(name: str, **params: float) -> DriftSpec:
    spec = drift_spec()
    prior = spec.resolved_priors[name].model_copy(update={"params": params})
    return spec.model_copy(update={"resolved_priors": spec.resolved_priors | {name: prior}})


def named(results: tuple[CheckResult, ...]) -> dict[str, CheckResult]:
    return {result.name: result for result in results}


def test_shipped_priors_pass() -> None:
    got = named(prior_checks(drift_spec(), make_plan(20, 10)))
    assert got["prior-doses"].passed is True
    assert got["prior-ratios"].passed is True
    assert got["prior-rule"].passed is None
    drift = got["prior-drift"].table.set_index("quantity")
    assert drift.loc["MS - SCI", "p_above_0"] == pytest.approx(0.5, abs=0.06)


def test_absurd_level_fails_the_doses_only() -> None:
    got = named(prior_checks(with_prior("level", mean=np.log(5000.0), sd=0.3), make_plan(20, 10)))
    assert got["prior-doses"].passed is False
    assert got["prior-ratios"].passed is True


def test_absurd_spread_fails_the_ratios() -> None:
    got = named(prior_checks(with_prior("within_sd", mu=1.0, sigma=0.2), make_plan(20, 10)))
    assert got["prior-ratios"].passed is False


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("drift", {"mean": 0.0, "sd": 1e6}),
        ("within_sd", {"mu": 400.0, "sigma": 1.0}),
        ("tail_df", {"mu": -20.0, "sigma": 1.0}),
    ],
)
def test_overflow_is_a_verdict_and_not_a_crash(name: str, params: dict[str, float]) -> None:
    got = named(prior_checks(with_prior(name, **params), make_plan(6, 5)))
    assert got["prior-doses"].passed is False
    assert got["prior-ratios"].passed is False
    for result in got.values():
        assert result.as_dict()["name"] == result.name


def test_doses_of_the_cohort_are_not_looked_at() -> None:
    plan = make_plan(10, 6)
    shifted = with_log_doses(plan, plan.panel.y + 3.0)
    for a, b in zip(
        prior_checks(drift_spec(), plan), prior_checks(drift_spec(), shifted), strict=True
    ):
        assert a.table.equals(b.table)


def test_seed_decides() -> None:
    plan = make_plan(10, 6)
    first, again, other = (prior_checks(drift_spec(), plan, seed)[0].table for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_without_yearly_comparisons_the_reason_is_said() -> None:
    got = named(prior_checks(drift_spec(), make_plan(10, 1)))
    for name in ("prior-ratios", "prior-rule"):
        assert got[name].passed is None
        assert got[name].summary.startswith("Not computed: no patient is followed")


def test_one_diagnosis_has_no_contrast() -> None:
    plan = make_plan(6, 4)
    object.__setattr__(plan, "diagnoses", ("MS",))
    object.__setattr__(plan, "diagnosis_index", np.zeros(6, dtype=np.int64))
    got = named(prior_checks(drift_spec(), plan))["prior-drift"]
    assert got.summary == "One diagnosis only: there is no contrast."
    assert len(got.table) == 1
