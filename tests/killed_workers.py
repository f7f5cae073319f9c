"""Workers of this process, killed."""

import os
import signal

import psutil


def kill_workers() -> int:
    """SIGKILL every process that this one has spawned to work for it; return how many."""
    workers = [
        child
        for child in psutil.Process().children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
    return len(workers)
