"""What a regimes fit says about each patient: courses, judgements, evidence of both sides."""

from dataclasses import replace

import numpy as np
import pytest

from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.layout import Col
from itb_bayes.risk.evidence import EvidenceLine
from itb_bayes.risk.explanations import explain_patients
from itb_bayes.risk.regimes_patient import (
    _both_sides,
    count_group_rule,
    dose_course,
    draws_like,
    judge_explained,
    summarise_explained,
)
from itb_bayes.risk.regimes_reference import explained_bands, first_steps


@pytest.fixture(scope="module")
def summaries(regimes_fit):
    return summarise_explained(regimes_fit)


def test_numbers_are_those_of_the_explanations(regimes_fit, summaries):
    told = []
    found = explain_patients(
        regimes_fit.plan, regimes_fit.population(), mode="refit",
        horizons_months=(3.0, 6.0, 9.0, 12.0), seed=regimes_fit.seed,
    )  # fmt: skip
    for summary, patient in zip(summaries, found, strict=True):
        assert summary.said.present == patient.present
        assert summary.said.rise == patient.rise
        assert {m for m, _ in summary.said.onset} <= {12.0}
        assert [f.p_rise.value for f in summary.forecasts] == [
            p.value for p in patient.rise.values()
        ]
        for f in summary.forecasts:
            assert len(f.dots_ug) == 20
            assert list(f.dots_ug) == sorted(f.dots_ug)
            assert f.dose_ug.q05 <= f.dose_ug.median <= f.dose_ug.q95
            assert patient.dose_ug[f.horizon_months][1] == f.dose_ug.median
    n_draw = regimes_fit.population().n_draw
    summarise_explained(regimes_fit, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (n_draw + 6, n_draw + 6)
    assert [done for done, _ in told] == list(range(1, n_draw + 7))


def test_dose_course_is_the_record(regimes_fit):
    plan = regimes_fit.plan
    t, dose = dose_course(plan, 0)
    own = plan.data[: plan.offsets[1]]
    np.testing.assert_array_equal(t, own[:, Col.T])
    np.testing.assert_allclose(dose[:-1], np.exp(own[1:, Col.LOG_DOSE]))
    changed = np.isfinite(own[:, Col.DOSE_CHANGE])
    after = np.exp(own[:, Col.LOG_DOSE] + own[:, Col.DOSE_CHANGE])
    np.testing.assert_allclose(dose[changed], after[changed], rtol=1e-12)
    count = count_group_rule(plan, np.ones(6, dtype=bool))
    assert 0 <= count.flagged <= count.at_risk


def test_records_are_judged(regimes_fit):
    plan = regimes_fit.plan
    assert judge_explained(plan, 0) == ("ok", ())
    status, reasons = judge_explained(plan, 5)
    assert (status, reasons[0].split(";")[0]) == (
        "not estimated", "only 1 visit with a reading of tone or a dose",
    )  # fmt: skip
    data = plan.data.copy()
    data[:, Col.ASHWORTH] = np.nan
    status, reasons = judge_explained(replace(plan, data=data), 0)
    assert status == "limited"
    assert "no Ashworth score on record" in reasons[-1]
    nowhere = replace(plan, centre_index=np.full(6, -1))
    assert "a centre that was not fitted" in judge_explained(nowhere, 0)[1][0]
    unknown = replace(plan, diagnosis_index=np.full(6, -1))
    assert judge_explained(unknown, 0)[1] == ("the diagnosis is none of those fitted",)


def _line(log_ratio):
    return EvidenceLine(1.0, "Ashworth", "pump", log_ratio, "seen")


@pytest.mark.parametrize(
    ("ratios", "kept"),
    [
        ((5, 4, 3, 2, -1, -2, -3), (5, 4, 3, -3, -2)),
        ((5, 4, 3, 2, 1, 0.5), (5, 4, 3, 2, 1)),
        ((5, 4, 3, 2, -1), (5, 4, 3, 2, -1)),
        ((1, -5, -4, -3, -2, -0.5), (-5, -4, -3, -2, 1)),
        ((), ()),
    ],
)
def test_both_sides_are_heard(ratios, kept):
    ordered = sorted(ratios, key=lambda r: -abs(r))
    found = _both_sides(tuple(_line(float(r)) for r in ordered))
    assert sorted(x.log_ratio for x in found) == sorted(map(float, kept))
    sizes = [abs(x.log_ratio) for x in found]
    assert sizes == sorted(sizes, reverse=True)


def test_draws_stand_for_weighted_ones():
    g = np.arange(200.0)[:, None]
    draws = RegimesDraws(g, g[:, None])
    same = draws_like(draws, np.full(200, 1.0 / 200))
    np.testing.assert_array_equal(same.g, g)
    weight = np.zeros(200)
    weight[[7, 90]] = 0.25, 0.75
    few = draws_like(draws, weight)
    assert (few.g == 7).sum() == 50
    assert (few.g == 90).sum() == 150


def test_bands_widen_from_the_first_doses(regimes_fit):
    t = np.array([0.25, 1.0, 3.0, 8.0])
    everybody = np.ones(6, dtype=bool)
    bands = explained_bands(regimes_fit, everybody, t, 1)
    assert bands.shape == (5, 4)
    assert (np.diff(bands, axis=0) > 0.0).all()
    spread = np.log(bands[4] / bands[0])
    assert spread[-1] > spread[0]
    np.testing.assert_array_equal(bands, explained_bands(regimes_fit, everybody, t, 1))
    first = first_steps(regimes_fit.plan, np.array([0, 3]))
    assert first.patient_ids == ("R1", "R4")
    assert first.data.shape[0] == 2


def test_no_bands_without_doses_or_without_a_beginning(regimes_fit):
    t = np.array([0.5, 1.0])
    plan = regimes_fit.plan
    mute = type(regimes_fit)(
        regimes_fit.spec, replace(plan, channels=("ashworth",)), regimes_fit.draws,
        regimes_fit.gate, regimes_fit.manifest,
    )  # fmt: skip
    assert explained_bands(mute, np.ones(6, dtype=bool), t, 1) is None
    assert explained_bands(regimes_fit, np.zeros(6, dtype=bool), t, 1) is None
