"""The command line ``itb-bayes model``."""

import json
import sys

import pytest
from typer.testing import CliRunner

from itb_bayes.cli import main
from itb_bayes.cli.model import app
from itb_bayes.resources import models_dir
from itb_bayes.spec import ModelSpec, load_model


def _run(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_names_every_shipped_model():
    lines = _run("list").splitlines()
    names = sorted(path.stem for path in models_dir().glob("*.toml"))
    assert [line.split()[0] for line in lines] == [f"@{name}" for name in names]
    rows = json.loads(_run("list", "--json"))
    assert [row["name"] for row in rows] == [f"@{name}" for name in names]
    assert rows[0]["title"] in lines[0]


def test_explain():
    assert "EQUATIONS" in _run("explain", "@drift")
    assert json.loads(_run("explain", "@drift", "--json"))["name"] == "drift"


def test_check_of_a_valid_model():
    digest = load_model("@drift").digest
    assert _run("check", "@drift") == f"ok: drift (digest {digest})\n"
    assert json.loads(_run("check", "@drift", "--json")) == {
        "ok": True,
        "file": "@drift",
        "name": "drift",
        "digest": digest,
        "problems": [],
    }


def test_check_counts_problems_on_stderr(write_model):
    result = CliRunner().invoke(app, ["check", str(write_model("format = 2\n"))])
    assert result.exit_code == 3
    assert "problems in" in result.stderr
    assert "problems in" not in result.stdout


def test_diff():
    assert "process.kind" in _run("diff", "@drift", "@drift-iid")
    content = json.loads(_run("diff", "@drift", "@drift", "--json"))
    assert (content["same"], content["differences"]) == (True, [])


def test_show_gives_a_file_that_can_be_used(write_model):
    spec = load_model("@drift-lmm")
    path = write_model(_run("show", "@drift-lmm"))
    assert load_model(path).digest == spec.digest
    stored = json.loads(_run("show", "@drift-lmm", "--json"))
    assert ModelSpec.from_canonical(stored) == spec


@pytest.mark.parametrize(
    "arguments, fragment",
    [
        (["explain", "@nothing"], "No model '@nothing' is shipped"),
        (["show", "{broken}"], "reads format 1, not 2"),
        (["diff", "@drift", "{broken}"], "reads format 1, not 2"),
        (["check", "nowhere.toml"], "There is no model file"),
    ],
)
def test_errors_leave_with_exit_code_3_and_no_traceback(
    arguments, fragment, write_model, monkeypatch, capsys
):
    broken = str(write_model("format = 2\n"))
    filled = [argument.format(broken=broken) for argument in arguments]
    monkeypatch.setattr(sys, "argv", ["itb-bayes", "model", *filled])
    with pytest.raises(SystemExit) as caught:
        main.run()
    shown = capsys.readouterr()
    assert caught.value.code == 3
    assert fragment in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
