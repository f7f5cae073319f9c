"""Pages are drawn beside each other: by several processes, where there are enough of them."""

import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from types import TracebackType

from itb_bayes.errors import UsageError
from itb_bayes.report.charts import ChartRoom
from itb_bayes.report.document import PatientDocument
from itb_bayes.report.drawing import Files, draw_files
from itb_bayes.report.exports import Exports

WAITING_PER_WORKER = 3
"""Pages that may wait for a worker: so much is held in memory, and no more."""

FEW_PAGES, FEW_PDF = 100, 6
"""Starting a process takes some 3 s, as long as drawing 45 pages or rendering a few PDF."""

_ROOM = ChartRoom()
"""Of a worker process: charts laid for one page serve the next."""


class Press:
    """Draws pages by several processes; the files are those of one process, in their order.

    Parameters
    ----------
    exports : Exports
        What is made beside each page, and by how many processes.
    n_pages : int
        Few are drawn by this process.
    """

    def __init__(self, exports: Exports, n_pages: int) -> None:
        self._exports = exports
        self._room = ChartRoom()
        workers = exports.workers if n_pages >= _few(exports) else 1
        self._most = WAITING_PER_WORKER * workers
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            # Forking a process that runs threads of compiled code may hang; spawning does not.
            self._pool = ProcessPoolExecutor(
                workers, mp_context=get_context("spawn"), initializer=_leave_interrupts
            )
        self._pending: deque[Future[Files]] = deque()

    def __enter__(self) -> "Press":
        """Return the press."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """After an error, or an interrupt, do not begin what has not begun."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def draw(self, document: PatientDocument) -> Iterator[Files]:
        """Take a patient, and return the files that had to be finished to make room for them.

        Raises
        ------
        UsageError
            If a process was ended from outside.
        """
        if self._pool is None:
            yield draw_files(document, self._exports, self._room)
            return
        try:
            self._pending.append(self._pool.submit(_draw, document, self._exports))
        except BrokenProcessPool:
            raise _lost() from None
        while len(self._pending) > self._most:
            yield self._oldest()

    def rest(self) -> Iterator[Files]:
        """Return the files that are still in work, waiting for each.

        Raises
        ------
        UsageError
            If a process was ended from outside.
        """
        while self._pending:
            yield self._oldest()

    def _oldest(self) -> Files:
        try:
            return self._pending.popleft().result()
        except BrokenProcessPool:
            raise _lost() from None


def _few(exports: Exports) -> int:
    return FEW_PDF if "pdf" in exports.formats else FEW_PAGES


def _draw(document: PatientDocument, exports: Exports) -> Files:
    return draw_files(document, exports, _ROOM)


def _leave_interrupts() -> None:
    """An interrupt is the parent's to act on: workers finish their page and are not given more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _lost() -> UsageError:
    return UsageError(
        "a process that drew pages was ended from outside, often for want of memory. The pages "
        "written so far are whole; write the report again with --workers 1."
    )
