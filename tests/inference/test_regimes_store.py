"""A regimes plan on disk."""

import stat
from dataclasses import fields, replace

import numpy as np
import pytest

from itb_bayes.inference import regimes_store
from itb_bayes.inference.bundle import DATA_FILE
from itb_bayes.inference.plan_store import IDENTITY_FILE, SET_ASIDE_FILE
from itb_bayes.model.regimes_plan import RegimesPlan, plan_regimes
from regimes_fits import IDS, regimes_cohort, regimes_spec, spec_of


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    cohort = regimes_cohort(tmp_path_factory.mktemp("store") / "small")
    return plan_regimes(regimes_spec(), cohort)


def assert_same(a: RegimesPlan, b: RegimesPlan, but: tuple[str, ...] = ()) -> None:
    for field in fields(RegimesPlan):
        if field.name in but:
            continue
        left, right = getattr(a, field.name), getattr(b, field.name)
        if isinstance(left, np.ndarray):
            assert left.dtype == right.dtype, field.name
            np.testing.assert_array_equal(left, right)
        else:
            assert left == right, field.name


def test_what_is_written_is_read(plan, tmp_path):
    regimes_store.write_plan(plan, tmp_path)
    read = regimes_store.read_plan(tmp_path)
    assert_same(read, plan)
    assert read.data.flags.c_contiguous
    assert read.codes.flags.c_contiguous
    assert regimes_store.plan_digest(read) == regimes_store.plan_digest(plan)


def test_a_plan_without_centres_is_read(plan, tmp_path):
    bare = replace(plan, centres=(), centre_index=np.zeros(6, dtype=np.int64), notes=())
    regimes_store.write_plan(bare, tmp_path)
    assert_same(regimes_store.read_plan(tmp_path), bare)


def test_identities_are_apart_and_for_the_owner_only(plan, tmp_path):
    regimes_store.write_plan(plan, tmp_path)
    identity = tmp_path / IDENTITY_FILE
    assert stat.S_IMODE(identity.stat().st_mode) == 0o600
    assert all(pid in identity.read_text() for pid in IDS)
    held = (tmp_path / DATA_FILE).read_bytes()
    assert not any(pid.encode() in held for pid in ("R1\n", "R1,", '"R1"'))
    identity.unlink()
    read = regimes_store.read_plan(tmp_path)
    assert read.patient_ids == tuple(f"patient-{i}" for i in range(1, 7))
    assert_same(read, plan, but=("patient_ids",))


def test_no_identity_is_in_the_data(plan, tmp_path):
    named = replace(plan, patient_ids=tuple(f"ZZCANARY{i}" for i in range(6)))
    regimes_store.write_plan(named, tmp_path)
    assert b"ZZCANARY" not in (tmp_path / DATA_FILE).read_bytes()
    assert b"ZZCANARY" in (tmp_path / IDENTITY_FILE).read_bytes()


def test_the_list_of_what_was_not_used_is_empty(plan, tmp_path):
    regimes_store.write_set_aside(plan, tmp_path)
    assert (tmp_path / SET_ASIDE_FILE).read_text() == "patient,t_years,reason\n"


ARRAYS = ("data", "codes", "diagnosis_index", "centre_index", "older_catheter", "untreated_tone")


@pytest.mark.parametrize("name", ARRAYS)
def test_any_array_changes_the_digest(name, plan):
    array = getattr(plan, name).copy()
    array.flat[0] = (0 if array.flat[0] else 1) if array.dtype == np.int64 else array.flat[0] + 0.5
    changed = replace(plan, **{name: array})
    assert regimes_store.plan_digest(changed) != regimes_store.plan_digest(plan)


def test_offsets_and_labels_change_the_digest(plan):
    offsets = plan.offsets.copy()
    offsets[1] += 1
    for change in (
        {"offsets": offsets},
        {"channels": plan.channels[:-1]},
        {"diagnoses": ("HSP", "MS", "TBI")},
        {"centres": ("north", "west")},
    ):
        digest = regimes_store.plan_digest(replace(plan, **change))
        assert digest != regimes_store.plan_digest(plan), change


def test_names_and_notes_do_not_change_the_digest(plan):
    other = replace(plan, patient_ids=tuple("abcdef"), notes=())
    assert regimes_store.plan_digest(other) == regimes_store.plan_digest(plan)


def test_a_setting_that_changes_what_is_read_changes_the_digest(tmp_path, plan):
    off = plan_regimes(spec_of(refills="no"), regimes_cohort(tmp_path))
    assert regimes_store.plan_digest(off) != regimes_store.plan_digest(plan)
