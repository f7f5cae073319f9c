"""Every malformed cohort is refused with the exact problem, and never with a traceback."""

import json
import re
from pathlib import Path

import hypothesis.strategies as st
import pytest
from base_cohort import base_files, write_files
from hypothesis import HealthCheck, given, settings
from malformed import CASES
from mutations import Case, add, both, swap
from typer.testing import CliRunner, Result

from itb_bayes.cli.data import app
from itb_bayes.cohort import Cohort, InvalidCohort
from itb_bayes.cohort.reading import Examination, examine

# A misspelt column is unknown and its right name missing; zero doses need the lost holiday.
SEVERAL_ERRORS = {"wrong case", "holiday never began"}


def _cohort(folder: Path, case: Case) -> Path:
    files = base_files()
    case.mutate(files)
    return write_files(folder / "spoilt", files)


def test_the_base_cohort_is_valid(tmp_path: Path) -> None:
    examination = examine(write_files(tmp_path / "base", base_files()))
    assert examination.problems == ()
    assert examination.tables is not None


def test_names_of_cases_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed_cohort_is_refused_with_the_exact_problem(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reading serves both: what the command line shows, and what the package raises."""
    seen: list[Examination] = []

    def spy(path: Path) -> Examination:
        seen.append(examine(path))
        return seen[-1]

    monkeypatch.setattr("itb_bayes.cohort.reading.examine", spy)
    result = CliRunner().invoke(
        app, ["validate", str(_cohort(tmp_path, case))], env={"COLUMNS": "600"}
    )
    _check_shown(case, result)
    with pytest.raises(InvalidCohort) as caught:
        Cohort.of(seen[0])
    _check_problems(case, caught.value)


def _check_shown(case: Case, result: Result) -> None:
    assert result.exit_code == 4
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    lines = [line for line in result.stdout.splitlines() if case.file in line]
    assert any(case.says in re.sub(r"\s*│\s*", " ", line) for line in lines), result.stdout
    last = result.stdout.splitlines()[-1]
    assert re.fullmatch(r"(base|spoilt): [1-9]\d* errors?, \d+ warnings?\.", last)


def _check_problems(case: Case, error: InvalidCohort) -> None:
    assert error.exit_code == 4
    errors = [problem for problem in error.problems if problem.severity == "error"]
    matching = [p for p in errors if p.code == case.code and p.file == case.file]
    assert matching, [str(problem) for problem in errors]
    problem = matching[0]
    assert (problem.row, problem.column) == (case.row, case.column)
    assert case.says in f"{problem.message} {problem.mend}"
    assert problem.message.endswith(".")
    assert problem.mend.endswith((".", "?"))
    assert len(problem.value) <= 60
    assert not re.search(r"[\x00-\x1f]", problem.value)
    if case.name not in SEVERAL_ERRORS:
        # No cascade: what follows from one fault is not reported as a second.
        assert len(errors) == 1, [str(p) for p in errors]


def test_all_problems_are_found_in_one_pass(tmp_path: Path) -> None:
    files = base_files()
    both(
        swap("patients.csv", "P01,MS", "P01,MSS"),
        swap("doses.csv", ",168,", ",-168,"),
        swap("assessments.csv", "penn,2", "penn,7"),
        swap("refills.csv", "6,7.25,40", "6,47,40"),
        add("events.csv", "P02,2030-01-01,holiday_end,"),
        add("doses.csv", "P77,2012-01-01,100,,,,,"),
        add("doses.csv", "P02,05/06/2015,100,,,,,"),
    )(files)
    folder = write_files(tmp_path / "six", files)
    with pytest.raises(InvalidCohort) as caught:
        Cohort.read(folder)
    found = {(p.file, p.row, p.code) for p in caught.value.problems if p.severity == "error"}
    assert found >= {
        ("patients.csv", 2, "vocabulary"),
        ("doses.csv", 4, "negative"),
        ("doses.csv", 13, "unknown_patient"),
        ("doses.csv", 14, "ambiguous_date"),
        ("assessments.csv", 7, "scale_range"),
        ("refills.csv", 3, "above_reservoir"),
        ("events.csv", 8, "holiday_order"),
        ("events.csv", 8, "future_date"),
    }
    assert "base" in str(caught.value)
    assert "doses.csv line 4, daily_dose_ug [-168]" in str(caught.value)
    rows = [p.row or 0 for p in caught.value.problems if p.file == "doses.csv"]
    assert rows == sorted(rows)


def test_json_lists_every_problem(tmp_path: Path) -> None:
    files = base_files()
    swap("doses.csv", ",168,", ",-168,")(files)
    swap("patients.csv", ",F,44", ",X,44")(files)
    folder = write_files(tmp_path / "two", files)
    result = CliRunner().invoke(app, ["validate", str(folder), "--json"])
    assert result.exit_code == 4
    verdict = json.loads(result.stdout)
    assert (verdict["ok"], verdict["cohort"], verdict["n_errors"]) == (False, "base", 2)
    assert verdict["n_warnings"] == len(verdict["problems"]) - 2
    assert verdict["problems"][-1] == {
        "file": "doses.csv",
        "row": 4,
        "column": "daily_dose_ug",
        "value": "-168",
        "code": "negative",
        "message": "The number is negative.",
        "mend": "Give micrograms, or say mg/day in a 'unit' column.",
        "severity": "error",
    }


_JUNK = st.sampled_from(
    ["", " ", "0", "-1", "1e400", "nan", "P01", "p01 ", "\x00", '"', '"x"', "\r", "\n", ",", ";"]
) | st.sampled_from(
    ["9999-12-31", "0001-01-01", "2012-01-01T10:00", "1+", "[b]", "{x}", "%s", "\u202e", "１"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(base_files())), st.integers(0, 11), st.integers(0, 7), _JUNK)
def test_any_spoilt_cell_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, row: int, column: int, junk: str
) -> None:
    files = base_files()
    lines = [line.split(",") for line in str(files[name]).splitlines()]
    cells = lines[row % len(lines)]
    cells[column % len(cells)] = junk
    files[name] = "\n".join(",".join(line) for line in lines)
    folder = write_files(tmp_path_factory.mktemp("spoilt"), files)
    examination = examine(folder)
    assert (examination.tables is None) == bool(examination.errors)


def test_long_lists_of_errors_are_cut_in_the_message_only(tmp_path: Path) -> None:
    files = base_files()
    files["refills.csv"] = "patient_id,date,expected_residual_ml,actual_residual_ml\n" + "".join(
        f"P01,2010-02-{day:02d},3,x\n" for day in range(1, 21)
    )
    with pytest.raises(
        InvalidCohort, match="lines 5-21, actual_residual_ml: 17 more problems of this kind"
    ) as caught:
        Cohort.read(write_files(tmp_path / "many", files))
    assert len(caught.value.problems) == 20
