"""The commands ``check`` and ``prior``, and the page they write."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from check_cases import TRUTH, make_plan, make_posterior, simulated_plan, write_fit
from typer.testing import CliRunner

from itb_bayes.checks.result import CheckResult, failed_first
from itb_bayes.checks.suite import check_fit
from itb_bayes.cli.checks import fit_header
from itb_bayes.cli.main import app
from itb_bayes.errors import ModelError, UsageError
from itb_bayes.inference.fitted import Fit
from itb_bayes.report.checks_page import draw_figure, render_checks, write_checks
from itb_bayes.spec import ModelSpec

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT / "data" / "synthetic" / "skoog2019"
runner = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = simulated_plan(make_plan(14, 6), TRUTH)
    out = tmp_path_factory.mktemp("fits") / "good"
    write_fit(out, plan, make_posterior(TRUTH, n_draw=150))
    return out


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    posterior = make_posterior(TRUTH, n_draw=60)
    posterior["level"][0] += 1.0
    out = tmp_path_factory.mktemp("fits") / "bad"
    write_fit(out, simulated_plan(make_plan(14, 6), TRUTH), posterior)
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    fit = Fit.load(folder)
    return render_checks(check_fit(fit), fit_header(fit))


def test_check_writes_page_json_and_source_data(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "checks"
    done = runner.invoke(app, ["check", str(folder), "--out", str(out), "--quiet"])
    assert done.exit_code == 0, done.output
    assert "SYNTHETIC DATA" in done.output
    assert "gate: passed" in done.output
    content = json.loads((out / "checks.json").read_text(encoding="utf-8"))
    assert content["gate_passed"] is True
    names = [item["name"] for item in content["checks"]]
    assert names[:4] == ["convergence", "ranks", "prior-posterior", "estimands"]
    assert len(set(names)) == 16
    assert names[-2:] == ["loo", "sensitivity-priors"]
    assert {"loo-pit-last", "landmark-1y", "landmark-5y"} <= set(names)
    for name in names:
        assert len(pd.read_csv(out / f"{name}.csv")) >= 1
    assert (out / "pit-last-figure.csv").exists()


def test_default_folder_stands_beside_the_fit(folder: Path) -> None:
    done = runner.invoke(app, ["check", str(folder), "--json", "--quiet"])
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert Path(content["page"]) == folder.with_name("good-checks") / "checks.html"
    assert (folder.with_name("good-checks") / "checks.html").exists()


def test_failed_gate_shows_everything_and_exits_5(bad_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "checks"
    done = runner.invoke(app, ["check", str(bad_folder), "--out", str(out), "--quiet"])
    assert done.exit_code == 5
    assert "FAIL  convergence: Not converged" in done.stdout
    assert "gate: NOT PASSED" in done.stdout
    assert "use no number of it" in done.stderr
    html = (out / "checks.html").read_text(encoding="utf-8")
    assert "gate was NOT passed" in html
    assert "predictive-levels.csv" in html


def test_page_is_the_same_bytes_twice(folder: Path, page: str) -> None:
    fit = Fit.load(folder)
    assert render_checks(check_fit(fit), fit_header(fit)) == page


class Ids(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        for key in ("href", "xlink:href", "src"):
            if values.get(key):
                self.links.append(str(values[key]))


def test_page_is_self_contained(page: str) -> None:
    found = Ids()
    found.feed(page)
    assert len(found.ids) == len(set(found.ids))
    assert "script" not in found.tags
    assert all(link.startswith("#") for link in found.links)
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert "default-src 'none'" in page
    assert found.tags.count("svg") == page.count("<title id=") == 12
    assert all(len(title) > 20 for title in re.findall(r"<title id=[^>]*>([^<]*)<", page))


def test_page_says_what_it_is(page: str) -> None:
    assert "Synthetic data: these patients are simulated." in page
    assert "Convergence gate: passed." in page
    assert "made &lt;up&gt;" in page
    assert "<up>" not in page
    assert "<dt>Seed</dt><dd>1</dd>" in page
    assert "Prior" in page or "PRIORS" in page


def test_no_patient_is_named(page: str) -> None:
    assert not re.search(r"\bP0\d\d\b", page)


def test_prior_prints_and_writes(tmp_path: Path) -> None:
    done = runner.invoke(app, ["prior", "@drift", str(COHORT), "--out", str(tmp_path / "p")])
    assert done.exit_code == 0, done.output
    assert "pass  prior-doses" in done.output
    html = (tmp_path / "p" / "prior.html").read_text(encoding="utf-8")
    assert "Convergence gate" not in html
    content = json.loads((tmp_path / "p" / "prior.json").read_text(encoding="utf-8"))
    assert content["gate_passed"] is None
    assert content["synthetic"] is True


def test_prior_without_out_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = runner.invoke(app, ["prior", "@drift", str(COHORT), "--json", "--seed", "7"])
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert content["page"] is None
    assert content["reproduction"]["Seed"] == "7"
    assert list(tmp_path.iterdir()) == []


def test_prior_refuses_other_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModelSpec(format=1, kind="other", name="other", version="1", title="x")
    monkeypatch.setattr("itb_bayes.spec.load_model", lambda name: other)
    done = runner.invoke(app, ["prior", "@other", str(COHORT)])
    assert isinstance(done.exception, ModelError)
    assert "have no prior checks" in str(done.exception)


@pytest.mark.parametrize("command", ["check", "prior"])
def test_foreign_folder_is_refused_before_work(
    command: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    monkeypatch.setattr("itb_bayes.checks.suite.check_fit", None)
    monkeypatch.setattr("itb_bayes.checks.prior_predictive.prior_checks", None)
    what = [str(folder)] if command == "check" else ["@drift", str(COHORT)]
    done = runner.invoke(app, [command, *what, "--out", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert "holds something else" in str(done.exception)


def test_file_as_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file"):
        write_checks([], fit_header(Fit.load(folder)), target)


def test_folder_that_cannot_be_made_is_a_usage_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cannot write to .*\(a part of the path is no folder\)"):
        write_checks([], fit_header(Fit.load(folder)), tmp_path / "file" / "under")


def test_unknown_figure_is_refused() -> None:
    result = CheckResult("x", "?", "none", None, "", pd.DataFrame(), "pie")
    with pytest.raises(ValueError, match="no figure 'pie'"):
        draw_figure(result)


def test_failed_come_first_and_values_are_plain() -> None:
    table = pd.DataFrame({"a": [np.nan, 1.23456789], "b": [True, False], "c": ["x", None]})
    results = [
        CheckResult("one", "?", "c", None, "", table),
        CheckResult("two", "?", "c", True, "", table),
        CheckResult("three", "?", "c", False, "", table),
    ]
    assert [r.name for r in failed_first(results)] == ["three", "two", "one"]
    assert [r.verdict for r in results] == ["info", "pass", "FAIL"]
    rows = results[0].as_dict()["table"]
    assert rows[0]["a"] is None
    assert rows[1]["a"] == 1.23457
    assert rows[0]["b"] is True
    assert json.dumps(rows, allow_nan=False)
