"""Independent pieces of work in threads: compiled kernels run outside the interpreter's lock."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from contextvars import ContextVar

_AT_MOST: ContextVar[int | None] = ContextVar("_AT_MOST", default=None)


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Use no more threads than this in the block: where many processes share the cores already."""
    token = _AT_MOST.set(threads)
    try:
        yield
    finally:
        _AT_MOST.reset(token)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def map_in_threads[T](
    work: Callable[[int], T], n: int, on_done: Callable[[int], None] | None = None
) -> list[T]:
    """Return ``[work(0), ..., work(n - 1)]``, worked on by as many threads as there are cores.

    Each piece must write only what is its own; results then depend neither on the number of
    threads nor on their order.

    Parameters
    ----------
    work : callable
        Takes the number of a piece.
    n : int
    on_done : callable, optional
        Called with the number of pieces done, from the calling thread.

    Raises
    ------
    Exception
        Whatever a piece raises; the others are not waited for.
    """
    allowed = _AT_MOST.get() or available_cores()
    with ThreadPoolExecutor(min(allowed, max(n, 1))) as pool:
        pending = [pool.submit(work, k) for k in range(n)]
        try:
            for done, future in enumerate(as_completed(pending), start=1):
                future.result()
                if on_done is not None:
                    on_done(done)
        finally:
            # After an error, or an interrupt, what has not begun is not begun.
            pool.shutdown(cancel_futures=True)
        return [future.result() for future in pending]
