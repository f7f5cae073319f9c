import json
import os
import stat
from pathlib import Path

import pytest

from itb_bayes.errors import UsageError
from itb_bayes.report.folder import MARKER_FILE, ReportFolder

PAGE = "pt-0123456789abcdef.html"
OTHER = "pt-fedcba9876543210.html"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _report(path: Path, *names: str) -> None:
    folder = ReportFolder.prepare(path)
    folder.announce(list(names))
    for name in names:
        folder.write(name, "text\n")
    folder.finish()


def test_folder_and_files_are_for_their_owner_only(tmp_path: Path) -> None:
    out = tmp_path / "a" / "pages"
    _report(out, PAGE, "index.html")
    assert _mode(out) == 0o700
    assert {p.name: _mode(p) for p in out.iterdir()} == {
        PAGE: 0o600, "index.html": 0o600, MARKER_FILE: 0o600,
    }  # fmt: skip


def test_an_earlier_report_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    _report(tmp_path, PAGE, "index.html")
    (tmp_path / "notes.txt").write_text("mine")
    _report(tmp_path, OTHER, "index.html")
    assert {p.name for p in tmp_path.iterdir()} == {OTHER, "index.html", MARKER_FILE, "notes.txt"}
    assert json.loads((tmp_path / MARKER_FILE).read_text())["files"] == ["index.html", OTHER]


def test_an_interrupted_report_leaves_nothing_unlisted(tmp_path: Path) -> None:
    _report(tmp_path, PAGE)
    broken = ReportFolder.prepare(tmp_path)
    broken.announce([OTHER, "index.html"])
    broken.write(OTHER, "text\n")
    _report(tmp_path, "index.html")
    assert {p.name for p in tmp_path.iterdir()} == {"index.html", MARKER_FILE}


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="holds no earlier report"):
        ReportFolder.prepare(tmp_path)
    assert (tmp_path / "index.html").read_text() == "mine"


@pytest.mark.parametrize(
    "marker",
    ["", "[]", "{}", '{"itb_bayes_report": 2, "files": []}', '{"itb_bayes_report": 1, "files": 3}',
     '{"itb_bayes_report": 1, "files": ["../precious.txt"]}',
     '{"itb_bayes_report": 1, "files": ["notes.txt"]}'],
)  # fmt: skip
def test_a_marker_that_is_not_ours_is_refused(tmp_path: Path, marker: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "precious.txt").write_text("keep")
    (out / MARKER_FILE).write_text(marker)
    with pytest.raises(UsageError, match="holds no earlier report"):
        ReportFolder.prepare(out)
    assert (tmp_path / "precious.txt").read_text() == "keep"


def test_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(UsageError, match="is a file"):
        ReportFolder.prepare(path)
    with pytest.raises(UsageError, match="cannot write to"):
        ReportFolder.prepare(path / "below")


@pytest.mark.parametrize(
    "name", ["../x.html", "x.html", "pt-1.html", f"a/{PAGE}", f"{PAGE}\n", "index.htm", ""]
)
def test_only_names_of_a_report_are_written(tmp_path: Path, name: str) -> None:
    folder = ReportFolder.prepare(tmp_path / "out")
    with pytest.raises(ValueError, match="not one of a report"):
        folder.write(name, "text")
    assert not list((tmp_path / "out").iterdir())


def test_two_pages_of_one_name_are_refused(tmp_path: Path) -> None:
    folder = ReportFolder.prepare(tmp_path / "out")
    folder.write(PAGE, "one")
    with pytest.raises(ValueError, match="same name"):
        folder.write(PAGE, "two")


def test_a_link_in_the_place_of_a_page_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("keep")
    out = tmp_path / "out"
    _report(out, PAGE)
    (out / PAGE).unlink()
    (out / PAGE).symlink_to(precious)
    (out / f".{PAGE}.part").symlink_to(precious)
    _report(out, PAGE)
    assert precious.read_text() == "keep"
    assert (out / PAGE).read_text() == "text\n"
    assert not (out / PAGE).is_symlink()


def test_a_failing_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _report(tmp_path / "out", OTHER)
    folder = ReportFolder.prepare(tmp_path / "out")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UsageError, match="the disk is full"):
        folder.write(PAGE, "text")
    monkeypatch.setattr(Path, "unlink", full)
    with pytest.raises(UsageError, match="the disk is full"):
        folder.finish()
