"""Where the shipped model files and the demonstration cohort lie.

In an installed wheel they are inside the package (``itb_bayes/shipped``); in a source
checkout they are the top-level folders ``models`` and ``data/synthetic``.
"""

from pathlib import Path

from itb_bayes.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def models_dir() -> Path:
    """Return the folder of the shipped model files."""
    return _first_existing(_PACKAGE / "shipped" / "models", _CHECKOUT / "models")


def demo_cohort_dir() -> Path:
    """Return the folder of the shipped synthetic cohort ``clinic-small``."""
    return shipped_cohort_dir("clinic-small")


def shipped_cohort_dir(name: str) -> Path:
    """Return the folder of a shipped synthetic cohort, for example ``kawano2018``."""
    return _first_existing(_PACKAGE / "shipped" / name, _CHECKOUT / "data" / "synthetic" / name)


def _first_existing(*candidates: Path) -> Path:
    for path in candidates:
        if path.is_dir():
            return path
    raise UsageError(
        f"The installation is incomplete: no folder {candidates[0].name!r} beside the package. "
        "Reinstall itb-bayes."
    )
