"""The commands ``itb-bayes data validate | describe | import-wide``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from base_cohort import base_files, write_files
from mutations import add, put, swap
from typer.testing import CliRunner

from itb_bayes.cli.data import app
from itb_bayes.errors import CohortError

WIDE_TERMINAL = {"COLUMNS": "300"}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_files(tmp_path / "base", base_files())


def test_a_valid_cohort_is_one_line(base: Path) -> None:
    result = CliRunner().invoke(app, ["validate", str(base)])
    assert result.exit_code == 0
    assert result.stdout == (
        "base: SYNTHETIC DATA, valid. 3 patients, 11 doses, 7 assessments, 2 refills, 6 events; "
        "0 rows set aside.\n"
    )


def test_a_valid_cohort_as_json(base: Path) -> None:
    result = CliRunner().invoke(app, ["validate", str(base), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "ok": True,
        "cohort": "base",
        "n_errors": 0,
        "n_warnings": 0,
        "problems": [],
    }


def test_warnings_are_shown_and_do_not_fail(tmp_path: Path) -> None:
    files = base_files()
    add("patients.csv", "P04,CP,,2012-01-01,,,,,,,,")(files)
    folder = write_files(tmp_path / "warned", files)
    result = CliRunner().invoke(app, ["validate", str(folder)], env=WIDE_TERMINAL)
    assert result.exit_code == 0
    assert "warning: The patient has no doses." in result.stdout
    assert "base: 0 errors, 1 warning.\n" in result.stdout
    verdict = json.loads(CliRunner().invoke(app, ["validate", str(folder), "--json"]).stdout)
    assert (verdict["ok"], verdict["n_warnings"]) == (True, 1)
    assert verdict["problems"][0]["severity"] == "warning"


def test_values_are_not_taken_for_markup(tmp_path: Path) -> None:
    files = base_files()
    swap("events.csv", "2012-01-05", "[bold]5[/bold]")(files)
    folder = write_files(tmp_path / "marked", files)
    result = CliRunner().invoke(app, ["validate", str(folder)], env=WIDE_TERMINAL)
    assert result.exit_code == 4
    assert "[bold]5[/bold]" in result.stdout


def test_very_long_lists_are_cut_and_say_so(tmp_path: Path) -> None:
    files = base_files()
    n_rows = 507
    header = "patient_id,date,expected_residual_ml,actual_residual_ml\n"
    put("refills.csv", header + "P01,bad,3,3\n" * n_rows)(files)
    folder = write_files(tmp_path / "long", files)
    result = CliRunner().invoke(app, ["validate", str(folder)], env=WIDE_TERMINAL)
    assert result.exit_code == 4
    assert result.stdout.count("bad") == 3
    assert "5-508" in result.stdout
    assert "504 more of this kind" in result.stdout
    assert "--json lists every problem." in result.stdout
    verdict = json.loads(CliRunner().invoke(app, ["validate", str(folder), "--json"]).stdout)
    assert verdict["n_errors"] == n_rows == len(verdict["problems"])


@pytest.mark.parametrize("command", ["validate", "describe"])
def test_a_missing_path_is_a_cohort_error(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [command, str(tmp_path / "nowhere")])
    assert isinstance(result.exception, CohortError)
    assert result.exception.exit_code == 4


def test_describe_prints_tables(base: Path) -> None:
    result = CliRunner().invoke(app, ["describe", str(base)])
    assert result.exit_code == 0
    assert "SYNTHETIC DATA · base: 3 patients, 15.9 patient-years" in result.stdout
    for part in ("dose at year 1 (µg/day)", "diagnosis", "North", "neurological score", "Flow"):
        assert part in result.stdout


def test_describe_as_json(base: Path) -> None:
    result = CliRunner().invoke(app, ["describe", str(base), "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["name"], found["synthetic"], found["patients"]) == ("base", True, 3)
    assert found["by_diagnosis"][0]["name"] == "HSP"
    assert len(found["fingerprint"]) == 64


def test_describe_does_not_call_real_data_synthetic(base: Path) -> None:
    (base / "cohort.toml").unlink()
    result = CliRunner().invoke(app, ["describe", str(base)])
    assert result.exit_code == 0
    assert "SYNTHETIC" not in result.stdout


def test_import_wide_writes_a_cohort(tmp_path: Path) -> None:
    table = tmp_path / "wide.csv"
    table.write_text("patient_id,dx,1,2,3\nA,MS,0.1,0.12,0.14\n", encoding="utf-8")
    out = tmp_path / "out"
    options = ["--out", str(out), "--diagnosis-column", "dx", "--unit", "mg/day"]
    result = CliRunner().invoke(app, ["import-wide", str(table), *options])
    assert result.exit_code == 0
    assert result.stdout == f"{out}: 1 patient, 3 doses.\n"
    doses = (out / "doses.csv").read_text(encoding="utf-8")
    assert doses == "patient_id,t_years,daily_dose_ug\nA,1,100\nA,2,120\nA,3,140\n"
    check = CliRunner().invoke(app, ["validate", str(out)])
    assert check.exit_code == 0


def test_import_wide_shows_problems(tmp_path: Path) -> None:
    table = tmp_path / "wide.csv"
    table.write_text("patient_id,diagnosis,1,2\nA,MS,100,x\n", encoding="utf-8")
    result = CliRunner().invoke(
        app, ["import-wide", str(table), "--out", str(tmp_path / "out")], env=WIDE_TERMINAL
    )
    assert result.exit_code == 4
    assert "This is not a number." in result.stdout
    assert result.stdout.splitlines()[-1] == "wide: 1 error, 1 warning."


def test_the_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, itb_bayes.cli.data; "
        "print(sorted({'numpy', 'pandas', 'pandera', 'pydantic'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
