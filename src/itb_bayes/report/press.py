"""Pages are turned into PDF beside each other: one takes about a second of processor time."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType

from itb_bayes.report.pdf import render_pdf

WAITING_PER_WORKER = 3
"""Pages that may wait for a worker: so much is held in memory, and no more."""


class PdfPress:
    """Renders pages by several processes; the files are those of one process, in their order.

    Parameters
    ----------
    workers : int
        Processes; 1 or less: this one.
    """

    def __init__(self, workers: int) -> None:
        self._most = WAITING_PER_WORKER * workers
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            # Forking a process that runs threads of compiled code may hang; spawning does not.
            self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        self._pending: deque[tuple[str, Future[bytes]]] = deque()

    def __enter__(self) -> "PdfPress":
        """Return the press."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """After an error, or an interrupt, do not begin what has not begun."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def made(self, name: str, html: str, key: str) -> Iterator[tuple[str, bytes]]:
        """Take a page, and return the files that had to be finished to make room for it.

        Parameters
        ----------
        name : str
            Of the file.
        html, key : str
            As :func:`itb_bayes.report.pdf.render_pdf`.
        """
        if self._pool is None:
            yield name, render_pdf(html, key)
            return
        self._pending.append((name, self._pool.submit(render_pdf, html, key)))
        while len(self._pending) > self._most:
            yield self._oldest()

    def rest(self) -> Iterator[tuple[str, bytes]]:
        """Return the files that are still in work, waiting for each."""
        while self._pending:
            yield self._oldest()

    def _oldest(self) -> tuple[str, bytes]:
        name, future = self._pending.popleft()
        return name, future.result()
