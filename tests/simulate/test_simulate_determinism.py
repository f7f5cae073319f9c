"""Same settings and seed, same bytes; a patient does not depend on how many others there are."""

import subprocess
import sys

import pytest

from itb_bayes.simulate import load_settings, render_files, simulate_cohort

_FRESH = """
import hashlib, sys
from itb_bayes.simulate import load_settings, render_files, simulate_cohort
files = render_files(simulate_cohort(load_settings("clinic-small", patients=6, seed=5)))
text = "".join(name + files[name] for name in sorted(files))
sys.stdout.write(hashlib.sha256(text.encode()).hexdigest())
"""


def _digest(patients: int, seed: int) -> str:
    import hashlib

    settings = load_settings("clinic-small", patients=patients, seed=seed)
    files = render_files(simulate_cohort(settings))
    text = "".join(name + files[name] for name in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()


def test_same_seed_gives_the_same_bytes_in_a_fresh_process() -> None:
    fresh = subprocess.run(
        [sys.executable, "-c", _FRESH], capture_output=True, text=True, check=True
    ).stdout
    assert fresh == _digest(6, 5)


def test_another_seed_gives_other_bytes() -> None:
    assert _digest(3, 5) != _digest(3, 6)


@pytest.mark.parametrize("preset", ["clinic-small", "skoog2019", "kawano2018", "registry"])
def test_first_patients_do_not_depend_on_the_size_of_the_cohort(preset: str) -> None:
    few = simulate_cohort(load_settings(preset, patients=4))
    more = simulate_cohort(load_settings(preset, patients=9))
    first = {row["patient_id"] for row in few.tables["patients"]}
    assert len(first) == 4
    for name, rows in few.tables.items():
        assert rows == [row for row in more.tables[name] if row["patient_id"] in first]
    for name, rows in few.truth.items():
        assert rows == [row for row in more.truth[name] if row["patient_id"] in first]


def test_leaving_out_a_channel_leaves_the_others_as_they_are() -> None:
    settings = load_settings("clinic-small", patients=4)
    part = settings.cohort.model_copy(update={"channels": ("events",)})
    lean = simulate_cohort(settings.model_copy(update={"cohort": part}))
    full = simulate_cohort(settings)
    assert set(lean.tables) == {"patients", "doses", "events"}
    assert lean.tables["doses"] == full.tables["doses"]
    assert lean.tables["events"] == full.tables["events"]
