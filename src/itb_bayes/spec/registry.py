"""The kinds of model. A new kind is one module in ``spec/kinds`` and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from itb_bayes.errors import ModelError
from itb_bayes.spec.problems import KeyPath, did_you_mean

if TYPE_CHECKING:
    from itb_bayes.spec.model import ModelSpec

_KINDS = {
    "complications": "itb_bayes.spec.kinds.complications",
    "drift": "itb_bayes.spec.kinds.drift",
    "regimes": "itb_bayes.spec.kinds.regimes",
    "spasticity": "itb_bayes.spec.kinds.spasticity",
}

Terms = dict[str, Any]
"""Validated term settings by table name; a table with problems is absent."""


@dataclass(frozen=True, slots=True)
class PriorNeed:
    """A prior that a kind of model knows.

    Attributes
    ----------
    name : str
        Name in the ``[priors]`` table.
    symbol : str
        As written in the equations.
    meaning : str
        What the parameter is, in words.
    unit : str
        The unit in which it must be stated.
    support : str
        ``real`` (any value), ``positive`` (a spread, a time, a number) or ``unit``.
    at : tuple of str
        The setting that decides whether it is needed; empty: always needed.
    needed : callable
        That setting to whether the prior is needed.
    by_diagnosis : bool
        Whether there is one value per diagnosis, so that ``by`` tables are allowed.
    as_ratio : bool
        Whether it is a size on the log dose, to be shown as a ratio of doses too.
    """

    name: str
    symbol: str
    meaning: str
    unit: str
    support: Literal["real", "positive", "unit"]
    at: tuple[str, ...] = ()
    needed: Callable[[Any], bool] = lambda setting: True
    by_diagnosis: bool = False
    as_ratio: bool = False

    def is_needed(self, terms: Terms) -> bool | None:
        """Return whether the settings need this prior; None when the setting is invalid."""
        if not self.at:
            return True
        table, key = self.at
        if table not in terms:
            return None
        return self.needed(getattr(terms[table], key))


@dataclass(frozen=True, slots=True)
class Equation:
    """One line of the model: the formula and what it says in words."""

    formula: str
    words: str


@dataclass(frozen=True, slots=True)
class TermNote:
    """One term of the model as set: its setting, its meaning, and the data that it needs."""

    term: str
    setting: str
    meaning: str
    needs: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model: its vocabulary and how it is explained.

    Attributes
    ----------
    name : str
        As in ``kind = "..."``.
    spec_class : type of ModelSpec
        Whose additional fields are the term tables.
    needs : tuple of PriorNeed
        Every prior it knows.
    rules : callable
        Term settings to problems of their combination: key path and message.
    equations : callable
        Specification to the equations of the model.
    notes : callable
        Specification to one note per term.
    """

    name: str
    spec_class: type[ModelSpec]
    needs: tuple[PriorNeed, ...]
    rules: Callable[[Terms], list[tuple[KeyPath, str]]]
    equations: Callable[[Any], tuple[Equation, ...]]
    notes: Callable[[Any], tuple[TermNote, ...]]

    def need(self, name: str) -> PriorNeed | None:
        """Return what the kind knows of a prior, or None."""
        return next((need for need in self.needs if need.name == name), None)


def kind_names() -> tuple[str, ...]:
    """Return the names of all kinds."""
    return tuple(_KINDS)


def kind_named(name: object) -> Kind:
    """Return a kind by name.

    Raises
    ------
    ModelError
        When there is no such kind.
    """
    if not isinstance(name, str) or name not in _KINDS:
        hint = did_you_mean(name, kind_names())
        raise ModelError(f"There is no kind of model {name!r}{hint}")
    kind: Kind = import_module(_KINDS[name]).KIND
    return kind
