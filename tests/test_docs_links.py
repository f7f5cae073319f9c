"""Links that lead outside are well formed; whether they answer is asked by ``make links``."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from itb_bayes.literature.sources import sources

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *ROOT.glob("*.md"),
    ROOT / "CITATION.cff",
    ROOT / "pyproject.toml",
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "models").glob("*.toml"),
]
LINK = re.compile(r"https?://[^\s)>\"'`\]}]+")
MARKDOWN = re.compile(r"\]\(<?([^)\s>]+)")
DOI = re.compile(r"10\.\d{4,9}/\S*[^\s.,;]")
ARXIV = re.compile(r"/abs/(\d{4}\.\d{4,5}(v\d+)?|[a-z-]+/\d{7})")
RESERVED = (".invalid", ".example")


def problem_of(link: str) -> str:
    """Return what is wrong with the form of a link; empty where nothing is."""
    parts = urlsplit(link)
    if parts.scheme != "https":
        return "not https"
    host = parts.hostname or ""
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) or host.endswith(RESERVED):
        return "no public host"
    if parts.username or parts.port:
        return "names a user or a port"
    if link != link.rstrip(".,;:"):
        return "ends in punctuation"
    if host == "doi.org" and not DOI.fullmatch(parts.path.removeprefix("/")):
        return "no DOI"
    if host == "arxiv.org" and not ARXIV.fullmatch(parts.path):
        return "no arXiv number"
    return ""


def links() -> list[tuple[str, str]]:
    """Return every outside link with the file that holds it."""
    found = []
    for page in sorted(set(PAGES)):
        if "_build" in page.parts:
            continue
        found += [(page.name, link) for link in LINK.findall(page.read_text(encoding="utf-8"))]
    return found


def test_every_outside_link_is_well_formed() -> None:
    found = links()
    assert len(found) >= 4
    assert [(page, link, why) for page, link in found if (why := problem_of(link))] == []


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("https://doi.org/10.1214/23-BA1404", ""),
        ("https://arxiv.org/abs/2502.03279", ""),
        ("http://arxiv.org/abs/2502.03279", "not https"),
        ("https://localhost/x", "no public host"),
        ("https://site.invalid/x", "no public host"),
        ("https://me@site.org/x", "names a user or a port"),
        ("https://site.org/x.", "ends in punctuation"),
        ("https://doi.org/1214/23-BA1404", "no DOI"),
        ("https://arxiv.org/2502.03279", "no arXiv number"),
    ],
)
def test_the_form_of_a_link_is_judged(link: str, why: str) -> None:
    assert problem_of(link) == why


def test_sources_are_found_by_their_numbers() -> None:
    for key, source in sources().items():
        assert not source.doi or DOI.fullmatch(source.doi), key
        assert not source.pmid or re.fullmatch(r"\d{5,8}", source.pmid), key


def test_links_of_pages_lead_outside_or_to_a_file() -> None:
    """Sphinx holds those of the site; the README and its neighbours are read elsewhere too."""
    broken = [
        f"{page.name}: {target}"
        for page in ROOT.glob("*.md")
        for target in MARKDOWN.findall(page.read_text(encoding="utf-8"))
        if "://" not in target
        and not target.startswith("#")
        and not (ROOT / target.split("#")[0]).exists()
    ]
    assert broken == []
