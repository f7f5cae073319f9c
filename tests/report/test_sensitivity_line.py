"""How far an answer rests on the priors: the document's field and the page's two lines."""

import re

import pytest
from report_cases import CANARY, SHORT, Report

from itb_bayes.report.html import ANSWERS
from itb_bayes.report.sensitivity import SensitivityLines, sensitivity_lines, sensitivity_of
from itb_bayes.risk.prior_scaling import ALL_PRIORS, Scaled
from itb_bayes.spec import load_model

NAMES = ("none", "trigger", "catheter")
TOLD = (0.3, 0.1, 0.6)
CATHETER = "mean length of progression"


@pytest.fixture(scope="module")
def spec():
    return load_model("@regimes")


def scaled(prior, power, *p, ess=500.0):
    return Scaled(prior, power, p, ess, 0.2)


def together(low, high):
    return (scaled(ALL_PRIORS, 0.8, *low), scaled(ALL_PRIORS, 1.25, *high))


def line_of(spec, cases):
    return sensitivity_lines(sensitivity_of(spec, NAMES, TOLD, cases), ANSWERS).exact


def test_an_answer_that_no_prior_moves(spec):
    cases = (*together(TOLD, TOLD), scaled("drift", 0.5, *TOLD), scaled("drift", 2.0, *TOLD))
    assert line_of(spec, cases) == (
        "with all of them a little weaker or stronger “catheter problem” stays first, still 60 in "
        "100; none moves it alone, at half or twice its weight."
    )


def test_the_prior_that_moves_it_most_is_named(spec):
    cases = (
        *together((0.34, 0.1, 0.56), (0.25, 0.1, 0.65)),
        scaled("drift", 0.5, 0.4, 0.1, 0.5), scaled("drift", 2.0, 0.3, 0.1, 0.6),
        scaled("trigger_tone", 0.5, 0.2, 0.1, 0.7), Scaled("trigger_tone", 2.0, (), 12.0, 0.9),
    )  # fmt: skip
    found = sensitivity_of(spec, NAMES, TOLD, cases)
    assert (found.status, found.answer, found.n_alone, found.n_judged) == (
        "known",
        "catheter",
        4,
        3,
    )
    assert [change.probability for change in found.alone] == [0.5, 0.7]
    line = sensitivity_lines(found, ANSWERS).exact
    assert "“catheter problem” stays first, 56 to 65 in 100" in line
    assert "none puts another first; the one that could be judged that moves it most is " in line
    assert line.endswith("(50 to 70 in 100).")
    assert re.search(r"moves it most is (drift|trigger_tone)( \(“[^”]+”\))? \(50", line)


def test_another_first_explanation_is_said(spec):
    cases = (
        *together((0.6, 0.1, 0.3), TOLD), scaled("drift", 0.5, 0.5, 0.1, 0.4),
        scaled("drift", 2.0, *TOLD),
    )  # fmt: skip
    found = sensitivity_of(spec, NAMES, TOLD, cases)
    assert len(found.overturned_by) == 1
    line = sensitivity_lines(found, ANSWERS).exact
    assert "“none of these (stable)” would come first (“catheter problem”: 30 to 60 in 100)" in line
    assert "one alone at half or twice its weight puts another first: drift" in line


def test_weights_that_cannot_be_relied_on_give_no_number(spec):
    none = (Scaled(ALL_PRIORS, 0.8, (), 20.0, 0.9), Scaled(ALL_PRIORS, 1.25, (), 20.0, 0.9))
    half = (scaled(ALL_PRIORS, 0.8, *TOLD), none[1])
    some = (scaled("drift", 0.5, *TOLD), scaled("drift", 2.0, *TOLD))
    for cases in ((*none, *some), (*half, *some)):
        found = sensitivity_of(spec, NAMES, TOLD, cases)
        assert found.status == "known for single priors"
        assert found.together == ()
        assert "not known how far the answer rests on all of them together" in line_of(spec, cases)
    lost = (*none, Scaled("drift", 0.5, (), 2.0, 1.2), Scaled("drift", 2.0, (), 2.0, 1.2))
    assert sensitivity_of(spec, NAMES, TOLD, lost).status == "not known"
    assert line_of(spec, lost).startswith("not known how far the answer rests on them")
    assert " in 100" not in line_of(spec, lost)


def plain(spec, cases, names=NAMES, told=TOLD):
    return sensitivity_lines(sensitivity_of(spec, names, told, cases), ANSWERS).plain


def test_the_first_sheet_says_it_in_one_sentence_without_naming_a_prior(spec):
    start = "had the model assumed somewhat other values beforehand, "
    still = (*together((0.34, 0.1, 0.56), (0.25, 0.1, 0.65)), scaled("drift", 0.5, 0.4, 0.1, 0.5))
    said = plain(spec, still)
    assert said == f"{start}“catheter problem” would still come first (50 to 65 in 100)."
    other = (*together(TOLD, TOLD), scaled("drift", 0.5, 0.5, 0.1, 0.4))
    assert plain(spec, other) == (
        f"{start}another explanation could come first (“catheter problem”: 40 to 60 in 100)."
    )
    lost = (Scaled(ALL_PRIORS, 0.8, (), 20.0, 0.9), Scaled(ALL_PRIORS, 1.25, (), 20.0, 0.9))
    assert plain(spec, (*lost, scaled("drift", 0.5, *TOLD))) == (
        f"{start}one at a time “catheter problem” would still come first (still 60 in 100); all "
        "changed at once: not known."
    )
    assert plain(spec, (*lost, Scaled("drift", 0.5, (), 2.0, 1.2))).startswith("not known how far")
    one = (scaled(ALL_PRIORS, 0.8, 0.05), scaled(ALL_PRIORS, 1.25, 0.1), scaled("drift", 0.5, 0.08))
    assert plain(spec, one, ("rise_over_100_ug",), (0.07,)) == (
        f"{start}the chance of “a rise of more than 100 µg/day” would be 5 to 10 in 100."
    )


def test_nothing_is_said_where_nothing_is_estimated(spec):
    assert sensitivity_of(spec, NAMES, TOLD, ()) is None
    assert sensitivity_lines(None, ANSWERS) == SensitivityLines("", "")


def test_documents_and_pages_carry_it(report: Report, explained: Report) -> None:
    for made, answer in ((report, "rise_over_100_ug"), (explained, None)):
        document = made.documents[CANARY]
        found = document.sensitivity
        assert found is not None
        names = {i.explanation for i in document.explanations.items} if answer is None else {answer}
        assert found.answer in names
        first = document.explanations.items[0] if answer is None else document.risks_ahead[-1]
        assert found.probability == first.probability
        assert found.answer == first.explanation
        html = re.sub(r"\s+", " ", made.html(CANARY))
        lines = sensitivity_lines(found, ANSWERS)
        assert f"<b>Assumptions:</b> {lines.plain}" in html
        assert lines.exact in html.split('id="h-limits"')[1]
        assert lines.exact not in html.split('id="h-limits"')[0]
        assert made.documents[SHORT].sensitivity is None
        assert "<b>Assumptions:</b>" not in made.html(SHORT)
