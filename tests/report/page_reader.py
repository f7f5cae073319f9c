"""Reads pages as a browser would: tags, ids and visible words."""

import re
from html.parser import HTMLParser
from importlib import resources

from itb_bayes.report.list_words import list_script

TEMPLATES = resources.files("itb_bayes.report") / "templates"
BANNED = re.compile(
    r"\b(diagnoses|detects?|safe|should|recommended dose|alarms?|guaranteed|normal|rule out|"
    r"rules out)\b",
    re.IGNORECASE,
)
CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
FORBIDDEN_TAGS = {"iframe", "object", "embed", "link", "base", "form", "img", "video"}
INDEX_CSP = f"default-src 'none'; script-src 'sha256-{list_script()[1]}'; " + CSP.split("; ", 1)[1]
VOID = {"meta", "br", "hr", "input"}


class Page(HTMLParser):
    """Collects tags, ids and visible text, and checks that tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "script" not in self.open:
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


def check_self_contained(name: str, text: str) -> None:
    """Assert that a page is whole, loads nothing, and runs nothing but the list's own script."""
    page = Page(text)
    names = [tag for tag, _ in page.tags]
    assert not FORBIDDEN_TAGS & set(names)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert names.count("title") >= 1
    listed = name == "index.html"
    policy = [a["content"] for t, a in page.tags if a.get("http-equiv")]
    assert policy == [INDEX_CSP if listed else CSP]
    assert text.lower().count("<script") == listed
    if listed:
        assert f"<script>{list_script()[0]}</script>" in text
    assert not re.search(r"(?:src|href)=\"(?!#|pt-)", text)
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org/)", text)
    assert not [a for _, a in page.tags if any(attr.startswith("on") for attr in a)]
