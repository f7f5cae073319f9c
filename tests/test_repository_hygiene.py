"""What must not stand in any file of the repository, and what every shipped cohort must say."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SKIPPED_FOLDERS = {"__pycache__", "_build", "dist", "build", "demo-output"}
COHORTS = sorted(path.parent for path in (ROOT / "data/synthetic").glob("*/cohort.toml"))

# Put together here, so that this file does not hold what it forbids.
REGISTRY_HOSTS = re.compile("|".join(("py" + r"pi\.org", "python" + "hosted", "conda" + r"\.")))
ABSOLUTE_PATHS = re.compile(r"(?<![\w.$\}])/(?:home|work|root|Users|mnt|opt)/\w")
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
BARE_IGNORE = re.compile("# type: " + r"ignore(?!\[)")


def _files() -> list[Path]:
    """Return the files of the repository; outside a checkout all but what tools leave behind."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
        return sorted(path for path in paths if path.is_file())
    return sorted(
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(
            part in SKIPPED_FOLDERS or (part.startswith(".") and part != ".ci")
            for part in path.relative_to(ROOT).parts[:-1]
        )
    )


def _texts() -> dict[str, str]:
    texts = {}
    for path in _files():
        name = path.relative_to(ROOT).as_posix()
        content = path.read_bytes()
        # Tables hold nothing but records, and malformed ones broken bytes on purpose.
        if path.suffix == ".csv" or "malformed" in path.parts or b"\0" in content:
            continue
        texts[name] = content.decode("utf-8")
    return texts


TEXTS = _texts()
PYTHON = sorted(name for name in TEXTS if name.endswith(".py"))


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in TEXTS.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_the_files_are_seen() -> None:
    assert {"README.md", "pyproject.toml", "src/itb_bayes/__init__.py"} <= set(TEXTS)


@pytest.mark.parametrize(
    "pattern",
    [REGISTRY_HOSTS, ABSOLUTE_PATHS, UNFINISHED, BARE_IGNORE],
    ids=["registry hosts", "absolute paths", "unfinished work", "type ignores without a code"],
)
def test_no_file_holds(pattern: re.Pattern[str]) -> None:
    assert _lines_with(pattern) == []


def test_nothing_reads_or_writes_pickles() -> None:
    forbidden = {"pickle", "cloudpickle", "dill", "joblib", "shelve"}
    found = [
        name
        for name in PYTHON
        if name.startswith("src/")
        for node in ast.walk(ast.parse(TEXTS[name]))
        if (isinstance(node, ast.Import) and forbidden & {a.name.split(".")[0] for a in node.names})
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in forbidden)
        or (isinstance(node, ast.Attribute) and node.attr in {"read_pickle", "to_pickle"})
        or (isinstance(node, ast.keyword) and node.arg == "allow_pickle")
    ]
    assert found == []


def test_no_broad_or_bare_except_but_the_outermost() -> None:
    broad = [
        name
        for name in PYTHON
        if name.startswith("src/")
        for node in ast.walk(ast.parse(TEXTS[name]))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    assert broad == ["src/itb_bayes/cli/main.py"]


def test_no_test_is_skipped() -> None:
    pattern = re.compile(r"pytest\.(?:mark\.)?(?:skip|xfail|importorskip)")
    assert [line for line in _lines_with(pattern) if line.startswith("tests/")] == []


def test_there_are_cohorts() -> None:
    assert {"clinic-small", "skoog2019", "kawano2018", "registry"} <= {c.name for c in COHORTS}


@pytest.mark.parametrize("cohort", COHORTS, ids=lambda path: path.name)
def test_every_shipped_cohort_says_that_it_is_synthetic(cohort: Path) -> None:
    stated = tomllib.loads((cohort / "cohort.toml").read_text(encoding="utf-8"))
    assert stated["synthetic"] is True
    assert stated["name"] == cohort.name
    assert "synthetic" in (cohort / "README.md").read_text(encoding="utf-8").lower()


def test_every_folder_of_data_is_a_cohort() -> None:
    folders = {path for path in (ROOT / "data/synthetic").iterdir() if path.is_dir()}
    assert folders == set(COHORTS)
