"""What SECURITY.md promises: no code from data, no network, nothing of a patient left behind."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from drift_cases import CANARY, CANARY_DOSE
from itb_bayes.cohort.limits import Limits

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_bytes()) for path in SOURCES}
RUNS_CODE = {"eval", "exec", "compile", "__import__", "execfile"}
REACHES_OUT = {
    "socket", "ssl", "urllib", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib",
    "subprocess", "pty", "ctypes", "code", "runpy", "marshal",
}  # fmt: skip
WITHOUT_NETWORK = """
import socket, sys
def refuse(*arguments, **options):
    raise RuntimeError("the network was asked for")
class NoSocket(socket.socket):
    __init__ = refuse
socket.socket = NoSocket
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refuse
sys.argv = ["itb-bayes", *sys.argv[1:]]
from itb_bayes.cli.main import run
run()
"""


def calls(tree: ast.AST):
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_nothing_runs_code_that_is_data():
    found = [
        (name, node.lineno)
        for name, tree in TREES.items()
        for node in calls(tree)
        if isinstance(node.func, ast.Name) and node.func.id in RUNS_CODE
    ]
    assert found == []


def test_nothing_reaches_out():
    """No module for the network, for other processes or for foreign code is imported."""
    found = [
        (name, node.lineno)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.Import)
            and REACHES_OUT & {a.name.split(".")[0] for a in node.names}
        )
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in REACHES_OUT)
    ]
    assert found == []


def test_modules_are_imported_by_fixed_names():
    """`import_module` is given a constant, or an entry of a table of constants."""
    dynamic = [
        (name, ast.unparse(node.args[0]))
        for name, tree in TREES.items()
        for node in calls(tree)
        if ast.unparse(node.func).endswith("import_module")
        and not isinstance(node.args[0], ast.Constant)
    ]
    assert dynamic == [("src/itb_bayes/spec/registry.py", "_KINDS[name]")]


def test_trees_are_read_by_an_engine_that_unpickles_nothing():
    readers = {"open_dataset", "load_dataset", "open_datatree", "load_datatree"}
    for name, tree in TREES.items():
        for node in calls(tree):
            if isinstance(node.func, ast.Attribute) and node.func.attr in readers:
                engines = [k.value for k in node.keywords if k.arg == "engine"]
                assert [ast.unparse(e) for e in engines] == ["'h5netcdf'"], name
            if isinstance(node.func, ast.Attribute) and node.func.attr == "load":
                assert ast.unparse(node.func) != "np.load", name


def test_the_page_names_every_limit():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for field in fields(Limits):
        assert f"`ITB_BAYES_MAX_{field.name.upper()}`" in page
        assert f"{field.default:,}" in page
    for path in re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", page):
        assert (ROOT / path).exists(), path


def test_the_page_travels_with_the_source():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "SECURITY.md" in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


@pytest.mark.parametrize("command", ["risk", "report"])
def test_no_network_is_asked_for_and_nothing_of_a_patient_is_left(command, passed_fit, tmp_path):
    """Caches and temporary folders are searched for the name and the dose of one patient."""
    places = {name: tmp_path / name for name in ("home", "cache", "temporary", "work")}
    for place in places.values():
        place.mkdir()
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NUMBA_CACHE_DIR", "PYTENSOR_FLAGS", "XDG_CACHE_HOME")
    }
    clean |= {
        "HOME": str(places["home"]),
        "ITB_BAYES_CACHE": str(places["cache"]),
        "TMPDIR": str(places["temporary"]),
        "MPLCONFIGDIR": str(places["home"] / "matplotlib"),
    }
    out = tmp_path / "pages"
    options = ["--out", str(out), "--patient", CANARY] if command == "report" else []
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK, command, str(passed_fit), *options],
        capture_output=True, text=True, check=False, env=clean, cwd=places["work"],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stderr
    if command == "report":
        assert any(CANARY in page.read_text(encoding="utf-8") for page in out.glob("*.html"))
    needles = [CANARY.encode(), f"{CANARY_DOSE:g}".encode()]
    needles += [np.float64(value).tobytes() for value in (CANARY_DOSE, np.log(CANARY_DOSE))]
    for place in places.values():
        for path in place.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            assert not any(needle in content for needle in needles), path
            assert CANARY not in path.name
