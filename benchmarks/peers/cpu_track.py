"""How much processor time fell into given spans of the clock."""

import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import numpy as np

INTERVAL_S = 0.02


class CpuTrack:
    """Notes the processor time of this process all along, in a thread of its own."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._notes: list[tuple[float, float]] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._note()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._note()

    def spent_in(self, spans: Iterable[tuple[float, float]]) -> float:
        """Return the processor time in the union of spans of ``time.perf_counter``, seconds."""
        clock, cpu = np.array(self._notes).T
        spent, reached = 0.0, -np.inf
        for start, end in sorted(spans):
            start = max(start, reached)
            if end > start:
                at_start, at_end = np.interp([start, end], clock, cpu)
                spent += float(at_end - at_start)
                reached = end
        return spent

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self._note()

    def _note(self) -> None:
        self._notes.append((time.perf_counter(), time.process_time()))
