"""Pages in a real browser: nothing is loaded, keys work, everything fits, axe finds nothing."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from explained_cases import STALE
from markupsafe import Markup
from playwright.sync_api import Browser, Page, sync_playwright
from report_cases import CANARY, SHORT, Report

from itb_bayes.report.explained import Visit
from itb_bayes.report.explained_sentences import MOST_PRINTED
from itb_bayes.report.html import Charts, patient_page
from itb_bayes.report.pdf import render_pdf

pytestmark = pytest.mark.browser

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGES = ("dose", "dose-none", "dose-list", "why", "why-none", "why-list")
HEADINGS = {
    "dose": [
        "Patient", "Rise of more than", "Drift of this patient", "100 µg/day rule", "Dose history",
        "Dose in 12 months", "Where the dose", "What this model cannot say", "How to read",
    ],
    "dose-none": ["Patient", "No numbers", "Dose history", "What this model cannot say"],
    "dose-list": ["Dose reports", "Patients, those to look at first", "Workload", "The cohort"],
    "why": [
        "Patient", "Explanations to consider", "Dose history", "Dose in 12 months",
        "Where the dose", "What speaks for and against", "Known and not known",
        "What would change the answer", "How to read", "About the model", "Values used",
    ],
    "why-none": [
        "Patient", "No numbers", "Dose history", "Known and not known", "What would change",
        "About the model", "Values used",
    ],
    "why-list": ["Patient reports", "Patients, those to look at first", "Workload", "The cohort"],
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without anything that calls home."""
    path = shutil.which("chromium")
    assert path is not None, "install Chromium (Debian: apt-get install chromium)"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def files(report: Report, explained: Report) -> dict[str, Path]:
    """The six pages that everything is tried on."""
    return {
        "dose": report.folder / f"{report.documents[CANARY].page_id}.html",
        "dose-none": report.folder / f"{report.documents[SHORT].page_id}.html",
        "dose-list": report.folder / "index.html",
        "why": explained.folder / f"{explained.documents[CANARY].page_id}.html",
        "why-none": explained.folder / f"{explained.documents[STALE].page_id}.html",
        "why-list": explained.folder / "index.html",
    }


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of a laptop's size."""
    made = browser.new_page(viewport={"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_and_complains_of_nothing(
    page: Page, files: dict[str, Path], name: str
) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(files[name].as_uri(), wait_until="networkidle")
    assert asked == [files[name].as_uri()]
    assert said == []


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(browser: Browser, files: dict[str, Path], name: str) -> None:
    context = browser.new_context(bypass_csp=True)  # axe is itself a script
    page = context.new_page()
    page.goto(files[name].as_uri())
    found = Axe().run(page)
    context.close()
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", PAGES)
def test_headings_stand_in_their_order_from_top_to_bottom(
    page: Page, files: dict[str, Path], name: str
) -> None:
    page.goto(files[name].as_uri())
    seen = page.eval_on_selector_all(
        "h1, h2", "hs => hs.map(h => [h.innerText, h.getBoundingClientRect().top])"
    )
    assert len(seen) == len(HEADINGS[name])
    for (text, _), start in zip(seen, HEADINGS[name], strict=True):
        assert text.startswith(start)
    tops = [top for _, top in seen]
    assert tops == sorted(tops)
    wide = page.eval_on_selector_all(
        "main svg", "all => all.filter(s => s.getBoundingClientRect().width < 20).length"
    )
    assert wide == 0


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 768])
def test_narrow_screens_do_not_scroll_sideways(
    page: Page, files: dict[str, Path], name: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(files[name].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize(
    ("name", "sheets"), [("dose", 1), ("dose-none", 1), ("why", 2), ("why-none", 2)]
)
def test_a_patient_prints_to_one_page_and_values_to_a_second(
    page: Page, files: dict[str, Path], tmp_path: Path, name: str, sheets: int, paper: str
) -> None:
    page.goto(files[name].as_uri())
    out = tmp_path / "printed.pdf"
    page.pdf(path=out, format=paper)
    with pikepdf.open(out) as printed:
        assert len(printed.pages) == sheets


def test_foreign_scripts_and_images_are_blocked(
    page: Page, files: dict[str, Path], tmp_path: Path
) -> None:
    loaded: list[str] = []
    refused: list[str | None] = []
    page.on("requestfinished", lambda request: loaded.append(request.url))
    page.on("requestfailed", lambda request: refused.append(request.failure))
    for name in ("why", "why-list"):
        bad = "<script>document.title = 'run'</script><img src='https://example.invalid/x.png'>"
        path = tmp_path / f"{name}.html"
        text = files[name].read_text(encoding="utf-8")
        path.write_text(text.replace("<main>", f"<main>{bad}"), encoding="utf-8")
        page.goto(path.as_uri(), wait_until="networkidle")
        assert page.title() != "run"
    assert [url for url in loaded if not url.startswith("file:")] == []
    assert refused == ["csp", "csp"]


def _column(page: Page, k: int) -> list[str]:
    return page.eval_on_selector_all(
        "#list tbody tr:not([hidden])", f"rows => rows.map(r => r.cells[{k}].textContent)"
    )


def _tab_to(page: Page, text: str) -> None:
    """Press Tab until an element with this text, or name, has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = "document.activeElement.id || document.activeElement.textContent"
        if page.evaluate(focus) == text:
            return
    raise AssertionError(f"{text} cannot be reached by Tab")


@pytest.mark.parametrize("name", ["dose-list", "why-list"])
def test_the_list_sorts_by_keyboard(page: Page, files: dict[str, Path], name: str) -> None:
    page.goto(files[name].as_uri())
    first = _column(page, 0)
    _tab_to(page, "Last dose, µg/day")
    page.keyboard.press("Enter")
    falling = [float(text) for text in _column(page, 4)]
    assert falling == sorted(falling, reverse=True)
    assert page.get_attribute("#list th[aria-sort]", "aria-sort") == "descending"
    page.keyboard.press("Space")
    assert [float(text) for text in _column(page, 4)] == falling[::-1]
    assert "sorted by Last dose, µg/day, rising" in page.inner_text("#told")
    chance = "Chance (range)" if name == "dose-list" else "To explain"
    page.keyboard.press("Shift+Tab")
    _tab_to(page, chance)
    page.keyboard.press("Enter")
    assert sorted(_column(page, 0)) == sorted(first)
    last = _column(page, 5)[-1]
    assert last.startswith("not estimated")


@pytest.mark.parametrize("name", ["dose-list", "why-list"])
def test_the_list_filters_by_keyboard(page: Page, files: dict[str, Path], name: str) -> None:
    page.goto(files[name].as_uri())
    n = len(_column(page, 0))
    _tab_to(page, "find")
    page.keyboard.type("zzcanary")
    assert _column(page, 0) == [CANARY]
    assert page.inner_text("#told") == f"1 of {n} patients shown."
    for _ in range(8):
        page.keyboard.press("Backspace")
    page.keyboard.press("Tab")
    page.keyboard.type("MS")
    assert set(_column(page, 1)) == {"MS"}
    page.keyboard.type("all")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("99")
    assert len(_column(page, 0)) < n


def test_without_scripts_the_list_is_whole_and_in_order(
    browser: Browser, files: dict[str, Path], explained: Report
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["why-list"].as_uri())
    shown = page.locator("#list tbody tr td:first-child").all_inner_texts()
    assert len(shown) == len(explained.index.patients)
    assert page.locator(".tools").is_hidden()
    context.close()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_long_record_prints_its_latest_days_on_the_second_page(
    page: Page, explained: Report, tmp_path: Path, paper: str
) -> None:
    document = explained.documents[CANARY]
    note = Visit(9.0, 210.5, 1.3, 2.0, -12.0, 0.5, "dye study negative; aspiration positive")
    days = [replace(note, t_years=0.1 * k, notes=note.notes * (k % 8 == 0)) for k in range(150)]
    path = tmp_path / "long.html"
    text = patient_page(replace(document, visits=tuple(days)), Charts(Markup(), Markup()))
    path.write_text(text, encoding="utf-8")
    page.goto(path.as_uri())
    assert page.locator(".values tbody tr:visible").count() == 150
    assert page.locator(".paper:visible").count() == 0
    out = tmp_path / "long.pdf"
    page.pdf(path=out, format=paper)
    page.emulate_media(media="print")
    assert page.locator(".values tbody tr:visible").count() == MOST_PRINTED
    left = 150 - MOST_PRINTED
    assert f"The {left} earlier days are used as well" in page.inner_text(".unprinted")
    with pikepdf.open(out) as printed:
        assert len(printed.pages) == 2
    with pikepdf.open(BytesIO(render_pdf(text, "key"))) as made:
        assert len(made.pages) == 2
