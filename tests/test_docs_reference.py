"""The parts of the site that are generated say everything that the code knows."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from itb_bayes.spec.registry import kind_named, kind_names
from itb_bayes.spec.units import UNITS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REPRODUCTION = DOCS / "results" / "reproduction"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "_ext/reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module
    spec.loader.exec_module(module)
    return module


def test_the_vocabulary_names_every_key_prior_and_unit(reference: ModuleType) -> None:
    text = reference.render_vocabulary()
    for name in kind_names():
        kind = kind_named(name)
        section = text.split(f'## kind = "{name}"')[1].split("\n## ")[0]
        for table in kind.spec_class.term_names():
            for key in kind.spec_class.model_fields[table].annotation.model_fields:
                assert f"| `[{table}]` | `{key}` |" in section
        for need in kind.needs:
            assert f"| `{need.name}` | " in section
    assert all(f"| `{unit}` |" in text for unit in UNITS)
    assert '`"ou"`, `"random_walk"`, `"none"`' in text


def test_the_gallery_shows_every_figure_with_a_caption(reference: ModuleType) -> None:
    text = reference.render_gallery(DOCS)
    shown = set(re.findall(r"\{figure\} (\S+)\n(.+)\n", text))
    pictures = {f"results/reproduction/{path.name}" for path in REPRODUCTION.glob("*.svg")}
    assert {name for name, _ in shown} == pictures
    assert len(pictures) >= 7
    assert all(len(caption) > 40 for _, caption in shown)


def test_every_reproduced_paper_is_listed(reference: ModuleType) -> None:
    text = reference.render_reproduction(DOCS)
    for name in ("skoog-hedman-2019", "kawano-2018", "conflicts"):
        assert f"results/reproduction/{name}\n" in text
        assert (REPRODUCTION / f"{name}.md").is_file()


def test_tables_of_the_worked_paper_are_those_of_the_reproduction() -> None:
    paper = (DOCS / "paper.md").read_text(encoding="utf-8")
    files = re.findall(r"(?::file:|\{figure\}) (\S+)", paper)
    assert len(files) >= 5
    assert all((DOCS / name).is_file() for name in files)


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [*DOCS.glob("*.md"), *(DOCS / "how-to").glob("*.md")]
    assert len(pages) > 20
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+\.md)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).is_file()
    ]
    assert broken == []
