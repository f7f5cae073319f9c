"""The wheel holds everything an installed command needs, and the pins hold every dependency."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from itb_bayes import __version__

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def _build(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(_build(tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-deps", "--no-index", "--target", str(target), str(wheel.filename)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return target


def _metadata(wheel: zipfile.ZipFile, name: str) -> str:
    return wheel.read(f"itb_bayes-{__version__}.dist-info/{name}").decode("utf-8")


def _shipped(wheel: zipfile.ZipFile, folder: str) -> set[str]:
    return {n.removeprefix(folder) for n in wheel.namelist() if n.startswith(folder)}


def _run_installed(installed: Path, elsewhere: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(installed), "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=elsewhere, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_wheel_holds_the_model_files(wheel: zipfile.ZipFile) -> None:
    models = {path.name for path in (ROOT / "models").glob("*.toml")}
    assert _shipped(wheel, "itb_bayes/shipped/models/") == models
    assert "drift.toml" in models


def test_wheel_holds_the_demonstration_cohort(wheel: zipfile.ZipFile) -> None:
    shipped = _shipped(wheel, "itb_bayes/shipped/clinic-small/")
    assert {"cohort.toml", "README.md", "patients.csv", "doses.csv", "events.csv"} <= shipped


@pytest.mark.parametrize("name", ["kawano2018", "skoog2019"])
def test_wheel_holds_the_cohorts_of_the_papers(name: str, wheel: zipfile.ZipFile) -> None:
    assert {"cohort.toml", "patients.csv", "doses.csv"} <= _shipped(
        wheel, f"itb_bayes/shipped/{name}/"
    )


def test_wheel_holds_every_data_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    source = ROOT / "src"
    files = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file()
        and not any(p.startswith((".", "__pycache__")) for p in path.relative_to(source).parts)
    }
    assert "itb_bayes/py.typed" in files
    assert "itb_bayes/simulate/settings/clinic-small.toml" in files
    assert files <= set(wheel.namelist())


def test_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"itb_bayes", f"itb_bayes-{__version__}.dist-info"}
    names = [Path(name) for name in wheel.namelist()]
    assert [p for p in names if p.name.startswith("test_") or "tests" in p.parts] == []
    assert [p for p in names if p.name == "conftest.py"] == []


def test_metadata_of_the_wheel(wheel: zipfile.ZipFile) -> None:
    metadata = Parser().parsestr(_metadata(wheel, "METADATA"))
    assert metadata["Version"] == __version__ == PROJECT["project"]["version"]
    assert metadata["Requires-Python"] == ">=3.12"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "itb-bayes = itb_bayes.cli.main:run" in _metadata(wheel, "entry_points.txt")


def test_installed_command_lists_the_models(installed: Path, tmp_path: Path) -> None:
    script = str(installed / "bin" / "itb-bayes")
    listed = _run_installed(installed, tmp_path, sys.executable, script, "model", "list")
    assert "@drift " in listed


def test_installed_package_uses_its_own_files(installed: Path, tmp_path: Path) -> None:
    code = "from itb_bayes import resources as r; print(r.models_dir()); print(r.demo_cohort_dir())"
    printed = _run_installed(installed, tmp_path, sys.executable, "-c", code).splitlines()
    assert len(printed) == 2
    assert all(Path(line).is_relative_to(installed) for line in printed)


def test_citation_and_changelog_name_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "type", "license"} <= set(citation)
    assert str(citation["version"]) == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def _pins(file: str) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for name, version in PIN.findall((ROOT / file).read_text(encoding="utf-8")):
        pins.setdefault(canonicalize_name(name), set()).add(version)
    return pins


def _direct_dependencies(file: str) -> list[str]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    if file == "requirements-docs.txt":
        return [*project["dependencies"], *extras["docs"]]
    backend = PROJECT["build-system"]["requires"]
    developer = PROJECT["dependency-groups"]["dev"]
    return [*project["dependencies"], *extras["excel"], *developer, *backend]


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-docs.txt"])
def test_pins_meet_every_stated_dependency(file: str) -> None:
    pins = _pins(file)
    for text in _direct_dependencies(file):
        requirement = Requirement(text)
        versions = pins.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not pinned: make lock"
        assert all(requirement.specifier.contains(v, prereleases=True) for v in versions), text


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-docs.txt"])
def test_every_pin_has_a_hash(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", text)
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_both_sets_of_pins_agree() -> None:
    running, site = _pins("requirements.txt"), _pins("requirements-docs.txt")
    assert {name for name in running.keys() & site.keys() if running[name] != site[name]} == set()
