"""What speaks for and against: likelihood ratios of channels and visits."""

from dataclasses import replace

import numpy as np
import pytest

from itb_bayes.cohort.actions import Action
from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.kernel.regimes.findings import CHANNELS
from itb_bayes.kernel.regimes.layout import (
    EXPLANATION_OF_STATE,
    EXPLANATIONS,
    N_STATE,
    START_ELSEWHERE,
    TOLERANCE_FROM_YEARS,
    Code,
    Col,
    Own,
    Par,
)
from itb_bayes.kernel.regimes.oracle_moves import named, transition_matrix
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.risk.evidence import (
    describe_step,
    dose_and_tone,
    evidence_ratios,
    evidence_table,
    strongest_evidence,
)

GROUP = np.array(EXPLANATION_OF_STATE)
ALONE = [EXPLANATIONS.index(name) for name in ("trigger", "progression", "pump")]
"""Explanations of a single state."""


@pytest.fixture(scope="module")
def one(regimes_fit):
    """A single draw."""
    draws = regimes_fit.population()
    return RegimesDraws(draws.g[:1], draws.own[:1])


def odds(states: np.ndarray) -> np.ndarray:
    """Return log odds of every explanation against none, from states in the last axis."""
    sums = np.stack([states[..., e == GROUP].sum(axis=-1) for e in range(6)], axis=-1)
    return np.log(sums) - np.log(sums[..., :1])


def predicted(plan, draw: RegimesDraws, patient: int) -> tuple[np.ndarray, np.ndarray]:
    """Return state probabilities before and after what was seen at each step of a patient."""
    part = plan.between(patient, patient + 1)
    g, own = draw.g[0], draw.own[0, patient]
    _, belief, after, _, _ = trace(g, own[None], part.data, part.codes, part.offsets)
    before = np.empty((len(part.data), N_STATE))
    before[0] = START_ELSEWHERE
    before[0, 0] = 1.0 - (N_STATE - 1) * START_ELSEWHERE
    for k in range(1, len(part.data)):
        if part.codes[k - 1, Code.ACTION] == 0:
            left = belief[k - 1, :, 0]
        else:
            cut = part.data[:k], part.codes[:k], np.array([0, k])
            left = trace(g, own[None], *cut)[2][0, :, 0]
        row = part.data[k]
        dt = row[Col.T] - part.data[k - 1, Col.T]
        ages = row[Col.CATHETER_AGE], row[Col.PUMP_AGE]
        matrix = transition_matrix(named(g, Par), named(own, Own), row[Col.T], dt, *ages)
        before[k] = left @ matrix
    assert after.shape == (1, N_STATE, 6)
    return before, belief[:, :, 0]


@pytest.mark.parametrize("patient", range(6))
def test_ratios_are_what_moves_the_odds_beside_time_itself(patient, regimes_fit, one):
    """Odds now are the odds that time and operations left, times all ratios of the step."""
    ratios = evidence_ratios(regimes_fit.plan, one, patient)
    before, now = predicted(regimes_fit.plan, one, patient)
    change = odds(now) - odds(before)
    assert (ratios[:, :, 0] == 0.0).all()
    np.testing.assert_allclose(ratios.sum(axis=1)[:, ALONE], change[:, ALONE], atol=1e-7)
    assert np.abs(change[:, ALONE]).max() > 0.1


def test_a_single_channel_moves_the_odds_of_joined_states_too(regimes_fit, one):
    """Where one channel alone speaks, its ratio is the change of the odds of catheter as well."""
    plan = regimes_fit.plan
    data, codes = plan.data.copy(), plan.codes.copy()
    data[:, [Col.ASHWORTH, Col.PENN, Col.REFILL, Col.EDSS, Col.DOSE_CHANGE]] = np.nan
    codes[:, [Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER, Code.ACTION]] = 0
    bare = replace(plan, data=data, codes=codes)
    g = one.g.copy()
    labels = [Par.TOLERANCE_LABEL, Par.TOLERANCE_LABEL_LEAK, Par.TOLERANCE_LABEL_FALSE,
              Par.PROGRESSION_LABEL, Par.PROGRESSION_LABEL_FALSE, Par.TRIGGER_LABEL,
              Par.TRIGGER_LABEL_FALSE]  # fmt: skip
    found = [par for par in Par if par.name.startswith("FOUND_")]
    g[:, labels] = 0.0
    g[:, [*found, Par.ALARM]] = 0.0
    mute = RegimesDraws(g, one.own)
    ratios = evidence_ratios(bare, mute, 1)
    before, now = predicted(bare, mute, 1)
    step = int(np.flatnonzero(bare.between(1, 2).codes[:, Code.DYE] >= 0)[0])
    change = odds(now) - odds(before)
    np.testing.assert_allclose(ratios[step].sum(axis=0), change[step], atol=1e-8)
    catheter = EXPLANATIONS.index("catheter")
    assert ratios[step, 0, catheter] > 1.0
    assert np.count_nonzero(np.abs(ratios).max(axis=(0, 2)) > 1e-12) == 1


def test_a_positive_dye_study_by_hand(regimes_fit, one):
    plan = regimes_fit.plan
    codes = plan.codes.copy()
    codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]] = -1
    codes[plan.offsets[1] + 3, Code.DYE] = 1
    plan = replace(plan, codes=codes)
    calm = one.g.copy()
    calm[:, Par.ALARM] = 0.0
    ratios = evidence_ratios(plan, RegimesDraws(calm, one.own), 1)
    g = one.g[0]
    want = np.log(g[Par.DYE_SENSITIVITY] / g[Par.DYE_FALSE])
    tests = CHANNELS.index("work-up tests")
    assert ratios[3, tests, 4] == pytest.approx(want)
    np.testing.assert_allclose(ratios[3, tests, [1, 2, 3, 5]], 0.0, atol=1e-12)
    # That it was made speaks for a pump fault too, which raises the alarm by itself.
    row, step = plan.data[plan.offsets[1] + 3], plan.offsets[1] + 3
    years = row[Col.T] - plan.data[step - 1, Col.T]
    rate = g[Par.WORK_UP] * row[Col.SEARCH]
    made = np.log(np.expm1(-(rate + g[Par.ALARM]) * years) / np.expm1(-rate * years))
    alarmed = evidence_ratios(plan, one, 1)
    assert alarmed[3, tests, EXPLANATIONS.index("pump")] == pytest.approx(made)
    quiet = CHANNELS.index("no fault confirmed")
    found = g[Par.FOUND_PUMP] + g[Par.FOUND_TESTED] * plan.data[step - 1, Col.PUMP_TESTED]
    since = plan.data[step - 1, Col.T] - plan.data[step - 2, Col.T]
    silent = -(found + g[Par.ALARM]) * since
    assert alarmed[2, quiet, EXPLANATIONS.index("pump")] == pytest.approx(silent)


def test_nothing_speaks_of_tolerance_while_it_cannot_be(regimes_fit, one):
    """A catheter mended in the first year was what was wrong; tolerance begins later than that."""
    plan = regimes_fit.plan
    first, last = plan.offsets[1:3]
    years = plan.data[first:last, Col.T]
    mended = int(np.searchsorted(years, 0.5))
    codes = plan.codes.copy()
    codes[first:last, Code.ACTION] = 0
    codes[first + mended, Code.ACTION] = Action.CATHETER_CONFIRMED
    ratios = evidence_ratios(replace(plan, codes=codes), one, 1)
    tolerance = EXPLANATIONS.index("tolerance")
    within = (np.arange(years.size) > mended) & (years < TOLERANCE_FROM_YEARS)
    assert within.any()
    assert np.isfinite(ratios).all()
    assert (ratios[within, :, tolerance] == 0.0).all()
    assert np.abs(ratios[within]).max() > 0.0
    assert np.abs(ratios[years > TOLERANCE_FROM_YEARS][:, :, tolerance]).max() > 0.0


def test_ratios_are_averaged_over_draws(regimes_fit):
    draws = regimes_fit.population()
    each = [
        evidence_ratios(regimes_fit.plan, RegimesDraws(draws.g[s : s + 1], draws.own[s : s + 1]), 2)
        for s in range(draws.n_draw)
    ]
    np.testing.assert_allclose(
        evidence_ratios(regimes_fit.plan, draws, 2), np.mean(each, axis=0), atol=1e-12
    )


def test_the_table_holds_what_is_not_nought(regimes_fit, one):
    plan = regimes_fit.plan
    ratios = evidence_ratios(plan, one, 1)
    table = evidence_table(plan, one, 1)
    assert list(table.columns) == ["patient_id", "t_years", "channel", "explanation", "log_ratio"]
    assert len(table) == (np.abs(ratios) > 1e-12).sum()
    assert set(table["patient_id"]) == {"R2"}
    assert set(table["channel"]) <= set(CHANNELS)
    assert "none" not in set(table["explanation"])
    row = table.iloc[5]
    k = np.flatnonzero(np.isclose(plan.t_years[plan.offsets[1] : plan.offsets[2]], row["t_years"],
                                  atol=1e-4))[0]  # fmt: skip
    got = ratios[k, CHANNELS.index(row["channel"]), EXPLANATIONS.index(row["explanation"])]
    assert row["log_ratio"] == got


def test_the_strongest_come_first(regimes_fit, one):
    plan = regimes_fit.plan
    found = strongest_evidence(plan, one, 1, "catheter", lines=4)
    sizes = [abs(line.log_ratio) for line in found]
    assert 1 <= len(found) <= 4
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= 0.1
    assert {line.explanation for line in found} == {"catheter"}
    assert any(line.channel == "work-up tests" and line.log_ratio > 0 for line in found)
    everything = strongest_evidence(plan, one, 1, "catheter", lines=500, since_years=50.0)
    recent = strongest_evidence(plan, one, 1, "catheter", lines=500, since_years=0.3)
    assert min(line.t_years for line in recent) >= plan.t_last[1] - 0.3
    assert len(recent) < len(everything)


def row_of(plan, step: int, channel: str, **changes) -> str:
    data, codes = plan.data.copy(), plan.codes.copy()
    for name, value in changes.items():
        if name in Col.__members__:
            data[step, Col[name]] = value
        else:
            codes[step, Code[name]] = value
    return describe_step(replace(plan, data=data, codes=codes), step, channel, 0)


@pytest.mark.parametrize(
    ("channel", "changes", "words"),
    [
        ("Ashworth", {"ASHWORTH": np.nan, "DOSE_CHANGE": np.log(1.12)}, "dose changed by +12 %"),
        ("Ashworth", {"ASHWORTH": np.nan, "DOSE_CHANGE": np.log(0.8)}, "dose changed by -20 %"),
        ("Ashworth", {"ASHWORTH": np.nan, "DOSE_CHANGE": 0.0}, "dose left as it was"),
        ("Ashworth", {"ASHWORTH": 2.04}, "mean Ashworth 2.0 of 4; "),
        ("spasm frequency", {"PENN": 3.0}, "Penn score 3"),
        ("refill volume", {"REFILL": 0.24}, "24 % of the programmed volume more than usual"),
        ("neurological score", {"EDSS": 0.5, "EDSS_YEARS": 1.5}, "EDSS +0.5 in 18 months"),
        ("work-up tests", {"DYE": 1, "ASPIRATION": -1, "ROTOR": 0},
         "dye study positive; rotor study negative"),
        ("work-up tests", {"DYE": -1, "ASPIRATION": 2, "ROTOR": -1}, "aspiration indeterminate"),
        ("clinician's labels", {"TOLERANCE": 1, "PROGRESSION": 0, "TRIGGER": 1},
         "tolerance and a trigger or relapse written down"),
        ("clinician's labels", {"TOLERANCE": 0, "PROGRESSION": 0, "TRIGGER": 0},
         "nothing written down"),
        ("no fault confirmed", {}, "no fault confirmed so far"),
    ],
)  # fmt: skip
def test_words_of_each_channel(channel, changes, words, regimes_fit):
    assert channel in CHANNELS
    assert row_of(regimes_fit.plan, 5, channel, **changes).startswith(words)


def test_dose_and_tone_over_a_year(regimes_fit):
    plan = regimes_fit.plan
    data = plan.data.copy()
    data[:9, Col.LOG_DOSE] = 5.0
    data[8, Col.LOG_DOSE] = 5.0 + np.log(1.3)
    data[:9, Col.ASHWORTH] = 1.0
    steady = replace(plan, data=data)
    assert dose_and_tone(steady, 8, 0) == "+30 % dose in 12 months, without change in Ashworth"
    data = data.copy()
    data[8, Col.ASHWORTH] = 2.5
    assert dose_and_tone(replace(plan, data=data), 8, 0).endswith("Ashworth +1.5")
    assert dose_and_tone(steady, 0, 0) == "no earlier reading"
