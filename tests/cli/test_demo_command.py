"""The demonstration runs the commands that it shows, with their own defaults."""

from pathlib import Path

import pytest
import typer
from typer.main import get_command

from itb_bayes.cli import demo
from itb_bayes.cli.main import app
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.resources import demo_cohort_dir


@pytest.mark.parametrize("arguments", demo.commands(Path("made")), ids=" ".join)
def test_every_command_of_the_road_is_one_that_the_command_line_takes(
    arguments: tuple[str, ...],
) -> None:
    root = get_command(app)
    context = root.make_context("itb-bayes", list(arguments), resilient_parsing=False)
    rest = list(arguments)
    while hasattr(root, "commands"):
        name = rest.pop(0)
        assert name in root.commands, f"no command {name}"
        root = root.commands[name]
        context = root.make_context(name, list(rest), parent=context)
    given = {parameter.name for parameter in root.params}
    assert set(context.params) <= given
    assert len(context.args) == 0


def test_a_command_is_shown_and_run_with_its_own_defaults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.prepare(tmp_path / "made", force=False)
    cohort = tmp_path / "made" / "cohort"
    Cohort.read(demo_cohort_dir()).write(cohort)
    demo.run_command(("data", "validate", str(cohort)))
    shown = capsys.readouterr().out
    assert f"$ itb-bayes data validate {cohort}" in shown
    assert "30 patients" in shown


def test_a_command_that_fails_ends_the_road(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = typer.Typer()

    @failing.command()
    def only() -> None:
        raise typer.Exit(5)

    monkeypatch.setattr("itb_bayes.cli.main.app", failing)
    with pytest.raises(typer.Exit) as ended:
        demo.run_command(())
    assert ended.value.exit_code == 5


def test_a_folder_that_is_no_demonstration_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not empty; choose another --out"):
        demo.prepare(tmp_path, force=True)
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_an_earlier_demonstration_is_replaced_only_when_asked(tmp_path: Path) -> None:
    out = tmp_path / "made"
    demo.prepare(out, force=False)
    (out / "old.csv").write_text("old")
    with pytest.raises(UsageError, match="add --force"):
        demo.prepare(out, force=False)
    demo.prepare(out, force=True)
    assert not (out / "old.csv").exists()
