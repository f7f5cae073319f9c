"""A regimes specification laid over a cohort."""

from dataclasses import replace

import numpy as np
import pytest

from drift_cases import write_cohort
from itb_bayes.cohort.actions import Action
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.tested import EXCLUDED_UNSEEN, NOT_EXCLUDED
from itb_bayes.errors import ModelError
from itb_bayes.kernel.regimes.layout import Code, Col
from itb_bayes.model.regimes_plan import label_index, plan_regimes, plan_scoring
from itb_bayes.spec.kinds.regimes_spec import CHANNELS
from regimes_fits import EVENTS, IDS, regimes_cohort, regimes_tables, spec_of

COLUMN_OF = {
    "ashworth": Col.ASHWORTH,
    "spasms": Col.PENN,
    "dose": Col.DOSE_CHANGE,
    "refills": Col.REFILL,
    "neuro": Col.EDSS,
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return regimes_cohort(tmp_path_factory.mktemp("plan") / "small")


@pytest.fixture(scope="module")
def plan(cohort):
    return plan_regimes(spec_of(), cohort)


def test_every_channel_with_records_is_on(plan):
    assert plan.channels == CHANNELS
    assert [note.split()[1].rstrip(":") for note in plan.notes if "channel" in note] == list(
        CHANNELS
    )
    assert plan.patient_ids == IDS
    for column in COLUMN_OF.values():
        assert np.isfinite(plan.data[:, column]).any()


def test_groups_are_in_alphabetical_order(plan):
    assert plan.diagnoses == ("HSP", "MS", "SCI")
    assert plan.diagnosis_index.tolist() == [1, 2, 0, 1, 2, 0]
    assert plan.centres == ("north", "south")
    assert plan.centre_index.tolist() == [0, 1, 0, 1, 0, 1]
    assert plan.older_catheter.tolist() == [1, 1, 0, 0, 0, 0]


def test_times_rise_within_a_patient(plan):
    for i in range(plan.n_patient):
        t = plan.t_years[plan.offsets[i] : plan.offsets[i + 1]]
        assert (np.diff(t) > 0.0).all()
        assert plan.t_last[i] == t[-1]
    assert plan.step_patient.tolist() == sorted(plan.step_patient)


@pytest.mark.parametrize("name", sorted(COLUMN_OF))
def test_a_channel_that_is_off_is_blank(name, cohort, plan):
    off = plan_regimes(spec_of(**{name: "no"}), cohort)
    assert off.channels == tuple(c for c in CHANNELS if c != name)
    assert np.isnan(off.data[:, COLUMN_OF[name]]).all()
    read_too = {Col.SEARCH} if name == "ashworth" else set()
    others = [c for c in Col if c not in {COLUMN_OF[name]} | read_too]
    np.testing.assert_array_equal(off.data[:, others], plan.data[:, others])
    np.testing.assert_array_equal(off.codes, plan.codes)


def test_tests_and_labels_that_are_off_are_blank(cohort, plan):
    results, labels = [Code.DYE, Code.ASPIRATION, Code.ROTOR], [*range(3, 6)]
    assert (plan.codes[:, results] >= 0).any()
    assert plan.codes[:, labels].sum() == 3
    untested = plan_regimes(spec_of(tests="no"), cohort)
    assert (untested.codes[:, results] == -1).all()
    expected = [Col.CATHETER_TESTED, Col.PUMP_TESTED]
    assert plan.data[:, expected].any()
    assert not untested.data[:, expected].any()
    np.testing.assert_allclose(
        untested.data[:, Col.EXCLUDED], EXCLUDED_UNSEEN * untested.data[:, Col.SEARCH]
    )
    assert plan.data[:, Col.EXCLUDED].min() == NOT_EXCLUDED
    assert (plan_regimes(spec_of(labels="no"), cohort).codes[:, labels] == 0).all()


def test_without_events_a_confirmed_fault_is_an_operation(cohort, plan):
    off = plan_regimes(spec_of(events="no"), cohort)
    with_them, without = plan.codes[:, Code.ACTION], off.codes[:, Code.ACTION]
    turned = {
        int(Action.CATHETER_CONFIRMED): int(Action.CATHETER_REVISED),
        int(Action.PUMP_CONFIRMED): int(Action.PUMP_REPLACED),
    }
    assert {1, 2} <= set(with_them.tolist())
    assert without.tolist() == [turned.get(int(a), int(a)) for a in with_them]
    both = np.array([3, 32])
    codes = np.zeros((2, plan.codes.shape[1]), dtype=np.int64)
    codes[:, Code.ACTION] = both
    from itb_bayes.model.regimes_plan import blank_channels

    blank_channels(np.zeros((2, plan.data.shape[1])), codes, ())
    assert codes[:, Code.ACTION].tolist() == [4 | 8, 32]


def test_channels_without_records_are_off(tmp_path):
    tables = regimes_tables(events=())
    tables.pop("refills.csv")
    plan = plan_regimes(spec_of(), Cohort.read(write_cohort(tmp_path, tables)))
    assert plan.channels == ("ashworth", "spasms", "dose", "neuro")
    assert "channel refills off: no records" in plan.notes


@pytest.mark.parametrize("name", ["refills", "events", "labels", "tests"])
def test_a_channel_that_is_asked_for_needs_records(name, tmp_path):
    tables = regimes_tables(events=())
    tables.pop("refills.csv")
    cohort = Cohort.read(write_cohort(tmp_path, tables))
    with pytest.raises(ModelError, match=f"asks for the channel {name}, but cohort 'small'"):
        plan_regimes(spec_of(**{name: "yes"}), cohort)


def test_neither_scores_nor_dose_changes(tmp_path):
    tables = {
        "patients.csv": "patient_id,diagnosis,t_last_seen\nA,MS,2\n",
        "doses.csv": "patient_id,t_years,daily_dose_ug\nA,0,100\n",
        "cohort.toml": 'name = "bare"\nsynthetic = true\n',
    }
    cohort = Cohort.read(write_cohort(tmp_path, tables))
    with pytest.raises(ModelError, match="needs Ashworth scores or dose changes"):
        plan_regimes(spec_of(), cohort)


def test_nobody_with_a_dose(cohort, plan):
    before = dict.fromkeys(IDS, -1.0)
    with pytest.raises(ModelError, match="no patient of cohort 'small' has a dose"):
        plan_regimes(spec_of(), cohort, until_years=before)
    with pytest.raises(ModelError, match="no patient of cohort 'small' has a dose"):
        plan_scoring(plan, cohort, until_years=before)


def test_who_is_left_out_is_said(cohort):
    plan = plan_regimes(spec_of(), cohort, until_years={"R1": -1.0})
    assert plan.patient_ids == IDS[1:]
    assert "patients without a dose on record, left out: 1" in plan.notes


def test_centres(cohort, tmp_path):
    off = plan_regimes(spec_of(centre="no"), cohort)
    assert (off.centres, off.centre_index.tolist()) == ((), [0] * 6)
    one = regimes_cohort(tmp_path / "one", patients=_patients("south", "north"))
    single = plan_regimes(spec_of(), one)
    assert single.centres == ()
    assert "centre effects off: fewer than two centres recorded" in single.notes
    with pytest.raises(ModelError, match="0 of 6 patients have no centre and 1 centres are named"):
        plan_regimes(spec_of(centre="yes"), one)


def _patients(old: str, new: str) -> str:
    return regimes_tables()["patients.csv"].replace(f",{old},", f",{new},")


def test_a_centre_that_is_missing_for_some_is_an_error(tmp_path):
    text = regimes_tables()["patients.csv"].replace("R1,MS,north", "R1,MS,")
    with pytest.raises(ModelError, match="1 of 6 patients have no centre and 2 centres"):
        plan_regimes(spec_of(), regimes_cohort(tmp_path, patients=text))


def test_scoring_keeps_the_groups_of_the_fit(plan, tmp_path):
    text = regimes_tables()["patients.csv"].replace("R1,MS,north", "R1,HAM,east")
    scored = plan_scoring(plan, regimes_cohort(tmp_path, patients=text))
    assert (scored.diagnoses, scored.centres) == (plan.diagnoses, plan.centres)
    assert scored.diagnosis_index.tolist() == [-1, 2, 0, 1, 2, 0]
    assert scored.centre_index.tolist() == [-1, 1, 0, 1, 0, 1]
    np.testing.assert_array_equal(scored.data, plan.data)
    assert scored.channels == plan.channels


def test_scoring_a_missing_centre_is_an_unknown_one(plan, tmp_path):
    text = regimes_tables()["patients.csv"].replace("R1,MS,north", "R1,MS,")
    assert plan_scoring(plan, regimes_cohort(tmp_path, patients=text)).centre_index[0] == -1


def test_scoring_blanks_what_the_fit_does_not_read(cohort):
    fitted = plan_regimes(spec_of(centre="no", spasms="no"), cohort)
    scored = plan_scoring(fitted, cohort)
    assert np.isnan(scored.data[:, Col.PENN]).all()
    assert scored.centre_index.tolist() == [0] * 6


def test_between_is_the_plan_of_some_patients(plan):
    part = plan.between(2, 4)
    assert part.patient_ids == IDS[2:4]
    assert part.offsets.tolist() == (plan.offsets[2:5] - plan.offsets[2]).tolist()
    np.testing.assert_array_equal(part.data, plan.data[plan.offsets[2] : plan.offsets[4]])
    np.testing.assert_array_equal(part.codes, plan.codes[plan.offsets[2] : plan.offsets[4]])
    assert part.untreated_tone.tolist() == plan.untreated_tone[2:4].tolist()
    assert part.t_last.tolist() == plan.t_last[2:4].tolist()


def test_until_hides_later_records(cohort, plan):
    cut = plan_regimes(spec_of(), cohort, until_years=dict.fromkeys(IDS, 1.0))
    assert cut.t_years.max() <= 1.0
    kept = plan.t_years <= 1.0
    assert "tests" not in cut.channels  # all were later
    others = [c for c in Col if c != Col.EXCLUDED]
    np.testing.assert_array_equal(cut.data[:, others], plan.data[kept][:, others])
    assert len(EVENTS) > (cut.codes[:, Code.ACTION] > 0).sum()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": lambda p: p.offsets[:-1]}, "steps of the plan"),
        ({"offsets": lambda p: p.offsets + 1}, "steps of the plan"),
        ({"offsets": lambda p: np.r_[0, p.offsets[:-2], p.offsets[-1]]}, "steps of the plan"),
        ({"data": lambda p: p.data[:-1]}, "columns of the plan"),
        ({"codes": lambda p: p.codes[:, :-1]}, "columns of the plan"),
        ({"diagnosis_index": lambda p: p.diagnosis_index + 1}, "points outside its labels"),
        ({"diagnosis_index": lambda p: p.diagnosis_index[:-1]}, "points outside its labels"),
        ({"centre_index": lambda p: p.centre_index - 2}, "points outside its labels"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(change, message, plan):
    with pytest.raises(ValueError, match=message):
        replace(plan, **{name: value(plan) for name, value in change.items()})


def test_labels_are_found():
    values = np.array(["b", "x", None], dtype=object)
    assert label_index(values, ("a", "b")).tolist() == [1, -1, -1]
