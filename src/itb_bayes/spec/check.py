"""Checking a model file without using it."""

from dataclasses import dataclass
from pathlib import Path

from itb_bayes.spec.load import load_model
from itb_bayes.spec.problems import InvalidModel, ModelProblem


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """The result of checking a model file.

    Attributes
    ----------
    file : str
        The file as named by the user.
    name, digest : str or None
        Of the model; None when the file has problems.
    problems : tuple of ModelProblem
        Empty when the file is valid.
    """

    file: str
    name: str | None
    digest: str | None
    problems: tuple[ModelProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether the file is valid."""
        return not self.problems


def check_model(name_or_path: str | Path) -> ModelCheck:
    """Check a model file and everything it extends.

    Parameters
    ----------
    name_or_path : str or Path
        ``@name`` of a shipped model, or a path.

    Returns
    -------
    ModelCheck
        With all problems of the file.

    Raises
    ------
    ModelError
        When there is no such file, or it cannot be read.
    """
    try:
        spec = load_model(name_or_path)
    except InvalidModel as error:
        return ModelCheck(str(name_or_path), None, None, error.problems)
    return ModelCheck(str(name_or_path), spec.name, spec.digest, ())
