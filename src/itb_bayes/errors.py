"""The errors a user can cause, each with the exit code of the command line.

Every other exception is a defect of the package (exit code 6).
"""


class ItbBayesError(Exception):
    """Base of all errors that a user can cause; the message says what to do."""

    exit_code = 2


class UsageError(ItbBayesError):
    """A command or argument that cannot be carried out (exit code 2)."""

    exit_code = 2


class ModelError(ItbBayesError):
    """A model file that is invalid, or does not fit the cohort (exit code 3)."""

    exit_code = 3


class NobodyOnRecord(ModelError):
    """No patient has a dose on record (by the as-of time)."""


class CohortError(ItbBayesError):
    """A cohort that breaks the data contract (exit code 4)."""

    exit_code = 4


class GateError(ItbBayesError):
    """A fit that did not pass its convergence gate (exit code 5)."""

    exit_code = 5
