"""The supervised ceiling: gradient boosting on patients whose truth is known.

    python benchmarks/regimes/ceiling.py --train DIR --test DIR --out SCORES.csv

trains one classifier for each explanation on every visit of the labelled training cohort and
writes its probabilities at every visit of the test cohort (``patient_id, t_years, explanation,
probability``: the format that ``judge.py`` reads), with IPA and AUC on stderr. No registry has such
labels; this is the mark to come near without them.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from regimes.features import CATEGORIES, history_features

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.accuracy import area_under_curve, index_of_accuracy
from itb_bayes.evaluate.truth import PAUSED, read_regimes, truth_at
from itb_bayes.evaluate.visits import evaluation_visits

Array = NDArray[np.float64]

TARGETS = ("device_fault", "tolerance", "progression")
FOLDS = 5
MOST_TREES = 600
PATIENCE = 12
SEED = 20260101


def labelled_visits(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the visits of a simulated cohort with their truth, and their features."""
    cohort = Cohort.read(folder)
    visits = truth_at(read_regimes(folder), evaluation_visits(cohort))
    visits = visits.loc[~visits[PAUSED]].reset_index(drop=True)
    return visits, history_features(cohort, visits)


def encode(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn text columns into categories known from the training cohort."""
    train, test = train.copy(), test.copy()
    for name in CATEGORIES:
        levels = sorted({str(value) for value in train[name].dropna()})
        for frame in (train, test):
            text = frame[name].map(lambda value: None if pd.isna(value) else str(value))
            frame[name] = pd.Categorical(text, categories=levels)
    return train, test


def classifier() -> HistGradientBoostingClassifier:
    """Return the classifier; its settings were chosen by folds of a training cohort alone.

    Large leaves, because the visits of a patient are alike: a leaf of 40 visits may be one person.
    """
    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=MOST_TREES,
        max_leaf_nodes=15,
        min_samples_leaf=300,
        l2_regularization=5.0,
        max_features=0.4,
        categorical_features="from_dtype",
        early_stopping=True,
        n_iter_no_change=PATIENCE,
        random_state=SEED,
    )


def patient_folds(patients: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the fold of each visit; all visits of a patient share one."""
    names, number = np.unique(patients, return_inverse=True)
    return (np.random.default_rng(SEED).permutation(names.size) % FOLDS)[number]


def fit_folds(
    seen: pd.DataFrame, truth: NDArray[np.bool_], fold: NDArray[np.int64], new: pd.DataFrame
) -> tuple[Array, Array]:
    """Return out-of-fold probabilities of the training visits, and those of new visits.

    Each classifier leaves a fifth of the patients out and stops when their log loss no longer
    falls; new visits get the mean of the five.
    """
    own, other = np.empty(len(seen)), np.zeros(len(new))
    for k in range(FOLDS):
        out = fold == k
        model = classifier().fit(seen[~out], truth[~out], X_val=seen[out], y_val=truth[out])
        own[out] = model.predict_proba(seen[out])[:, 1]
        other += model.predict_proba(new)[:, 1] / FOLDS
    return own, other


def predict(
    train: tuple[pd.DataFrame, pd.DataFrame], test: tuple[pd.DataFrame, pd.DataFrame]
) -> pd.DataFrame:
    """Train on one cohort and return the scores of another, long format."""
    (known, seen), (visits, new) = train, test
    seen, new = encode(seen, new)
    fold = patient_folds(known["patient_id"].to_numpy(dtype=str))
    parts = []
    for target in TARGETS:
        truth, actual = (table[target].to_numpy(dtype=bool) for table in (known, visits))
        own, probability = fit_folds(seen, truth, fold, new)
        for name, p, flag in (("folds of training", own, truth), ("test", probability, actual)):
            print(
                f"{target}, {name}: base rate {flag.mean():.4f}, "
                f"IPA {index_of_accuracy(p, flag):.3f}, AUC {area_under_curve(p, flag):.3f}",
                file=sys.stderr,
                flush=True,
            )
        parts.append(
            visits[["patient_id", "t_years"]].assign(explanation=target, probability=probability)
        )
    return pd.concat(parts, ignore_index=True)


def main() -> int:
    """Train, score and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True, help="labelled cohort")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="CSV to write")
    arguments = parser.parse_args()
    scores = predict(labelled_visits(arguments.train), labelled_visits(arguments.test))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    scores.to_csv(arguments.out, index=False, float_format="%.6g", lineterminator="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
