"""Small regimes fits and their cohort, made once."""

from pathlib import Path

import pytest

from drift_cases import write_cohort
from itb_bayes.inference.machinery import load_fit
from regimes_fits import make_regimes_fit, regimes_tables, save_regimes_fit, small_regimes_fit


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the six patients."""
    return write_cohort(tmp_path_factory.mktemp("cli") / "small", regimes_tables())


@pytest.fixture(scope="session")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit to them that passed its gate."""
    made = small_regimes_fit(tmp_path_factory.mktemp("made") / "small", draws=60, width=0.05)
    return save_regimes_fit(made, tmp_path_factory.mktemp("passed") / "fit")


@pytest.fixture(scope="session")
def failed(tmp_path_factory: pytest.TempPathFactory, passed: Path) -> Path:
    """The same, below the gate."""
    made = make_regimes_fit(load_fit(passed).plan, passed=False, draws=60, width=0.05)
    return save_regimes_fit(made, tmp_path_factory.mktemp("failed") / "fit")
