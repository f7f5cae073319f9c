"""What explained the past, and since when: by hand on given courses, and of made-up fits."""

import numpy as np
import pytest

from itb_bayes.kernel.regimes.layout import EXPLANATIONS
from itb_bayes.risk.courses import look_back, onset_of_last, smooth_visits, years_in

T = np.array([0.0, 1.0, 2.0, 4.0])
HALF = np.full((1, 4), 0.5)
NONE, CATHETER = 0, EXPLANATIONS.index("catheter")


def course(before, after=None):
    return np.array([before]), np.array([after or before]), HALF


@pytest.mark.parametrize(
    ("before", "after", "began"),
    [
        ([0, 0, 0, 4], None, 3.0),
        ([0, 4, 4, 4], None, 0.5),
        ([4, 4, 4, 4], None, 0.0),
        ([4, 4, 0, 4], None, 3.0),
        ([0, 4, 4, 4], [0, 4, 0, 4], 3.0),  # repaired at the third visit, and back
        ([0, 4, 4, 0], [0, 4, 0, 0], 2.0),  # repaired there: none since that day
    ],
)
def test_the_explanation_of_the_last_visit_began(before, after, began):
    assert onset_of_last(T, *course(before, after))[0] == began


def test_years_add_up_to_the_record():
    spent = years_in(T, *course([0, 4, 4, 0], [0, 4, 0, 0]))[0]
    assert spent[CATHETER] == 0.5 + 1.0
    assert spent[NONE] == 0.5 + 2.0
    assert spent.sum() == T[-1]


def test_a_change_between_visits_is_shared():
    first, second = 0.25, 0.75
    when = np.array([[0.0, first, 0.0, second]])
    before = np.array([[0, 4, 4, 0]])
    spent = years_in(T, before, before, when)[0]
    assert spent[CATHETER] == (1.0 - first) + 1.0 + second * 2.0
    assert onset_of_last(T, before, before, when)[0] == 2.0 + second * 2.0


@pytest.fixture(scope="module")
def seen(regimes_fit):
    draws = regimes_fit.population()
    weight = np.full(draws.n_draw, 1.0 / draws.n_draw)
    return [
        look_back(regimes_fit.plan.between(i, i + 1), draws.of_patient(i), weight, 1, paths=8)
        for i in (1, 2)
    ]


def test_a_course_sums_up(seen, regimes_fit):
    for i, said in zip((1, 2), seen, strict=True):
        plan = regimes_fit.plan
        steps = slice(plan.offsets[i], plan.offsets[i + 1])
        np.testing.assert_array_equal(said.t_years, plan.t_years[steps])
        np.testing.assert_allclose(said.probability.sum(axis=1), 1.0, rtol=1e-5)
        span = said.t_years[-1] - said.t_years[0]
        assert sum(mean for mean, _, _ in said.years.values()) == pytest.approx(span)
        for mean, low, high in said.years.values():
            assert 0.0 <= low <= high <= span + 1e-9
            assert -1e-9 <= mean <= span + 1e-9
        chances = [since.probability for since in said.since]
        assert chances == sorted(chances, reverse=True)
        for since in said.since:
            assert said.t_years[0] <= since.low_years <= since.median_years <= since.high_years
            assert since.high_years <= said.t_years[-1]
            e = EXPLANATIONS.index(since.explanation)
            assert since.probability == pytest.approx(said.probability[-1, e], abs=0.12)


def test_a_confirmed_fault_is_remembered(seen):
    said = seen[0]  # R2: catheter fault confirmed at 1.6 years
    found = int(np.argmin(np.abs(said.t_years - 1.6)))
    assert said.probability[found, CATHETER] > 0.999
    assert said.probability[found - 1, CATHETER] > 0.5
    assert said.years["catheter"][0] > 0.05
    if said.t_years[-1] > 1.61:
        none = next(since for since in said.since if since.explanation == "none")
        assert none.median_years >= 1.6 - 1e-3


def test_one_seed_gives_one_answer_and_company_does_not_matter(regimes_fit):
    draws = regimes_fit.population()
    weight = np.full(draws.n_draw, 1.0 / draws.n_draw)
    one = regimes_fit.plan.between(0, 1)
    a, b = (look_back(one, draws.of_patient(0), weight, 3, paths=1) for _ in range(2))
    assert a.since == b.since
    assert a.years == b.years
    alone = smooth_visits(one, draws.of_patient(0))
    whole = smooth_visits(regimes_fit.plan, draws)[:, : one.data.shape[0]]
    np.testing.assert_array_equal(alone, whole)
