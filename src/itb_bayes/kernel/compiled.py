"""The two ways functions are compiled here.

Both are cached on disk and never use fast math, so that cold and warm caches give the same digits.
Divisions follow numpy (no exception for zero), because every denominator is guarded where it can
vanish. They run without the interpreter's lock, so that threads can share the work.
"""

from typing import Any

from numba import njit

_ENTRY: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}
_PART = _ENTRY | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

entry = njit(**_ENTRY)
"""For functions that Python calls."""

part = njit(**_PART)
"""For functions that only compiled code calls: a quarter less to compile on a fresh machine.

Without the wrapper a call from Python would crash the interpreter; a test holds that nothing
outside this package names one.
"""
