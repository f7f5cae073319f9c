"""Hierarchical Bayesian models of long-term intrathecal baclofen dose trajectories.

``Cohort``, ``load_model``, ``fit``, ``load_fit`` and ``ModelFit`` are the Python interface; they
are loaded when they are first asked for, so that the command line answers at once.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_API = ("Cohort", "ModelFit", "fit", "load_fit", "load_model")

__all__ = ["__version__", *_API]


def __getattr__(name: str) -> Any:
    """Load a name of the Python interface."""
    if name in _API:
        return getattr(import_module("itb_bayes.api"), name)
    raise AttributeError(f"module 'itb_bayes' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
