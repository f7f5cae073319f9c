"""Plans and PyMC graphs of `complications` and `spasticity`, against their numpy references."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from drift_cases import value_point
from itb_bayes.errors import ModelError
from itb_bayes.kernel.ashworth import (
    N_PATIENT_NODE,
    N_UNTREATED_NODE,
    N_VISIT_NODE,
    category_log_probabilities,
    mean_log_probability,
    normal_nodes,
    thresholds,
)
from itb_bayes.kernel.complications import count_log_likelihood
from itb_bayes.model.complications import build_complications
from itb_bayes.model.complications_plan import plan_complications
from itb_bayes.model.literature_cohort import literature_cohort
from itb_bayes.model.spasticity import build_spasticity
from itb_bayes.model.spasticity_plan import plan_spasticity
from itb_bayes.spec.kinds.complications_spec import OwnCentresSpec, StudiesSpec
from itb_bayes.spec.kinds.spasticity_spec import PhasesSpec, ScaleSpec, ThresholdsSpec
from paper_fits import (
    assessments,
    complications_draws,
    complications_spec,
    paper_cohort,
    spasticity_draws,
    spasticity_spec,
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return paper_cohort(tmp_path_factory.mktemp("papers") / "cohort")


def _own(plan, label, complication):
    for k, name in enumerate(plan.cells):
        if name == f"own: {label} | {complication}":
            counts = plan.counts
            return int(counts.low[k]), int(counts.high[k]), float(counts.patient_years[k])
    return None


def test_own_centres_are_counted_from_implant_to_the_end_of_follow_up(cohort):
    plan = plan_complications(complications_spec(), cohort)
    assert _own(plan, "north", "catheter") == (1, 1, 9.0)
    assert _own(plan, "south", "catheter") == (2, 2, 11.0)  # D is followed to the last record
    assert _own(plan, "south", "pump") == (1, 1, 11.0)
    assert _own(plan, "south", "infection") == (0, 0, 11.0)
    assert _own(plan, "north", "tolerance") == (1, 1, 9.0)
    assert plan.n_patient == 5
    assert plan.notes[1].startswith("2 own centres: 20 patient-years")


def test_records_after_the_as_of_time_are_not_counted(cohort):
    until = dict.fromkeys("ABCDE", 2.0)
    plan = plan_complications(complications_spec(), cohort, until_years=until)
    assert _own(plan, "north", "catheter") == (1, 1, 4.0)
    assert _own(plan, "south", "catheter") == (0, 0, 6.0)
    assert _own(plan, "north", "tolerance") == (0, 0, 4.0)


def test_missing_cells_are_left_out_with_their_reason():
    plan = plan_complications(complications_spec(), literature_cohort())
    assert plan.n_patient == 0
    assert len(plan.studies) == 7
    assert "Mathur 2014" not in plan.studies
    left = {(one.study, one.complication): one.reason for one in plan.left_out}
    assert "missing" in left["Plassat 2004", "catheter"]
    assert ("Ordia 2002", "infection") in left
    assert "Zahavi 2004 | tolerance" not in plan.cells
    assert plan.counts.low.size == 7 + 6 + 2 + 3


def test_a_cohort_without_events_says_nothing(tmp_path):
    quiet = paper_cohort(tmp_path / "quiet", with_events=False)
    plan = plan_complications(complications_spec(), quiet)
    assert not [name for name in plan.studies if name.startswith("own")]
    assert "own centres off" in plan.notes[1]
    asked = complications_spec().model_copy(update={"own_centres": OwnCentresSpec(use="yes")})
    with pytest.raises(ModelError, match="records no events"):
        plan_complications(asked, quiet)


def test_a_complication_without_any_count_is_refused():
    studies = StudiesSpec(complications=["infection"], leave_out=["kawano2018", "flueckiger"])
    spec = complications_spec().model_copy(update={"studies": studies})
    with pytest.raises(ModelError, match="no count of infection"):
        plan_complications(spec, literature_cohort())


def test_studies_left_out_are_not_read():
    studies = StudiesSpec(complications=["pump", "catheter"], leave_out=["flueckiger"])
    spec = complications_spec().model_copy(update={"studies": studies})
    plan = plan_complications(spec, literature_cohort())
    assert plan.complications == ("catheter", "pump")
    assert "Flückiger" not in plan.studies
    assert "left out by the model file" in {one.reason for one in plan.left_out}


def test_the_graph_of_complications_is_its_reference(cohort):
    spec = complications_spec()
    plan = plan_complications(spec, cohort)
    model = build_complications(spec, plan)
    (potential,) = model.replace_rvs_by_values(model.potentials)
    value = model.compile_fn(potential, inputs=model.value_vars, point_fn=True)
    draws = complications_draws(spec, plan, 1, 3, 1)
    for k in range(3):
        draw = draws.isel(chain=0, draw=k)
        expected = count_log_likelihood(np.log(draw["rate"].to_numpy()), plan.counts).sum()
        assert float(value(value_point(model, draw))) == pytest.approx(expected, rel=1e-9)


@pytest.fixture(scope="module")
def scores_plan(cohort):
    return plan_spasticity(spasticity_spec(), cohort)


def test_the_last_visit_of_each_window_is_read(scores_plan):
    assert scores_plan.n_patient == 5
    assert scores_plan.shown_from == 1.0
    assert scores_plan.notes == ("4 patients before, 5 patients after, 5 patients end",)
    first = (scores_plan.patient == 0) & (scores_plan.phase == 0)
    np.testing.assert_allclose(scores_plan.mean_score[first], 3.25)
    assert 4.0 not in scores_plan.mean_score[scores_plan.phase == 2]  # half a year is in no window


def test_both_ashworth_scales_are_one(scores_plan, tmp_path):
    other = paper_cohort(tmp_path / "other", assessments=assessments("ashworth_0_4", -1.0))
    plan = plan_spasticity(spasticity_spec(), other)
    assert plan.shown_from == 0.0
    np.testing.assert_array_equal(plan.doubled_sum, scores_plan.doubled_sum)


def test_an_as_of_time_ends_the_record(cohort):
    with pytest.raises(ModelError, match="phase 'end'"):
        plan_spasticity(spasticity_spec(), cohort, until_years=dict.fromkeys("ABCDE", 1.5))


def test_a_scale_that_was_not_used_is_named(cohort):
    spec = spasticity_spec().model_copy(update={"scale": ScaleSpec(use="mas")})
    with pytest.raises(ModelError, match="mas reading"):
        plan_spasticity(spec, cohort)


def test_readings_that_are_no_sum_of_scores_are_set_aside(tmp_path):
    rows = "A,0.06,ashworth_1_5,1.5,\nB,0.06,ashworth_1_5,1.33,4\nC,0.06,ashworth_1_5,1.5,20\n"
    cohort = paper_cohort(tmp_path / "odd", assessments=assessments() + rows)
    plan = plan_spasticity(spasticity_spec(), cohort)
    assert list(plan.set_aside["patient_id"]) == ["A", "B", "C"]
    assert "more than 12 muscles" in plan.set_aside["reason"].iloc[2]
    assert "n_muscles is empty" in plan.set_aside["reason"].iloc[0]


def test_single_muscles_of_one_visit_are_all_read(tmp_path):
    head, *lines = assessments().splitlines()
    lines += ["A,0.06,ashworth_1_5,2,", "A,0.06,ashworth_1_5,1,"]
    muscles = ["muscle", *[""] * (len(lines) - 2), "knee", "hip"]
    text = "".join(f"{a},{b}\n" for a, b in zip([head, *lines], muscles, strict=True))
    plan = plan_spasticity(spasticity_spec(), paper_cohort(tmp_path / "more", assessments=text))
    here = (plan.patient == 0) & (plan.phase == 1)
    assert sorted(plan.mean_score[here]) == [1.0, 2.0]
    assert list(plan.n_muscles[here]) == [1, 1]


def test_modified_scale_has_a_half_step(tmp_path):
    rows = "".join(f"{p},{t},mas,{v},\n" for p in "AB" for t, v in ((-0.1, 3), (0.05, 1.5), (2, 1)))
    cohort = paper_cohort(tmp_path / "mas", assessments=assessments() + rows)
    spec = spasticity_spec().model_copy(update={"scale": ScaleSpec(use="mas")})
    plan = plan_spasticity(spec, cohort)
    assert sorted(set(plan.doubled_sum)) == [2, 3, 6]
    assert plan.readings.counts.shape[2] == 6


def _reference(plan, draw, width, nodes) -> float:
    """Return the log likelihood of the scores by plain loops over patients and nodes."""
    (n_u, n_p, n_v), cuts = nodes, thresholds(width)
    mean = [float(draw[f"tone_{name}"]) for name in ("before", "after", "end")]
    sd = {name: float(draw[f"{name}_sd"]) for name in ("untreated", "treated", "visit")}

    def visit(i: int, phase: int, tone: float) -> float:
        log_p = category_log_probabilities(np.array(tone), cuts, float(draw["muscle_sd"]))
        return sum(
            mean_log_probability(log_p, int(plan.n_muscles[k]), int(plan.doubled_sum[k]) // 2)
            for k in np.flatnonzero((plan.patient == i) & (plan.phase == phase))
        )

    total = 0.0
    for i in range(plan.n_patient):
        x, w = normal_nodes(n_u)
        total += logsumexp([lw + visit(i, 0, mean[0] + sd["untreated"] * a)
                            for a, lw in zip(x, w, strict=True)])  # fmt: skip
        outer = []
        for own, log_own in zip(*normal_nodes(n_p), strict=True):
            inner = [
                logsumexp([lw + visit(i, phase, mean[phase] + sd["treated"] * own + sd["visit"] * b)
                           for b, lw in zip(*normal_nodes(n_v), strict=True)])
                for phase in (1, 2)
            ]  # fmt: skip
            outer.append(log_own + sum(inner))
        total += logsumexp(outer)
    return float(total)


@pytest.mark.parametrize("kind", ["free", "equal"])
def test_the_graph_of_spasticity_is_its_reference(kind, scores_plan):
    base = spasticity_spec()
    spec = base.model_copy(update={"thresholds": ThresholdsSpec(kind=kind)})
    model = build_spasticity(spec, scores_plan)
    value = model.compile_fn(
        model.replace_rvs_by_values(model.potentials), inputs=model.value_vars, point_fn=True
    )
    draw = spasticity_draws(spec, scores_plan, 1, 2, 3).isel(chain=0, draw=1)
    width = draw["step_width"].to_numpy() if kind == "free" else np.ones(3)
    got = sum(float(x) for x in value(value_point(model, draw)))
    nodes = (N_UNTREATED_NODE, N_PATIENT_NODE, N_VISIT_NODE)
    assert got == pytest.approx(_reference(scores_plan, draw, width, nodes), rel=1e-9)
    assert got == pytest.approx(_reference(scores_plan, draw, width, (31, 21, 21)), abs=1e-3)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"patient": np.array([9])}, "differ in length"),
        ({"phase": 7}, "outside its labels"),
        ({"doubled_sum": 1}, "no sum of scores"),
    ],
)
def test_a_plan_that_is_none_is_refused(change, message, scores_plan):
    ((name, value),) = change.items()
    wrong = value if isinstance(value, np.ndarray) else np.full_like(scores_plan.phase, value)
    with pytest.raises(ValueError, match=message):
        replace(scores_plan, **{name: wrong})


def test_a_complications_plan_with_a_wrong_index_is_refused(cohort):
    plan = plan_complications(complications_spec(), cohort)
    with pytest.raises(ValueError, match="outside its labels"):
        replace(plan, study_index=plan.study_index + 100)


@pytest.mark.parametrize(
    "text, message",
    [
        ({"complications": ["catheters"], "leave_out": []}, "catheters"),
        ({"complications": [], "leave_out": []}, "at least one"),
        ({"complications": ["pump", "pump"], "leave_out": []}, "twice"),
        ({"complications": "pump", "leave_out": []}, "list of names"),
        ({"complications": ["pump"], "leave_out": ["drauland2013"]}, "draulans2013"),
    ],
)
def test_studies_are_a_closed_vocabulary(text, message):
    with pytest.raises(ValueError, match=message):
        StudiesSpec(**text)


@pytest.mark.parametrize("months", [0.0, -3.0, 500.0])
def test_windows_are_months(months):
    with pytest.raises(ValueError, match="number of months"):
        PhasesSpec(before_months=months, after_months=1.0, end_from_months=12.0)


def test_kinds_of_reading_hold_every_reading_once(scores_plan):
    kinds = scores_plan.readings
    assert kinds.of_phase.sum() == scores_plan.patient.size
    assert np.isfinite(logsumexp(kinds.log_ways, axis=1)).all()
    np.testing.assert_array_equal(kinds.counts[np.isinf(kinds.log_ways)], 0.0)
