"""``itb-bayes data simulate``: writes a folder whole, or says why not."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from itb_bayes.cli.main import app
from itb_bayes.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort
from itb_bayes.simulate.folder import check_target

SMALL = ["data", "simulate", "clinic-small", "--patients", "3", "--years", "2"]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_writes_a_folder_and_reports_on_both_streams(tmp_path: Path) -> None:
    out = tmp_path / "new" / "clinic"
    result = CliRunner().invoke(app, [*SMALL, "--out", str(out), "--json"])
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["synthetic"] is True
    assert summary["rows"]["patients"] == 3
    assert set(summary["files"]) == set(_files(out))
    assert "simulated 3/3 patients" in result.stderr
    assert [path.name for path in out.parent.iterdir()] == ["clinic"]


def test_the_resolved_settings_remake_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    runner = CliRunner()
    assert runner.invoke(app, [*SMALL, "--seed", "9", "--out", str(first)]).exit_code == 0
    again = ["data", "simulate", str(first / "settings.toml"), "--out", str(second)]
    result = runner.invoke(app, again)
    assert result.exit_code == 0
    assert "3 patients" in result.stdout
    assert _files(first) == _files(second)


@pytest.mark.parametrize("preset", ["clinic-small", "kawano2018"])
def test_a_cohort_too_short_for_any_event_is_still_valid(preset: str, tmp_path: Path) -> None:
    cohort = simulate_cohort(load_settings(preset, patients=2, years=0.01))
    assert cohort.tables["events"] == []
    write_cohort(cohort, tmp_path / "short")
    read = Cohort.read(tmp_path / "short")
    assert len(read.patients) == 2
    assert len(read.events) == 0


def test_a_folder_with_something_in_it_is_refused_without_force(tmp_path: Path) -> None:
    out = tmp_path / "clinic"
    cohort = simulate_cohort(load_settings("clinic-small", patients=1, years=1.0))
    write_cohort(cohort, out)
    with pytest.raises(UsageError, match="is not empty; choose another folder or add --force"):
        check_target(out, force=False)
    (out / "stale.txt").write_text("x")
    write_cohort(cohort, out, force=True)
    assert "stale.txt" not in _files(out)


def test_force_is_no_licence_to_delete_what_is_not_a_synthetic_cohort(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="does not hold a synthetic cohort"):
        check_target(tmp_path, force=True)
    assert (tmp_path / "thesis.txt").exists()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(UsageError, match="is a file; give the name of a folder"):
        check_target(tmp_path / "out", force=True)


def test_a_parent_that_cannot_hold_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    cohort = simulate_cohort(load_settings("clinic-small", patients=1, years=1.0))
    with pytest.raises(UsageError, match="cannot be written"):
        write_cohort(cohort, tmp_path / "out" / "clinic")


def test_a_write_that_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = simulate_cohort(load_settings("clinic-small", patients=1, years=1.0))

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UsageError, match="the disk is full"):
        write_cohort(cohort, tmp_path / "clinic")
    assert list(tmp_path.iterdir()) == []
