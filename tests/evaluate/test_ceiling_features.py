"""Features of the supervised ceiling use nothing that comes after their visit."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.comparators import comparator_scores
from itb_bayes.evaluate.visits import evaluation_visits, whole_days
from itb_bayes.simulate import load_settings, simulate_cohort, write_cohort

ROOT = Path(__file__).resolve().parents[2]
KEYS = ["patient_id", "day"]


@pytest.fixture(scope="module")
def features() -> ModuleType:
    path = ROOT / "benchmarks" / "regimes" / "features.py"
    spec = importlib.util.spec_from_file_location("ceiling_features", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("registry") / "cohort"
    write_cohort(simulate_cohort(load_settings("registry", patients=40, seed=5)), folder)
    return Cohort.read(folder)


def cut_short(cohort: Cohort, last_day: dict[str, int]) -> Cohort:
    """Return the cohort without records after a day of each patient's own."""

    def known(table: pd.DataFrame) -> pd.DataFrame:
        limit = table["patient_id"].map(last_day).fillna(-1).to_numpy()
        return table.loc[whole_days(table["t_years"].to_numpy(dtype=float)) <= limit]

    return replace(
        cohort,
        doses=known(cohort.doses),
        assessments=known(cohort.assessments),
        refills=known(cohort.refills),
        events=known(cohort.events),
    )


def test_later_records_change_no_feature_and_no_comparator(
    features: ModuleType, cohort: Cohort
) -> None:
    visits = evaluation_visits(cohort)
    at_random = visits.groupby("patient_id", sort=False).sample(1, random_state=1)
    last_day = dict(zip(at_random["patient_id"], at_random["day"], strict=True))
    early = cut_short(cohort, last_day)
    seen = evaluation_visits(early)
    assert 100 < len(seen) < len(visits)
    for score in (features.history_features, comparator_scores):
        whole, cut = (
            pd.concat([rows[KEYS], score(data, rows).drop(columns=KEYS, errors="ignore")], axis=1)
            for data, rows in ((cohort, visits), (early, seen))
        )
        pd.testing.assert_frame_equal(seen[KEYS].merge(whole, on=KEYS, how="left"), cut)


def test_a_series_answers_as_of_each_day(features: ModuleType) -> None:
    series = features.Series(np.array([10, 20, 30]), np.array([1.0, 5.0, 3.0]))
    at = np.array([5, 10, 25, 40])
    nan = np.nan
    expected = {
        "last": (series.last(at), [nan, 1, 5, 3]),
        "last but one": (series.last(at, 1), [nan, nan, 1, 5]),
        "age": (series.age(at), [nan, 0, 5, 10]),
        "count": (series.count(at, 15), [0, 1, 1, 1]),
        "mean": (series.mean(at, 5, 25), [nan, nan, 3, 4]),
        "mean_last": (series.mean_last(at, 2), [nan, 1, 3, 4]),
        "extreme": (series.extreme(at, 20), [nan, 1, 5, 3]),
        "baseline": (series.baseline(at, np.full(4, 10.0), 1), [nan, nan, 5, 5]),
    }
    for name, (found, wanted) in expected.items():
        np.testing.assert_allclose(found, wanted, err_msg=name)
