"""Progress lines."""

import io

import pytest

from itb_bayes.inference import progress
from itb_bayes.inference.progress import Progress, format_seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (12.4, "12 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"),
        (3599.7, "1 h 0 min"), (7805, "2 h 10 min"), (90000, "25 h 0 min"),
    ],
)  # fmt: skip
def test_durations_are_said_as_people_say_them(seconds, text):
    assert format_seconds(seconds) == text


def test_off_a_terminal_a_line_comes_every_ten_seconds(clock):
    stream = io.StringIO()
    bar = Progress("sampling", 200, stream)
    for done in (0, 20, 50):
        bar.update(done)
        clock[0] += 5.0
    clock[0] += 10.0
    bar.update(100, "2 divergences")
    bar.finish("all well")
    assert stream.getvalue().splitlines() == [
        "sampling:   0 %",
        "sampling:  25 %, about 25 s left",
        "sampling:  50 %, about 25 s left · 2 divergences",
        "sampling: done in 25 s · all well",
    ]


def test_on_a_terminal_one_line_is_rewritten(clock):
    stream = Terminal()
    bar = Progress("patients", 4, stream)
    bar.update(1)
    bar.update(2)
    clock[0] += 0.6
    bar.update(4)
    bar.finish()
    assert stream.getvalue().split("\r\x1b[2K") == [
        "", "patients:  25 %", "patients: 100 %", "patients: done in 1 s\n",
    ]  # fmt: skip


def test_nothing_is_foretold_before_there_is_something_to_tell_it_from(clock):
    stream = io.StringIO()
    bar = Progress("sampling", 8000, stream)
    clock[0] += 60.0  # compiling, and the first few draws
    bar.update(3)
    clock[0] += 11.0
    bar.update(40)
    clock[0] += 11.0
    bar.update(400)
    assert stream.getvalue().splitlines() == [
        "sampling:   0 %",
        "sampling:   0 %",
        "sampling:   5 %, about 7 min 1 s left",
    ]


def test_the_first_unit_is_discounted(clock):
    stream = io.StringIO()
    bar = Progress("folds", 4, stream)
    clock[0] += 300.0  # most of it compiling
    bar.update(1)
    clock[0] += 60.0
    bar.update(2)
    assert stream.getvalue().splitlines() == ["folds:  25 %", "folds:  50 %, about 2 min 0 s left"]


def test_units_of_workers_that_began_together_tell_no_rate(clock):
    stream = Terminal()
    bar = Progress("calibration", 100, stream)
    clock[0] += 100.0
    bar.update(1)
    for done in (2, 3, 4):
        clock[0] += 1.0
        bar.update(done)
    assert "left" not in stream.getvalue()
    clock[0] += 97.0
    bar.update(8)
    assert stream.getvalue().endswith("8 %, about 21 min 54 s left")


def test_units_of_an_earlier_run_cost_nothing_now(clock):
    stream = io.StringIO()
    bar = Progress("calibration", 200, stream)
    clock[0] += 50.0
    bar.update(151)  # 150 were there
    clock[0] += 100.0
    bar.update(161)
    assert stream.getvalue().splitlines()[-1] == "calibration:  80 %, about 6 min 30 s left"


def test_unknown_totals_are_counted(clock):
    stream = io.StringIO()
    Progress("compiling", 0, stream).update(3)
    assert stream.getvalue() == "compiling: 3\n"


def test_quiet_says_nothing(clock):
    stream = io.StringIO()
    bar = Progress("sampling", 10, stream, quiet=True)
    bar.update(5)
    bar.finish()
    assert stream.getvalue() == ""


def test_progress_goes_to_stderr(capsys):
    Progress("sampling", 10).finish()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sampling: done in")
