"""What was truly present at each visit, on a table made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from itb_bayes.errors import CohortError
from itb_bayes.evaluate.truth import (
    fault_episodes,
    persistence_years,
    read_regimes,
    regime_days,
    truth_at,
)

TABLE = """\
patient_id,part,kind,form,t_onset,t_end,end,t_detected,log_size,share_delivered
01,delivery,catheter,gradual,1,2.5,repaired,2.5,,0.2
01,delivery,pump,abrupt,2,3,exit,,,0.1
01,delivery,paused,holiday_or_explant,3.5,3.6,resumed,,,0
01,requirement,trigger,uti,0.1,0.2,passed,,,
02,requirement,tolerance,slope,1.2,4,reset,,0.6,
02,requirement,progression,continuous,3,3.5,complete,,0.3,
02,requirement,improvement,continuous,0.5,4,complete,,-0.3,
"""


def write_truth(folder: Path, text: str) -> Path:
    (folder / "truth").mkdir()
    (folder / "truth" / "regimes.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def regimes(tmp_path: Path) -> pd.DataFrame:
    return read_regimes(write_truth(tmp_path, TABLE))


def visits_at(*pairs: tuple[str, float]) -> pd.DataFrame:
    days = [round(t * 365.25) for _, t in pairs]
    return pd.DataFrame({"patient_id": [pid for pid, _ in pairs], "day": days})


def test_a_condition_is_present_from_its_onset_until_before_its_end(regimes: pd.DataFrame) -> None:
    visits = visits_at(
        ("01", 0.99), ("01", 1.0), ("01", 2.2), ("01", 2.5), ("01", 3.0), ("02", 2.0)
    )
    found = truth_at(regimes, visits)
    assert found["catheter"].tolist() == [False, True, True, False, False, False]
    assert found["pump"].tolist() == [False, False, True, True, False, False]
    assert found["device_fault"].tolist() == [False, True, True, True, False, False]
    assert found["tolerance"].tolist() == [False] * 5 + [True]


def test_requirement_states_and_pauses_have_flags_of_their_own(regimes: pd.DataFrame) -> None:
    found = truth_at(regimes, visits_at(("01", 0.15), ("01", 3.55), ("02", 3.2), ("03", 1.0)))
    assert found["trigger"].tolist() == [True, False, False, False]
    assert found["paused"].tolist() == [False, True, False, False]
    assert found["progression"].tolist() == [False, False, True, False]
    assert found.loc[3, ["device_fault", "tolerance", "progression", "paused"]].any() == np.False_


def test_rounded_truth_times_agree_with_the_dates_of_the_records() -> None:
    days = np.arange(1, 4000)
    table = pd.DataFrame(
        {
            "patient_id": "X",
            "kind": "pump",
            "form": "abrupt",
            "t_onset": np.round(days / 365.25, 4),
            "t_end": np.round((days + 1) / 365.25, 4),
        }
    )
    found = regime_days(table)
    assert found["start_day"].tolist() == days.tolist()
    assert found["end_day"].tolist() == (days + 1).tolist()


def test_episodes_of_one_patient_that_overlap_are_one(regimes: pd.DataFrame) -> None:
    device = fault_episodes(regimes, "device_fault")
    assert device.to_numpy().tolist() == [["01", 365, 1096]]
    assert fault_episodes(regimes, "catheter").to_numpy().tolist() == [["01", 365, 913]]
    assert persistence_years(device) == pytest.approx(731 / 365.25 / 2)
    none = fault_episodes(regimes.iloc[:0], "tolerance")
    assert len(none) == 0
    assert np.isnan(persistence_years(none))


def test_persistence_is_the_mean_length_of_exponential_episodes() -> None:
    length = np.random.default_rng(1).exponential(2 * 365.25, 20_000).astype(np.int64)
    episodes = pd.DataFrame({"patient_id": "X", "start_day": 0, "end_day": length})
    assert persistence_years(episodes) == pytest.approx(2.0, rel=0.03)


def test_without_the_truth_the_message_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"regimes\.csv is missing"):
        read_regimes(tmp_path)
    write_truth(tmp_path, "patient_id,kind,form\n")
    with pytest.raises(CohortError, match="t_onset, t_end"):
        read_regimes(tmp_path)
