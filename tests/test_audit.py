"""The audit of the dependencies notices what it is for."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path.name for path in ROOT.glob("requirements*.txt"))
PINNED = "a==1.0 \\\n    --hash=sha256:00\n"


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "tools/audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_pinned_once_with_a_hash(file: str, audit: ModuleType) -> None:
    assert file in audit.FILES
    text = (ROOT / file).read_text(encoding="utf-8")
    assert len(audit.blocks(text)) > 20
    assert audit.unpinned(text) == []
    assert audit.doubled(text) == []


@pytest.mark.parametrize(
    ("text", "unpinned", "doubled"),
    [
        (PINNED, [], []),
        (PINNED + "b>=1 \\\n    --hash=sha256:00\n", ["b>=1"], []),
        (PINNED + "b==1\n", ["b==1"], []),
        (PINNED + "b @ https://example.org/b.whl\n", ["b"], []),
        (PINNED + PINNED, [], ["a"]),
        (PINNED + PINNED.replace("a==1.0", "A==2.0"), [], ["a"]),
        (PINNED + PINNED.replace("a==1.0", 'a==2.0 ; python_version < "3.13"'), [], []),
    ],
)
def test_what_is_not_pinned_or_pinned_twice(
    text: str, unpinned: list[str], doubled: list[str], audit: ModuleType
) -> None:
    assert audit.unpinned(text) == unpinned
    assert audit.doubled(text) == doubled


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True), ("Apache-2.0", True), ("LGPL-3.0", True), ("GPL-3.0-only", False),
        ("GPL-2.0 OR MIT", True), ("Proprietary", False), ("AGPL-3.0", False), ("not stated", True),
    ],
)  # fmt: skip
def test_licences(licence: str, allowed: bool, audit: ModuleType) -> None:
    assert audit.is_allowed(licence) is allowed


def test_a_look_up_that_did_not_take_place_is_said(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert audit.known_flaws() == ("known flaws: not looked up (pip-audit is not installed)", False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    for code, said, expected in (
        (1, "no network", ("known flaws: not looked up (the service does not answer)", False)),
        (1, "Found 1 known vulnerability", None),
        (0, "No known vulnerabilities found", None),
    ):
        answer = SimpleNamespace(returncode=code, stdout=said, stderr="")
        monkeypatch.setattr(subprocess, "run", lambda *a, answer=answer, **k: answer)
        got = audit.known_flaws()
        assert got == (expected or (f"known flaws: {said}", code != 0))


def test_a_failure_is_an_exit_code(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["audit", "--offline"])
    monkeypatch.setattr(audit, "doubled", lambda text: ["numpy"])
    assert audit.main() == 1
    assert "FAILED requirements.txt: numpy is pinned twice" in capsys.readouterr().out
