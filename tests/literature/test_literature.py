"""Published figures: every one has a source and a status, and arithmetic agrees with its parts."""

import csv
import io
import json
import math
from typing import get_args

import pytest
from typer.testing import CliRunner

from itb_bayes.cli.main import app
from itb_bayes.errors import UsageError
from itb_bayes.literature import (
    complication_counts,
    figure,
    figures,
    kawano_table,
    sources,
)
from itb_bayes.literature.counts import COMPLICATIONS
from itb_bayes.literature.figures import Status


def _run(*words: str) -> str:
    result = CliRunner().invoke(app, ["literature", *words], env={"COLUMNS": "200"})
    assert result.exception is None, result.output
    return result.stdout


def test_every_figure_names_a_source_a_place_a_unit_and_a_status() -> None:
    assert len(figures()) > 100
    for one in figures():
        assert one.source in sources(), one.id
        assert one.place, one.id
        assert one.unit, one.id
        assert one.status in get_args(Status), one.id
        assert one.value is not None or one.low is not None or one.note, one.id


def test_every_count_names_a_source_and_is_in_order() -> None:
    for cell in complication_counts():
        assert cell.source in sources()
        assert cell.complication in COMPLICATIONS
        assert cell.status in get_args(Status)
        assert (cell.events_low is None) == (cell.events_high is None)
        if cell.events_low is not None:
            assert cell.events_high is not None
            assert 0 <= cell.events_low <= cell.events_high


def test_every_series_has_every_cell_once() -> None:
    cells = [(cell.source, cell.complication) for cell in complication_counts()]
    assert len(set(cells)) == len(cells)
    assert len(cells) == len({source for source, _ in cells}) * len(COMPLICATIONS)


def test_counts_round_to_the_printed_shares_where_any_does() -> None:
    """Zahavi's shares belong to no count of 21; all others do."""
    for cell in complication_counts():
        if cell.percent_printed is None or cell.source == "zahavi2004":
            continue
        assert cell.patients is not None
        assert cell.events_low is not None
        assert cell.events_high is not None
        half = 0.05 if cell.percent_printed % 1 else 0.5
        fitting = [
            k
            for k in range(cell.patients + 1)
            if abs(100 * k / cell.patients - cell.percent_printed) <= half
        ]
        assert fitting == list(range(cell.events_low, cell.events_high + 1)), cell


def test_missing_cells_of_the_table_stay_missing() -> None:
    rows = {row.source: row for row in kawano_table()}
    assert [row.source for row in kawano_table()][-1] == "kawano2018"
    assert rows["plassat2004"].catheter_percent is None
    assert rows["mathur2014"].tolerance_percent is None
    assert rows["boster2016"].patients is None
    assert rows["draulans2013"].catheter_percent == 60.0
    known = {(c.source, c.complication) for c in complication_counts() if c.is_known}
    assert ("plassat2004", "catheter") not in known
    assert ("zahavi2004", "tolerance") not in known
    assert ("benedicic2023", "catheter") not in known


def test_the_table_agrees_with_the_counts() -> None:
    printed = {row.source: row for row in kawano_table()}
    for cell in complication_counts():
        row = printed.get(cell.source)
        if row is not None and cell.complication != "infection" and cell.source != "kawano2018":
            assert getattr(row, f"{cell.complication}_percent") == cell.percent_printed
            assert row.patients == cell.patients


def test_derived_figures_follow_from_what_was_read() -> None:
    for group in ("ms", "sci"):
        drift = figure(f"skoog-drift-{group}").stated
        for year in (7, 10):
            ratio = figure(f"skoog-ratio-{year}y-{group}").stated / 100
            assert math.log(ratio) / (year - 1) == pytest.approx(drift, abs=0.0015)
    for group in ("spinal", "ms", "cerebral"):
        last, first = (figure(f"jscm-dose-{group}-{t}y").stated for t in (10, 1))
        drift = figure(f"jscm-drift-{group}").stated
        assert math.log(last / first) / 9 == pytest.approx(drift, abs=0.0006)
    assert 34 * figure("kawano-follow-up").stated == pytest.approx(235, abs=0.5)


def test_a_figure_that_says_no_number_says_so() -> None:
    with pytest.raises(UsageError, match="nmc-sci"):
        _ = figure("nmc-sci").stated


@pytest.mark.parametrize("call", [lambda: figure("skog"), lambda: figures(source="skog")])
def test_what_is_not_there_is_refused(call) -> None:
    with pytest.raises(UsageError, match="skog"):
        call()


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(UsageError, match="dose_ratio"):
        figures(quantity="doses")


@pytest.mark.parametrize("table", ["figures", "complications", "kawano-table-1", "sources"])
def test_every_table_is_shown_in_every_format(table: str) -> None:
    assert "kawano2018" in _run(table) or "kawano-dose" in _run(table)
    rows = json.loads(_run(table, "--json"))["rows"]
    read = list(csv.DictReader(io.StringIO(_run(table, "--format", "csv"))))
    assert len(read) == len(rows) > 0
    assert list(read[0]) == list(rows[0])


def test_the_list_can_be_narrowed() -> None:
    rows = json.loads(_run("--source", "skoog2019", "--quantity", "dose_ratio", "--json"))["rows"]
    assert {row["value"] for row in rows} == {157, 194, 113, 121}
    assert "555" in _run("--source", "skoog2019", "--quantity", "dose_ratio")
    only = json.loads(_run("complications", "--source", "feller2021", "--json"))["rows"]
    assert [row["events_low"] for row in only] == [9, None, None, None]
    assert "nothing" in _run("kawano-table-1", "--source", "skoog2019")
    assert "10.5535" in _run("sources", "--source", "skoog2019")


@pytest.mark.parametrize(
    "words, message",
    [
        (["tables"], "no table 'tables'"),
        (["--format", "xml"], "no format 'xml'"),
        (["--source", "skog"], "no source 'skog'"),
        (["sources", "--quantity", "dose"], "--quantity"),
    ],
)
def test_wrong_words_are_named(words: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["literature", *words])
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
