"""The private folder of compiled code."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from itb_bayes import caching
from itb_bayes.caching import compile_cache_dir, kernel_digest

PRINT_ENVIRONMENT = """
import os
from itb_bayes.caching import prepare_compile_cache
prepare_compile_cache()
print(os.environ["NUMBA_CACHE_DIR"], os.environ["PYTENSOR_FLAGS"], sep="\\n")
"""


@pytest.fixture
def parent(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ITB_BAYES_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_folder_is_the_users_alone(parent):
    folder = compile_cache_dir()
    assert folder == parent / "itb-bayes" / kernel_digest()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert stat.S_IMODE(compile_cache_dir().stat().st_mode) == 0o700
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("variable", "below"), [("XDG_CACHE_HOME", ""), ("HOME", ".cache")])
def test_without_a_named_parent_it_lies_in_the_users_cache(variable, below, tmp_path, monkeypatch):
    monkeypatch.delenv("ITB_BAYES_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    assert compile_cache_dir() == tmp_path / below / "itb-bayes" / kernel_digest()


def test_a_folder_that_cannot_be_made_is_replaced_by_a_temporary_one(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("ITB_BAYES_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(caching.tempfile, "tempdir", str(tmp_path))
    folder = compile_cache_dir()
    assert folder.is_dir()
    assert folder.parent == tmp_path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_digest_changes_with_any_compiled_source(tmp_path, monkeypatch):
    for name in ("kernel", "model"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(caching, "_SOURCES", tmp_path)
    digests = {kernel_digest()}
    (tmp_path / "kernel" / "a.py").write_text("x = 2\n", encoding="utf-8")
    digests.add(kernel_digest())
    (tmp_path / "model" / "b.py").write_text("", encoding="utf-8")
    digests.add(kernel_digest())
    monkeypatch.setattr(caching, "__version__", "99")
    digests.add(kernel_digest())
    assert len(digests) == 4


def printed_by(script: str, **variables: str) -> list[str]:
    """Run a script in a fresh process whose caches nobody has chosen yet."""
    clean = {
        name: value for name, value in os.environ.items()
        if name not in ("NUMBA_CACHE_DIR", "PYTENSOR_FLAGS")
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=True, env=clean | variables,
    ).stdout.splitlines()  # fmt: skip


def test_numba_and_pytensor_are_pointed_at_it(parent):
    numba, flags = printed_by(PRINT_ENVIRONMENT)
    folder = parent / "itb-bayes" / kernel_digest()
    assert numba == str(folder / "numba")
    assert flags.split(",") == [
        f"base_compiledir={folder / 'pytensor'}",
        "numba__fastmath=False",
        f"generated_src_dir={folder / 'pytensor-source'}",
    ]


def test_a_choice_of_the_user_is_kept(parent):
    numba, flags = printed_by(
        PRINT_ENVIRONMENT,
        NUMBA_CACHE_DIR="mine",
        PYTENSOR_FLAGS="base_compiledir=theirs,floatX=float64,generated_src_dir=there",
    )
    assert numba == "mine"
    theirs = "base_compiledir=theirs,floatX=float64,generated_src_dir=there"
    assert flags == f"{theirs},numba__fastmath=False"
    flags = printed_by(PRINT_ENVIRONMENT, PYTENSOR_FLAGS="numba__fastmath=True")[1]
    assert flags.startswith("numba__fastmath=True,base_compiledir=")


def test_libraries_that_were_imported_before_are_changed_in_place(parent):
    lines = printed_by(
        "import numba, pytensor\n" + PRINT_ENVIRONMENT.replace(', os.environ["PYTENSOR_FLAGS"]', "")
        + "print(numba.config.CACHE_DIR, pytensor.config.numba__fastmath, sep='\\n')\n"
        "print(pytensor.config.generated_src_dir)"
    )  # fmt: skip
    folder = parent / "itb-bayes" / kernel_digest()
    assert lines == [str(folder / "numba")] * 2 + ["False", str(folder / "pytensor-source")]


@pytest.mark.parametrize("module", ["kernel.panel", "inference.settings"])
def test_importing_a_kernel_or_the_sampler_is_enough(module, parent):
    lines = printed_by(f"import os, itb_bayes.{module}\nprint(os.environ['NUMBA_CACHE_DIR'])")
    assert lines == [str(parent / "itb-bayes" / kernel_digest() / "numba")]
