import pytest

from itb_bayes.inference.regimes_fitted import RegimesFit
from regimes_fits import small_regimes_fit


@pytest.fixture(scope="session")
def regimes_fit(tmp_path_factory: pytest.TempPathFactory) -> RegimesFit:
    """A made-up regimes fit of six patients."""
    return small_regimes_fit(tmp_path_factory.mktemp("regimes") / "small")
