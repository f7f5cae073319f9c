"""The fuzzer in small: generated, damaged and hostile files end in a message, or are read right.

`benchmarks/fuzzing.py` runs thousands of the same cases.
"""

import tempfile
from pathlib import Path

import pytest
from fuzz.cases import KINDS, check_case, run_case, run_hostile
from fuzz.hostile import HOSTILE
from fuzz.sheets import Sheet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import oracle
from itb_bayes.cohort import Cohort, InvalidCohort

LIGHT = [k for k, case in enumerate(HOSTILE) if not case.is_heavy]


@settings(
    max_examples=60, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(st.randoms(use_true_random=False), st.sampled_from(KINDS))
def test_generated_files_are_read_right_or_refused(rng, kind):
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / "cohort"
        inner.mkdir()
        word, done = check_case(rng, inner, kind)
    assert word in ("read", "refused")
    assert done != ""


@pytest.mark.parametrize("number", LIGHT, ids=lambda k: HOSTILE[k].name)
def test_hostile_files_end_in_a_message(number):
    outcome = run_hostile(number)
    assert outcome.word != "find", outcome.what


def test_the_fuzzer_reads_some_and_refuses_some():
    words = {run_case(3, number).word for number in range(0, 7 * 6, 7)}
    assert words == {"read", "refused"}


@pytest.mark.parametrize("spoil", ["value", "row", "column", "unit"])
def test_the_oracle_notices_what_was_lost(spoil, tmp_path):
    (tmp_path / "patients.csv").write_text("patient_id,diagnosis\nP1,MS\n", encoding="utf-8")
    doses = "patient_id,t_years,daily_dose_ug\nP1,0,100\nP1,1,120\n"
    (tmp_path / "doses.csv").write_text(doses, encoding="utf-8")
    cohort = Cohort.read(tmp_path)
    sheets = oracle.csv_sheets(tmp_path)
    oracle.compare(cohort, sheets)
    if spoil == "value":
        sheets["doses"].rows[1][2] = "121"
    elif spoil == "row":
        sheets["doses"].rows.append(["P1", "2", "130"])
    elif spoil == "column":
        sheets["doses"] = Sheet(
            [*sheets["doses"].header, "dose"], [[*r, "1"] for r in sheets["doses"].rows]
        )
    else:
        sheets["doses"] = Sheet(
            [*sheets["doses"].header, "unit"], [[*r, "mg/day"] for r in sheets["doses"].rows]
        )
    with pytest.raises(oracle.WrongSuccess):
        oracle.compare(cohort, sheets)


@pytest.mark.parametrize(
    ("name", "variable", "code"),
    [
        ("excel: cell of a million characters", "ITB_BAYES_MAX_UNPACKED_MB", "file_too_large"),
        ("excel: formula with its value", "ITB_BAYES_MAX_ROWS", "file_too_large"),
        ("excel: formula with its value", "ITB_BAYES_MAX_COLUMNS", "too_many_columns"),
        ("csv: BOM", "ITB_BAYES_MAX_ROWS", "file_too_large"),
        ("csv: BOM", "ITB_BAYES_MAX_COLUMNS", "too_many_columns"),
        ("csv: BOM", "ITB_BAYES_MAX_CELL_CHARACTERS", "cell_too_long"),
        ("parquet: a column of nothing", "ITB_BAYES_MAX_ROWS", "file_too_large"),
        ("parquet: a column of nothing", "ITB_BAYES_MAX_COLUMNS", "too_many_columns"),
    ],
)
def test_limits_can_be_set(name, variable, code, tmp_path, monkeypatch):
    (case,) = (case for case in HOSTILE if case.name == name)
    path = case.make(tmp_path)
    monkeypatch.setenv(variable, "1")
    with pytest.raises(InvalidCohort) as caught:
        Cohort.read(path)
    assert code in {problem.code for problem in caught.value.problems}
