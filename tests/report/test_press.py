"""Pages drawn by several processes: the same files, and nothing half written when one ends."""

import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path

import pytest
from explained_cases import IDS
from report_cases import Report

from itb_bayes.errors import UsageError
from itb_bayes.report import press
from itb_bayes.report.exports import Exports
from itb_bayes.report.folder import MARKER_FILE
from itb_bayes.report.writing import write_report


def test_pages_drawn_by_several_processes_are_the_same_files(
    explained: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press, "FEW_PAGES", 2)
    told: list[tuple[str, int, int]] = []
    for name, workers in (("one", 1), ("two", 2)):
        write_report(
            explained.fit, tmp_path / name, exports=Exports(("csv", "cds"), workers=workers),
            on_progress=lambda *step: told.append(step),
        )  # fmt: skip
    files = [{p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two")]
    assert files[0] == files[1]
    n = len(explained.documents)
    pages = [step for step in told if step[0] == "pages"]
    assert pages == [("pages", done, n) for done in range(n + 1)] * 2


@pytest.mark.parametrize("n_pages", [1, 12])
def test_a_process_that_is_ended_leaves_no_half_written_file(
    explained: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_pages: int
) -> None:
    monkeypatch.setattr(press, "FEW_PAGES", 1)
    monkeypatch.setattr(press, "_leave_interrupts", partial(os._exit, 9))
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="--workers 1") as error:
        write_report(explained.fit, out, IDS[:n_pages], exports=Exports(workers=2))
    assert error.value.__suppress_context__
    assert [p.name for p in out.iterdir()] == [MARKER_FILE]
    made = write_report(explained.fit, out, IDS[:1])
    assert len(list(made.folder.glob("*.html"))) == 2


def test_few_pages_are_drawn_by_this_process(
    explained: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press, "ProcessPoolExecutor", None)
    made = write_report(explained.fit, tmp_path / "out", IDS[:3], exports=Exports(workers=2))
    assert len(list(made.folder.glob("*.html"))) == 4


def test_an_interrupt_leaves_whole_files_and_no_process(
    explained: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press, "FEW_PAGES", 1)

    def interrupt(phase: str, done: int, total: int) -> None:
        if (phase, done) == ("pages", 2):
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write_report(explained.fit, out, exports=Exports(workers=2), on_progress=interrupt)
    assert multiprocessing.active_children() == []
    pages = [p for p in out.iterdir() if p.name != MARKER_FILE]
    assert len(pages) == 4
    for path in pages:
        assert path.read_bytes() == (explained.folder / path.name).read_bytes()


def test_workers_leave_interrupts_to_their_parent() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        press._leave_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
