"""ARCHITECTURE.md says what the code is: layers, modules, their purposes and their sizes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 400


@pytest.fixture(scope="module")
def architecture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "tools/architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["architecture"] = module
    spec.loader.exec_module(module)
    return module


def test_page_is_what_the_code_says(architecture: ModuleType) -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    written = page.split(architecture.BEGIN)[1].split(architecture.END)[0].strip("\n")
    assert written == architecture.render_tables(), "run: make architecture"


def test_every_module_stands_on_the_page_once(architecture: ModuleType) -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for module in architecture.read_modules():
        row = f"| `{module.name.removeprefix('itb_bayes.')}` | "
        assert page.count(row) == 1, module.name


def test_every_module_has_a_layer(architecture: ModuleType) -> None:
    layers = architecture.read_layers()
    homeless = [
        module.name
        for module in architecture.read_modules()
        if module.name != "itb_bayes" and architecture.layer_of(module.name, layers) is None
    ]
    assert homeless == []


def test_every_layer_exists(architecture: ModuleType) -> None:
    names = {module.name for module in architecture.read_modules()}
    assert {name for layer in architecture.read_layers() for name in layer} <= names


def test_every_module_says_what_it_is(architecture: ModuleType) -> None:
    silent = [m.name for m in architecture.read_modules() if len(m.purpose) < 10]
    assert silent == []


def test_no_module_is_long(architecture: ModuleType) -> None:
    long = {m.name: m.n_lines for m in architecture.read_modules() if m.n_lines > MAX_LINES}
    assert long == {}
