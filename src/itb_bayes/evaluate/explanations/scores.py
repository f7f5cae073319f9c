"""Filtered explanations judged: accuracy, calibration, usefulness, alarms beside plain charts."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from itb_bayes.checks.result import CheckResult
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.accuracy import Array, score_accuracy
from itb_bayes.evaluate.benefit import net_benefits
from itb_bayes.evaluate.calibration_index import calibration_indexes
from itb_bayes.evaluate.comparators import COMPARATORS
from itb_bayes.evaluate.explanations.filtered import ExplanationFold
from itb_bayes.evaluate.explanations.judged import (
    FoldFacts,
    Judged,
    judge_visits,
    refuse_unscored,
)
from itb_bayes.evaluate.explanations.reference import Reference
from itb_bayes.evaluate.reliability import reliability_curve
from itb_bayes.evaluate.surveillance import (
    count_alarms,
    matched_threshold,
    sensitivity_gain,
    summarise_alarms,
)
from itb_bayes.evaluate.truth import persistence_years
from itb_bayes.evaluate.visits import DAYS_PER_YEAR
from itb_bayes.evaluate.watch import Watch, watch_visits

FALSE_ALARMS_PER_100_YEARS = 5.0
THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.5)
LEAST_EPISODES = 5
R_HAT_LIMIT = 1.05
LEAST_SHARE = 0.9
WORDS = {
    "device_fault": "device faults",
    "tolerance": "tolerance",
    "progression": "disease progression",
}


def explanation_checks(
    cohort: Cohort, reference: Reference, folds: Sequence[ExplanationFold], seed: int
) -> tuple[CheckResult, ...]:
    """Judge filtered probabilities of all folds together.

    Raises
    ------
    UsageError
        If none of the visits to be judged has a probability.
    """
    return judged_checks(judge_visits(cohort, reference, folds), seed)


def judged_checks(judged: Judged, seed: int) -> tuple[CheckResult, ...]:
    """Judge visits of one cohort, or of all parts of one.

    Raises
    ------
    UsageError
        If none of the visits to be judged has a probability.
    """
    refuse_unscored(judged)
    visits = judged.visits
    results = [_fold_check(judged.folds, judged.n_asked, len(visits))]
    for target, episodes in judged.episodes.items():
        watch = watch_visits(visits, episodes)
        probability = visits[target].to_numpy(dtype=float)
        results += _target_checks(
            target, watch, probability, visits, persistence_years(episodes), seed
        )
    return tuple(results)


def _fold_check(folds: Sequence[FoldFacts], asked: int, judged: int) -> CheckResult:
    table = pd.DataFrame([asdict(fold) for fold in folds])
    fitted = table["worst_r_hat"].dropna()
    fits = f"{len(fitted)} fits, worst R-hat {fitted.max():.3f}; " if len(fitted) else ""
    return CheckResult(
        "fold-fits",
        "Did the fits converge, and could the visits be scored?",
        f"passes if no R-hat of any fold lies above {R_HAT_LIMIT:g} and at least "
        f"{100 * LEAST_SHARE:.0f} % of the visits to be judged have a reliable probability: those "
        "left out are not a random part",
        bool((fitted <= R_HAT_LIMIT).all()) and judged >= LEAST_SHARE * asked,
        f"{fits}{judged} of {asked} visits to be judged have a reliable probability; at the others "
        "the patient's records move the population too much for weights.",
        table,
    )


def _target_checks(
    target: str, watch: Watch, p: Array, charts: pd.DataFrame, persistence: float, seed: int
) -> list[CheckResult]:
    what = WORDS[target]
    n = watch.episode_start.size
    if n < LEAST_EPISODES:
        return [
            CheckResult(
                f"{target.replace('_', '-')}-accuracy",
                f"How good are the probabilities of {what}?",
                "none",
                None,
                f"Not computed: {n} episodes with a visit, at least {LEAST_EPISODES} are needed.",
                pd.DataFrame(),
            )
        ]
    return [
        _accuracy_check(target, watch, p, charts, seed),
        _calibration_check(target, watch, p, persistence, seed),
        _benefit_check(target, watch, p, seed),
        _alarm_check(target, watch, p, charts, seed),
    ]


def _accuracy_check(
    target: str, watch: Watch, p: Array, charts: pd.DataFrame, seed: int
) -> CheckResult:
    scored = score_accuracy(watch.patient, p, watch.truth, seed=seed)
    row: dict[str, object] = {"score": "model"}
    for name in ("brier", "ipa", "auc", "expected_over_observed"):
        row |= {f"{name}_{k}": v for k, v in asdict(getattr(scored, name)).items()}
    rows = [row]
    for name in COMPARATORS:
        own = score_accuracy(watch.patient, charts[name].to_numpy(float), watch.truth, seed=seed)
        rows.append({"score": name, **{f"auc_{k}": v for k, v in asdict(own.auc).items()}})
    table = pd.DataFrame(rows).rename(columns=lambda name: name.removesuffix("_value"))
    ipa = scored.ipa
    return CheckResult(
        f"{target.replace('_', '-')}-accuracy",
        f"How good are the probabilities of {WORDS[target]}?",
        "passes if IPA (1 - Brier / Brier of the base rate) is not clearly below zero; filtered "
        "probabilities, 95 % patient-bootstrap intervals; plain charts give ranks only",
        not ipa.high < 0.0,
        f"{watch.truth.sum()} of {watch.truth.size} visits with it, {watch.episode_start.size} "
        f"episodes: IPA {ipa.value:.3f} ({ipa.low:.3f} to {ipa.high:.3f}), AUC "
        f"{scored.auc.value:.3f}, expected over observed "
        f"{scored.expected_over_observed.value:.2f}.",
        table,
    )


def _calibration_check(
    target: str, watch: Watch, p: Array, persistence: float, seed: int
) -> CheckResult:
    t_years = watch.day / DAYS_PER_YEAR
    curve = reliability_curve(
        watch.patient, t_years, p, watch.truth, persistence_years=persistence, seed=seed
    )
    index = calibration_indexes(
        watch.patient, p, watch.truth, t_years=t_years, persistence_years=persistence, seed=seed,
        n_resample=50,
    ).ici  # fmt: skip
    table = pd.DataFrame([{**asdict(item), "inside": item.inside} for item in curve.bins])
    return CheckResult(
        f"{target.replace('_', '-')}-calibration",
        f"Are the probabilities of {WORDS[target]} calibrated?",
        "passes if the calibration curve lies within the band that holds 95 % of perfectly "
        "calibrated curves whole; the band knows how long the condition lasts",
        curve.inside,
        f"{int(table['inside'].sum())} of {len(table)} bins inside. ICI {index.found.value:.3f}; "
        f"if perfectly calibrated {index.expected:.3f} ({index.band_low:.3f} to "
        f"{index.band_high:.3f}).",
        table,
        "reliability",
        table,
    )


def _benefit_check(target: str, watch: Watch, p: Array, seed: int) -> CheckResult:
    found = net_benefits(watch.patient, p, watch.truth, THRESHOLDS, seed=seed)
    table = pd.DataFrame(
        [
            {
                "threshold": one.threshold,
                "per_100_visits": one.model.value,
                "per_100_low": one.model.low,
                "per_100_high": one.model.high,
                "work_up_all": one.act_on_all,
                "gain": one.gain.value,
                "gain_low": one.gain.low,
                "gain_high": one.gain.high,
            }
            for one in found
        ]
    )
    useful = [f"{one.threshold:g}" for one in found if one.gain.low > 0.0]
    return CheckResult(
        f"{target.replace('_', '-')}-benefit",
        f"Would working up {WORDS[target]} above a probability do good?",
        "none: the threshold is the clinic's to choose; it says how many needless work-ups one "
        "found in time is worth",
        None,
        ("Clearly more than working up all or none at " + ", ".join(useful) + ".")
        if useful
        else "At none of the thresholds clearly more than working up all or none.",
        table,
    )


def _alarm_check(
    target: str, watch: Watch, p: Array, charts: pd.DataFrame, seed: int
) -> CheckResult:
    scores = {"model": p, **{name: charts[name].to_numpy(float) for name in COMPARATORS}}
    rate = FALSE_ALARMS_PER_100_YEARS
    at = {name: matched_threshold(watch, score, rate) for name, score in scores.items()}
    model = count_alarms(watch, p, at["model"])
    rows, behind = [], []
    for name, score in scores.items():
        own = summarise_alarms(watch, score, at[name], seed=seed)
        gain = sensitivity_gain(watch, model, count_alarms(watch, score, at[name]), seed=seed)
        behind += [name] if gain.high < 0.0 else []
        row: dict[str, object] = {"score": name, "threshold": own.threshold}
        for part in ("sensitivity", "ppv", "false_per_100_years", "delay_months"):
            row |= {f"{part}_{k}": v for k, v in asdict(getattr(own, part)).items()}
        row |= {"model_gains": gain.value, "model_gains_low": gain.low}
        rows.append({**row, "model_gains_high": gain.high})
    table = pd.DataFrame(rows).rename(columns=lambda name: name.removesuffix("_value"))
    first = table.iloc[0]
    return CheckResult(
        f"{target.replace('_', '-')}-alarms",
        f"How many {WORDS[target]} are caught, and how soon, beside plain charts?",
        f"passes if no chart catches clearly more at the same {rate:g} false alarms per 100 "
        "patient-years (95 % paired patient-bootstrap interval)",
        not behind,
        f"Caught {100 * first['sensitivity']:.0f} % of {watch.episode_start.size} episodes, PPV at "
        f"the first alarm {first['ppv']:.2f}, median delay {first['delay_months']:.1f} months"
        + (f"; clearly behind {', '.join(behind)}." if behind else "."),
        table,
    )
