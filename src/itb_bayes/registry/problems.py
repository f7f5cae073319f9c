"""Parts that could not be worked on, in words."""

from collections.abc import Mapping

from itb_bayes.cohort.invalid import InvalidCohort
from itb_bayes.cohort.partitions import part_name
from itb_bayes.errors import CohortError, ItbBayesError

_BROKEN = "breaks the data contract"

MAX_NAMED = 5
"""Parts that a message names one by one."""


def part_problem(error: ItbBayesError) -> str:
    """Return what is wrong with one part, without any value of a patient."""
    if isinstance(error, InvalidCohort):
        codes = sorted({p.code for p in error.problems if p.severity == "error"})
        return f"{_BROKEN} ({', '.join(codes)})"
    return str(error)


def parts_failed(problems: Mapping[int, str], n_parts: int, done: str) -> CohortError:
    """Return the error of a run in which some parts could not be worked on.

    Parameters
    ----------
    problems : mapping of int to str
    n_parts : int
    done : str
        What was done with the others: ``scored`` or ``reported``.
    """
    named = sorted(problems)[:MAX_NAMED]
    lines = [f"  {part_name(k)}: {problems[k]}" for k in named]
    more = len(problems) - len(named)
    if more:
        lines.append(f"  and {more} more")
    broken = any(what.startswith(_BROKEN) for what in problems.values())
    look = "Look at one with `itb-bayes data validate DIR/part-NNNNN`, mend it, and run"
    return CohortError(
        f"{len(problems)} of {n_parts} parts were not {done}; the others are kept.\n"
        + "\n".join(lines)
        + f"\n{look if broken else 'Mend that, and run'} the same command again: it does what is "
        "missing."
    )
