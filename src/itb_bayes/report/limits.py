"""What every page says about itself: the notice, and what the model cannot tell."""

from itb_bayes import __version__
from itb_bayes.report.document import Notice

RANGE_DEFINITION = (
    "spread across plausible model settings: 90 % of the fitted population parameters give a "
    "probability in this range"
)

DOSE_ONLY = (
    (
        "This model reads doses only. It does not separate drug tolerance, disease progression, a "
        "passing trigger such as an infection, or a catheter or pump problem: under all four a "
        "rising dose looks the same to it."
    ),
    (
        "It says nothing about what is present now, only where the dose may go if care goes on as "
        "before."
    ),
)

EXPLAINED = (
    (
        "Only one explanation at a time: a device fault together with tolerance or progression is "
        "told as the fault."
    ),
    (
        "On six simulated clinics of another mechanism the chances of a catheter or pump problem "
        "came to between 76 and 100 % of what was true, those of tolerance to between 39 and 86 %, "
        "those of progression to between 62 and 116 %: read a chance of tolerance as a lower "
        "bound."
    ),
)
NO_NEURO = (
    "Neurological scores are not read: the split between tolerance and progression rests on the "
    "prior."
)
WEAK_NEURO = (
    "Tolerance and progression are told apart by neurological scores and by what a drug holiday "
    "brings; without either for this patient their split rests on the prior."
)

VALIDATION = (
    "External validation: none. Not evaluated or authorised by any regulator.",
    "The numbers hold until the next dose change; make the page again after it.",
)


def notice() -> Notice:
    """Return the lines that stand on every page."""
    return Notice(
        research_use=(
            "Research use only. Not a medical device. Not validated for individual care. "
            f"Estimates from dose records by itb_bayes {__version__}; not a diagnosis and not a "
            "basis for changing dose or programming a pump."
        ),
        emergency=(
            "If baclofen withdrawal or overdose is suspected, follow the local emergency pathway "
            "now; do not wait for or rely on this report."
        ),
    )


TOO_SURE = (
    "Many doses of the fitted cohort never change after the first year; this model takes them for "
    "exact measurements of no drift: ranges of the drift and the forecast are far too narrow."
)


def limits_of(
    columns: tuple[str, ...], n_group: int, min_cell: int, *, too_sure: bool = False
) -> tuple[str, ...]:
    """Return what the numbers of a patient cannot tell.

    Parameters
    ----------
    columns : tuple of str
        Coded covariates of the fit, e.g. ``ais_grade=B``.
    n_group : int
        Patients of their diagnosis in the fit.
    min_cell : int
        Smallest group that is described by numbers.
    too_sure : bool
        Whether doses that never change draw the drift of all to theirs.
    """
    found = list(DOSE_ONLY)
    if too_sure:
        found.append(TOO_SURE)
    if n_group < min_cell:
        found.append(
            f"Fewer than {min_cell} patients of this diagnosis were fitted: what is typical of the "
            "diagnosis leans on the prior and on the other patients."
        )
    covariates = sorted({name.split("=")[0].removesuffix(" per 10 years") for name in columns})
    if covariates:
        found.append(
            "Centiles and the typical patient are for reference values of "
            f"{', '.join(covariates)}; the patient's own numbers use their own values."
        )
    return (*found, *VALIDATION)


def explained_limits(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the numbers of a regimes fit cannot tell, given the channels it reads."""
    return (NO_NEURO if "neuro" not in channels else WEAK_NEURO, *EXPLAINED, *VALIDATION)
