"""The two ways functions are compiled here.

Both are cached on disk and never use fast math, so that cold and warm caches give the same digits.
Divisions follow numpy (no exception for zero), because every denominator is guarded where it can
vanish. They run without the interpreter's lock, so that threads can share the work.
"""

from typing import Any

from numba import njit

_ENTRY: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}
_PART = _ENTRY | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}

entry = njit(**_ENTRY)
"""For functions that Python calls."""

part = njit(**_PART)
"""For functions that only compiled code calls: a quarter less to compile on a fresh machine.

Without the wrapper a call from Python would crash the interpreter; a test holds that nothing
outside this package names one.

A part sets no memory aside and does not count who holds an array: whoever calls it holds them all.
Counting (an atomic addition for every row handed to another function) took two thirds of the time
of a gradient of the switching filter. Where a part asks for memory, as ``np.empty`` does and the
assignment of a whole array to another, compiling fails.
"""
