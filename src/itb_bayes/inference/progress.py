"""Progress of long work, on stderr: what is done and how long the rest will take."""

import sys
import time
from typing import TextIO

LEAST_SHARE = 0.02
"""Of the units after the first report: how many must be done before the rest is foretold."""
LEAST_TIME = 0.2
"""Of the time that the first report took: how much must pass after it before that."""


class Progress:
    """One line on stderr that is rewritten on a terminal, and sparse lines elsewhere.

    How long the rest will take is told from what was done since the first units were: these hold
    what happens once (compiling, starting workers), and units that an earlier run had finished cost
    nothing now. Until there is something to tell it from, nothing is said.

    Parameters
    ----------
    label : str
        What is being done.
    total : int
        Units of work; 0 if unknown.
    stream : file, optional
        Default stderr.
    quiet : bool
        Print nothing.
    """

    def __init__(
        self, label: str, total: int, stream: TextIO | None = None, quiet: bool = False
    ) -> None:
        self.label = label
        self.total = total
        self.stream = stream if stream is not None else sys.stderr
        self.quiet = quiet
        self.started = time.monotonic()
        self._terminal = self.stream.isatty()
        self._last = -1e9
        self._since: tuple[int, float] | None = None

    def update(self, done: int, note: str = "") -> None:
        """Report ``done`` units; prints at most twice a second, or every 10 s off a terminal."""
        now = time.monotonic()
        if self._since is None and done > 0:
            self._since = done, now
        if self.quiet or now - self._last < (0.5 if self._terminal else 10.0):
            return
        self._last = now
        seconds = self._seconds_left(done, now)
        left = "" if seconds is None else f", about {format_seconds(seconds)} left"
        share = f"{100 * done / self.total:3.0f} %" if self.total else f"{done}"
        text = f"{self.label}: {share}{left}{' · ' + note if note else ''}"
        self.stream.write(f"\r\x1b[2K{text}" if self._terminal else f"{text}\n")
        self.stream.flush()

    def _seconds_left(self, done: int, now: float) -> float | None:
        """Return how long the rest will take; None until that can be told."""
        if self._since is None or done >= self.total:
            return None
        first, at = self._since
        fresh, passed = done - first, now - at
        enough = fresh > 0 and fresh >= LEAST_SHARE * (self.total - first)
        # Workers that began together end together: their first units tell nothing of a rate.
        if not enough or passed < LEAST_TIME * (at - self.started):
            return None
        return passed * (self.total - done) / fresh

    def finish(self, note: str = "") -> None:
        """Say how long it took."""
        if self.quiet:
            return
        took = format_seconds(time.monotonic() - self.started)
        text = f"{self.label}: done in {took}{' · ' + note if note else ''}"
        self.stream.write(f"\r\x1b[2K{text}\n" if self._terminal else f"{text}\n")
        self.stream.flush()


def format_seconds(seconds: float) -> str:
    """Return a duration as people say it: ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
