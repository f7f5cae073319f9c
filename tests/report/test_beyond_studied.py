"""Forecasts that leave the doses that were studied are marked, on the page and in the document."""

from dataclasses import replace

import pytest
from markupsafe import Markup
from report_cases import CANARY, Report

from itb_bayes.report.document import patient_from_json, to_json
from itb_bayes.report.frame import beyond_studied
from itb_bayes.report.html import Charts, patient_page
from itb_bayes.report.sentences import beyond_sentence
from itb_bayes.risk.interval import Interval
from itb_bayes.risk.patient import Forecast, Probability

P = Probability(0.1, 0.05, 0.2, 0.01)


def forecast(low: float, high: float, months: float = 12.0) -> Forecast:
    """Return a forecast whose dots lie evenly between two doses."""
    dots = tuple(low + (high - low) * k / 19.0 for k in range(20))
    return Forecast(months, Interval(low, dots[5], (low + high) / 2.0, dots[14], high), dots, P)


def test_a_forecast_within_the_studied_doses_is_not_marked() -> None:
    assert beyond_studied(()) is None
    assert beyond_studied((forecast(10.0, 2000.0),)) is None


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1100.0, 3000.0, "10 of 20 lie above 2000 µg/day. Read them as “higher than any dose"),
        (1.0, 58.0, "3 of 20 lie below 10 µg/day. Read them as “lower than any dose"),
        (5.0, 2100.0, "1 of 20 lie below 10 and 1 of 20 lie above 2000 µg/day. Read them as"),
    ],
)
def test_the_page_and_the_document_say_how_many_lie_beyond(
    report: Report, explained: Report, low: float, high: float, said: str
) -> None:
    found = beyond_studied((forecast(100.0, 200.0, 3.0), forecast(low, high)))
    for made in (report, explained):
        document = replace(made.documents[CANARY], beyond_studied=found)
        assert said in beyond_sentence(document)
        html = patient_page(document, Charts(Markup(), Markup()))
        assert said in html
        assert patient_from_json(to_json(document)) == document
        plain = replace(document, beyond_studied=None)
        assert beyond_sentence(plain) == ""
        assert "Beyond what was studied" not in patient_page(plain, Charts(Markup(), Markup()))


def test_an_end_of_a_range_beyond_which_no_dot_lies_is_said_too(report: Report) -> None:
    within = forecast(900.0, 1900.0)
    wide = replace(within, dose_ug=replace(within.dose_ug, q95=2100.0))
    document = replace(report.documents[CANARY], beyond_studied=beyond_studied((wide,)))
    assert "an end of the ranges lies outside 10 to 2000 µg/day" in beyond_sentence(document)


def test_documents_are_marked_by_their_own_forecasts(report: Report, explained: Report) -> None:
    for made in (report, explained):
        for document in made.documents.values():
            outside = any(
                f.dose_ug.q05 < 10.0 or f.dose_ug.q95 > 2000.0 for f in document.forecasts
            )
            assert (document.beyond_studied is not None) == outside
            assert (beyond_sentence(document) in made.html(document.patient_id)) or not outside
