"""One-step-ahead probability integral transforms: was each reading forecast with honest width?"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from itb_bayes.checks.bands import ecdf_at, uniform_band
from itb_bayes.checks.replicates import thin_population, thinned_draws
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.statistics import UNCHANGED_LOG
from itb_bayes.inference.patients import conditionals_of
from itb_bayes.inference.population import PopulationDraws
from itb_bayes.inference.progress import Progress
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.model.plan import DriftPlan

N_DRAW = 200
TAIL = 0.05
MINIMUM_PATIENTS = 10
FULL_STEP = 0.99
BAND_PROBABILITY = 0.95
"""Of a right model's whole curve staying inside."""

MANY_BAND_PROBABILITY = 0.99
"""The same, where a report holds more than a dozen curves: at 0.95 every other report of a right
model would have one that failed."""

TAIL_INTERVAL = 0.99


@dataclass(frozen=True, eq=False)
class OneStepPit:
    """PIT of every reading but each patient's first.

    Attributes
    ----------
    pit : ndarray, shape (n_forecast,)
        P(log dose below the reading | the patient's earlier readings, population posterior).
    is_last : ndarray of bool, shape (n_forecast,)
        The patient's last reading at full distance from the one before. (The reading at the end of
        follow-up often comes soon after a regular one and only carries its dose forward.)
    unchanged : ndarray of bool, shape (n_forecast,)
        The reading repeats the one before.
    left_out : ndarray, shape (n_forecast,)
        The same probability by the population posterior without the patient (LOO-PIT); NaN where
        it cannot be had, empty where it was not asked for.
    """

    pit: NDArray[np.float64]
    is_last: NDArray[np.bool_]
    unchanged: NDArray[np.bool_]
    left_out: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


def one_step_pit(
    plan: DriftPlan,
    population: PopulationDraws,
    seed: int,
    quiet: bool = True,
    weight: NDArray[np.float64] | None = None,
) -> OneStepPit:
    """Return the PIT of each reading given the patient's earlier ones.

    At most 200 evenly spaced draws of the population are averaged. The population was fitted to
    these readings too; each of them moves it little, which makes the PIT very slightly too good.

    Parameters
    ----------
    plan : DriftPlan
    population : PopulationDraws
    seed : int
        The distribution functions are exact; the seed only feeds draws that are not used.
    quiet : bool
        No progress on stderr.
    weight : ndarray, shape (n_draw, n_patient), optional
        Weights of all draws that leave each patient out; NaN for patients for whom they cannot be
        relied on.
    """
    kept = thinned_draws(population, N_DRAW)
    population = thin_population(population, N_DRAW)
    weights = None if weight is None else weight[kept] / weight[kept].sum(axis=0)
    full_step = FULL_STEP * plan.series.step_months / 12.0
    progress = Progress("one-step forecasts", plan.n_patient, quiet=quiet)

    def run(i: int) -> tuple[list[float], list[float], list[bool], list[bool]]:
        t, y = plan.panel.patient(i)
        full = np.flatnonzero(np.diff(t) >= full_step) + 1
        pit, left_out = [], []
        for j in range(1, t.size):
            cdf = conditionals_of(
                plan, population, i, t[:j], y[:j], t[j : j + 1], y[j : j + 1], seed
            ).cdf.ravel()
            pit.append(float(cdf.mean()))
            if weights is not None:
                left_out.append(float(weights[:, i] @ cdf))
        last = [bool(full.size and j == full[-1]) for j in range(1, t.size)]
        same = [bool(abs(y[j] - y[j - 1]) < UNCHANGED_LOG) for j in range(1, t.size)]
        return pit, left_out, last, same

    found = map_in_threads(run, plan.n_patient, progress.update)
    progress.finish()
    pit, left_out, last, same = ([v for part in column for v in part]
                                 for column in zip(*found, strict=True))  # fmt: skip
    return OneStepPit(
        np.array(pit, dtype=float),
        np.array(last, dtype=bool),
        np.array(same, dtype=bool),
        np.array(left_out, dtype=float),
    )


def left_out_check(forecasts: OneStepPit, n_unreliable: int) -> CheckResult:
    """Judge the last readings by the population posterior without the patient (LOO-PIT).

    ``n_unreliable`` is the number of patients for whom it cannot be had.
    """
    chosen = forecasts.is_last & np.isfinite(forecasts.left_out)
    result = shape_check(
        "loo-pit-last",
        "Did each patient's last dose fall where their earlier ones and the other patients said?",
        forecasts.left_out[chosen],
        repeats=float(forecasts.unchanged[chosen].mean()) if chosen.any() else 0.0,
    )
    return replace(result, summary=result.summary + left_out_note(n_unreliable))


def left_out_note(n_unreliable: int) -> str:
    """Say how many patients are missing from a LOO-PIT, and why."""
    if not n_unreliable:
        return ""
    return f" {n_unreliable} patients whose weights cannot be relied on (see loo) are left out."


def pit_checks(forecasts: OneStepPit) -> tuple[CheckResult, ...]:
    """Judge PITs: the last reading of each patient, its tails, and all readings (informational).

    Only last readings are judged. Under the right model the PITs of one patient's readings are
    independent too, but only conditionally on the population, which was estimated from them; and
    when the model is wrong about a patient they are wrong together. One reading per patient keeps
    the band honest. Exact repeats of a dose make a spike near the middle that no continuous model
    can have; the tails, on which probabilities of a rise rest, are therefore judged by themselves.
    """
    last = forecasts.pit[forecasts.is_last]
    repeats = float(forecasts.unchanged[forecasts.is_last].mean()) if last.size else 0.0
    return (
        shape_check(
            "pit-last",
            "Did each patient's last dose fall where the earlier ones said it would?",
            last,
            repeats=repeats,
        ),
        tail_check(
            "pit-tails",
            "Are surprising doses as rare as the forecasts say?",
            last,
            "; probabilities of a rise rest on these tails, and exact repeats of a dose hardly "
            "touch them",
        ),
        _all_check(forecasts),
    )


def ecdf_table(pit: NDArray[np.float64], probability: float = BAND_PROBABILITY) -> pd.DataFrame:
    """Return ECDF minus the diagonal with its simultaneous band, in long form."""
    band = uniform_band(pit.size, probability)
    return pd.DataFrame(
        {
            "z": band.z,
            "difference": ecdf_at(pit, band.z) - band.z,
            "low": band.low - band.z,
            "high": band.high - band.z,
        }
    )


def shape_check(
    name: str,
    question: str,
    last: NDArray[np.float64],
    what: str = "doses",
    repeats: float = 0.0,
    which: str = "last",
    probability: float = BAND_PROBABILITY,
) -> CheckResult:
    """Judge the shape of the PITs of one reading per patient.

    Parameters
    ----------
    name, question : str
    last : ndarray, shape (n_patient,)
    what : str
        What was forecast, in the plural.
    repeats : float
        Share of readings that repeat the one before exactly, where the model is continuous.
    which : str
        Which of their readings each patient gives.
    probability : float
        That the whole curve of a right model stays inside the band.
    """
    criterion = (
        f"passes if the distribution of the {which} readings' PIT stays inside the "
        f"{100 * probability:.0f} % simultaneous band of a uniform one (it leaves the band by "
        f"chance for 1 in {1 / (1 - probability):.0f} right "
        "models); one reading per patient, so that they are independent"
    )
    if last.size < MINIMUM_PATIENTS:
        return too_few(name, question, criterion, last.size)
    band = uniform_band(last.size, probability)
    inside = band.holds(ecdf_at(last, band.z))
    summary = f"{which.capitalize()} readings of {last.size} patients: the curve " + (
        "stays inside the band." if inside else f"leaves the band; {_shape(last, what)}."
    )
    if repeats > 0:
        summary += (
            f" {100 * repeats:.0f} % of them repeat the dose before exactly, which a continuous "
            "model cannot; such readings gather near the middle."
        )
    return CheckResult(
        name, question, criterion, inside, summary, pit_summary(last), "ecdf",
        ecdf_table(last, probability),
    )  # fmt: skip


def tail_check(
    name: str, question: str, last: NDArray[np.float64], because: str = ""
) -> CheckResult:
    """Judge the numbers of one reading per patient in the tails of their forecasts.

    ``because`` says why the tails matter.
    """
    criterion = (
        f"passes if the numbers of last readings below the {100 * TAIL:g} % and above the "
        f"{100 * (1 - TAIL):g} % quantile of their forecasts both lie within the 99 % interval of "
        f"the binomial distribution{because}"
    )
    if last.size < MINIMUM_PATIENTS:
        return too_few(name, question, criterion, last.size)
    least, most = binom.interval(TAIL_INTERVAL, last.size, TAIL)
    counts = {"low": int((last < TAIL).sum()), "high": int((last > 1.0 - TAIL).sum())}
    rows = [
        {
            "tail": tail,
            "observed_count": count,
            "expected_count": TAIL * last.size,
            "least": int(least),
            "most": int(most),
            "inside": bool(least <= count <= most),
        }
        for tail, count in counts.items()
    ]
    table = pd.DataFrame(rows)
    summary = (
        f"{counts['low']} readings in the low tail and {counts['high']} in the high tail; "
        f"{TAIL * last.size:.1f} expected in each ({int(least)} to {int(most)} by chance)."
    )
    return CheckResult(name, question, criterion, bool(table["inside"].all()), summary, table)


def _all_check(forecasts: OneStepPit) -> CheckResult:
    pit = forecasts.pit
    question = "How do the forecasts of all readings look, not only of the last ones?"
    criterion = (
        "none: readings of one patient share what the forecasts got wrong about them, so the band "
        "would alarm too often"
    )
    if pit.size < MINIMUM_PATIENTS:
        return too_few("pit-all", question, criterion, pit.size)
    summary = (
        f"{pit.size} readings: {100 * np.mean(np.abs(pit - 0.5) < 0.45):.0f} % inside their 90 % "
        f"and {100 * np.mean(np.abs(pit - 0.5) < 0.25):.0f} % inside their 50 % forecast "
        "intervals; "
        f"{100 * forecasts.unchanged.mean():.0f} % repeat the dose before exactly."
    )
    return CheckResult(
        "pit-all", question, criterion, None, summary, pit_summary(pit), "ecdf", ecdf_table(pit)
    )


def pit_summary(pit: NDArray[np.float64]) -> pd.DataFrame:
    """Return how many PITs fall into each tenth."""
    edges = np.linspace(0.0, 1.0, 11)
    counts, _ = np.histogram(pit, edges)
    return pd.DataFrame(
        {
            "pit_from": edges[:-1],
            "pit_to": edges[1:],
            "observed_count": counts,
            "expected_count": pit.size / 10.0,
        }
    )


def _shape(pit: NDArray[np.float64], what: str) -> str:
    """Say in words how a PIT distribution departs from uniform."""
    shift, spread = pit.mean() - 0.5, pit.var() - 1.0 / 12.0
    if abs(shift) * np.sqrt(12.0 * pit.size) > 3.0:
        return f"{what} were " + ("higher" if shift > 0 else "lower") + " than forecast"
    return "forecasts were " + ("too narrow" if spread > 0 else "too wide")


def too_few(name: str, question: str, criterion: str, count: int) -> CheckResult:
    """Return the result of a check for which there are too few forecasts."""
    reason = f"Not computed: {count} forecasts, at least {MINIMUM_PATIENTS} are needed."
    return CheckResult(name, question, criterion, None, reason, pd.DataFrame())
