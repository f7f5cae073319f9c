"""Pages as PDF: tagged, described, the same bytes, nothing loaded; and what to do without Pango."""

import logging
import sys
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from explained_cases import IDS, STALE
from report_cases import CANARY, SHORT, Report

from itb_bayes.errors import UsageError
from itb_bayes.report.exports import Exports
from itb_bayes.report.pdf import render_pdf, require_pdf
from itb_bayes.report.writing import write_report


@pytest.fixture(scope="module", params=["dose", "dose-none", "why", "why-none"])
def page(request: pytest.FixtureRequest, report: Report, explained: Report) -> str:
    """The text of one page."""
    return {
        "dose": lambda: report.html(CANARY),
        "dose-none": lambda: report.html(SHORT),
        "why": lambda: explained.html(CANARY),
        "why-none": lambda: explained.html(STALE),
    }[request.param]()


def _elements(pdf: pikepdf.Pdf) -> list[pikepdf.Dictionary]:
    return [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and "/S" in o and "/P" in o]


@pytest.mark.browser
def test_pdf_is_tagged_titled_and_described(page: str, tmp_path: Path, caplog) -> None:
    path = tmp_path / "page.pdf"
    with caplog.at_level(logging.ERROR, logger="weasyprint"):
        path.write_bytes(render_pdf(page, "key"))
    assert caplog.records == []
    with pikepdf.open(path) as pdf:
        assert str(pdf.Root.Lang) == "en"
        assert bool(pdf.Root.MarkInfo.Marked)
        assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
        assert "research use only" in str(pdf.docinfo["/Title"])
        assert str(pdf.docinfo["/Subject"]) == "Research use only. Not a medical device."
        assert not {"/Author", "/CreationDate", "/ModDate"} & set(pdf.docinfo)
        elements = _elements(pdf)
        figures = [e for e in elements if e.S == "/Figure"]
        assert figures
        assert all(str(e.get("/Alt", "")) for e in figures)
        kinds = {str(e.S) for e in elements}
        assert {"/H1", "/H2", "/P"} <= kinds
        printed = "About the model" in page or "Where the dose is likely" in page
        assert ({"/Table", "/TH", "/TD"} <= kinds) == printed
        fonts = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary)
                 and o.get("/Type") == "/FontDescriptor"]  # fmt: skip
        assert fonts
        assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(font) for font in fonts)
        assert len(pdf.pages) == (2 if "About the model" in page else 1)


@pytest.mark.browser
def test_pdf_holds_what_the_standard_asks_of_its_structure(page: str) -> None:
    """What can be read without a validator of PDF/UA-1; none was run."""
    with pikepdf.open(BytesIO(render_pdf(page, "key"))) as pdf:
        with pdf.open_metadata() as about:
            assert about["pdfuaid:part"] == "1"
            assert "research use only" in about["dc:title"]
        root = pdf.Root.StructTreeRoot
        assert "/ParentTree" in root
        for sheet in pdf.pages:
            assert "/StructParents" in sheet
            assert str(sheet.get("/Tabs", "/S")) == "/S"
            assert "/Annots" not in sheet or "/Tabs" in sheet
        elements = _elements(pdf)
        levels = [int(str(e.S)[2:]) for e in elements if str(e.S) in ("/H1", "/H2", "/H3")]
        assert levels.count(1) == 1
        assert max(levels) == 2
        cells = [e for e in elements if e.S == "/TH"]
        told = [str(cell.get("/A", "")) + str(cell.get("/ID", "")) for cell in cells]
        assert all(told)
        found = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary)]
        fonts = [o for o in found if o.get("/Type") == "/Font" and o.get("/Subtype") == "/Type0"]
        assert fonts
        assert all("/ToUnicode" in font for font in fonts)
        assert not [o for o in found if "/JS" in o]


@pytest.mark.browser
def test_several_processes_make_the_same_files(explained: Report, tmp_path: Path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        exports = Exports(("pdf",), workers=workers)
        write_report(explained.fit, tmp_path / name, IDS[:8], exports=exports)
    made = sorted((tmp_path / "one").glob("*.pdf"))
    assert len(made) == 8
    assert all(p.read_bytes() == (tmp_path / "two" / p.name).read_bytes() for p in made)


def test_no_workers_are_refused(explained: Report, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--workers must be at least 1"):
        write_report(explained.fit, tmp_path / "out", exports=Exports(("csv",), workers=0))


@pytest.mark.browser
def test_the_same_page_gives_the_same_bytes(page: str) -> None:
    assert render_pdf(page, "key") == render_pdf(page, "key")
    assert render_pdf(page, "key") != render_pdf(page, "other")


@pytest.mark.browser
@pytest.mark.parametrize(
    "foreign",
    ['<img src="file:///etc/hostname">', '<link rel="attachment" href="file:///etc/hostname">',
     '<img src="https://example.invalid/x.png">'],
)  # fmt: skip
def test_nothing_outside_a_page_is_loaded(explained: Report, foreign: str) -> None:
    page = explained.html(CANARY).replace("<main>", f"<main>{foreign}")
    with pytest.raises(ValueError, match="asked for something outside itself"):
        render_pdf(page, "key")


@pytest.mark.browser
def test_pdf_lies_beside_its_page_and_names_nobody_inside_its_head(
    explained: Report, tmp_path: Path
) -> None:
    made = write_report(explained.fit, tmp_path / "out", (CANARY,), exports=Exports(("pdf",)))
    path = made.folder / f"{made.index.patients[0].page_id}.pdf"
    with pikepdf.open(path) as pdf:
        assert CANARY not in str(pdf.docinfo) + str(pdf.open_metadata())
        for name in ("/Names", "/Outlines"):
            assert name not in pdf.Root or "/EmbeddedFiles" not in pdf.Root[name]


def test_without_weasyprint_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(UsageError, match=r"WeasyPrint is missing.*pip install 'itb-bayes\[pdf\]'"):
        require_pdf()


def test_without_pango_the_error_says_what_to_install_and_nothing_is_made(
    explained: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library')\n")
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"Pango is missing.*apt-get install libpango-1\.0-0"):
        write_report(explained.fit, tmp_path / "out", exports=Exports(("pdf",)))
    assert not (tmp_path / "out").exists()
