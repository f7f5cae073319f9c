"""Visits with what was said and what was there: all that judging explanations needs to keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.comparators import COMPARATORS, comparator_scores
from itb_bayes.evaluate.explanations.filtered import ExplanationFold
from itb_bayes.evaluate.explanations.reference import TARGETS, Reference


@dataclass(frozen=True)
class FoldFacts:
    """How one fold went.

    Attributes
    ----------
    fold : str
    patients, days_scored, days_unreliable : int
    worst_r_hat : float
        NaN where nothing was fitted.
    divergences : int
    """

    fold: str
    patients: int
    days_scored: int
    days_unreliable: int
    worst_r_hat: float
    divergences: int

    @classmethod
    def of(cls, fold: ExplanationFold) -> "FoldFacts":
        """Return the facts of a fold."""
        return cls(
            fold.name, int(fold.scores["patient_id"].nunique()), len(fold.scores),
            fold.n_unreliable, fold.r_hat, fold.divergences,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Judged:
    """Visits to be judged.

    Attributes
    ----------
    visits : pandas.DataFrame
        ``patient_id, day``, a probability for each target that is judged, and a score for each of
        :data:`itb_bayes.evaluate.comparators.COMPARATORS`; rows of one patient together, days
        increasing.
    n_asked : int
        Visits that were to be judged; those of ``visits`` have a probability.
    episodes : mapping of str to DataFrame
        By target: ``patient_id, start_day, end_day``.
    folds : tuple of FoldFacts
    """

    visits: pd.DataFrame
    n_asked: int
    episodes: Mapping[str, pd.DataFrame]
    folds: tuple[FoldFacts, ...]


def judge_visits(cohort: Cohort, reference: Reference, folds: Sequence[ExplanationFold]) -> Judged:
    """Put the probabilities of all folds beside what was there, and beside plain charts."""
    scores = pd.concat([fold.scores for fold in folds], ignore_index=True)
    scores = scores.drop_duplicates(["patient_id", "day"], keep="last")
    visits = reference.visits.merge(scores, on=["patient_id", "day"], how="inner", sort=False)
    charts = comparator_scores(cohort, visits)
    said = [name for name in TARGETS if name in visits.columns]
    kept = visits[["patient_id", "day", *said]].assign(
        **{name: charts[name].to_numpy(dtype=float) for name in COMPARATORS}
    )
    facts = tuple(FoldFacts.of(fold) for fold in folds)
    return Judged(kept, len(reference.visits), reference.episodes, facts)


def refuse_unscored(judged: Judged) -> None:
    """Refuse visits none of which has a probability.

    Raises
    ------
    UsageError
        If there is none.
    """
    if not len(judged.visits):
        raise UsageError(
            "none of the visits to be judged could be scored: are the cohort's patients those of "
            "another one?"
        )
