import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from itb_bayes.figures.dotplot import WIDTH_INCHES, DotplotChart, stack_dots
from itb_bayes.figures.sparkline import sparkline_path
from itb_bayes.figures.style import BLUE, GREEN, GREY, INK, VERMILLION, chart_style, plain_text
from itb_bayes.figures.svg import inline_svg
from itb_bayes.figures.trajectory import Band, TrajectoryChart

T = np.arange(1.0, 7.0)
DOSE = np.array([100.0, 120.0, 150.0, 150.0, 200.0, 260.0])
BAND = Band(np.arange(0.0, 10.5, 0.5), np.outer([50, 100, 200, 400, 800.0], np.ones(21)))
FAN_DOSE = [[260, 200, 180], [260, 240, 230], [260, 270, 280], [260, 300, 330], [260, 360, 420]]
FAN = Band(np.array([6.0, 6.5, 7.0]), np.array(FAN_DOSE, dtype=float))


def _trajectory() -> Figure:
    return TrajectoryChart(BAND, 10.0).draw(T, DOSE, FAN)


def _svg(figure: Figure, key: str = "dose", title: str = "A title.", desc: str = "How.") -> str:
    with chart_style():
        return inline_svg(figure, key, title, desc)


def test_svg_is_described_and_says_nothing_of_its_making() -> None:
    with chart_style():
        svg = _svg(_trajectory())
    assert svg.startswith('<svg role="img" aria-labelledby="dose-t" aria-describedby="dose-d"')
    assert '<title id="dose-t">A title.</title><desc id="dose-d">How.</desc>' in svg
    assert svg.endswith("</svg>")
    for word in ("Matplotlib", "metadata", "font-family", "DejaVu", "<!--", 'width="5'):
        assert word not in svg


def test_svg_ids_are_those_of_the_key_and_all_are_used() -> None:
    with chart_style():
        svg = _svg(_trajectory(), key="k7")
    ids = re.findall(r'\sid="([^"]*)"', svg)
    references = set(re.findall(r"#([A-Za-z][^\")]*)(?=[\")])", svg))
    assert len(ids) == len(set(ids))
    assert all(name.startswith("k7-") for name in ids)
    assert set(ids) - {"k7-t", "k7-d"} == {r for r in references if r.startswith("k7-")}
    assert not re.findall(r"(?:url\(|href=\")#(?!k7-)", svg)


def test_same_chart_gives_the_same_bytes_whoever_was_drawn_before() -> None:
    with chart_style():
        fresh = _svg(_trajectory())
        chart = TrajectoryChart(BAND, 10.0)
        _svg(chart.draw(T[:3], 4.0 * DOSE[:3], None))
        again = _svg(chart.draw(T, DOSE, FAN))
        dots = np.linspace(200.0, 500.0, 20)
        alone = _svg(DotplotChart("dose").draw(dots, 260.0, 100.0))
        plot = DotplotChart("dose")
        _svg(plot.draw(dots * 3.0, 900.0, 100.0))
        after = _svg(plot.draw(dots, 260.0, 100.0))
    assert again == fresh
    assert after == alone


def test_foreign_text_is_escaped_and_never_read_as_mathematics() -> None:
    hostile = "<script>alert(1)</script> $\\frac{1}{2}$ \x00\u202eabc"
    with chart_style():
        figure = DotplotChart(hostile).draw(np.linspace(100.0, 300.0, 20), 150.0, 100.0)
        svg = _svg(figure, title=hostile, desc=hostile)
    assert "<script" not in svg
    assert svg.count("$\\frac{1}{2}$") == 3
    assert "\x00" not in svg
    assert "\u202e" not in svg


@pytest.mark.parametrize("key", ["", "A", "1a", 'a"b', "a b"])
def test_a_key_that_is_no_id_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="prefix of an id"):
        inline_svg(Figure(), key, "t", "d")


def test_plain_text_keeps_letters_of_every_script() -> None:
    assert plain_text("Ärzte\u200f \u0000日本\x07 A₁") == "Ärzte 日本 A₁"


def test_trajectory_axis_holds_everything_drawn() -> None:
    figure = _trajectory()
    low, high = figure.axes[0].get_ylim()
    assert low < 50.0
    assert high > 800.0
    alone = TrajectoryChart(None, 5.0).draw(T[:2], np.array([100.0, 100.0]), None)
    low, high = alone.axes[0].get_ylim()
    assert high / low == pytest.approx(4.0)
    assert alone.axes[0].get_xlim() == (0.0, 5.0)


def test_drawing_anew_removes_the_patient_before() -> None:
    chart = TrajectoryChart(BAND, 10.0)
    first = len(chart.draw(T, DOSE, FAN).axes[0].get_children())
    chart.draw(T, DOSE, None)
    assert len(chart.draw(T, DOSE, FAN).axes[0].get_children()) == first


@pytest.mark.parametrize(
    "dots",
    [np.linspace(250.0, 480.0, 20), np.full(20, 260.0), np.full(20, 355.0),
     np.sort(np.random.default_rng(1).lognormal(5.6, 0.3, 20))],
)  # fmt: skip
def test_dots_lie_on_their_side_of_the_threshold_and_do_not_overlap(dots: np.ndarray) -> None:
    axes = DotplotChart("dose").draw(dots, 260.0, 100.0).axes[0]
    below, above = (np.asarray(c.get_offsets()) for c in axes.collections)
    assert len(above) == (dots > 360.0).sum()
    assert len(below) + len(above) == 20
    assert (below[:, 0] < 360.0).all()
    assert (above[:, 0] > 360.0).all()
    every = np.concatenate([below, above])
    assert every[:, 1].max() < axes.get_ylim()[1]
    assert len({(round(x, 6), round(y, 6)) for x, y in every}) == 20


@pytest.mark.parametrize(
    ("dots", "now"),
    [
        (np.linspace(300.0, 900.0, 20), 250.0),  # the last dose lies at the left end
        (np.linspace(60.0, 5000.0, 20), 50.0),  # so does the threshold, close to it
        (np.linspace(100.0, 240.0, 20), 250.0),  # the threshold lies at the right end
        (np.linspace(100.0, 4900.0, 20), 5000.0),  # so does the last dose, close to it
        (np.linspace(260.0, 340.0, 20), 250.0),  # one at either end
        (np.linspace(200.0, 500.0, 20), 300.0),
    ],
)
def test_names_of_lines_lie_in_the_drawing_and_apart(dots: np.ndarray, now: float) -> None:
    with chart_style():
        figure = DotplotChart("dose").draw(dots, now, 100.0)
        FigureCanvasAgg(figure).draw()
        last, above = (text.get_window_extent() for text in figure.axes[0].texts)
    assert [text.get_text() for text in figure.axes[0].texts] == ["last dose", "100 above"]
    assert last.x0 >= -0.01
    assert above.x1 <= WIDTH_INCHES * figure.dpi + 0.01
    assert last.x1 < above.x0


def test_names_stand_at_their_lines_where_there_is_room() -> None:
    figure = DotplotChart("dose").draw(np.linspace(100.0, 600.0, 20), 300.0, 100.0)
    last, above = figure.axes[0].texts
    assert (last.get_ha(), above.get_ha()) == ("right", "left")
    assert 290.0 < last.get_position()[0] < 300.0
    assert 400.0 < above.get_position()[0] < 410.0


def test_stacks_hold_dots_closer_than_a_width() -> None:
    x, rank = stack_dots(np.array([1.0, 1.2, 1.9, 5.0]), 1.0)
    assert x.tolist() == [1.45, 1.45, 1.45, 5.0]
    assert rank.tolist() == [0, 1, 2, 0]


def test_sparkline_steps_within_its_frame() -> None:
    path = sparkline_path(T, DOSE, 72.0, 20.0)
    assert path.startswith("M1 19")
    assert path.endswith("H71V1")
    assert path.count("V") == 4
    assert sparkline_path(T[:1], DOSE[:1], 72.0, 20.0) == "M1 10"


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [INK, BLUE, VERMILLION, GREEN, GREY])
def test_lines_and_marks_reach_three_to_one_on_white(colour: str) -> None:
    assert 1.05 / (_luminance(colour) + 0.05) >= 3.0
