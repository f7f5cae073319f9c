"""Kawano 2018: Ashworth, dose, the rule of 100 µg/day a year, and complications."""

from pathlib import Path

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.literature import figure
from itb_bayes.reproduce.account import Account, Table
from itb_bayes.reproduce.fits import Fitter
from itb_bayes.reproduce.kawano_attribution import load_regimes
from itb_bayes.reproduce.kawano_complications import complications_part
from itb_bayes.reproduce.kawano_doses import doses_part
from itb_bayes.reproduce.kawano_scores import scores_part
from itb_bayes.resources import shipped_cohort_dir

KEY = "kawano-2018"

CANNOT = (
    "Single patients: the paper's figures show courses, no table holds them.",
    "The ANOVA's statistics: only that p was below 0.05 is printed.",
    (
        "How the Ashworth scale was scored: taken to start at 1, because the lowest mean after "
        "treatment is exactly 1.0 at both times."
    ),
    "Follow-up of every patient: patient-years are the median follow-up times 34.",
    (
        "Table 1's row of Plassat 2004, where a cell is missing; its other cells are kept missing. "
        "Zahavi 2004 prints shares that no count of 21 patients rounds to."
    ),
    "Which three patients belong to neither group: taken to be the catheter cases (34 - 26 - 5).",
    (
        "That the five fluctuating patients include a decrease, although the definition asks for a "
        "rise: the rule below flags rises only."
    ),
)


def reproduce_kawano(fitter: Fitter, regimes: Path | None = None) -> Account:
    """Fit what the paper analysed on its synthetic cohort, and lay paper beside posterior.

    Parameters
    ----------
    fitter : Fitter
    regimes : Path, optional
        A fit of @regimes, by which the fluctuating patients are attributed.
    """
    named_by = None if regimes is None else load_regimes(regimes)
    cohort = Cohort.read(shipped_cohort_dir("kawano2018"))
    scores = scores_part(fitter, cohort)
    doses = doses_part(fitter, cohort, named_by)
    complications = complications_part(fitter, cohort)
    parts = (scores, doses, complications)
    return Account(
        key=KEY,
        title="Kawano 2018, again",
        about=(
            "Models `@spasticity`, `@drift-gaussian` and `@complications` on the synthetic cohort "
            "`kawano2018` (34 patients), which was made to resemble the published summaries, and "
            "on the published counts themselves."
        ),
        tables=(_patients(cohort), *(table for part in parts for table in part.tables)),
        pictures=tuple(picture for part in parts for picture in part.pictures),
        cannot=CANNOT,
        provenance={**fitter.provenance, **{k: v for part in parts for k, v in part.runs.items()}},
    )


def _patients(cohort: Cohort) -> Table:
    counts = cohort.patients["diagnosis"].value_counts()
    follow_up = cohort.patients["t_last_seen"]
    paper = figure("kawano-follow-up")
    rows = [("patients", f"{figure('kawano-n').stated:.0f}", str(len(cohort.patients)))]
    rows += [
        (name, f"{figure(f'kawano-n-{name.lower()}').stated:.0f}", str(counts.get(name, 0)))
        for name in ("SCI", "HSP", "MS", "HAM")
    ]
    rows.append(
        ("follow-up, median (range), years",
         f"{paper.stated:.1f} ({paper.low:g} to {paper.high:g})",
         f"{follow_up.median():.1f} ({follow_up.min():.1f} to {follow_up.max():.1f})")
    )  # fmt: skip
    return Table("patients", "Patients", ("", "paper", "synthetic cohort"), tuple(rows))
