"""Ways to spoil the base cohort, and what must be said about it."""

from collections.abc import Callable
from dataclasses import dataclass

from base_cohort import Files

Mutation = Callable[[Files], None]


@dataclass(frozen=True)
class Case:
    """One malformed cohort and the problem that must be found in it."""

    name: str
    mutate: Mutation
    code: str
    file: str
    row: int | None
    column: str | None
    says: str


def swap(file: str, old: str, new: str) -> Mutation:
    """Replace text in one file."""

    def mutate(files: Files) -> None:
        text = files[file]
        assert isinstance(text, str)
        assert text.count(old) == 1, f"{old!r} must be in {file} once"
        files[file] = text.replace(old, new)

    return mutate


def add(file: str, line: str) -> Mutation:
    """Append a line to one file."""

    def mutate(files: Files) -> None:
        text = files[file]
        assert isinstance(text, str)
        files[file] = text + line + "\n"

    return mutate


def put(file: str, content: str | bytes) -> Mutation:
    """Give one file another content."""

    def mutate(files: Files) -> None:
        files[file] = content

    return mutate


def remove(file: str) -> Mutation:
    """Leave one file out."""

    def mutate(files: Files) -> None:
        del files[file]

    return mutate


def recode(file: str, change: Callable[[str], bytes]) -> Mutation:
    """Write the text of one file as other bytes."""

    def mutate(files: Files) -> None:
        text = files[file]
        assert isinstance(text, str)
        files[file] = change(text)

    return mutate


def both(*mutations: Mutation) -> Mutation:
    """Do one mutation after the other."""

    def mutate(files: Files) -> None:
        for mutation in mutations:
            mutation(files)

    return mutate


P, D, A, R, E = "patients.csv", "doses.csv", "assessments.csv", "refills.csv", "events.csv"
