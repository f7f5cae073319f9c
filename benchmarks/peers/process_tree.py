"""Processor time and memory of a process and everything it started (Linux; elsewhere less)."""

import os
import resource
import sys
from pathlib import Path

_PROC = Path("/proc")


def cpu_seconds() -> float:
    """Return processor time of this process and its children, living or ended, in seconds."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    total = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    tick = os.sysconf("SC_CLK_TCK")
    for pid in descendants(os.getpid()):
        fields = _stat(pid)
        if fields:
            total += sum(int(field) for field in fields[11:15]) / tick
    return total


def memory_mb(pid: int) -> float | None:
    """Return memory of a process and its descendants in MB, shared pages counted once.

    None where the system does not tell (no ``/proc/PID/smaps_rollup``).
    """
    total, found = 0, False
    for member in (pid, *descendants(pid)):
        try:
            text = (_PROC / str(member) / "smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
                found = True
    return total / 1024 if found else None


def peak_rss_mb() -> float:
    """Return the largest resident size of this process alone, in MB."""
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def descendants(pid: int) -> list[int]:
    """Return the living descendants of a process; empty where there is no ``/proc``."""
    try:
        tasks = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return []
    found = []
    for task in tasks:
        try:
            children = (task / "children").read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in map(int, children):
            found += [child, *descendants(child)]
    return found


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` after the command name."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
