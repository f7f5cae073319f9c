"""Kawano's fluctuating patients: what the clinic called it beside what a regimes fit said."""

import re

import pytest

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import GateError
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.model.regimes_plan import plan_regimes, plan_scoring
from itb_bayes.reproduce.kawano_attribution import (
    BEFORE_YEARS,
    CALLED,
    attribution_table,
    knows,
    load_regimes,
)
from itb_bayes.resources import shipped_cohort_dir
from itb_bayes.risk.explanations import explain_patients
from regimes_fits import make_regimes_fit, regimes_spec, save_regimes_fit, small_regimes_fit


@pytest.fixture(scope="module")
def kawano():
    return Cohort.read(shipped_cohort_dir("kawano2018"))


@pytest.fixture(scope="module")
def own(kawano):
    """A made-up fit of the very cohort."""
    made = make_regimes_fit(plan_regimes(regimes_spec(), kawano), draws=20, width=0.05)
    manifest = {**made.manifest, "cohort_fingerprint": kawano.fingerprint, "cohort": "kawano2018"}
    return RegimesFit(made.spec, made.plan, made.draws, made.gate, manifest)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A made-up fit of another cohort."""
    return small_regimes_fit(tmp_path_factory.mktemp("other") / "small", draws=20, width=0.02)


def test_without_a_fit_the_words_of_the_clinic_stand_alone(kawano):
    table = attribution_table(kawano, None)
    called = [row[1] for row in table.rows]
    assert sorted(called) == sorted(
        ["tolerance"] * 2 + ["progression"] * 2 + ["catheter"] * 3
        + ["pump", "improvement (dose lowered)"]
    )  # fmt: skip
    assert {row[3] for row in table.rows} == {"not scored"}
    assert "--regimes" in table.note


@pytest.mark.parametrize("which", ["own", "other"])
def test_every_course_is_scored_on_what_was_known_a_week_before(which, kawano, own, other):
    fit = {"own": own, "other": other}[which]
    table = attribution_table(kawano, fit)
    assert fit.run_id in table.note
    assert ("know the later records" in table.note) == (which == "own") == knows(fit, kawano)
    named = kawano.events[kawano.events["event"].isin(CALLED)]
    until = dict(zip(named["patient_id"], named["t_years"] - BEFORE_YEARS, strict=True))
    plan = plan_scoring(fit.plan, kawano, until_years=until)
    mode = "refit" if which == "own" else "conditional"
    found = {p.patient_id: p for p in explain_patients(plan, fit.population(plan), mode=mode)}
    scored = 0
    for who, (_, _, year, words) in zip(named["patient_id"], table.rows, strict=True):
        said = found[who]
        assert said.as_of_years <= until[who] < float(year) + 0.05
        if not said.present:
            assert words == said.status
            assert words.startswith("not estimated")
            continue
        scored += 1
        shown = dict(re.findall(r"(\w+) (\d\.\d\d)", words))
        assert set(shown) <= set(EXPLANATIONS)
        for name, p in said.present.items():
            if p.value >= 0.05:
                assert float(shown[name]) == pytest.approx(p.value, abs=0.0051)
        assert list(shown.values()) == sorted(shown.values(), reverse=True)
    assert scored >= (7 if which == "own" else 0)


def test_an_unconverged_fit_attributes_nothing(tmp_path):
    failed = small_regimes_fit(tmp_path / "small", passed=False)
    folder = save_regimes_fit(failed, tmp_path / "fit")
    with pytest.raises(GateError):
        load_regimes(folder)
    passed = save_regimes_fit(small_regimes_fit(tmp_path / "again"), tmp_path / "fine")
    assert isinstance(load_regimes(passed), RegimesFit)
