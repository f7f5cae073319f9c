"""What is wrong with a model file, where, and how it is shown."""

from dataclasses import dataclass
from difflib import get_close_matches

from itb_bayes.errors import ModelError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ModelProblem:
    """One problem of one model file.

    Attributes
    ----------
    file : str
        The model file, as the user named it.
    line : int
        Line in that file, counted from 1.
    key : str
        Dotted path of the setting, for example ``priors.drift.mass``.
    message : str
        What is wrong and how to mend it.
    text : str
        The offending line itself.
    """

    file: str
    line: int
    key: str
    message: str
    text: str

    def __str__(self) -> str:
        """Return the problem as two lines: place and message, then the offending line."""
        where = f"{self.file}:{self.line}: "
        key = f"{self.key}: " if self.key else ""
        return f"{where}{key}{self.message}\n    {self.line:>4} | {self.text}"


class InvalidModel(ModelError):
    """A model file with problems; all of them are in ``problems``.

    Parameters
    ----------
    problems : tuple of ModelProblem
        At least one.
    """

    def __init__(self, problems: tuple[ModelProblem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        """Return all problems, one after the other, under a heading that counts them."""
        count = len(self.problems)
        heading = "1 problem" if count == 1 else f"{count} problems"
        listing = "\n".join(str(problem) for problem in self.problems)
        return f"{heading} in the model file\n{listing}"


def dotted(path: KeyPath) -> str:
    """Return a key path as written in TOML, with list positions counted from 1."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part + 1}]"
        else:
            out += f".{part}" if out else part
    return out


def did_you_mean(word: object, allowed: tuple[str, ...] | list[str]) -> str:
    """Return ``; did you mean 'x'?`` for the closest allowed word, or the list of all."""
    close = get_close_matches(str(word), allowed, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; allowed: {', '.join(allowed)}" if allowed else ""


def toml_text(value: object, limit: int = 40) -> str:
    """Return a value about as it stands in a TOML file, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        text = "[" + ", ".join(toml_text(item) for item in value[:5]) + "]"
    elif isinstance(value, str):
        text = f'"{value[:limit]}"'
    elif isinstance(value, int) and abs(value) > 10**limit:
        return "a huge number"
    else:
        text = str(value)
    return text if len(text) <= limit + 2 else text[:limit] + "…"
