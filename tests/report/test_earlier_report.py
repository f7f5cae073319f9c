from pathlib import Path

import pytest
from report_cases import CANARY, Report

from itb_bayes.errors import UsageError
from itb_bayes.report.earlier import read_earlier
from itb_bayes.report.explained import Change, ExplanationNow
from itb_bayes.report.explained_sentences import change_words
from itb_bayes.report.writing import write_report


def test_an_earlier_report_is_read_whole(explained: Report) -> None:
    earlier = read_earlier(explained.folder, explained.fit)
    assert earlier.run == explained.fit.run_id
    assert earlier.documents == explained.documents


def test_a_report_of_another_model_is_refused(explained: Report, report: Report) -> None:
    with pytest.raises(UsageError, match="changes are told between reports of the same model"):
        read_earlier(report.folder, explained.fit)


def test_a_folder_without_a_report_is_refused(explained: Report, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no report"):
        read_earlier(tmp_path, explained.fit)


def test_a_broken_document_is_refused(explained: Report, tmp_path: Path) -> None:
    made = write_report(explained.fit, tmp_path / "out", (CANARY,))
    page = made.index.patients[0].page_id
    (made.folder / f"{page}.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        read_earlier(made.folder, explained.fit)


def test_dose_reports_tell_the_chance_before(report: Report, tmp_path: Path) -> None:
    made = write_report(report.fit, tmp_path / "out", (CANARY,), since=report.folder)
    (row,) = made.index.patients
    assert row.previous_count == row.count
    assert made.index.since == report.fit.run_id


@pytest.mark.parametrize(
    ("count", "before", "said"),
    [(34, 12, "up from 12"), (12, 34, "down from 34"), (12, 13, "about the same (13)")],
)
def test_changes_are_said_in_words(count: int, before: int, said: str) -> None:
    change = Change(before / 100, before, 1.0)
    item = ExplanationNow("pump", "pump problem", count / 100, 0, 1, 0, count, None, change)
    assert change_words(item) == said
