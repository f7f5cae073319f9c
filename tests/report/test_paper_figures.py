"""Figures for papers: drawn from the source data beside them, the same bytes, nobody named."""

import io
import json
import re
from pathlib import Path

import matplotlib.image
import pandas as pd
import pikepdf
import pytest
from explained_cases import IDS as EXPLAINED_IDS
from explained_cases import ODD
from report_cases import CANARY, IDS, SHORT

from drift_cases import run_command
from fits import make_fit, make_plan, save_fit
from itb_bayes.errors import GateError, UsageError
from itb_bayes.figures.paper import MM_PER_INCH, WIDTHS_MM, Canvas
from itb_bayes.figures.saving import PNG_DPI, figure_files
from itb_bayes.figures.style import chart_style
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.report.paper_figures import (
    FIGURES,
    explained_centiles,
    figures_of,
    make_figures,
    read_source,
)
from regimes_fits import small_regimes_fit


@pytest.fixture(scope="module", params=["drift", "regimes"])
def made(
    request: pytest.FixtureRequest, hostile_fit: Fit, explaining_fit: RegimesFit,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Fit | RegimesFit, Path]:  # fmt: skip
    """All figures of one fit of either kind."""
    fit = hostile_fit if request.param == "drift" else explaining_fit
    out = tmp_path_factory.mktemp("figures") / request.param
    make_figures(fit, out)
    return request.param, fit, out


def test_every_figure_has_all_its_files(made: tuple) -> None:
    kind, fit, out = made
    names = {figure.name for figure in figures_of(kind)}
    suffixes = ("csv", "pdf", "svg", "png")
    files = {f"{name}.{suffix}" for name in names for suffix in suffixes}
    assert {p.name for p in out.iterdir()} == files | {"figures.json"}
    told = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert set(told["files"]) == files
    assert (told["run"], told["seed"], told["synthetic"]) == (fit.run_id, fit.seed, True)


def test_figures_are_drawn_from_the_source_data_beside_them(made: tuple) -> None:
    kind, fit, out = made
    for figure in figures_of(kind):
        table = read_source((out / f"{figure.name}.csv").read_text(encoding="utf-8"))
        with chart_style():
            drawn = figure.draw(table, Canvas(WIDTHS_MM["double"], True))
            title = f"SYNTHETIC DATA. {figure.title}. Run {fit.run_id}"
            files = figure_files(drawn, title, png_dpi=30)
        for suffix in ("pdf", "svg"):
            assert (out / f"{figure.name}.{suffix}").read_bytes() == files[suffix], figure.name


def test_figures_have_the_width_of_a_column_and_say_what_they_are(made: tuple) -> None:
    kind, _, out = made
    for figure in figures_of(kind):
        svg = (out / f"{figure.name}.svg").read_text(encoding="utf-8")
        points = float(re.search(r'<svg[^>]* width="([\d.]+)pt"', svg).group(1))
        assert points * MM_PER_INCH / 72.0 == pytest.approx(174.0, abs=0.1)
        assert "SYNTHETIC DATA" in svg
        sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:\S+ )?([\d.]+)px", svg)]
        assert sizes
        assert min(sizes) >= 7.0
        image = matplotlib.image.imread(io.BytesIO((out / f"{figure.name}.png").read_bytes()))
        assert image.shape[1] == pytest.approx(174.0 / MM_PER_INCH * PNG_DPI, abs=1)
        with pikepdf.open(out / f"{figure.name}.pdf") as pdf:
            assert figure.title in str(pdf.docinfo["/Title"])
            assert str(pdf.docinfo["/Subject"]) == "Research use only. Not a medical device."
            assert not {"/CreationDate", "/Author", "/Producer"} & set(pdf.docinfo)


def test_nobody_is_named_in_any_file(made: tuple) -> None:
    _, _, out = made
    for path in out.iterdir():
        content = path.read_bytes()
        for name in (CANARY, "short-record", "Caf", "alert(1)"):
            assert name.encode() not in content, path.name


def test_source_data_hold_the_numbers_of_all_estimated_patients(made: tuple) -> None:
    kind, _, out = made
    if kind == "drift":
        table = pd.read_csv(out / "rise-chances.csv")
        assert len(table) == len(IDS) - IDS.count(SHORT)
        assert table["value"].is_monotonic_increasing
        assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    else:
        table = pd.read_csv(out / "explanations.csv", keep_default_na=False)
        n = len(EXPLAINED_IDS) - len(ODD[:3])
        assert (table.groupby("explanation").size() == n).all()
        assert table["in_100"].sum() == pytest.approx(100.0 * n, rel=1e-4)


def test_a_single_column_is_narrower(explaining_fit: RegimesFit, tmp_path: Path) -> None:
    make_figures(explaining_fit, tmp_path / "out", ("requirement-drift",), width="single")
    svg = (tmp_path / "out" / "requirement-drift.svg").read_text(encoding="utf-8")
    points = float(re.search(r'<svg[^>]* width="([\d.]+)pt"', svg).group(1))
    assert points * MM_PER_INCH / 72.0 == pytest.approx(85.0, abs=0.1)


def test_what_is_not_there_is_refused(explaining_fit: RegimesFit, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no figure 'patient-drifts' of regimes fits; there are"):
        make_figures(explaining_fit, tmp_path / "out", ("patient-drifts",))
    with pytest.raises(UsageError, match="no width 'wide'; choose single or double"):
        make_figures(explaining_fit, tmp_path / "out", width="wide")
    with pytest.raises(GateError, match="did not pass"):
        make_figures(make_fit(make_plan(("A", "B")), passed=False), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folders_that_hold_something_else_are_refused(hostile_fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no earlier figures"):
        make_figures(hostile_fit, tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        make_figures(hostile_fit, tmp_path / "mine.txt")
    with pytest.raises(UsageError, match="cannot write to"):
        make_figures(hostile_fit, tmp_path / "mine.txt" / "below")
    blocked = tmp_path / "out"
    (blocked / "drift-by-diagnosis.csv").mkdir(parents=True)
    (blocked / "figures.json").write_text("{}")
    with pytest.raises(UsageError, match="cannot write to"):
        make_figures(hostile_fit, blocked, ("drift-by-diagnosis",))


def test_centiles_of_too_few_are_not_drawn(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs doses of at least 11 patients"):
        explained_centiles(small_regimes_fit(tmp_path / "small"))


def test_the_commands(tmp_path: Path) -> None:
    bundle = save_fit(make_fit(), tmp_path / "fit")
    listed = run_command("figures", "list")
    assert all(figure.title in listed.stdout for figure in FIGURES)
    assert len(json.loads(run_command("figures", "list", "--json").stdout)) == len(FIGURES)
    done = run_command("figures", "make", bundle, "--out", tmp_path / "out", "--only",
                       "drift-by-diagnosis")  # fmt: skip
    assert done.code == 0, done.stderr
    assert "SYNTHETIC DATA: every figure says so." in done.stdout
    assert "4 files in" in done.stdout
    again = run_command("figures", "make", bundle, "--out", tmp_path / "out", "--only",
                        "patient-drifts", "--json")  # fmt: skip
    assert json.loads(again.stdout)["files"] == [
        f"patient-drifts.{suffix}" for suffix in ("csv", "pdf", "svg", "png")
    ]
