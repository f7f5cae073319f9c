"""Files that are there whole or not at all; what the system refuses, in words."""

import errno
import os
import stat

import pytest

from drift_cases import run_command
from itb_bayes import storage
from itb_bayes.errors import UsageError
from itb_bayes.inference import bundle
from itb_bayes.storage import (
    cannot_write,
    disk_errno,
    force_to_disk,
    is_part,
    part_of,
    refusals_in_words,
    whole_file,
    write_whole,
)


def refuse(number):
    def fail(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return fail


def test_a_file_is_written_with_unix_line_ends_and_its_mode(tmp_path):
    write_whole(tmp_path / "a.csv", "ä\n", mode=0o600)
    assert (tmp_path / "a.csv").read_bytes() == b"\xc3\xa4\n"
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o600
    write_whole(tmp_path / "a.csv", b"other")
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_what_fails_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path):
    write_whole(tmp_path / "a", "old")

    def fail_halfway():
        with whole_file(tmp_path / "a") as part:
            part.write_text("half")
            assert is_part(part)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail_halfway()
    assert (tmp_path / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EFBIG, "larger than this process may write"),
    ],
)
@pytest.mark.parametrize("place", ["replace", "fsync"])
def test_a_refusal_says_why(number, words, place, tmp_path, monkeypatch):
    write_whole(tmp_path / "a", "old")
    monkeypatch.setattr(storage.os, place, refuse(number))
    with pytest.raises(UsageError, match=f"cannot write to .*{words}"):
        write_whole(tmp_path / "a", "new")
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_other_errors_are_let_through(tmp_path, monkeypatch):
    monkeypatch.setattr(storage.os, "replace", refuse(errno.EBADF))
    with pytest.raises(OSError, match="Bad file"):
        write_whole(tmp_path / "a", "new")
    with pytest.raises(OSError, match="Bad file"), refusals_in_words(tmp_path):
        refuse(errno.EBADF)()
    with pytest.raises(UsageError, match="the disk is full"), refusals_in_words(tmp_path):
        refuse(errno.ENOSPC)()


def test_file_systems_that_cannot_force_are_no_error(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")
    monkeypatch.setattr(storage.os, "fsync", refuse(errno.EINVAL))
    force_to_disk(tmp_path / "a")
    monkeypatch.setattr(storage.os, "fsync", refuse(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        force_to_disk(tmp_path / "a")


def test_the_number_of_an_error_is_found_in_the_text_of_libraries():
    assert disk_errno(OSError(28, "x")) == 28
    assert disk_errno(OSError("Can't write (errno = 28, error message = 'x')")) == 28
    assert disk_errno(OSError("nothing")) is None
    assert "the system refused" in str(cannot_write(part_of(storage.Path("a")), OSError("x")))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_commands_end_in_words_and_an_exit_code(
    number, passed_fit, tiny_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr("os.replace", refuse(number))
    for command in (
        ("report", passed_fit, "--out", tmp_path / "pages"),
        ("check", passed_fit, "--out", tmp_path / "checks"),
        ("figures", "make", passed_fit, "--out", tmp_path / "figures"),
        ("data", "import-wide", "docs/examples/wide.csv", "--out", tmp_path / "wide"),
    ):
        outcome = run_command(*command)
        assert outcome.code == 2, (command, outcome.stderr)
        assert storage.disk_reason(OSError(number, "")) in outcome.stderr
        assert "Traceback" not in outcome.stderr


def test_an_error_of_the_system_that_nobody_foresaw_is_said_too(monkeypatch):
    monkeypatch.setattr("itb_bayes.cohort.reading.open_source", refuse(errno.EACCES))
    outcome = run_command("data", "validate", "somewhere")
    assert (outcome.code, outcome.stderr) == (2, "error: permission denied\n")
    monkeypatch.setattr("itb_bayes.cohort.reading.open_source", refuse(errno.EBADF))
    assert run_command("data", "validate", "somewhere").code == 6


def test_a_fit_killed_before_its_last_step_is_published_by_the_next_run(passed_fit, tmp_path):
    run = bundle.open_manifest(passed_fit)["run"]
    assert bundle.is_finished(passed_fit, run)
    assert not bundle.is_finished(passed_fit, "another")
    assert not bundle.is_finished(tmp_path, run)
