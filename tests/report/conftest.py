"""One report of hostile and ordinary patients, written once."""

import pytest
from report_cases import DIAGNOSES, IDS, LIMITED, SHORT, Report, read_report

from fits import make_fit, make_plan
from itb_bayes.inference.fitted import Fit
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
