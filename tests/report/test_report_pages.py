import re
from pathlib import Path

import pytest
from page_reader import BANNED, TEMPLATES, Page, check_self_contained
from report_cases import CANARY, DIAGNOSES, HOSTILE, IDS, LIMITED, SHORT, Report

from fits import make_fit, make_plan
from itb_bayes.errors import GateError
from itb_bayes.report.naming import label_of
from itb_bayes.report.writing import write_report


def test_every_page_is_well_formed_and_self_contained(report: Report) -> None:
    assert len(report.pages) == len(IDS) + 1
    for name, text in report.pages.items():
        check_self_contained(name, text)


def test_ids_are_unique_on_a_page(report: Report) -> None:
    for text in report.pages.values():
        ids = [a["id"] for _, a in Page(text).tags if "id" in a]
        assert len(ids) == len(set(ids))
        named = re.findall(r'aria-(?:labelledby|describedby)="([^"]*)"', text)
        assert set(named) <= set(ids)


def test_every_chart_has_a_role_a_title_a_description_and_a_table(report: Report) -> None:
    for patient_id in IDS:
        page = Page(report.html(patient_id))
        charts = [a for tag, a in page.tags if tag == "svg"]
        assert len(charts) == (1 if patient_id == SHORT else 2)
        ids = {a["id"] for _, a in page.tags if "id" in a}
        for chart in charts:
            assert chart["role"] == "img"
            assert chart["aria-labelledby"] in ids
            assert chart["aria-describedby"] in ids
        assert "Recorded doses used" in page.words


def test_notice_and_synthetic_label_stand_on_every_page(report: Report) -> None:
    for text in report.pages.values():
        words = Page(text).words
        assert "Research use only. Not a medical device." in words
        assert "follow the local emergency pathway now" in words
        assert "SYNTHETIC DATA" in words
        assert "NOT CONVERGED" not in words


def test_pages_are_small(report: Report) -> None:
    assert max(len(text.encode()) for text in report.pages.values()) < 120_000


def test_templates_and_pages_keep_to_the_words_allowed(report: Report) -> None:
    for template in TEMPLATES.iterdir():
        assert not BANNED.findall(template.read_text(encoding="utf-8")), template.name
    for name, text in report.pages.items():
        assert not BANNED.findall(Page(text).words), name


def test_templates_quote_attributes_and_trust_nothing() -> None:
    for template in TEMPLATES.iterdir():
        text = template.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text
        if template.name.endswith(".j2"):
            assert not re.search(r"<[^>]*=", re.sub(r'="[^"]*"', "", re.sub(r"{%.*?%}", "", text)))


def test_hostile_identifiers_stay_text(report: Report) -> None:
    for patient_id in HOSTILE:
        words = Page(report.html(patient_id)).words
        shown = report.documents[patient_id].label
        assert shown.startswith(label_of(patient_id))
        assert re.sub(r"\s+", " ", shown) in words
        assert not re.search("[\u0000-\u0008\u202a-\u202e\u2066-\u2069\u200f]", words)


def test_identifiers_that_look_alike_have_their_own_pages(report: Report) -> None:
    assert set(report.documents) == set(IDS)
    names = [p.name.lower() for p in report.folder.iterdir()]
    assert len(names) == len(set(names)) == 2 * len(IDS) + 3
    for patient_id in ("P1", "p1", "Café", "Cafe\u0301"):
        document = report.documents[patient_id]
        assert document.label == f"{patient_id} ({document.page_id})"
        assert document.label in report.pages["index.html"]
    assert report.documents[CANARY].label == CANARY


def test_no_identifier_is_in_a_name_a_title_or_a_description(report: Report) -> None:
    listed = " ".join(p.name for p in report.folder.iterdir())
    assert CANARY.lower() not in listed.lower()
    for text in report.pages.values():
        for part in re.findall(r"<(?:title|desc)[^>]*>(.*?)</", text, flags=re.DOTALL):
            assert CANARY not in part
        assert not re.findall(rf'="[^"]*{CANARY}', text)
    holders = {name for name, text in report.pages.items() if CANARY in text}
    assert holders == {"index.html", f"{report.documents[CANARY].page_id}.html"}


def test_a_patient_who_is_not_estimated_has_no_number(report: Report) -> None:
    document = report.documents[SHORT]
    assert document.quality.status == "not estimated"
    assert (document.group, document.drift, document.forecasts, document.risks_ahead) == (
        None, None, (), (),
    )  # fmt: skip
    words = Page(report.html(SHORT)).words
    assert "No numbers are estimated for this patient" in words
    assert "only 2 dose readings over 1.0 years" in words
    assert " in 100" not in words
    assert "per year" not in words
    assert "%" not in words


def test_a_limited_record_says_so_and_keeps_its_numbers(report: Report) -> None:
    words = Page(report.html(LIMITED)).words
    assert "Limited record: 4 dose readings: the estimate leans on other patients" in words
    assert " in 100" in words


def test_every_probability_sentence_names_date_horizon_and_group(report: Report) -> None:
    words = Page(report.html(CANARY)).words
    n = DIAGNOSES.count("MS")
    assert re.search(
        r"As of 8 years after implant, [\w ]+ in 100 that the dose 12 months later is more than "
        r"100 µg/day above the last dose of [\d.]+ µg/day \([\w ]+ in 100 across plausible model "
        r"settings\); for comparison, [\w ]+ in 100 of the \d+ yearly comparisons "
        rf"\(12 months each\) of the {n} fitted MS patients showed such a rise",
        words,
    )
    assert re.search(rf"the typical MS patient’s by \S+ % \([^)]*; {n} MS patients fitted\)", words)
    assert "100 µg/day rule, last 12 months" in words
    assert "It does not separate drug tolerance" in words


def test_index_lists_the_highest_probability_first_and_the_unestimated_last(
    report: Report,
) -> None:
    rows = report.index.patients
    chances = [row.risk.probability for row in rows if row.risk is not None]
    assert chances == sorted(chances, reverse=True)
    assert len(chances) == len(IDS) - 1
    assert rows[-1].patient_id == SHORT
    text = report.pages["index.html"]
    assert text.index(rows[0].page_id) < text.index(rows[1].page_id)
    words = Page(text).words
    assert "not estimated: only 2 dose readings" in words
    assert "MS − SCI, difference in drift" in words
    assert "&lt;b&gt;cohort&lt;/b&gt;" in text


def test_a_failed_gate_gives_no_pages(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="R-hat"):
        write_report(make_fit(passed=False), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failed_gate_watermarks_every_page_when_asked_for(tmp_path: Path) -> None:
    fit = make_fit(make_plan(("A", "B")), passed=False, synthetic=False)
    write_report(fit, tmp_path / "out", allow_unconverged=True)
    pages = [p.read_text(encoding="utf-8") for p in (tmp_path / "out").glob("*.html")]
    assert len(pages) == 3
    for text in pages:
        words = Page(text).words
        assert "NOT CONVERGED" in words
        assert "these numbers are not to be used" in words
        assert "R-hat of parameters: 1.37" in words
        assert "SYNTHETIC" not in words


def test_the_same_fit_gives_the_same_bytes(report: Report, tmp_path: Path) -> None:
    some = ("P1", SHORT, HOSTILE[0])
    write_report(report.fit, tmp_path / "out", some)
    for patient_id in some:
        for kind in ("html", "json"):
            name = f"{report.documents[patient_id].page_id}.{kind}"
            assert (tmp_path / "out" / name).read_bytes() == (report.folder / name).read_bytes()
