"""One report of hostile and ordinary patients, written once."""

import pytest
from explained_cases import explained_fit
from report_cases import DIAGNOSES, IDS, LIMITED, SHORT, Report, read_report

from fits import make_fit, make_plan
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.report.writing import write_report


@pytest.fixture(scope="session")
def hostile_fit() -> Fit:
    """A fit of patients with hostile identifiers, short records, and a small group."""
    readings = [{SHORT: 2, LIMITED: 4}.get(name, 8) for name in IDS]
    return make_fit(make_plan(IDS, DIAGNOSES, readings), cohort="<b>cohort</b>")


@pytest.fixture(scope="session")
def report(hostile_fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of :func:`hostile_fit`."""
    out = tmp_path_factory.mktemp("report") / "pages"
    write_report(hostile_fit, out)
    return read_report(hostile_fit, out)


@pytest.fixture(scope="session")
def explaining_fit(tmp_path_factory: pytest.TempPathFactory) -> RegimesFit:
    """A regimes fit of patients with hostile identifiers and records of every quality."""
    return explained_fit(tmp_path_factory.mktemp("explained") / "cohort")


@pytest.fixture(scope="session")
def explained(explaining_fit: RegimesFit, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of :func:`explaining_fit`."""
    out = tmp_path_factory.mktemp("explained-report") / "pages"
    write_report(explaining_fit, out)
    return read_report(explaining_fit, out)
