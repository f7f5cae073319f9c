"""Every command shown in the README and the docs exists as written; the cheap ones are run."""

import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from drift_cases import instead_of_sampling, run_command, write_cohort
from itb_bayes.cli.main import app
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.model.regimes_plan import plan_regimes
from regimes_fits import (
    make_regimes_fit,
    regimes_posterior,
    regimes_spec,
    regimes_tables,
    save_regimes_fit,
)

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
]
BLOCK = re.compile(r"^ *```console\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CHEAP = {
    ("data", "validate"),
    ("data", "describe"),
    ("data", "simulate"),
    ("data", "import-wide"),
    ("model", "list"),
    ("model", "explain"),
    ("model", "check"),
    ("model", "diff"),
    ("model", "show"),
    ("literature", "complications"),
    ("literature", "sources"),
}
TOUR_SECONDS = 900


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it, and the output shown under it."""

    page: str
    line: str
    output: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)

    @property
    def is_cheap(self) -> bool:
        return self.words[0] == "itb-bayes" and tuple(self.words[1:3]) in CHEAP


def _shown_commands(page: Path) -> list[Shown]:
    shown = []
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        text = textwrap.dedent(block.replace("\\\n", " "))
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, *output = part.splitlines()
            shown.append(Shown(page.name, line, tuple(output)))
    return shown


COMMANDS = [command for page in PAGES for command in _shown_commands(page)]
OURS = [command for command in COMMANDS if command.words[0] == "itb-bayes"]
CHEAP_ONES = [command for command in OURS if command.is_cheap]


def _name(command: Shown) -> str:
    return f"{command.page}: {command.line}"


def _parse(words: list[str]) -> None:
    """Parse a command line without carrying it out."""
    command: Any = typer.main.get_command(app)
    path, rest = "itb-bayes", words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"{path} has no command {rest[0]!r}"
        path, command, rest = f"{path} {rest[0]}", command.commands[rest[0]], rest[1:]
    command.make_context(path, list(rest))


def _assert_output_is_as_shown(shown: tuple[str, ...], printed: str) -> None:
    """Compare line by line; ``...`` stands for any text, alone on a line for any lines."""
    lines = [line.rstrip() for line in printed.splitlines()]
    at, gap = 0, False
    for pattern in shown:
        if pattern == "...":
            gap = True
            continue
        wanted = re.sub(r"([\[\]*?])", r"[\1]", pattern).replace("...", "*")
        last = len(lines) if gap else min(at + 1, len(lines))
        found = next((k for k in range(at, last) if fnmatchcase(lines[k], wanted)), None)
        assert found is not None, f"not printed: {pattern!r}\n{printed}"
        at, gap = found + 1, False
    assert gap or not shown or at == len(lines), f"more was printed than is shown:\n{printed}"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that looks like the checkout, in which commands may write."""
    for name in ("clinic-small", "kawano2018", "skoog2019"):
        shutil.copytree(ROOT / "data/synthetic" / name, tmp_path / "data/synthetic" / name)
    shutil.copytree(ROOT / "models", tmp_path / "models")
    shutil.copytree(ROOT / "docs/examples", tmp_path / "docs/examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_set_up_is_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Set-up")[1]
    first = BLOCK.findall(section)[0]
    assert first == "$ make demo\n$ make test\n"


def test_every_target_shown_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = {command.words[1] for command in COMMANDS if command.words[0] == "make"}
    assert {"demo", "test"} <= shown
    assert {target for target in shown if f"\n{target}:" not in makefile} == set()


def test_the_tour_shows_every_step() -> None:
    steps = {" ".join(c.words[1:3]) for c in OURS if c.page == "README.md"}
    assert {"data validate", "model explain"} <= steps
    assert {"fit", "check", "risk", "report"} <= {step.split()[0] for step in steps}


@pytest.mark.parametrize("command", OURS, ids=_name)
def test_every_command_shown_exists(command: Shown) -> None:
    _parse(command.words)


@pytest.mark.parametrize("command", CHEAP_ONES, ids=_name)
def test_cheap_commands_print_what_is_shown(command: Shown, checkout: Path) -> None:
    result = CliRunner().invoke(app, command.words[1:], env={"COLUMNS": "200"})
    assert result.exception is None, result.output
    assert result.exit_code == 0
    assert result.stdout.strip()
    _assert_output_is_as_shown(command.output, result.stdout)


def test_the_overlay_of_the_guide_is_the_one_that_is_checked() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    example = (ROOT / "docs/examples/drift-wide.toml").read_text(encoding="utf-8")
    assert f"```toml\n{example}```" in guide


def test_a_command_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no command"):
        _parse(["itb-bayes", "data", "validat", "folder"])


def test_an_option_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(Exception, match="--sed"):
        _parse(["itb-bayes", "fit", "@drift", "folder", "--out", "x", "--sed", "1"])


MADE_UP = ["score-weekly.md", "reports.md", "score-a-registry.md"]
"""Pages whose commands need a long fit: they are walked on one whose draws are made up."""

ELSEWHERE = ["cite.md", "prepare-csv.md"]
"""Pages of cheap commands only."""

WALKS = ["README.md", "tutorial.md", "choose-a-model.md", "change-a-prior.md", "read-the-checks.md"]
"""Pages whose commands can be carried out one after the other."""


@pytest.mark.slow
@pytest.mark.parametrize("page", WALKS)
def test_the_whole_walk_runs_as_shown(page: str, checkout: Path) -> None:
    code = "from itb_bayes.cli.main import run; run()"
    walk = [command for command in OURS if command.page == page]
    assert len(walk) > 1
    for command in walk:
        done = subprocess.run(
            [sys.executable, "-c", code, *command.words[1:]],
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=TOUR_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command.line}\n{done.stdout}\n{done.stderr}"
        if command.output:
            _assert_output_is_as_shown(command.output, done.stdout)


def test_every_command_of_the_guides_is_carried_out_by_a_test() -> None:
    guides = {"tutorial.md", *(p.name for p in (ROOT / "docs/how-to").glob("*.md"))}
    assert guides <= {*WALKS, *MADE_UP, *ELSEWHERE}
    assert [_name(c) for c in OURS if c.page in ELSEWHERE and not c.is_cheap] == []


@pytest.mark.browser  # some of these commands write PDF
@pytest.mark.parametrize("page", MADE_UP)
def test_a_walk_on_a_made_up_fit_runs_as_shown(
    page: str, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The fit is real but for its draws; the cohorts are small ones of the shape the page names."""
    for name in ("registry", "this-week"):
        if not any(words[-2:] == ["--out", name] for words in shown_on(page)):
            write_cohort(checkout / name, regimes_tables())
    clinic = Cohort.read(checkout / "data/synthetic/clinic-small")
    if page != "score-weekly.md":
        made = make_regimes_fit(plan_regimes(regimes_spec(), clinic), draws=100, width=0.02)
        (checkout / "fits").mkdir()
        save_regimes_fit(made, checkout / "fits/regimes")
    earlier = next((c for c in OURS if c.page == page and "--since" in c.words), None)
    walk = [c for c in OURS if c.page == page]
    assert len(walk) > 1
    for command in walk:
        if command is earlier:
            since = command.words[command.words.index("--since") + 1]
            shutil.copytree(checkout / "pages", checkout / since)
        with instead_of_sampling(_made_up_draws):
            done = run_command(*command.words[1:])
        assert done.code == 0, f"{command.line}\n{done.stdout}\n{done.stderr}"
        if command.output:
            _assert_output_is_as_shown(command.output, done.stdout)


def shown_on(page: str) -> list[list[str]]:
    """Return the words of each command of a page."""
    return [command.words for command in OURS if command.page == page]


def _made_up_draws(spec: Any, plan: Any, chains: int, draws: int, seed: int) -> Any:
    return regimes_posterior(spec, plan, chains, draws, seed, width=0.02)


@pytest.mark.slow
def test_the_python_of_the_tutorial_runs(checkout: Path) -> None:
    """With the fit that the tutorial makes before it."""
    blocks = re.findall(
        r"^```python\n(.*?)^```",
        (ROOT / "docs/tutorial.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    assert len(blocks) == 1
    fit = next(c for c in OURS if c.page == "tutorial.md" and c.words[1] == "fit")
    code = f"from itb_bayes.cli.main import app; app({fit.words[1:]!r}, standalone_mode=False)"
    subprocess.run([sys.executable, "-c", code], cwd=checkout, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", blocks[0]], cwd=checkout, check=True, capture_output=True, text=True
    )
    assert "difference in drift" in done.stdout
