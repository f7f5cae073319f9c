"""What `risk --patient` says of the past: since when, in words."""

import numpy as np
import pytest

from itb_bayes.cli.explanations import show_past, since_in_words
from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.risk.courses import Course, Since


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (
            Since("catheter", 0.62, 3.5, 3.2, 3.9, 0.0),
            (
                "a catheter problem, if present (62 in 100): most likely began between years 3.2 "
                "and 3.9 (median 3.5, 6 months before the last record)"
            ),
        ),
        (
            Since("tolerance", 0.031, 3.92, 3.0, 4.0, 0.0),
            (
                "tolerance, if present (3 in 100): most likely began between years 3.0 and 4.0 "
                "(median 3.9, 1 month before the last record)"
            ),
        ),
        (
            Since("trigger", 0.996, 3.98, 3.9, 4.0, 0.0),
            (
                "a trigger, if present (>99 in 100): most likely began between years 3.9 and 4.0 "
                "(median 4.0, less than a month before the last record)"
            ),
        ),
        (
            Since("pump", 0.2, 0.0, 0.0, 0.1, 0.9),
            "a pump problem, if present (20 in 100): as long as the record reaches back",
        ),
    ],
)
def test_since_when_in_words(since, words):
    assert since_in_words(since, 4.0) == words


def test_who_has_nothing_is_asked_nothing(capsys):
    past = Course(
        np.array([0.0, 0.5]), np.tile(np.eye(6)[0], (2, 1)),
        (Since("none", 1.0, 0.0, 0.0, 0.0, 1.0), Since("pump", 0.01, 0.4, 0.3, 0.5, 0.0)),
        {name: (0.5 * (name == "none"),) * 3 for name in EXPLANATIONS},
    )  # fmt: skip
    show_past(past)
    printed = capsys.readouterr().out
    assert "no explanation is there with 2 in 100 or more" in printed
    assert "pump problem" not in printed
    assert printed.rstrip().splitlines()[-1].split() == ["none", "0.5", "0.5", "0.5"]
