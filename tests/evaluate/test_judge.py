"""The judge of a benchmark's scores, run as its user runs it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.truth import read_regimes, truth_at
from itb_bayes.evaluate.visits import evaluation_visits
from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort

JUDGE = Path(__file__).resolve().parents[2] / "benchmarks" / "regimes" / "judge.py"
EXPLANATIONS = ("catheter", "pump", "tolerance", "progression")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("judged") / "cohort"
    write_cohort(simulate_cohort(load_settings("registry", patients=60, seed=8)), place)
    return place


def scores_of(folder: Path, sharpness: float) -> pd.DataFrame:
    """Scores that lean towards the truth; the share of noise is the same for any sharpness."""
    visits = truth_at(read_regimes(folder), evaluation_visits(Cohort.read(folder)))
    rng = np.random.default_rng(2)
    parts = []
    for name in EXPLANATIONS:
        odds = np.exp(-4.0 + sharpness * visits[name] + rng.normal(0, 0.5, len(visits)))
        part = visits[["patient_id", "t_years"]]
        parts.append(part.assign(explanation=name, probability=odds / (1 + odds)))
    return pd.concat(parts)


def run_judge(folder: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(JUDGE), "--test", str(folder), "--out", str(out)]
    return subprocess.run(
        [*command, "--resamples", "30", *more], capture_output=True, text=True, check=False
    )


def test_sharp_scores_beat_the_comparators_and_are_compared_with_the_ceiling(
    folder: Path, tmp_path: Path
) -> None:
    model, ceiling = tmp_path / "model.csv", tmp_path / "ceiling.csv"
    scores_of(folder, 5.0).to_csv(model, index=False)
    scores_of(folder, 7.0).to_csv(ceiling, index=False)
    done = run_judge(folder, tmp_path, "--scores", str(model), "--ceiling", str(ceiling))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "judgement.json").read_text(encoding="utf-8"))
    assert list(found["targets"]) == ["device_fault", "tolerance", "progression"]
    device = found["targets"]["device_fault"]
    assert found["visits_without_score"] == 0
    assert (
        device["accuracy"]["ceiling"]["ipa"]["value"] > device["accuracy"]["model"]["ipa"]["value"]
    )
    assert 0.5 < device["verdict"]["share_of_ceiling_ipa"] < 1.0
    assert device["verdict"]["ipa_above_zero"]
    assert device["alarms"][0]["scores"]["model"]["false_per_100_years"]["value"] <= 5.0
    for point in device["verdict"]["comparators"][:2]:
        assert point["not_beaten"] == []
    page = (tmp_path / "judgement.md").read_text(encoding="utf-8")
    assert page == done.stdout
    assert page.startswith("# Judgement on `registry`\n\n**Synthetic data.**")
    assert "nan" not in page


def test_days_on_which_a_fault_is_confirmed_are_not_judged(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "cohort"
    shutil.copytree(folder, own)
    visits = truth_at(read_regimes(own), evaluation_visits(Cohort.read(own)))
    one = visits.loc[~visits["paused"]].iloc[40]
    implant = pd.read_csv(own / "patients.csv", dtype="str").set_index("patient_id")["implant_date"]
    date = pd.Timestamp(implant[one["patient_id"]]) + pd.Timedelta(days=int(one["day"]))
    with (own / "events.csv").open("a", encoding="utf-8") as file:
        file.write(f"{one['patient_id']},{date:%Y-%m-%d},catheter_fault_confirmed,\n")
    scores = tmp_path / "scores.csv"
    scores_of(folder, 5.0).to_csv(scores, index=False)
    counts = []
    for place in (folder, own):
        done = run_judge(place, tmp_path / place.name, "--scores", str(scores))
        assert done.returncode == 0, done.stderr
        found = json.loads((tmp_path / place.name / "judgement.json").read_text(encoding="utf-8"))
        counts.append((found["visits_of_confirmation"], found["visits_judged"]))
    assert counts[1][0] == counts[0][0] + 1
    assert counts[1][1] == counts[0][1] - 1


def test_draws_of_the_parameters_give_the_curve_a_second_wider_band(
    folder: Path, tmp_path: Path
) -> None:
    table = scores_of(folder, 5.0)
    scores, draws = tmp_path / "scores.csv", tmp_path / "draws.npz"
    table.to_csv(scores, index=False)
    wide = table.set_index(["patient_id", "t_years", "explanation"])["probability"].unstack()  # noqa: PD010
    ids, t_years = (wide.index.get_level_values(k).to_numpy() for k in range(2))
    device = (wide["catheter"] + wide["pump"]).to_numpy()
    by_draw = {"device_fault": device, **{k: wide[k].to_numpy() for k in EXPLANATIONS[2:]}}
    factor = np.exp(np.random.default_rng(1).normal(0, 0.3, (40, 1)))
    days = np.rint(t_years * 365.25).astype(int)
    spread = {name: np.minimum(factor * p, 1.0) for name, p in by_draw.items()}
    np.savez(draws, patient_id=ids.astype(str), day=days, **spread)
    done = run_judge(folder, tmp_path, "--scores", str(scores), "--draws", str(draws))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "judgement.json").read_text(encoding="utf-8"))
    for target in found["targets"].values():
        model = target["accuracy"]["model"]
        pairs = zip(model["curve"], model["with_parameters_unknown"]["curve"], strict=True)
        widths = [[b["band_high"] - b["band_low"] for b in pair] for pair in pairs]
        assert sum(w for _, w in widths) > 1.1 * sum(n for n, _ in widths)
    assert "wide band" in done.stdout

    few = {name: p[:, 5:] for name, p in spread.items()}
    np.savez(draws, patient_id=ids.astype(str)[5:], day=days[5:], **few)
    done = run_judge(folder, tmp_path, "--scores", str(scores), "--draws", str(draws))
    assert done.returncode == 1
    assert "draws.npz lacks " in done.stderr


def test_scores_that_cannot_be_judged_are_refused(folder: Path, tmp_path: Path) -> None:
    whole = scores_of(folder, 5.0)
    cases = {
        "lacks the column": whole.drop(columns="explanation"),
        "twice on one day": pd.concat([whole, whole.iloc[:1]]),
        "says nothing about tolerance": whole.loc[whole["explanation"] != "tolerance"],
        "visits to be judged": whole.iloc[::3],
    }
    for message, table in cases.items():
        path = tmp_path / "scores.csv"
        table.to_csv(path, index=False)
        done = run_judge(folder, tmp_path / "out", "--scores", str(path))
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr
