"""Limits on what the files of a cohort may hold."""

import pytest

from itb_bayes.cohort.limits import Limits, limits
from itb_bayes.errors import UsageError


def test_limits_come_from_the_environment(monkeypatch):
    assert limits() == Limits()
    monkeypatch.setenv("ITB_BAYES_MAX_ROWS", "12")
    monkeypatch.setenv("ITB_BAYES_MAX_FILE_MB", " ")
    assert limits() == Limits(rows=12)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1e6", "٣", "9" * 20])
def test_a_limit_that_is_no_number_is_refused(value, monkeypatch):
    monkeypatch.setenv("ITB_BAYES_MAX_COLUMNS", value)
    with pytest.raises(UsageError, match="ITB_BAYES_MAX_COLUMNS must be a whole number above zero"):
        limits()
