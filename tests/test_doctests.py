"""Every example in a docstring or on a page of the docs gives what it shows."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
WITH_EXAMPLES = sorted(p for p in SOURCE.rglob("*.py") if "\n>>> " in p.read_text("utf-8"))
PAGES = sorted(
    p
    for p in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if "_build" not in p.parts and ">>> " in p.read_text("utf-8")
)


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_there_are_examples() -> None:
    assert SOURCE / "itb_bayes/api.py" in WITH_EXAMPLES


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda p: p.stem)
def test_the_examples_of_a_module_run(path: Path) -> None:
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_the_examples_of_the_pages_run() -> None:
    failed = {p.name: doctest.testfile(str(p), module_relative=False).failed for p in PAGES}
    assert set(failed.values()) <= {0}
