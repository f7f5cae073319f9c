"""What speaks for and against each explanation: log-likelihood ratios by channel and by visit."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.inference.regimes_population import RegimesDraws
from itb_bayes.inference.regimes_states import COLLAPSE
from itb_bayes.kernel.regimes.findings import CHANNELS
from itb_bayes.kernel.regimes.layout import EXPLANATIONS, Code, Col, State
from itb_bayes.kernel.regimes.trace import trace
from itb_bayes.model.regimes_plan import RegimesPlan

Array = NDArray[np.float64]

DRAWS = 40
"""Draws over which log-likelihood ratios are averaged."""

_RESULTS = {0: "negative", 1: "positive", 2: "indeterminate"}


@dataclass(frozen=True)
class EvidenceLine:
    """One piece of evidence.

    Attributes
    ----------
    t_years : float
    channel : str
        One of :data:`itb_bayes.kernel.regimes.findings.CHANNELS`.
    explanation : str
        For (positive) or against (negative) which it speaks, beside "none".
    log_ratio : float
        Log of the likelihood ratio against "none", given everything earlier.
    words : str
        What was seen.
    """

    t_years: float
    channel: str
    explanation: str
    log_ratio: float
    words: str


def evidence_ratios(plan: RegimesPlan, draws: RegimesDraws, patient: int) -> Array:
    """Return log-likelihood ratios against "none", shape (n_step, 7, 6).

    Axes are the patient's steps, channels and explanations. Within an explanation its states are
    weighted by their probability just before; the ratio of "none" to itself is 0. So is that of an
    explanation that cannot be yet, of which no reading can speak: once a fault of the catheter was
    confirmed in the first year, tolerance begins after that year at the earliest.
    """
    own = plan.between(patient, patient + 1)
    every = max(draws.n_draw // DRAWS, 1)
    chosen = range(0, draws.n_draw, every)
    total = np.zeros((own.data.shape[0], len(CHANNELS), len(EXPLANATIONS)))
    for s in chosen:
        _, belief, _, channel, _ = trace(
            draws.g[s], draws.own[s, patient : patient + 1], own.data, own.codes, own.offsets
        )
        with np.errstate(divide="ignore"):
            earlier = np.log(belief[:, :, 0]) - channel.sum(axis=1)
        for e in range(1, len(EXPLANATIONS)):
            states = np.flatnonzero(COLLAPSE[:, e])
            together = _log_sum(earlier[:, states], axis=1)
            can_be = np.isfinite(together)
            weight = earlier[can_be][:, states] - together[can_be, None]
            spoken = channel[can_be]
            mixed = _log_sum(spoken[:, :, states] + weight[:, None, :], axis=2)
            total[can_be, :, e] += mixed - spoken[:, :, State.STABLE]
    return total / len(chosen)


def _log_sum(values: Array, axis: int) -> Array:
    """Return the log of the sum of exponentials; scipy's checks take ten times as long here."""
    return np.asarray(np.logaddexp.reduce(values, axis=axis))


def evidence_table(plan: RegimesPlan, draws: RegimesDraws, patient: int) -> pd.DataFrame:
    """Return the ratios of one patient as rows: t_years, channel, explanation, log_ratio."""
    ratios = evidence_ratios(plan, draws, patient)
    first = int(plan.offsets[patient])
    step, channel, explanation = np.nonzero(np.abs(ratios) > 1e-12)
    return pd.DataFrame(
        {
            "patient_id": plan.patient_ids[patient],
            "t_years": np.round(plan.data[first + step, Col.T], 4),
            "channel": np.array(CHANNELS, dtype=object)[channel],
            "explanation": np.array(EXPLANATIONS, dtype=object)[explanation],
            "log_ratio": ratios[step, channel, explanation],
        }
    )


def strongest_evidence(
    plan: RegimesPlan, draws: RegimesDraws, patient: int, explanation: str, *, lines: int = 5,
    since_years: float = 1.5,
) -> tuple[EvidenceLine, ...]:  # fmt: skip
    """Return what speaks most for or against one explanation.

    Parameters
    ----------
    plan, draws, patient
        As :func:`evidence_ratios`.
    explanation : str
        One of the explanations but "none".
    lines : int
        At most so many lines.
    since_years : float
        Only steps within so many years of the last one.

    Returns
    -------
    tuple of EvidenceLine
        Strongest first.
    """
    ratios = evidence_ratios(plan, draws, patient)[:, :, EXPLANATIONS.index(explanation)]
    first = int(plan.offsets[patient])
    t = plan.data[first : first + ratios.shape[0], Col.T]
    ratios = np.where((t >= t[-1] - since_years)[:, None], ratios, 0.0)
    order = np.argsort(-np.abs(ratios), axis=None, kind="stable")[:lines]
    found = []
    for flat in order:
        k, c = np.unravel_index(flat, ratios.shape)
        if abs(ratios[k, c]) < 0.1:
            break
        found.append(
            EvidenceLine(
                float(t[k]), CHANNELS[c], explanation, float(ratios[k, c]),
                describe_step(plan, first + int(k), CHANNELS[c], first),
            )
        )  # fmt: skip
    return tuple(found)


def describe_step(plan: RegimesPlan, step: int, channel: str, first: int) -> str:
    """Say in words what a channel showed at a step (an index of the plan's rows)."""
    row, code = plan.data[step], plan.codes[step]
    if channel == "Ashworth":
        if np.isnan(row[Col.ASHWORTH]):
            if row[Col.DOSE_CHANGE] == 0.0:
                return "dose left as it was"
            return f"dose changed by {100 * np.expm1(row[Col.DOSE_CHANGE]):+.0f} %"
        return f"mean Ashworth {row[Col.ASHWORTH]:.1f} of 4; {dose_and_tone(plan, step, first)}"
    if channel == "spasm frequency":
        return f"Penn score {row[Col.PENN]:.0f}"
    if channel == "refill volume":
        share = round(100 * row[Col.REFILL])
        if not share:
            return "the pump had emptied as it usually does"
        more = "more" if share > 0 else "less"
        return f"{abs(share)} % of the programmed volume {more} than usual was left in the pump"
    if channel == "neurological score":
        return f"EDSS {row[Col.EDSS]:+.1f} in {12 * row[Col.EDSS_YEARS]:.0f} months"
    if channel == "work-up tests":
        names = (
            ("dye study", Code.DYE),
            ("aspiration", Code.ASPIRATION),
            ("rotor study", Code.ROTOR),
        )
        seen = [f"{name} {_RESULTS[int(code[k])]}" for name, k in names if code[k] >= 0]
        return "; ".join(seen)
    if channel == "clinician's labels":
        names = (
            ("tolerance", Code.TOLERANCE),
            ("progression", Code.PROGRESSION),
            ("a trigger or relapse", Code.TRIGGER),
        )
        seen = [name for name, k in names if code[k] == 1]
        return f"{' and '.join(seen)} written down" if seen else "nothing written down"
    return "no fault confirmed so far"


def dose_and_tone(plan: RegimesPlan, step: int, first: int) -> str:
    """Say how dose and tone moved over about the last year, or since the first reading."""
    rows = plan.data[first : step + 1]
    earlier = np.flatnonzero(np.isfinite(rows[:-1, Col.ASHWORTH]) & (rows[:-1, Col.T] > 0.0))
    if not earlier.size:
        return "no earlier reading"
    t = rows[-1, Col.T]
    old = earlier[np.argmin(np.abs(rows[earlier, Col.T] - (t - 1.0)))]
    months = 12 * (t - rows[old, Col.T])
    dose = 100 * np.expm1(rows[-1, Col.LOG_DOSE] - rows[old, Col.LOG_DOSE])
    tone = rows[-1, Col.ASHWORTH] - rows[old, Col.ASHWORTH]
    change = "without change in Ashworth" if abs(tone) < 0.15 else f"Ashworth {tone:+.1f}"
    return f"{dose:+.0f} % dose in {months:.0f} months, {change}"
