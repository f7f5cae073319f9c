"""Special cases of the switching filter against independent filters: Kalman, and hidden Markov."""

import numpy as np
import pytest
from hmmlearn.base import BaseHMM
from scipy.special import expit, logit
from scipy.stats import multivariate_normal
from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

from itb_bayes.kernel.regimes.filter import regimes_log_likelihood
from itb_bayes.kernel.regimes.layout import (
    N_STATE,
    SHORTEST_YEARS,
    START_ELSEWHERE,
    TOLERANCE_FROM_YEARS,
    Code,
    Col,
    Par,
    State,
)
from itb_bayes.kernel.regimes.paths import N_CHANCE, sample_paths
from itb_bayes.kernel.regimes.smoother import smooth
from itb_bayes.kernel.regimes.trace import trace
from regimes_cases import blank_steps, patients, population, stack

NO_ONSETS = dict.fromkeys(
    ("TRIGGER_ONSET", "TOLERANCE_EARLY", "TOLERANCE_LATE", "CATHETER_FIRST", "CATHETER_LATER",
     "PUMP_HAZARD"), 0.0,
)  # fmt: skip
"""With them, whoever is stable stays so."""
SURELY_STABLE = {"LEAK_DROP": 0.0, "CREEP_DROP": 0.0, "LEAK_DROP_VAR": 0.0}
"""With a fault confirmed at the first step: every start but the stable one is left out."""
HILL, UNTREATED, TONE_VAR, DRIFT = 1.6, 2.9, 0.09, 0.025


def stable_patient(n=40):
    """Return steps of a patient whose fault was repaired on the first day, and the rest is tone."""
    rng = np.random.default_rng(2)
    t = np.concatenate([[0.0], np.cumsum(rng.uniform(0.05, 0.6, n - 1))])
    data, codes = blank_steps(t)
    data[:, Col.LOG_DOSE] = 5.0 + 0.02 * t
    data[1:, Col.ASHWORTH] = 1.0 + 0.4 * rng.standard_normal(n - 1)
    data[1:, Col.PENN] = 1.2 + 0.4 * rng.standard_normal(n - 1)
    data[5::7, Col.ASHWORTH] = np.nan
    data[3::5, Col.PENN] = np.nan
    codes[0, Code.ACTION] = 1
    return data, codes


def start_constant(g, data):
    """Return the log-likelihood of the fault confirmed at the first step."""
    searched = data[0, Col.SEARCH] * SHORTEST_YEARS
    odds = np.expm1(g[Par.FOUND_CATHETER] * searched)
    return np.log(START_ELSEWHERE * 5 * odds)


class Kalman:
    """Requirement, spasm offset and rest of tone under the filter of statsmodels.

    At each step tone and spasms are read at once, both of one tone. It is linearised over three
    points of a Gaussian, ``at`` with variance ``spread``; what the line leaves over is the third
    state, new at every step.
    """

    def __init__(self, g, data):
        self.g, self.data = g, data
        self.t = data[:, Col.T]
        self.n = len(data)

    def run(self, at, spread, smoothed=False):
        g, data, n = self.g, self.data, self.n
        fading = -np.diff(np.exp(-self.t / g[Par.TITRATION_YEARS]), append=0.0)
        dt = np.diff(self.t, append=self.t[-1])
        fading[-1] = 0.0
        sd = np.sqrt(spread + 1e-16)
        points = (
            at - data[:, Col.LOG_DOSE] + np.sqrt(3.0) * sd * np.array([-1.0, 0.0, 1.0])[:, None]
        )
        tones = UNTREATED * expit(HILL * points + logit(1.0 / UNTREATED))
        weights = np.array([1.0, 4.0, 1.0]) / 6.0
        mean = weights @ tones
        slope = (tones[2] - tones[0]) / (points[2] - points[0])
        level = mean - slope * at
        left_over = weights @ (tones - mean) ** 2 - slope**2 * spread
        beta, one, nought = g[Par.PENN_SLOPE], np.ones(n), np.zeros(n)
        model = KalmanSmoother(k_endog=2, k_states=3, loglikelihood_burn=0)
        model.bind(data[:, [Col.ASHWORTH, Col.PENN]].copy())
        model["design"] = np.array([[slope, nought, one], [beta * slope, one, beta * one]])
        model["obs_intercept"] = np.stack([level, g[Par.PENN_INTERCEPT] + beta * level])
        model["obs_cov"] = np.diag([TONE_VAR, g[Par.PENN_VAR]])
        model["transition"] = np.diag([1.0, 1.0, 0.0])
        model["selection"] = np.eye(3)
        drift = DRIFT * dt + g[Par.TITRATION] * fading
        model["state_intercept"] = np.stack([drift, nought, nought])
        cov = np.zeros((3, 3, n))
        cov[0, 0] = g[Par.WANDER_VAR] * dt + g[Par.TITRATION_VAR] * fading**2
        cov[2, 2] = np.append(left_over[1:], 0.0)
        model["state_cov"] = cov
        begin = np.array([data[0, Col.LOG_DOSE] + g[Par.START_GAP], 0.0, 0.0])
        start = [g[Par.START_VAR], g[Par.PENN_PATIENT_VAR], left_over[0]]
        model.initialize_known(begin, np.diag(start))
        return model.smooth() if smoothed else model.filter()

    def settle(self, smoothed=False):
        """Linearise where the filter itself says the requirement was, until it says no other."""
        at = np.full(self.n, self.data[0, Col.LOG_DOSE])
        spread = np.full(self.n, self.g[Par.START_VAR])
        for _ in range(self.n + 1):
            result = self.run(at, spread)
            moved = result.predicted_state[0, :-1]
            known = result.predicted_state_cov[0, 0, :-1]
            if np.array_equal(moved, at) and np.array_equal(known, spread):
                break
            at, spread = moved.copy(), known.copy()
        return self.run(at, spread, smoothed=True) if smoothed else result


def one_regime(**changes):
    labels = {p.name: 0.0 for p in Par if p.name.endswith("_LABEL_FALSE")}
    bare = {"OUTLIER": 1e-200, "WORK_UP": 0.0, "ALARM": 0.0}
    return population(**(NO_ONSETS | SURELY_STABLE | labels | bare | changes))


def test_one_regime_is_a_kalman_filter_with_the_same_slopes():
    g, patient = one_regime(), stable_patient()
    arrays = stack([patient], patients(1, PROGRESSION_ONSET=0.0))
    want = Kalman(g, patient[0]).settle()
    ll, belief, *_ = trace(g, *arrays)
    assert ll[0] - start_constant(g, patient[0]) == pytest.approx(want.llf, rel=1e-10)
    stable = belief[1:, State.STABLE]
    np.testing.assert_allclose(stable[:, 0], 1.0, rtol=1e-12)
    filtered, cov = want.filtered_state[:2, 1:].T, want.filtered_state_cov[:, :, 1:]
    np.testing.assert_allclose(stable[:, 1:3], filtered, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(stable[:, 3], cov[0, 0], rtol=1e-9)
    np.testing.assert_allclose(stable[:, 4], cov[0, 1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(stable[:, 5], cov[1, 1], rtol=1e-9)


def test_one_regime_is_smoothed_as_a_kalman_smoother_does():
    g, patient = one_regime(), stable_patient()
    want = Kalman(g, patient[0]).settle(smoothed=True)
    stable = smooth(g, *stack([patient], patients(1, PROGRESSION_ONSET=0.0)))[1:, State.STABLE]
    np.testing.assert_allclose(stable[:, 0], 1.0, rtol=1e-12)
    mean, cov = want.smoothed_state[:2, 1:].T, want.smoothed_state_cov[:, :, 1:]
    np.testing.assert_allclose(stable[:, 1:3], mean, rtol=1e-8, atol=1e-10)
    for column, (a, b) in {3: (0, 0), 4: (0, 1), 5: (1, 1)}.items():
        np.testing.assert_allclose(stable[:, column], cov[a, b], rtol=1e-8, atol=1e-11)


def test_requirements_of_drawn_courses_have_the_moments_of_a_kalman_smoother():
    g, patient = one_regime(), stable_patient()
    want = Kalman(g, patient[0]).settle(smoothed=True)
    rng = np.random.default_rng(3)
    shape = (4000, len(patient[0]) + 1, N_CHANCE)
    own = patients(1, PROGRESSION_ONSET=0.0)[0]
    state, _, need = sample_paths(g, own, *patient, rng.random(shape), rng.standard_normal(shape))
    assert (state[:, 1:] == State.STABLE).all()
    sd = np.sqrt(want.smoothed_state_cov[0, 0, 1:])
    error = (need[:, 1:].mean(axis=0) - want.smoothed_state[0, 1:]) / sd
    assert np.abs(error).max() < 4.5 / np.sqrt(4000)
    np.testing.assert_allclose(need[:, 1:].std(axis=0), sd, rtol=0.06)


def test_in_the_linear_range_one_slope_for_all_is_enough():
    small = {"START_VAR": 0.05**2, "WANDER_VAR": 0.01**2, "TITRATION_VAR": 0.0, "TITRATION": 0.0}
    g, patient = one_regime(**small, START_GAP=0.0), stable_patient()
    data = patient[0]
    data[:, Col.LOG_DOSE] = 5.0 + DRIFT * data[:, Col.T]
    ll = regimes_log_likelihood(g, *stack([patient], patients(1, PROGRESSION_ONSET=0.0)))[0][0]
    want = Kalman(g, data).run(data[:, Col.LOG_DOSE], np.zeros(len(data))).llf
    assert ll - start_constant(g, patient[0]) == pytest.approx(want, abs=0.02)
    assert ll - start_constant(g, patient[0]) != pytest.approx(want, abs=1e-9)


class GivenFrames(BaseHMM):
    """A hidden Markov model of hmmlearn whose emissions are given, frame by frame."""

    def __init__(self, frames, start, transition):
        super().__init__(n_components=N_STATE, implementation="log")
        self.frames, self.startprob_, self.transmat_ = frames, start, transition

    def _check(self):
        assert np.allclose(self.transmat_.sum(axis=1), 1.0)

    def _compute_log_likelihood(self, X):
        return self.frames[X[:, 0].astype(int)]


DT = 0.25
EVEN = {
    "TOLERANCE_EARLY": 0.05, "TOLERANCE_LATE": 0.05, "CATHETER_FIRST": 0.04, "CATHETER_LATER": 0.04,
    "PUMP_SHAPE": 1.0, "OUTLIER": 1e-200,
}  # fmt: skip
"""Hazards that do not depend on time."""
KNOWN = dict.fromkeys(
    ("WANDER_VAR", "TITRATION_VAR", "START_VAR", "TOLERANCE_RATE", "TOLERANCE_VAR",
     "TOLERANCE_STEP", "TOLERANCE_STEP_VAR", "PROGRESSION_RATE", "PROGRESSION_VAR", "LEAK_RATE",
     "LEAK_VAR", "CREEP_RATE", "CREEP_VAR", "LEAK_STEP", "LEAK_STEP_VAR", "PENN_PATIENT_VAR"), 0.0,
)  # fmt: skip
"""With them the requirement is known, whatever the regime."""


def even_transitions(g, own):
    """Return the transition matrix of one step, event by event."""
    par = dict(zip([p.name for p in Par], g, strict=True))
    p = np.zeros((N_STATE, N_STATE))
    catheter = own["CATHETER_RATIO"] * par["CATHETER_FIRST"] * DT
    pump = par["PUMP_HAZARD"] * DT / 6.0
    tolerance, worse = par["TOLERANCE_EARLY"] * DT, own["PROGRESSION_ONSET"] * DT
    intact, calm = np.exp(-catheter - pump), np.exp(-tolerance - worse)
    both = par["TRIGGER_ONSET"] + par["TRIGGER_END"]
    flips = (1.0 - np.exp(-both * DT)) / both
    on, off = par["TRIGGER_ONSET"] * flips, par["TRIGGER_END"] * flips
    settles, ends = (
        1 - np.exp(-par["TOLERANCE_SETTLE"] * DT),
        1 - np.exp(-par["PROGRESSION_END"] * DT),
    )
    leaks = 1 - np.exp(-par["LEAK_SETTLES"] * DT)
    gone, slow = (1.0 - intact) / (catheter + pump), (1.0 - calm) / (tolerance + worse)
    q = par["TOLERANCE_SUDDEN"]
    p[0, :5] = intact * np.array([
        calm * (1 - on), calm * on, tolerance * slow * (1 - q), tolerance * slow * q, worse * slow
    ])  # fmt: skip
    p[1, :2] = intact * np.array([off, 1 - off])
    p[2, 2:4] = intact * np.array([1 - settles, settles])
    p[3, 3] = intact
    p[4, [0, 4]] = intact * np.array([ends, 1 - ends])
    share, sudden, creep = par["SEVERE_SHARE"], par["SUDDEN_SHARE"], par["CREEP_SHARE"]
    grows = (1 - share) * (1 - sudden)
    kinds = np.array([grows * (1 - creep), grows * creep, (1 - share) * sudden, 0.0, share])
    p[:5, 5:] = gone * np.array([*(catheter * kinds), pump])
    for s in (5, 6, 7):
        p[s, [s, 8]] = [1 - leaks, leaks]
    p[[8, 9, 10], [8, 9, 10]] = 1.0
    return p


def even_frames(g, data, codes):
    """Return the log-density of everything seen at each step in each state."""
    par = dict(zip([p.name for p in Par], g, strict=True))
    frames = np.zeros((len(data), N_STATE))
    loss = np.zeros(N_STATE)
    loss[[State.CATHETER_SEVERE, State.PUMP]] = par["LOSS_SEVERE"], par["LOSS_PUMP"]
    spread = np.zeros(N_STATE)
    spread[[State.CATHETER_SEVERE, State.PUMP]] = par["LOSS_SEVERE_VAR"], par["LOSS_PUMP_VAR"]
    triggered = np.arange(N_STATE) == State.TRIGGER
    leaks = np.isin(np.arange(N_STATE), (5, 6, 7, 8, 9))
    pump = np.arange(N_STATE) == State.PUMP
    rate = data[0, Col.SEARCH] * par["FOUND_CATHETER"]
    found = np.array([0, 0, 0, 0, 0, *[rate] * 5, par["FOUND_PUMP"]])
    looked = data[0, Col.SEARCH] * par["WORK_UP"] + par["ALARM"] * (loss > 0.0)
    false, labels = ("TOLERANCE", "PROGRESSION", "TRIGGER"), np.zeros((3, N_STATE))
    labels[:] = [[par[f"{name}_LABEL_FALSE"]] for name in false]
    labels[0, [2, 3]], labels[1, 4], labels[2, 1] = (par[f"{name}_LABEL"] for name in false)
    labels[0, [5, 6, 7, 8]] = par["TOLERANCE_LABEL_LEAK"]
    labels[0] *= data[0, Col.EXCLUDED]
    t = data[:, Col.T]
    requirement = data[0, Col.LOG_DOSE] + par["START_GAP"] + DRIFT * (t - t[0])
    fading = np.exp(-t / par["TITRATION_YEARS"])
    requirement += par["TITRATION"] * (fading[0] - fading)
    for k, (row, code) in enumerate(zip(data, codes, strict=True)):
        gap = requirement[k] - row[Col.LOG_DOSE] + loss
        # The share that a fault lets through: three points with the moments of a Gaussian.
        points = gap + np.sqrt(3.0 * spread) * np.array([[-1.0], [0.0], [1.0]])
        tones = UNTREATED * expit(HILL * points + logit(1.0 / UNTREATED))
        tone = np.average(tones, axis=0, weights=[1, 4, 1])
        extra = np.average((tones - tone) ** 2, axis=0, weights=[1, 4, 1])
        extra = extra + triggered * par["TRIGGER_TONE_VAR"]
        tone = tone + triggered * par["TRIGGER_TONE"]
        # Both readings of a visit are of one tone.
        read = ~np.isnan(row[[Col.ASHWORTH, Col.PENN]])
        line = np.array([1.0, par["PENN_SLOPE"]])[read]
        mean = np.array([0.0, par["PENN_INTERCEPT"]])[read] + tone[:, None] * line
        noise = np.diag(np.array([TONE_VAR, par["PENN_VAR"]])[read])
        for s in range(N_STATE if read.any() else 0):
            spread_of = noise + extra[s] * np.outer(line, line)
            seen = row[[Col.ASHWORTH, Col.PENN]][read]
            frames[k, s] += multivariate_normal.logpdf(seen, mean[s], spread_of)
        for column, chance in (
            (Code.DYE, np.where(leaks, par["DYE_SENSITIVITY"], par["DYE_FALSE"])),
            (Code.ASPIRATION, np.where(leaks, par["BLOCKED_FAULT"], par["BLOCKED_INTACT"])),
            (Code.ROTOR, np.where(pump, par["ROTOR_SENSITIVITY"], par["ROTOR_FALSE"])),
        ):
            if code[column] >= 0:
                frames[k] += np.log(chance if code[column] else 1.0 - chance)
        written = code[[Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER]].astype(bool)
        # The first step stands for a day, in which something may be written down.
        years = DT if k else SHORTEST_YEARS
        frames[k] += np.log(-np.expm1(-labels[written] * years)).sum(axis=0)
        if (code[[Code.DYE, Code.ASPIRATION, Code.ROTOR]] >= 0).any():
            frames[k] += np.log(-np.expm1(-looked * years))
        elif k:
            frames[k] -= DT * looked
        if k:
            frames[k] -= DT * (labels[~written].sum(axis=0) + found)
    return frames


def known_patient(n):
    """Return steps of a patient whose requirement is known under :data:`KNOWN`."""
    rng = np.random.default_rng(6)
    data, codes = blank_steps(TOLERANCE_FROM_YEARS + DT * np.arange(n))
    data[:, Col.LOG_DOSE] = 5.0 + 0.05 * rng.standard_normal(n)
    data[:, Col.ASHWORTH] = np.where(rng.uniform(size=n) < 0.8, rng.uniform(0.5, 2.5, n), np.nan)
    data[:, Col.PENN] = np.where(rng.uniform(size=n) < 0.5, rng.uniform(0.5, 2.5, n), np.nan)
    for column in (Code.DYE, Code.ASPIRATION, Code.ROTOR):
        codes[:, column] = np.where(rng.uniform(size=n) < 0.15, rng.integers(0, 2, n), -1)
    for column in (Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER):
        codes[:, column] = rng.uniform(size=n) < 0.1
    return data, codes


def hidden_markov_model(g, data, codes):
    """Return the same patient as a model of hmmlearn."""
    start = np.full(N_STATE, START_ELSEWHERE)
    start[0] = 1.0 - START_ELSEWHERE * (N_STATE - 1)
    moves = even_transitions(g, {"CATHETER_RATIO": 1.5, "PROGRESSION_ONSET": 0.05})
    return GivenFrames(even_frames(g, data, codes), start, moves)


def test_a_known_requirement_is_a_hidden_markov_model():
    n = 60
    data, codes = known_patient(n)
    g, own = population(**(EVEN | KNOWN)), patients(1)
    ll, belief, *_ = trace(g, *stack([(data, codes)], own))
    model = hidden_markov_model(g, data, codes)
    for k in range(1, n + 1):
        # The last smoothed probabilities of a cut series are the filtered ones.
        total, smoothed = model.score_samples(np.arange(k)[:, None])
        np.testing.assert_allclose(belief[k - 1, :, 0], smoothed[-1], rtol=1e-8, atol=1e-12)
    assert ll[0] == pytest.approx(total, rel=1e-10)
    assert belief[:, 1:, 0].max(axis=0).min() > 0.01


def test_a_known_requirement_is_smoothed_as_a_hidden_markov_model():
    n = 60
    data, codes = known_patient(n)
    g, own = population(**(EVEN | KNOWN)), patients(1)
    got = smooth(g, *stack([(data, codes)], own))[:, :, 0]
    _, want = hidden_markov_model(g, data, codes).score_samples(np.arange(n)[:, None])
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-12)
    rng = np.random.default_rng(4)
    shape = (4000, n + 1, N_CHANCE)
    state, after, _ = sample_paths(
        g, own[0], data, codes, rng.random(shape), rng.standard_normal(shape)
    )
    share = np.array([(state == s).mean(axis=0) for s in range(N_STATE)]).T
    assert np.abs(share - want).max() < 4.5 * 0.5 / np.sqrt(4000)
    np.testing.assert_array_equal(state, after)


def test_the_most_frequent_course_is_the_most_probable_one():
    n = 12
    data, codes = known_patient(n)
    g, own = population(**(EVEN | KNOWN)), patients(1)
    log_probability, want = hidden_markov_model(g, data, codes).decode(np.arange(n)[:, None])
    rng = np.random.default_rng(5)
    shape = (20_000, n + 1, N_CHANCE)
    state, *_ = sample_paths(g, own[0], data, codes, rng.random(shape), np.zeros(shape))
    courses, counts = np.unique(state, axis=0, return_counts=True)
    np.testing.assert_array_equal(courses[counts.argmax()], want)
    total = trace(g, *stack([(data, codes)], own))[0][0]
    share = np.exp(log_probability - total)
    error = np.sqrt(share * (1.0 - share) / 20_000)
    assert counts.max() / 20_000 == pytest.approx(share, abs=4.0 * error)
