"""The error that tells all problems of a cohort at once."""

from itb_bayes.cohort.listing import condense
from itb_bayes.cohort.problems import Problem
from itb_bayes.errors import CohortError

MAX_IN_MESSAGE = 12
"""Lines of problems in the message of the error."""


class InvalidCohort(CohortError):
    """A cohort with at least one error; carries all its problems.

    Attributes
    ----------
    cohort_name : str
        Name of the cohort.
    problems : tuple of Problem
        Errors and warnings, in the order of the files.
    """

    def __init__(self, cohort_name: str, problems: tuple[Problem, ...]) -> None:
        self.cohort_name = cohort_name
        self.problems = problems
        errors = [problem for problem in problems if problem.severity == "error"]
        noun = "problem" if len(errors) == 1 else "problems"
        lines = [f"cohort {cohort_name!r} has {len(errors)} {noun}; nothing was read."]
        entries = condense(errors)
        lines += [f"  {entry}" for entry in entries[:MAX_IN_MESSAGE]]
        if len(entries) > MAX_IN_MESSAGE:
            left = len(entries) - MAX_IN_MESSAGE
            lines.append(f"  and {left} more lines: 'itb-bayes data validate --json' lists all.")
        super().__init__("\n".join(lines))
