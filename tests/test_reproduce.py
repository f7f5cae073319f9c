"""Reproductions of the papers: every line, the same bytes, and what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from drift_cases import instead_of_sampling, permuted_chains, run_command
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.kernel.drift_meta import DriftPriors, DriftReports, draw_meta, log_marginal
from itb_bayes.kernel.rule_simulate import share_ever_flagged
from itb_bayes.literature import derived_drifts
from itb_bayes.reproduce.account import Table
from itb_bayes.reproduce.cells import p_cell, probability_cell
from itb_bayes.reproduce.conflicts import reproduce_conflicts
from itb_bayes.reproduce.fits import Fitter
from itb_bayes.reproduce.kawano_complications import exact_interval
from itb_bayes.reproduce.kawano_doses import operating_characteristics
from itb_bayes.reproduce.writing import account_page, figure_png, figure_svg, table_csv
from paper_fits import complications_draws, spasticity_draws


def _draws(spec, plan, chains, draws, seed):
    """Return made-up draws of any kind of model; those of drift are near its prior's middle."""
    made = {"complications": complications_draws, "spasticity": spasticity_draws}
    if spec.kind in made:
        return made[spec.kind](spec, plan, chains, draws, seed)
    prior = permuted_chains(spec, plan, chains, draws, seed)
    middle = prior.median(("chain", "draw"))
    return middle + 0.02 * (prior - middle)


def _reproduce(out: Path, *words: str):
    with instead_of_sampling(_draws):
        return run_command("reproduce", *words, "--out", out, "--profile", "quick", "--quiet")


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    out = tmp_path_factory.mktemp("everything") / "out"
    done = _reproduce(out, "--all")
    assert done.code == 0, done.stderr
    return out, done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "168", "157 (n = 22)", "194 (n = 18)", "113", "121", "0.006", "0.004",
        "all eight SCI", "ais_grade=B", "sci_level=cervical",
        "3.31 (1.75 to 4.00)", "1.38 (1.00 to 2.25)", "ANOVA F", "230.6", "fluctuating",
        "jitter 8 %", "called (paper", "125.5", "95.5", "8.8 % (n = 3)", "5.9 % (n = 2)",
        "pooled, typical centre", "Plassat 2004", "MS - SCI, new centre",
        "What cannot be reproduced", "SYNTHETIC DATA",
    ],
)  # fmt: skip
def test_every_line_of_the_papers_is_printed(line, everything):
    assert line in everything[1]


def test_pages_tables_and_figures_lie_in_the_folder(everything):
    out, _ = everything
    names = {path.name for path in out.iterdir()}
    assert {"skoog-hedman-2019.md", "kawano-2018.md", "conflicts.md"} <= names
    assert {"kawano-2018-figure-1.svg", "kawano-2018-figure-2.png", "conflicts-drift.svg"} <= names
    for page in ("skoog-hedman-2019.md", "kawano-2018.md"):
        text = (out / page).read_text(encoding="utf-8")
        assert "**Synthetic data**" in text
        for picture in re.findall(r"\]\((.*?\.svg)\)", text):
            assert (out / picture).stat().st_size > 1000
    ratios = (out / "skoog-hedman-2019-ratios.csv").read_text(encoding="utf-8").splitlines()
    assert len(ratios) == 5


def test_the_same_command_gives_the_same_bytes(everything, tmp_path):
    first, _ = everything
    done = _reproduce(tmp_path / "again", "kawano-2018", "conflicts")
    assert done.code == 0, done.stderr
    for path in sorted((tmp_path / "again").iterdir()):
        if path.is_file():
            assert path.read_bytes() == (first / path.name).read_bytes(), path.name


def test_an_earlier_reproduction_is_replaced_only_when_asked(everything, tmp_path):
    out, _ = everything
    assert run_command("reproduce", "conflicts", "--out", out).code == 2
    again = run_command("reproduce", "conflicts", "--out", out, "--force", "--json", "--quiet")
    assert again.code == 0, again.stderr
    content = json.loads(again.stdout)["reproductions"][0]
    assert content["synthetic"] is False
    assert "pooled-drift" in content["tables"]
    other = tmp_path / "mine"
    other.mkdir()
    (other / "notes.txt").write_text("kept", encoding="utf-8")
    refused = run_command("reproduce", "conflicts", "--out", other, "--force")
    assert refused.code == 2
    assert "--force" not in refused.stderr


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "say --all"),
        (["--all", "conflicts"], "say --all"),
        (["skoog"], "nothing called 'skoog'"),
        (["conflicts", "--regimes", "x"], "--regimes is for kawano-2018"),
    ],
)
def test_wrong_words_are_named(words, message, tmp_path):
    done = run_command("reproduce", *words, "--out", tmp_path / "out")
    assert done.code == 2
    assert message in done.stderr


def test_attribution_asks_for_a_regimes_fit(everything, tmp_path):
    drift = everything[0] / "fits" / "kawano-drift"
    done = _reproduce(tmp_path / "out", "kawano-2018", "--regimes", str(drift))
    assert done.code == 3
    assert "needs one of kind 'regimes'" in done.stderr


def test_a_fit_that_did_not_converge_gives_no_page(tmp_path):
    with instead_of_sampling(_draws, diverging=2):
        done = run_command(
            "reproduce", "skoog-hedman-2019", "--out", tmp_path / "out", "--profile", "quick",
            "--quiet",
        )  # fmt: skip
    assert done.code == 5
    assert not (tmp_path / "out" / "skoog-hedman-2019.md").exists()


REPORTS = DriftReports(
    np.array([0.075, 0.021, 0.04]), np.array([0.01, 0.01, 0.012]), np.array([0, 1, 0]),
    np.array([0, 0, 1]),
)  # fmt: skip


def test_a_single_report_has_the_textbook_posterior():
    one = DriftReports(np.array([0.06]), np.array([0.01]), np.array([0]), np.array([0]))
    priors = DriftPriors(0.03, 0.04, 1e-6, 1e-6)
    draws = draw_meta(one, priors, 40_000, np.random.default_rng(1))
    weight = 0.04**2 / (0.04**2 + 0.01**2)
    assert draws.drift.mean() == pytest.approx(0.03 + weight * 0.03, abs=2e-4)
    assert draws.drift.std() == pytest.approx(np.sqrt(weight) * 0.01, rel=0.02)
    density = norm.logpdf(0.06, 0.03, np.hypot(0.04, 0.01))
    assert log_marginal(one, priors, 0.0, 0.0) == pytest.approx(density)


def test_draws_are_those_of_brute_force():
    """Importance weights over a million draws from the prior give the same posterior."""
    priors = DriftPriors(0.03, 0.04, 0.02, 0.02)
    rng = np.random.default_rng(2)
    n = 1_000_000
    delta = 0.03 + 0.04 * rng.standard_normal((n, 2))
    omega, eta = (0.02 * np.abs(rng.standard_normal(n)) for _ in range(2))
    centre = omega[:, None] * rng.standard_normal((n, 2))
    own = eta[:, None] * rng.standard_normal((n, 3))
    true = delta[:, REPORTS.diagnosis] + centre[:, REPORTS.centre] + own
    weight = np.exp(norm.logpdf(REPORTS.drift, true, REPORTS.se).sum(axis=1))
    weight /= weight.sum()
    draws = draw_meta(REPORTS, priors, 40_000, np.random.default_rng(3))
    np.testing.assert_allclose(draws.drift.mean(axis=0), weight @ delta, atol=1.5e-3)
    assert draws.own_sd.mean() == pytest.approx(float(weight @ eta), abs=1e-3)
    np.testing.assert_allclose(draws.reported.mean(axis=0), weight @ true, atol=1e-3)


def test_cohorts_that_disagree_leave_the_sign_open(tmp_path):
    account = reproduce_conflicts(Fitter(tmp_path, SamplerSettings(500, 500, seed=4)))
    rows = {row[0]: row for row in account.tables[1].rows}
    assert 0.5 < float(rows["MS - SCI, typical centre"][2]) < 0.85
    low, high = re.findall(r"-?[\d.]+", rows["MS - SCI, new centre"][1])[1:]
    assert float(low) < 0 < float(high)
    assert len(account.tables[0].rows) == len(derived_drifts())


def test_the_rule_flags_by_the_level_of_the_dose():
    table = operating_characteristics(1)
    shares = {(row[0], row[1]): [float(x) for x in row[3:]] for row in table.rows}
    flat = [shares["flat (spread 2 % a year)", m] for m in ("168", "230.6", "350")]
    assert flat[0][2] < flat[1][2] < flat[2][2]
    assert all(row == sorted(row) for row in shares.values())
    # Derived figures of domain notes: 5, 12 and 25 of 100 at 8 % jitter
    assert [row[2] for row in flat] == pytest.approx([5, 12, 25], abs=2.5)


def test_without_jitter_and_drift_nobody_is_flagged():
    rng = np.random.default_rng(1)
    assert share_ever_flagged(168.0, 0.0, 0.0, 0.0, rng) == 0.0


def test_exact_intervals_are_those_of_the_literature():
    low, high = exact_interval(0, 100.0)
    assert (low, high) == (0.0, pytest.approx(2.9957, abs=1e-3))
    low, high = exact_interval(10, 1000.0)
    assert (low, high) == (pytest.approx(0.5425, abs=1e-3), pytest.approx(1.6962, abs=1e-3))


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="columns of the header"):
        Table("t", "T", ("a", "b"), (("1",),))


def test_cells_never_say_certain():
    assert probability_cell(np.ones(4000, dtype=bool)) == ">0.999"
    assert probability_cell(np.zeros(4000, dtype=bool)) == "<0.001"
    assert (p_cell(0.0042), p_cell(1e-9)) == ("0.0042", "<0.0001")


def test_files_have_no_date_and_no_machine(tmp_path):
    account = reproduce_conflicts(Fitter(tmp_path, SamplerSettings(500, 500, seed=4)))
    figure = account.pictures[0].figure
    assert figure_svg(figure, "x") == figure_svg(figure, "x")
    assert b"<dc:date>" not in figure_svg(figure, "x")
    assert figure_png(figure) == figure_png(figure)
    page = account_page(account)
    assert "| MS - SCI, typical centre |" in page
    assert str(Path.home()) not in page
    assert table_csv(account.tables[1]).startswith("quantity,")
