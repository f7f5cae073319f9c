"""Judge probabilities of explanations on a simulated cohort that was not used for fitting.

    python benchmarks/regimes/judge.py --scores SCORES.csv --test DIR --out FOLDER \
        [--ceiling CEILING.csv] [--draws DRAWS.npz] [--rates 5 10] [--thresholds 0.5]

SCORES.csv is long: ``patient_id, t_years, explanation, probability``, one row for each explanation
and visit (none, trigger, tolerance, progression, catheter, pump). A device fault is catheter plus
pump, unless there are rows ``device_fault``. Every probability must rest on what was known up to
and including its visit. Judged are the visits with an Ashworth reading after the first half year,
outside pauses, that all given files score, but for days on which a device fault is confirmed: then
it is known, and mended, and asks for no probability. With DRAWS.npz (`visit_draws.py`) the model's
calibration curve has a second band, which allows for what the fit does not know of the population
parameters. Writes ``judgement.json`` and ``judgement.md``.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from regimes.judge_page import render_page
from regimes.visit_draws import read_draws

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.accuracy import score_accuracy
from itb_bayes.evaluate.comparators import COMPARATORS, comparator_scores
from itb_bayes.evaluate.reliability import reliability_curve
from itb_bayes.evaluate.surveillance import (
    count_alarms,
    false_alarm_rate,
    matched_threshold,
    sensitivity_gain,
    summarise_alarms,
)
from itb_bayes.evaluate.truth import (
    PAUSED,
    fault_episodes,
    persistence_years,
    read_regimes,
    truth_at,
)
from itb_bayes.evaluate.visits import evaluation_visits, whole_days
from itb_bayes.evaluate.watch import Watch, watch_visits

Array = NDArray[np.float64]

TARGETS = ("device_fault", "tolerance", "progression")
DEVICE = ("catheter", "pump")
CONFIRMED = ("catheter_fault_confirmed", "pump_fault_confirmed")
LEAST_SHARE = 0.9


def read_scores(path: Path) -> pd.DataFrame:
    """Read a scores file into one row per patient and day, one column per explanation."""
    long = pd.read_csv(path, dtype={"patient_id": "str"})
    missing = {"patient_id", "t_years", "explanation", "probability"} - set(long.columns)
    if missing:
        raise SystemExit(f"{path.name} lacks the column(s) {', '.join(sorted(missing))}.")
    long = long.assign(day=whole_days(long["t_years"].to_numpy(dtype=float)))
    if long.duplicated(["patient_id", "day", "explanation"]).any():
        raise SystemExit(f"{path.name} scores a patient twice on one day.")
    wide = long.pivot_table(
        index=["patient_id", "day"], columns="explanation", values="probability", aggfunc="first"
    )
    if "device_fault" not in wide:
        wide["device_fault"] = np.minimum(wide[list(DEVICE)].sum(axis=1, skipna=False), 1.0)
    absent = [name for name in TARGETS if name not in wide]
    if absent:
        raise SystemExit(f"{path.name} says nothing about {', '.join(absent)}.")
    return wide[list(TARGETS)]


def scored_visits(
    visits: pd.DataFrame, sources: dict[str, pd.DataFrame]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return the visits that every source scores, and the scores there."""
    keys = pd.MultiIndex.from_frame(visits[["patient_id", "day"]])
    aligned = {name: table.reindex(keys) for name, table in sources.items()}
    known = np.ones(len(visits), dtype=bool)
    for name, table in aligned.items():
        has = table.notna().all(axis=1).to_numpy()
        if has.mean() < LEAST_SHARE:
            raise SystemExit(
                f"{name} scores only {has.sum()} of {len(visits)} visits to be judged."
            )
        known &= has
    kept = visits.loc[known].reset_index(drop=True)
    return kept, {name: table.loc[known] for name, table in aligned.items()}


def confirmation_days(cohort: Cohort) -> pd.MultiIndex:
    """Return patients and days of confirmed device faults."""
    events = cohort.events
    rows = events.loc[events["event"].isin(CONFIRMED)]
    days = whole_days(rows["t_years"].to_numpy(dtype=float))
    return pd.MultiIndex.from_arrays([rows["patient_id"].astype(str), days])


def judge_accuracy(
    watch: Watch,
    probability: Array,
    persistence: float,
    resamples: int,
    by_draw: NDArray[np.floating] | None = None,
) -> dict[str, Any]:
    """Return accuracy and calibration curve of one set of probabilities."""
    accuracy = score_accuracy(watch.patient, probability, watch.truth, n_resample=resamples)
    curve = judge_curve(watch, probability, persistence)
    found = {**asdict(accuracy), **curve}
    if by_draw is not None:
        wide = judge_curve(watch, probability, persistence, by_draw)
        found["with_parameters_unknown"] = wide
    return found


def judge_curve(
    watch: Watch,
    probability: Array,
    persistence: float,
    by_draw: NDArray[np.floating] | None = None,
) -> dict[str, Any]:
    """Return a calibration curve, bin by bin, and whether it lies in its band."""
    curve = reliability_curve(
        watch.patient, watch.day / 365.25, probability, watch.truth,
        persistence_years=persistence, by_draw=by_draw,
    )  # fmt: skip
    return {
        "curve": [{**asdict(item), "inside": item.inside} for item in curve.bins],
        "curve_inside": curve.inside,
        "bins_inside_pointwise": sum(item.inside_pointwise for item in curve.bins),
    }


def judge_alarms(
    watch: Watch,
    scores: dict[str, Array],
    points: list[tuple[str, float]],
    resamples: int,
) -> list[dict[str, Any]]:
    """Return the alarms of all scores at each operating point of the model.

    A point is a name and the model's threshold there; the others are set to the false-alarm rate
    that the model has at it.
    """
    model = scores["model"]
    found = []
    for label, threshold in points:
        rate = false_alarm_rate(watch, model, threshold)
        reference = count_alarms(watch, model, threshold)
        rows = {}
        for name, score in scores.items():
            own = threshold if name == "model" else matched_threshold(watch, score, rate)
            row = asdict(summarise_alarms(watch, score, own, n_resample=resamples))
            if name != "model":
                other = count_alarms(watch, score, own)
                row["model_gains"] = asdict(
                    sensitivity_gain(watch, reference, other, n_resample=resamples)
                )
            rows[name] = row
        found.append({"point": label, "matched_rate": rate, "scores": rows})
    return found


def verdict(target: dict[str, Any]) -> dict[str, Any]:
    """Return what the acceptance asks of one target."""
    accuracy = target["accuracy"]
    ipa = accuracy["model"]["ipa"]["value"]
    beaten = [
        {
            "point": point["point"],
            "not_beaten": [
                name
                for name in COMPARATORS
                if point["scores"][name]["n_caught"] >= point["scores"]["model"]["n_caught"]
            ],
        }
        for point in target["alarms"]
    ]
    ceiling = accuracy.get("ceiling")
    return {
        "ipa_above_zero": ipa > 0,
        "curve_inside_band": accuracy["model"]["curve_inside"],
        "comparators": beaten,
        "share_of_ceiling_ipa": ipa / ceiling["ipa"]["value"] if ceiling else None,
    }


def judge(
    folder: Path,
    sources: dict[str, pd.DataFrame],
    rates: list[float],
    thresholds: list[float],
    resamples: int = 1000,
    draws: Path | None = None,
) -> dict[str, Any]:
    """Judge the model (and the ceiling) on every target."""
    cohort, regimes = Cohort.read(folder), read_regimes(folder)
    visits = truth_at(regimes, evaluation_visits(cohort))
    visits = visits.loc[~visits[PAUSED]].reset_index(drop=True)
    keys = pd.MultiIndex.from_frame(visits[["patient_id", "day"]])
    known = keys.isin(confirmation_days(cohort))
    visits = visits.loc[~known].reset_index(drop=True)
    asked = len(visits)
    visits, aligned = scored_visits(visits, sources)
    by_draw: dict[str, NDArray[np.floating]] = {}
    if draws is not None:
        by_draw = read_draws(draws, pd.MultiIndex.from_frame(visits[["patient_id", "day"]]))
    charts = comparator_scores(cohort, visits)
    result: dict[str, Any] = {
        "cohort": cohort.name,
        "synthetic": cohort.synthetic,
        "visits_judged": len(visits),
        "visits_without_score": asked - len(visits),
        "visits_of_confirmation": int(known.sum()),
        "targets": {},
    }
    for name in TARGETS:
        episodes = fault_episodes(regimes, name)
        watch = watch_visits(visits, episodes)
        persistence = persistence_years(episodes)
        given = {key: table[name].to_numpy(dtype=float) for key, table in aligned.items()}
        area = {key: charts[key].to_numpy(dtype=float) for key in COMPARATORS}
        model = given["model"]
        points = [
            (f"{rate:g} per 100 years", matched_threshold(watch, model, rate)) for rate in rates
        ]
        points += [(f"p >= {value:g}", value) for value in thresholds]
        entry: dict[str, Any] = {
            "n_episode": int(watch.episode_start.size),
            "n_unseen": watch.n_unseen,
            "patient_years": float(watch.years.sum()),
            "persistence_years": persistence,
            "accuracy": {
                key: judge_accuracy(
                    watch, p, persistence, resamples, by_draw.get(name) if key == "model" else None
                )
                for key, p in given.items()
            },
            "comparator_auc": {
                key: asdict(score_accuracy(watch.patient, s, watch.truth, n_resample=resamples).auc)
                for key, s in area.items()
            },
            "alarms": judge_alarms(watch, {**given, **area}, points, resamples),
        }
        entry["verdict"] = verdict(entry)
        result["targets"][name] = entry
    return result


def without_nan(value: Any) -> Any:
    """Return the same tree with None for what is not finite, and figures rounded."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value


def main() -> int:
    """Judge and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True, help="simulated cohort with its truth")
    parser.add_argument("--ceiling", type=Path, help="scores of the ceiling, same format")
    parser.add_argument("--draws", type=Path, help="probabilities under draws of the parameters")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rates", type=float, nargs="+", default=[5.0, 10.0])
    parser.add_argument("--thresholds", type=float, nargs="*", default=[0.5])
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args()
    sources = {"model": read_scores(arguments.scores)}
    if arguments.ceiling:
        sources["ceiling"] = read_scores(arguments.ceiling)
    found = judge(
        arguments.test, sources, arguments.rates, arguments.thresholds, arguments.resamples,
        arguments.draws,
    )  # fmt: skip
    result = without_nan(found)
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1, allow_nan=False) + "\n"
    (arguments.out / "judgement.json").write_text(text, encoding="utf-8")
    page = render_page(result)
    (arguments.out / "judgement.md").write_text(page, encoding="utf-8")
    sys.stdout.write(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
