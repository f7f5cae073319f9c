"""Parameters and invented patients on which the tests of the regime kernels run."""

import numpy as np

from itb_bayes.kernel.regimes.layout import N_CODE, N_COL, N_OWN, Code, Col, Own, Par

PARAMETERS = {
    "WANDER_VAR": 0.08**2, "TITRATION": 0.8, "TITRATION_YEARS": 0.4, "TITRATION_VAR": 0.3**2,
    "START_GAP": 0.1, "START_VAR": 0.3**2,
    "TOLERANCE_RATE": 0.35, "TOLERANCE_VAR": 0.1**2, "TOLERANCE_STEP": 0.2,
    "LEAK_STEP": 0.8, "SUDDEN_SHARE": 0.4, "LEAK_STEP_VAR": 0.35**2,
    "TOLERANCE_STEP_VAR": 0.25**2, "PROGRESSION_RATE": 0.13, "PROGRESSION_VAR": 0.08**2,
    "HILL": 1.6, "LEAK_RATE": 1.2, "LEAK_VAR": 0.5**2,
    "LOSS_SEVERE": 1.5, "LOSS_PUMP": 1.2, "LOSS_SEVERE_VAR": 0.6**2, "LOSS_PUMP_VAR": 0.7**2,
    "TRIGGER_TONE": 0.6, "TRIGGER_TONE_VAR": 0.25**2, "OUTLIER": 0.02,
    "PENN_INTERCEPT": 0.1, "PENN_SLOPE": 0.9, "PENN_VAR": 0.45**2, "PENN_PATIENT_VAR": 0.4**2,
    "TRIGGER_ONSET": 0.3, "TRIGGER_END": 10.0, "TOLERANCE_EARLY": 0.012, "TOLERANCE_LATE": 0.02,
    "TOLERANCE_SETTLE": 0.6, "TOLERANCE_SUDDEN": 0.35, "PROGRESSION_END": 0.4,
    "CATHETER_FIRST": 0.05, "CATHETER_LATER": 0.025, "SEVERE_SHARE": 0.45, "LEAK_SETTLES": 1.2,
    "PUMP_HAZARD": 0.05, "PUMP_SHAPE": 2.5,
    "CREEP_SHARE": 0.45, "CREEP_RATE": 0.4, "CREEP_VAR": 0.2**2, "CREEP_DROP": 0.35,
    "FOUND_CATHETER": 0.7, "FOUND_PUMP": 3.0, "FOUND_TESTED": 12.0, "WORK_UP": 0.8,
    "ALARM": 1.5,
    "DYE_SENSITIVITY": 0.8, "DYE_FALSE": 0.07, "BLOCKED_FAULT": 0.45, "BLOCKED_INTACT": 0.1,
    "ROTOR_SENSITIVITY": 0.9, "ROTOR_FALSE": 0.03,
    "REFILL_VAR": 0.025**2, "REFILL_PUMP": 0.45, "REFILL_PUMP_VAR": 0.25**2,
    "EDSS_VAR": 0.5**2, "EDSS_RATE": 0.08, "EDSS_PROGRESSION": 0.25,
    "TOLERANCE_LABEL": 0.3, "TOLERANCE_LABEL_FALSE": 0.003,
    "TOLERANCE_LABEL_LEAK": 0.12,
    "PROGRESSION_LABEL": 0.3, "PROGRESSION_LABEL_FALSE": 0.003,
    "TRIGGER_LABEL": 4.0, "TRIGGER_LABEL_FALSE": 0.01,
    "RESET_DROP": 0.4, "RESET_VAR": 0.3**2, "BOLUS_POTENCY": 0.25, "MISSED": 0.1,
    "LEAK_DROP": 0.6, "LEAK_DROP_VAR": 0.4**2,
    "GAIN": 0.15, "DOSE_VAR": 0.1**2, "STILL": 0.8, "STILL_VAR": 0.4**2,
    "UNRULED": 0.04,
}  # fmt: skip
ORDINARY = {
    "DRIFT": 0.025,
    "UNTREATED": 2.9,
    "TONE_VAR": 0.3**2,
    "PROGRESSION_ONSET": 0.05,
    "CATHETER_RATIO": 1.5,
    "GOAL": 1.0,
}
N_KIND = 6
"""Kinds of actions."""


def population(**changes: float) -> np.ndarray:
    """Return population parameters, some of them changed."""
    values = PARAMETERS | changes
    return np.array([values[par.name] for par in Par], dtype=float)


def patients(n: int, rng: np.random.Generator | None = None, **changes: float) -> np.ndarray:
    """Return parameters of ``n`` patients, varied by a tenth where a generator is given."""
    values = ORDINARY | changes
    own = np.tile([values[name.name] for name in Own], (n, 1)).astype(float)
    return own if rng is None else own * np.exp(0.1 * rng.standard_normal((n, N_OWN)))


def blank_steps(t_years: np.ndarray, log_dose: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Return steps of one patient at which nothing was recorded."""
    data = np.full((t_years.size, N_COL), np.nan)
    data[:, Col.T] = t_years
    data[:, Col.LOG_DOSE] = log_dose
    data[:, Col.CATHETER_AGE] = t_years
    data[:, Col.PUMP_AGE] = t_years
    data[:, Col.REFILL_COUNT] = 0.0
    data[:, Col.SEARCH] = 0.4
    data[:, [Col.CATHETER_TESTED, Col.PUMP_TESTED]] = 0.0
    data[:, Col.EXCLUDED] = 0.3
    codes = np.zeros((t_years.size, N_CODE), dtype=np.int64)
    codes[:, [Code.DYE, Code.ASPIRATION, Code.ROTOR]] = -1
    return data, codes


def random_patient(
    rng: np.random.Generator, n: int, share: float = 0.6
) -> tuple[np.ndarray, np.ndarray]:
    """Return steps of one patient whose channels are each recorded with a probability."""

    def some(values: np.ndarray) -> np.ndarray:
        return np.where(rng.uniform(size=n) < share, values, np.nan)

    t = np.cumsum(rng.uniform(0.02, 0.9, n)) * (rng.uniform() < 0.8) + np.arange(n) * 0.3
    data, codes = blank_steps(t)
    data[:, Col.LOG_DOSE] = 5.0 + np.cumsum(0.1 * rng.standard_normal(n))
    data[:, Col.ASHWORTH] = some(rng.uniform(0.0, 4.0, n))
    data[:, Col.PENN] = some(rng.uniform(0.0, 4.0, n))
    data[:, Col.REFILL] = some(rng.normal(0.1, 0.2, n))
    data[:, Col.REFILL_COUNT] = rng.integers(0, 9, n)
    data[:, Col.EDSS] = some(rng.choice([-0.5, 0.0, 0.5, 1.0], n))
    data[:, Col.EDSS_YEARS] = rng.uniform(0.2, 2.0, n)
    data[:, Col.SEARCH] = rng.uniform(0.03, 2.5, n)
    tested = rng.uniform(0.0, 1.0, (n, 2)) * (rng.uniform(size=(n, 2)) < 0.3)
    data[:, [Col.CATHETER_TESTED, Col.PUMP_TESTED]] = tested
    data[:, Col.EXCLUDED] = rng.uniform(0.02, 1.0, n)
    data[:, Col.DOSE_CHANGE] = some(rng.choice([0.0, 0.1, -0.15, 0.3], n))
    for column in (Code.DYE, Code.ASPIRATION, Code.ROTOR):
        codes[:, column] = rng.integers(-1, 3, n)
    for column in (Code.TOLERANCE, Code.PROGRESSION, Code.TRIGGER):
        codes[:, column] = rng.uniform(size=n) < 0.2
    codes[:, Code.BOLUS] = rng.uniform(size=n) < 0.4
    codes[:, Code.ACTION] = np.where(rng.uniform(size=n) < 0.3, 1 << rng.integers(0, N_KIND, n), 0)
    for column, new in ((Col.CATHETER_AGE, 1 | 4 | 16), (Col.PUMP_AGE, 2 | 8 | 16)):
        since = 0.0
        for k in range(n):
            data[k, column] = t[k] - since
            if codes[k, Code.ACTION] & new:
                since = t[k]
    return data, codes


def ragged_patients(
    seed: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return own, data, codes and offsets of patients of all sorts.

    Full records, few records, every kind of action (two and all on one day), dose-only, nothing
    at all, and single steps.
    """
    rng = np.random.default_rng(seed)
    parts = [random_patient(rng, n, share) for n, share in ((12, 1.0), (7, 0.6), (18, 0.3))]
    data, codes = random_patient(rng, N_KIND + 3, 0.7)
    codes[:, Code.ACTION] = [*(1 << np.arange(N_KIND)), 1 | 8, 4 | 8 | 32, 1 | 2]
    parts.append((data, codes))
    data, codes = random_patient(rng, 9, 1.0)
    bare, bare_codes = blank_steps(data[:, Col.T])
    bare[:, Col.LOG_DOSE] = data[:, Col.LOG_DOSE]
    bare[:, Col.DOSE_CHANGE] = data[:, Col.DOSE_CHANGE]
    parts.append((bare, bare_codes))
    parts.append(blank_steps(np.array([0.0, 1e-3, 0.5, 20.0])))
    parts.append(random_patient(rng, 1, 1.0))
    parts.append(blank_steps(np.array([0.0])))
    return stack(parts, patients(len(parts), rng))


def stack(
    parts: list[tuple[np.ndarray, np.ndarray]], own: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return own, data, codes and offsets of patients put one after the other."""
    lengths = [len(data) for data, _ in parts]
    data = np.concatenate([data for data, _ in parts])
    codes = np.concatenate([codes for _, codes in parts])
    return own, data, codes, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
