"""A specification laid over a cohort."""

import numpy as np
import pytest

from drift_cases import ASIDE, CANARY, base_spec, read_cohort, spec_with, tiny_tables, write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.unchanged import Unchanged, count_unchanged
from itb_bayes.errors import ModelError
from itb_bayes.kernel.structure import Process
from itb_bayes.model.plan import plan_drift
from itb_bayes.resources import shipped_cohort_dir
from itb_bayes.spec import load_model


def test_the_plan_of_the_tiny_cohort(tiny_plan):
    series = tiny_plan.series
    assert tiny_plan.diagnoses == ("MS", "SCI")
    assert tiny_plan.centres == ("north", "south")
    assert tiny_plan.n_patient == 12
    assert CANARY in series.patient_ids
    assert list(series.set_aside["patient_id"]) == [ASIDE]
    np.testing.assert_array_equal(tiny_plan.diagnosis_index, np.arange(12) % 2)
    np.testing.assert_array_equal(tiny_plan.centre_index, (np.arange(12) % 3 == 0).astype(int))
    np.testing.assert_allclose(np.exp(tiny_plan.panel.y), series.daily_dose_ug)
    assert tiny_plan.structure.titration
    assert tiny_plan.notes == (
        "dose in force read every 12 months",
        "titration term on: 12 patients have doses of the first half year",
        "centre effects on: 2 centres",
    )


@pytest.mark.parametrize(
    ("kind", "process"),
    [("none", Process.NONE), ("ou", Process.OU), ("random_walk", Process.RANDOM_WALK)],
)
@pytest.mark.parametrize(("noise", "robust"), [("gaussian", False), ("patient_t", True)])
def test_terms_become_the_structure(kind, process, noise, robust, tiny_cohort):
    plan = plan_drift(spec_with(kind, noise, "no", "no"), tiny_cohort)
    assert plan.structure.process is process
    assert plan.structure.robust is robust
    assert not plan.structure.titration
    assert plan.centres == ()
    assert not plan.centre_index.any()


def test_no_reading_before_from_years_leaves_titration_off(tiny_cohort):
    plan = plan_drift(spec_with(from_years=1.0), tiny_cohort)
    assert not plan.structure.titration
    assert plan.series.t_years.min() == 1.0
    assert "titration term off: only 0 patients have doses of the first half year" in plan.notes


def test_a_titration_term_without_early_doses_is_an_error(tiny_cohort):
    with pytest.raises(ModelError, match=r"titration term, but only 0 patients .*5 are needed"):
        plan_drift(spec_with(titration="yes", from_years=1.0), tiny_cohort)


def with_centres(tmp_path, rename) -> Cohort:
    tables = tiny_tables()
    rows = tables["patients.csv"].splitlines()
    cells = [row.split(",") for row in rows[1:]]
    for k, row in enumerate(cells):
        row[2] = rename(k, row[2])
    tables["patients.csv"] = "\n".join([rows[0], *(",".join(row) for row in cells)]) + "\n"
    return Cohort.read(write_cohort(tmp_path / "cohort", tables))


@pytest.mark.parametrize("rename", [lambda k, name: "", lambda k, name: "north"])
def test_auto_leaves_centres_off_where_fewer_than_two_are_recorded(rename, tmp_path):
    plan = plan_drift(base_spec(), with_centres(tmp_path, rename))
    assert plan.centres == ()
    assert "centre effects off: fewer than two centres recorded" in plan.notes


@pytest.mark.parametrize("rename", [lambda k, name: "", lambda k, name: "north"])
def test_a_centre_term_without_two_centres_is_an_error(rename, tmp_path):
    with pytest.raises(ModelError, match="has a centre term"):
        plan_drift(spec_with(centre="yes"), with_centres(tmp_path, rename))


@pytest.mark.parametrize("use", ["auto", "yes"])
def test_centres_of_some_patients_only_are_an_error(use, tmp_path):
    cohort = with_centres(tmp_path, lambda k, name: "" if k in (1, 2) else name)
    with pytest.raises(ModelError, match="but 2 of 12 patients have no centre and 2 centres"):
        plan_drift(spec_with(centre=use), cohort)


def test_a_cohort_without_enough_readings_is_an_error(tmp_path):
    cohort = read_cohort(tmp_path / "cohort", "A,MS,0.1\nB,SCI,0.05\n", "A,0,100\nB,0,90\n")
    with pytest.raises(ModelError, match="no patient of cohort 'hand' has 2 dose readings"):
        plan_drift(base_spec(), cohort)


def test_covariates_are_those_of_the_fitted_patients_in_their_order(tiny_cohort):
    plan = plan_drift(spec_with(level=["sex"], drift=["age_at_implant"]), tiny_cohort)
    assert plan.level_covariates.names == ("sex=F",)
    np.testing.assert_allclose(plan.level_covariates.design[:, 0], np.arange(12) % 5 < 2)
    ages = 35 + 2 * np.arange(12)
    np.testing.assert_allclose(plan.drift_covariates.design[:, 0], (ages - 45) / 10)


def test_until_years_hides_later_doses(tiny_cohort):
    until = dict.fromkeys(tiny_cohort.patients["patient_id"], 2.0)
    plan = plan_drift(base_spec(), tiny_cohort, until_years=until)
    assert plan.series.t_years.max() == 2.0


@pytest.mark.parametrize(("name", "n", "of"), [("kawano2018", 10, 34), ("skoog2019", 0, 41)])
def test_doses_that_never_change_are_counted_and_said(name, n, of):
    """Ten of kawano2018 never change after year 1 (counted from its doses.csv by hand)."""
    cohort = Cohort.read(shipped_cohort_dir(name))
    plan = plan_drift(base_spec(), cohort)
    assert count_unchanged(plan.series) == Unchanged(n, of)
    said = [note for note in plan.notes if "never change after year 1" in note]
    assert said == [] if n == 0 else said[0].startswith(f"{n} of {of} patients' doses")
    gaussian = plan_drift(load_model("@drift-gaussian"), cohort)
    assert not any("never change" in note for note in gaussian.notes)


def test_few_unchanged_doses_are_no_matter():
    assert not Unchanged(2, 30).are_many
    assert Unchanged(5, 30).are_many
    assert not Unchanged(0, 0).are_many
